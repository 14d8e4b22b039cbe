package load

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"
)

// client is one viewer's connections.
type client struct {
	transport *http.Transport
	http      http.Client
}

func newClient(cfg *Config) *client {
	t := &http.Transport{
		DisableCompression:  true, // we ask for gzip, and seldom unpack it
		MaxIdleConnsPerHost: 6,
		MaxConnsPerHost:     6, // as browsers do
		TLSClientConfig:     &tls.Config{InsecureSkipVerify: cfg.Insecure, ClientSessionCache: tls.NewLRUClientSessionCache(1)},
		TLSHandshakeTimeout: 20 * time.Second,
		DialContext:         (&net.Dialer{Timeout: 20 * time.Second}).DialContext,
		Protocols:           new(http.Protocols),
	}
	t.Protocols.SetHTTP1(!cfg.H2C)
	t.Protocols.SetHTTP2(!cfg.HTTP1)
	t.Protocols.SetUnencryptedHTTP2(cfg.H2C)
	if cfg.connections() == 1 {
		t.MaxConnsPerHost = 0 // one, whatever is asked at a time
	}
	return &client{t, http.Client{Transport: t}}
}

func (c *client) close() { c.transport.CloseIdleConnections() }

// statusError is an answer other than 200 and 206.
type statusError int

func (e statusError) Error() string { return fmt.Sprintf("%d %s", int(e), http.StatusText(int(e))) }

// get reads an answer to its end into buf, or over it and away where buf is nil and keep is not wanted.
func (c *client) get(ctx context.Context, url, byteRange string, buf *bytes.Buffer) ([]byte, error) {
	if buf == nil {
		buf = new(bytes.Buffer)
	}
	buf.Reset()
	_, err := c.fetch(ctx, url, byteRange, true, buf)
	return buf.Bytes(), err
}

// drain reads an answer to its end and forgets it.
func (c *client) drain(ctx context.Context, url, byteRange string) (int64, error) {
	return c.fetch(ctx, url, byteRange, false, forget{})
}

func (c *client) fetch(ctx context.Context, url, byteRange string, text bool, to io.Writer) (int64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	req.Header["User-Agent"] = agent
	if text {
		req.Header["Accept-Encoding"] = zipped
	}
	if byteRange != "" {
		req.Header["Range"] = []string{byteRange}
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	block := blocks.Get().(*[]byte)
	defer blocks.Put(block)
	n, err := io.CopyBuffer(to, onlyReader{resp.Body}, *block)
	switch {
	case err != nil:
		return n, err
	case resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusPartialContent:
		return n, statusError(resp.StatusCode)
	case resp.ContentLength >= 0 && n != resp.ContentLength:
		return n, io.ErrUnexpectedEOF
	}
	return n, nil
}

var (
	agent  = []string{"tilecast-load"}
	zipped = []string{"gzip"}
	blocks = sync.Pool{New: func() any { b := make([]byte, 64<<10); return &b }}
)

// forget is a writer without the shortcuts that io.Discard takes, so that blocks are used.
type forget struct{}

func (forget) Write(p []byte) (int, error) { return len(p), nil }

// onlyReader hides WriteTo.
type onlyReader struct{ io.Reader }

// unzip is b as it was before gzip, or b if it never was in it.
func unzip(b []byte) ([]byte, error) {
	if len(b) < 2 || b[0] != 0x1f || b[1] != 0x8b {
		return b, nil
	}
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

// explain says what went wrong, and what to do about it.
func explain(err error) string {
	var (
		status statusError
		host   *net.DNSError
		name   x509.HostnameError
		issuer x509.UnknownAuthorityError
		plain  tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &status):
		switch status {
		case http.StatusNotFound:
			return "404 Not Found: nothing is live there, or it has left the window"
		case http.StatusServiceUnavailable:
			return "503: the stream did not go on in time"
		}
		return status.Error()
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused: nobody listens there; is the gateway running, and on that port?"
	case errors.Is(err, syscall.ECONNRESET):
		return "connection reset: the server closed it; see what it logged"
	case errors.Is(err, syscall.EMFILE):
		return "this process ran out of files: raise the limit (ulimit -n), or use fewer viewers"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return "this machine ran out of ports: use HTTP/2 (https), or several machines"
	case errors.As(err, &issuer), errors.As(err, &name):
		return "the certificate is not one to be trusted: --insecure takes it all the same"
	case errors.As(err, &plain), errors.Is(err, http.ErrSchemeMismatch):
		return "no TLS is spoken there: use http:// instead of https://"
	case errors.As(err, &host):
		return "host " + host.Name + " is not known"
	case errors.Is(err, context.DeadlineExceeded):
		return "no answer in time"
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "an answer was cut off"
	}
	for next := errors.Unwrap(err); next != nil; next = errors.Unwrap(err) {
		err = next // the innermost says it without addresses, so that like errors are counted together
	}
	return err.Error()
}

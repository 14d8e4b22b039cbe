package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"tilecast/configs"
)

// certificateLook is how often, at most, certificate files are looked at.
const certificateLook = 2 * time.Second

// certificateFiles is a certificate that is read anew when its files change. While what they
// hold is unfit, such as between the writing of one and of the other, the last good one is served.
type certificateFiles struct {
	cert, key string
	now       func() time.Time
	log       *slog.Logger

	mu      sync.Mutex
	good    *tls.Certificate
	looked  time.Time
	marks   [2]fileMark // of what was last read, good or not
	trouble string      // the last that was told
}

// fileMark tells one state of a file from another.
type fileMark struct {
	changed time.Time
	size    int64
}

// newCertificateFiles reads both files; what is wrong with them is said as of the keys that name them.
func newCertificateFiles(cert, key string, now func() time.Time, log *slog.Logger) (*certificateFiles, error) {
	c := &certificateFiles{cert: cert, key: key, now: now, log: log, looked: now()}
	var err error
	if c.marks, err = c.stat(); err == nil {
		err = c.read()
	}
	if err != nil {
		return nil, &startProblem{fmt.Sprintf("http.tls_cert: %v; mend the files or name others with http.tls_cert and http.tls_key (%s, %s)",
			err, configs.Var("http.tls_cert"), configs.Var("http.tls_key")), err}
	}
	return c, nil
}

// get is tls.Config.GetCertificate.
func (c *certificateFiles) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.now(); now.Sub(c.looked) >= certificateLook {
		c.looked = now
		c.look()
	}
	return c.good, nil
}

// look reads the files if they are not what they were. Called locked.
func (c *certificateFiles) look() {
	marks, err := c.stat()
	if err == nil {
		if marks == c.marks {
			return
		}
		c.marks = marks
		err = c.read()
	}
	switch {
	case err == nil:
		c.trouble = ""
		c.log.Info("certificate read anew", "file", c.cert, "names", c.good.Leaf.DNSNames, "until", c.good.Leaf.NotAfter)
	case err.Error() != c.trouble:
		c.trouble = err.Error()
		c.log.Warn("certificate files are unfit, the one before is still served", "err", err)
	}
}

func (c *certificateFiles) stat() (marks [2]fileMark, err error) {
	for i, path := range []string{c.cert, c.key} {
		info, err := os.Stat(path)
		if err != nil {
			return marks, err
		}
		marks[i] = fileMark{info.ModTime(), info.Size()}
	}
	return marks, nil
}

// read replaces the certificate. Called locked, or before anybody asks.
func (c *certificateFiles) read() error {
	var pem [2][]byte
	for i, path := range []string{c.cert, c.key} {
		var err error
		if pem[i], err = configs.ReadFile(path, configs.MaxText); err != nil {
			return err
		}
	}
	cert, err := tls.X509KeyPair(pem[0], pem[1])
	if err != nil {
		return err
	}
	if cert.Leaf == nil { // x509keypairleaf=0
		if cert.Leaf, err = x509.ParseCertificate(cert.Certificate[0]); err != nil {
			return err
		}
	}
	if now := c.now(); now.After(cert.Leaf.NotAfter) {
		c.log.Warn("the certificate has expired", "file", c.cert, "since", cert.Leaf.NotAfter)
	}
	c.good = &cert
	return nil
}

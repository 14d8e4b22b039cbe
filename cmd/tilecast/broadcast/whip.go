package broadcast

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// busyError is a server that asks to come back later.
type busyError struct {
	after time.Duration
	err   error
}

func (e *busyError) Error() string { return e.err.Error() }
func (e *busyError) Unwrap() error { return e.err }

// endpoint is a WHIP endpoint, RFC 9725, as a client sees it.
type endpoint struct {
	client *http.Client
	url    string
	token  string
}

func newEndpoint(c Config) *endpoint {
	tr := http.DefaultTransport.(*http.Transport).Clone()
	if c.Insecure {
		tr.TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
		tr.ForceAttemptHTTP2 = true
	}
	client := &http.Client{Transport: tr, Timeout: 10 * time.Second}
	client.CheckRedirect = func(r *http.Request, via []*http.Request) error {
		switch {
		case len(via) >= 5:
			return errors.New("more than five redirects")
		case c.Insecure && !loopback(r.URL.Hostname()):
			return fmt.Errorf("redirect to %s, which is not this machine", r.URL.Host)
		}
		return nil
	}
	return &endpoint{client, c.URL, c.Token}
}

// post sends the offer and returns the answer and the session's address.
func (e *endpoint) post(ctx context.Context, offer string) (answer, session string, err error) {
	resp, err := e.do(ctx, http.MethodPost, e.url, offer)
	if err != nil {
		return "", "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<17))
	if err != nil {
		return "", "", fmt.Errorf("read the answer of %s: %w", host(e.url), err)
	}
	if resp.StatusCode/100 != 2 {
		return "", "", e.refusal(resp, body)
	}
	at, err := resp.Request.URL.Parse(resp.Header.Get("Location"))
	switch {
	case resp.Header.Get("Location") == "" || err != nil:
		return "", "", fmt.Errorf("%s answered without the address of a session: is it a WHIP endpoint?", e.url)
	case !strings.HasPrefix(string(body), "v=0"):
		return "", at.String(), fmt.Errorf("%s answered without a session description: is it a WHIP endpoint?", e.url)
	}
	return string(body), at.String(), nil
}

// delete ends a session. One that is already gone is no error.
func (e *endpoint) delete(ctx context.Context, session string) error {
	resp, err := e.do(ctx, http.MethodDelete, session, "")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if c := resp.StatusCode; c/100 != 2 && c != http.StatusNotFound && c != http.StatusGone {
		return fmt.Errorf("end the session: %s answered %s", host(session), resp.Status)
	}
	return nil
}

func (e *endpoint) close() { e.client.CloseIdleConnections() }

func (e *endpoint) do(ctx context.Context, method, to, body string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, to, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/sdp")
	}
	if e.token != "" {
		r.Header.Set("Authorization", "Bearer "+e.token)
	}
	resp, err := e.client.Do(r)
	if err == nil {
		return resp, nil
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err
	}
	return nil, &busyError{0, fmt.Errorf("cannot reach %s: %w; is tilecast running there?", host(to), err)}
}

// refusal says in words what an error status means, by section 7.1 of the checklist.
func (e *endpoint) refusal(resp *http.Response, body []byte) error {
	u := resp.Request.URL
	room := u.Path[strings.LastIndexByte(u.Path, '/')+1:]
	why := reason(resp, body)
	switch resp.StatusCode {
	case http.StatusNotFound:
		return fmt.Errorf("%s has no room %q%s: check the name in the address", u.Host, room, why)
	case http.StatusUnauthorized:
		return fmt.Errorf("room %q needs a token%s", room, why)
	case http.StatusForbidden:
		return fmt.Errorf("not allowed to publish in room %q%s", room, why)
	case http.StatusConflict:
		return fmt.Errorf("somebody is already publishing in room %q under this id%s", room, why)
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		return &busyError{retryAfter(resp.Header.Get("Retry-After"), time.Now()), fmt.Errorf("%s is busy%s", u.Host, why)}
	}
	err := fmt.Errorf("%s refused to take the broadcast: %s%s", u.Host, resp.Status, why)
	if resp.StatusCode >= 500 {
		return &busyError{0, err}
	}
	return err
}

// reason is the server's own explanation in brackets, from problem JSON (RFC 9457)
// or plain text, cut to a line.
func reason(resp *http.Response, body []byte) string {
	text := string(body)
	switch kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); {
	case strings.HasSuffix(kind, "json"):
		var p struct{ Title, Detail, Error string }
		if json.Unmarshal(body, &p) != nil {
			return ""
		}
		text = p.Detail
		if text == "" {
			text = p.Error
		}
		if text == "" {
			text = p.Title
		}
	case kind != "text/plain":
		return ""
	}
	text, _, _ = strings.Cut(strings.TrimSpace(text), "\n")
	if text = strings.ToValidUTF8(text[:min(len(text), 200)], ""); text == "" {
		return ""
	}
	return " (" + text + ")"
}

// retryAfter reads the header of that name (RFC 9110 section 10.2.3): seconds or a date; 0 when it says nothing.
func retryAfter(v string, now time.Time) time.Duration {
	if s, err := strconv.Atoi(v); err == nil && s >= 0 {
		return time.Duration(min(s, 3600)) * time.Second
	}
	if at, err := http.ParseTime(v); err == nil {
		return min(max(at.Sub(now), 0), time.Hour)
	}
	return 0
}

func host(address string) string {
	if u, err := url.Parse(address); err == nil {
		return u.Host
	}
	return address
}

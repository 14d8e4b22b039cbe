package relay

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// maxSDP is the largest offer, answer or fragment rewritten, in bytes.
const maxSDP = 1 << 20

// ProxyConfig says between whom the proxy stands.
type ProxyConfig struct {
	Gateway string // base address of the gateway: "http://127.0.0.1:8080"
	Relay   *Relay
	Answer  func(sdp []byte) // sees each answer of the gateway; may be nil
	Keep    bool             // leave the clients' candidates in offers and fragments: then the gateway may find a direct way
}

// Proxy passes everything on to the gateway. In what WHIP clients and the gateway tell each other
// it makes the relay the only way: its address takes the place of the gateway's candidates, and the
// client's are taken out.
func Proxy(cfg ProxyConfig) (http.Handler, error) {
	base, err := url.Parse(cfg.Gateway)
	if err != nil || base.Host == "" {
		return nil, fmt.Errorf("relay: %q is not a gateway's address: write http://host:port", cfg.Gateway)
	}
	p := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(base)
			r.SetXForwarded() // so that Location names the proxy
		},
		ModifyResponse: func(resp *http.Response) error { return cfg.answer(resp) },
		FlushInterval:  -1,
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if cfg.Relay.dark.Load() {
			panic(http.ErrAbortHandler) // the connection breaks
		}
		if isSDP(r.Header) && !cfg.Keep {
			body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxSDP))
			if err != nil {
				http.Error(w, "relay: "+err.Error(), http.StatusBadRequest)
				return
			}
			body = strip(body)
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
			r.Header.Set("Content-Length", strconv.Itoa(len(body)))
		}
		p.ServeHTTP(w, r)
	}), nil
}

// answer leads to the relay in place of the gateway.
func (cfg ProxyConfig) answer(resp *http.Response) error {
	if !isSDP(resp.Header) {
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxSDP))
	resp.Body.Close()
	if err != nil {
		return err
	}
	if cfg.Answer != nil {
		cfg.Answer(body)
	}
	body, gateway := redirect(body, cfg.Relay.Addr())
	if gateway.IsValid() {
		cfg.Relay.lead(gateway)
	}
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	resp.Header.Set("Content-Length", strconv.Itoa(len(body)))
	return nil
}

func isSDP(h http.Header) bool {
	typ, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	typ = strings.TrimSpace(typ)
	return typ == "application/sdp" || typ == "application/trickle-ice-sdpfrag"
}

// strip takes the candidates out of an offer or fragment.
func strip(sdp []byte) []byte {
	var out []byte
	for line := range bytes.Lines(sdp) {
		if !bytes.HasPrefix(line, []byte("a=candidate:")) {
			out = append(out, line...)
		}
	}
	return out
}

// redirect puts relay in place of the candidates of an answer or fragment, one per media
// section that had any, and says where the gateway is: at a loopback address if it has one.
func redirect(sdp []byte, relay netip.AddrPort) (out []byte, gateway netip.AddrPort) {
	done := false // in this section
	for line := range bytes.Lines(sdp) {
		if bytes.HasPrefix(line, []byte("m=")) {
			done = false
		}
		rest, ok := bytes.CutPrefix(line, []byte("a=candidate:"))
		if !ok {
			out = append(out, line...)
			continue
		}
		// foundation component transport priority address port typ type (RFC 8839 5.1)
		f := strings.Fields(string(rest))
		if len(f) < 8 || !strings.EqualFold(f[2], "udp") || f[1] != "1" {
			continue
		}
		addr, err := netip.ParseAddr(f[4])
		port, err2 := strconv.ParseUint(f[5], 10, 16)
		if err != nil || err2 != nil {
			continue
		}
		if found := netip.AddrPortFrom(addr.Unmap(), uint16(port)); !gateway.IsValid() ||
			better(found.Addr(), gateway.Addr()) {
			gateway = found
		}
		if !done {
			out = fmt.Appendf(out, "a=candidate:1 1 udp 2130706431 %s %d typ host\r\n", relay.Addr(), relay.Port())
			done = true
		}
	}
	return out, gateway
}

// better prefers IPv4 loopback, then IPv4.
func better(a, b netip.Addr) bool {
	rank := func(x netip.Addr) int {
		switch {
		case x.Is4() && x.IsLoopback():
			return 2
		case x.Is4():
			return 1
		}
		return 0
	}
	return rank(a) > rank(b)
}

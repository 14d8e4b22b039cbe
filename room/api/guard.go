package api

import (
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// guard lets a request through to next that may change something: with a token it has to bring that one as
// Authorization: Bearer; without, it has to come from this very machine, and not from a page of another site in a browser on it.
func guard(token string, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch {
		case token == "" && !local(r):
			write(w, http.StatusForbidden, map[string]string{
				"error": "changes are taken only from this machine itself (http://localhost, through no proxy): set http.api_token, or " +
					"TILECAST_HTTP_API_TOKEN, and send it as Authorization: Bearer",
			})
		case token != "" && subtle.ConstantTimeCompare([]byte(bearer(r)), []byte(token)) != 1:
			w.Header().Set("WWW-Authenticate", `Bearer realm="tilecast"`)
			write(w, http.StatusUnauthorized, map[string]string{
				"error": "changes need the token in http.api_token: send it as Authorization: Bearer",
			})
		default:
			next(w, r)
		}
	}
}

// bearer is the token of r's Authorization (RFC 6750 2.1).
func bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// local reports whether r comes straight from this machine: not by a proxy on it that says so, not by a name that somebody
// lets lead here (DNS rebinding), and not from another site's page.
func local(r *http.Request) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !peer.Addr().Unmap().IsLoopback() {
		return false
	}
	for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Forwarded", "Via"} {
		if r.Header.Get(name) != "" {
			return false
		}
	}
	return loopback(r.Host) && http.NewCrossOriginProtection().Check(r) == nil
}

// loopback reports whether a Host names this machine to itself.
func loopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && addr.Unmap().IsLoopback() || slices.Contains([]string{"localhost", "localhost."}, strings.ToLower(host))
}

package ingest

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// ICEServer is a STUN or TURN server that clients may use to reach us.
type ICEServer struct {
	URL string // stun:host, turn:host:port?transport=udp, turns:host

	// What a TURN server wants to see: a name and password that stay, or a secret shared with
	// it, by which names and passwords are made that hold for Lifetime (coturn's use-auth-secret;
	// draft-uberti-behave-turn-rest).
	Username, Credential string
	Secret               string
	Lifetime             time.Duration // 0: a day
}

// credentials are the name and password of one client at now. User makes the name its own.
func (s ICEServer) credentials(user string, now time.Time) (name, password string) {
	if s.Secret == "" {
		return s.Username, s.Credential
	}
	life := s.Lifetime
	if life == 0 {
		life = 24 * time.Hour
	}
	name = fmt.Sprintf("%d:%s", now.Add(life).Unix(), user)
	mac := hmac.New(sha1.New, []byte(s.Secret))
	mac.Write([]byte(name))
	return name, base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// link is the value of the Link header that tells a client of s (W-62).
func (s ICEServer) link(user string, now time.Time) string {
	v := "<" + s.URL + `>; rel="ice-server"`
	if name, password := s.credentials(user, now); name != "" {
		v += fmt.Sprintf(`; username="%s"; credential="%s"; credential-type="password"`, quoted(name), quoted(password))
	}
	return v
}

// quoted is s for the inside of a quoted string (RFC 9110 5.6.4).
func quoted(s string) string { return strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) }

// tellServers adds one Link for each ICE server, in the order of the configuration: OBS reads only
// one of a line (O-5).
func (s *Server) tellServers(h http.Header, user string) {
	now := time.Now()
	for _, server := range s.cfg.ICEServers {
		h.Add("Link", server.link(user, now))
	}
}

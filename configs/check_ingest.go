package configs

import (
	"fmt"
	"net/netip"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/pion/stun/v4"
)

func checkIngest(c *Ingest, bad report) {
	between(bad, "ingest.tcp_port", c.TCPPort, 0, 65535)
	each(bad, "ingest.interfaces", c.Interfaces, func(s string) error {
		if _, err := path.Match(s, ""); err != nil || s == "" {
			return fmt.Errorf("%q is not the name of a network interface, nor a pattern such as eth*", s)
		}
		return nil
	})
	each(bad, "ingest.public_addresses", c.PublicAddresses, func(s string) error { _, err := ParseAddrPort(s); return err })
	each(bad, "ingest.trusted_proxies", c.TrustedProxies, func(s string) error { _, err := ParsePrefix(s); return err })
	if u, err := url.Parse(c.Overflow); c.Overflow != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "") {
		bad("ingest.overflow", "%q is not the address of another gateway, such as https://live2.example.org", c.Overflow)
	}
	for i := range c.ICEServers {
		checkICEServer(&c.ICEServers[i], fmt.Sprintf("ingest.ice_servers[%d]", i), bad)
	}
	checkLimits(&c.Limits, bad)
}

func checkLimits(l *Limits, bad report) {
	const at = "ingest.limits."
	between(bad, at+"sessions", l.Sessions, 0, 100_000)
	between(bad, at+"sessions_per_room", l.SessionsPerRoom, 0, 100_000)
	between(bad, at+"posts_per_minute", l.PostsPerMinute, 0, 1_000_000)
	least := 0
	if l.PostsPerMinute > 0 {
		least = 1
	}
	between(bad, at+"post_burst", l.PostBurst, least, 1_000_000)
	between(bad, at+"offer_bytes", l.OfferBytes, 8<<10, 1<<20)
	between(bad, at+"fragment_bytes", l.FragmentBytes, 2<<10, 1<<20)
	if l.BitRate != 0 {
		between(bad, at+"bitrate", l.BitRate, 100_000, 1_000_000_000)
	}
	if l.MaxPixels != 0 {
		between(bad, at+"max_pixels", l.MaxPixels, 160*90, maxPixels)
	}
	between(bad, at+"overload", l.Overload, 0, 100)
}

func checkICEServer(s *ICEServer, at string, bad report) {
	if s.URL == "" {
		bad(at+".url", "is missing: name a server, such as turn:turn.example.org:3478?transport=udp")
		return
	}
	u, err := stun.ParseURI(s.URL)
	if err != nil || strings.ContainsAny(s.URL, "<> \"") {
		bad(at+".url", "%q is not the address of a STUN or TURN server, such as stun:stun.example.org or turn:turn.example.org:3478?transport=udp", s.URL)
		return
	}
	turn := u.Scheme == stun.SchemeTypeTURN || u.Scheme == stun.SchemeTypeTURNS
	switch {
	case !turn && (s.Username != "" || s.Credential != "" || s.Secret != ""):
		bad(at, "a STUN server needs no username, credential or secret: leave them out")
	case turn && s.Secret != "" && (s.Username != "" || s.Credential != ""):
		bad(at, "has a secret as well as a username or a credential: the secret makes those, leave them out")
	case turn && s.Secret == "" && (s.Username == "" || s.Credential == ""):
		bad(at, "a TURN server needs a username and a credential, or a secret by which they are made")
	case s.Lifetime != 0 && s.Secret == "":
		bad(at+".lifetime", "is only for what is made by a secret")
	case s.Lifetime != 0:
		between(bad, at+".lifetime", s.Lifetime, time.Minute, 365*24*time.Hour)
	}
	for key, v := range map[string]string{"username": s.Username, "credential": s.Credential} {
		if strings.ContainsFunc(v, func(c rune) bool { return c < ' ' || c > '~' }) {
			bad(at+"."+key, "holds a character that can't stand in an HTTP header: use ASCII")
		}
	}
}

// each reports what is wrong with the entries of a list of words.
func each(bad report, at string, words []string, check func(string) error) {
	for i, w := range words {
		if err := check(w); err != nil {
			bad(fmt.Sprintf("%s[%d]", at, i), "%v", err)
		}
	}
}

// ParseAddrPort reads an entry of public_addresses; without a port that is 0.
func ParseAddrPort(s string) (netip.AddrPort, error) {
	ap, err := netip.ParseAddrPort(s)
	if err != nil {
		var addr netip.Addr
		if addr, err = netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
			ap = netip.AddrPortFrom(addr, 0)
		}
	}
	if err != nil || ap.Addr().IsUnspecified() || ap.Addr().IsMulticast() || ap.Addr().Zone() != "" {
		return netip.AddrPort{}, fmt.Errorf("%q is not an IP address such as 203.0.113.7, or one with a port, 203.0.113.7:8189", s)
	}
	return ap, nil
}

// ParsePrefix reads an entry of trusted_proxies; a single address is a prefix that holds only it.
func ParsePrefix(s string) (netip.Prefix, error) {
	if p, err := netip.ParsePrefix(s); err == nil {
		return p.Masked(), nil
	}
	addr, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is not an IP address or network such as 10.0.0.0/8", s)
	}
	return netip.PrefixFrom(addr, addr.BitLen()), nil
}

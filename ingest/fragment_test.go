package ingest

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/pion/sdp/v3"
)

// No fragment makes the parser fall over, and what it lets pass is what a session may be given.
func FuzzFragment(f *testing.F) {
	for _, name := range fixtures(f) {
		offer := readFixture(f, name)
		f.Add(offer[strings.Index(offer, "m="):], true)
	}
	f.Add(newCredentials+"a=candidate:1 1 udp 2130706431 192.0.2.7 4711 typ host\r\na=end-of-candidates\r\n", true)
	f.Add("a=candidate:1 1 udp 1 3f1c.local 9 typ host\na=candidate:1 1 tcp 1 192.0.2.7 9 typ host tcptype active\n", false)
	f.Add("m=audio 9 RTP/AVP 0\r\na=mid:0\r\na=end-of-candidats\r\n", false)
	f.Add("a=ice-ufrag:\r\na=ice-pwd:x y\r\n", false)
	f.Fuzz(func(t *testing.T, text string, strict bool) {
		got, err := parseFragment(text, "0", strict)
		if err != nil {
			var e *offerError
			if !errors.As(err, &e) || e.status < 400 || e.status > 499 || e.msg == "" {
				t.Fatalf("%v", err)
			}
			return
		}
		for _, c := range got.candidates {
			if strings.ContainsAny(c, "\r\n\x00") || !usableCandidate(c) {
				t.Fatalf("candidate %q", c)
			}
		}
		for _, s := range []string{got.ufrag, got.pwd} {
			if s != "" && !iceChars(s) {
				t.Fatalf("credentials %q %q", got.ufrag, got.pwd)
			}
		}
	})
}

// Whatever a client's offer says, the answer made of ours is SDP and keeps to the offer's sections.
func FuzzAnswer(f *testing.F) {
	for _, name := range fixtures(f) {
		f.Add(readFixture(f, name))
	}
	f.Fuzz(func(t *testing.T, text string) {
		o, err := parseOffer(text, false)
		if err != nil {
			return
		}
		answer, err := o.finishAnswer(o.sdp(nil), netip.MustParseAddr("192.0.2.1"), []string{"public1 1 udp 1 203.0.113.7 9 typ host"})
		if err != nil {
			t.Fatalf("%v\n%s", err, o.sdp(nil))
		}
		var desc sdp.SessionDescription
		if err := desc.UnmarshalString(answer); err != nil || len(desc.MediaDescriptions) != len(o.sections) {
			t.Fatalf("%v\n%s", err, answer)
		}
		if _, err := o.answerFragment(answer); err != nil {
			t.Fatalf("%v\n%s", err, answer)
		}
	})
}

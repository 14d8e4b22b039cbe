package ingest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/pion/sdp/v3"
)

const (
	fragmentType = "application/trickle-ice-sdpfrag"
	// maxRemote is how many candidates one session takes from its client, in the offer and between
	// restarts; what is beyond is dropped. Each is checked several times from each address of ours, wherever it leads.
	maxRemote = 64
)

// fragment is what a PATCH brings (RFC 8840 9): candidates, and the ICE
// credentials they belong to. Everything else in it is ignored, since nothing
// else may change (W-41).
type fragment struct {
	ufrag, pwd string // empty: not said
	candidates []string
	end        bool // no more candidates will come
}

// parseFragment reads a fragment for the media section with the mid lead, which leads the bundle.
// Several sections, bare candidates and wrong protocols are taken unless strict (W-36).
func parseFragment(text, lead string, strict bool) (*fragment, error) {
	f := &fragment{}
	mid, sections, attributes := "", 0, 0
	for raw := range strings.SplitSeq(text, "\n") {
		raw = strings.TrimSuffix(raw, "\r")
		if raw == "" {
			continue
		}
		typ, value, ok := strings.Cut(raw, "=")
		if !ok || len(typ) != 1 || typ[0] < 'a' || typ[0] > 'z' || strings.ContainsRune(value, 0) {
			return nil, refuse(http.StatusBadRequest, "the body is not an SDP fragment: line %q", abridge(raw))
		}
		switch {
		case typ == "m":
			mid, sections = "", sections+1
		case typ == "a":
			attributes++
			key, arg, _ := strings.Cut(value, ":")
			if key == "mid" {
				mid = arg
			}
			if err := f.take(key, arg, mid, lead); err != nil {
				return nil, err
			}
		}
		if strict && typ == "m" && sections > 1 {
			return nil, refuse(http.StatusBadRequest, "the fragment has more than one media section: send the one that leads the bundle, %q", lead)
		}
	}
	switch {
	case attributes == 0:
		return nil, refuse(http.StatusBadRequest, "the body is not an SDP fragment: it has no attribute")
	case strict && len(f.candidates) > 0 && mid != lead:
		return nil, refuse(http.StatusBadRequest, "the fragment's candidates are not in the media section that leads the bundle, %q", lead)
	}
	return f, nil
}

// take notes one attribute that stands in the section mid. Candidates that can't be used are
// dropped silently (W-35); each is kept once.
func (f *fragment) take(key, arg, mid, lead string) error {
	switch key {
	case "ice-ufrag", "ice-pwd":
		if !iceChars(arg) {
			return refuse(http.StatusBadRequest, "the fragment's a=%s is not a valid one", key)
		}
		known := &f.ufrag
		if key == "ice-pwd" {
			known = &f.pwd
		}
		if *known == "" || mid == lead {
			*known = arg
		}
	case "candidate":
		if usableCandidate(arg) && !slices.Contains(f.candidates, arg) {
			f.candidates = append(f.candidates, arg)
		}
	case "end-of-candidates":
		f.end = true
	}
	return nil
}

// iceChars reports whether s may be an ice-ufrag or ice-pwd (RFC 8839 5.4).
func iceChars(s string) bool {
	return s != "" && len(s) <= 256 && strings.IndexFunc(s, func(c rune) bool {
		return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '+' || c == '/')
	}) < 0
}

func abridge(s string) string {
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return s
}

// answerFragment is the part of an answer that tells of a restart (W-38, W-39):
// new credentials and all candidates, in the section that leads the bundle.
func (o *offer) answerFragment(answer string) (string, error) {
	var desc sdp.SessionDescription
	if err := desc.UnmarshalString(answer); err != nil {
		return "", fmt.Errorf("read our own answer: %w", err)
	}
	var b strings.Builder
	for _, a := range desc.Attributes {
		if slices.Contains([]string{"ice-lite", "ice-options", "ice-pacing", "group"}, a.Key) {
			fmt.Fprintf(&b, "a=%s\r\n", attributeText(a))
		}
	}
	lead := -1
	for i, m := range desc.MediaDescriptions {
		if mid, _ := m.Attribute("mid"); mid == o.lead || o.unnamed {
			lead = i
		}
	}
	if lead < 0 {
		return "", fmt.Errorf("our own answer has no section %q", o.lead)
	}
	m := desc.MediaDescriptions[lead]
	fmt.Fprintf(&b, "m=%s\r\na=mid:%s\r\n", m.MediaName.String(), o.lead)
	for _, a := range m.Attributes {
		switch a.Key {
		case "ice-ufrag", "ice-pwd", "ice-options", "ice-pacing", "candidate", "end-of-candidates":
			fmt.Fprintf(&b, "a=%s\r\n", attributeText(a))
		}
	}
	return b.String(), nil
}

func attributeText(a sdp.Attribute) string {
	if a.Value == "" {
		return a.Key
	}
	return a.Key + ":" + a.Value
}

package ingest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/pion/ice/v4"
	"github.com/pion/sdp/v3"

	"tilecast/media"
)

// maxLayers is how many simulcast layers of one track are taken.
const maxLayers = 6

// offer is what a broadcaster's SDP offer asks for, as far as we take it up.
type offer struct {
	setup    string // actpass, active or passive
	bundled  bool   // has a BUNDLE group
	unnamed  bool   // its only section has no mid; ours is made up
	sections []*section
	// The transport of all of them, that of the section which leads the bundle.
	lead        string // its mid
	ufrag, pwd  string
	fingerprint string
	candidates  []string
	lite        bool
}

// offerError is a refusal of an offer: a status of whip.md 7.1 and plain words.
type offerError struct {
	status int
	msg    string
}

func (e *offerError) Error() string { return e.msg }

func refuse(status int, format string, args ...any) error {
	return &offerError{status, fmt.Sprintf(format, args...)}
}

// parseOffer reads an SDP offer (RFC 8866, RFC 9429) and checks it against
// RFC 9725 4.2 and 4.4. Errors are *offerError. One payload type is chosen for
// each section: the first that we can take, which is what the client prefers.
// Strict also refuses what real clients do though they must not.
func parseOffer(text string, strict bool) (*offer, error) {
	var desc sdp.SessionDescription
	if !strings.HasPrefix(text, "v=") {
		return nil, refuse(http.StatusBadRequest, "the body is not an SDP offer: it does not begin with v=0")
	}
	if err := desc.UnmarshalString(text); err != nil {
		return nil, refuse(http.StatusBadRequest, "the body is not a valid SDP offer: %v", err)
	}
	if len(desc.MediaDescriptions) == 0 {
		return nil, refuse(http.StatusUnprocessableEntity, "the offer has no media section: send audio, video or both")
	}
	o := &offer{}
	var bundle []string // mids
	for _, a := range desc.Attributes {
		if group := strings.Fields(a.Value); a.Key == "group" && len(group) > 0 && group[0] == "BUNDLE" && !o.bundled {
			o.bundled, bundle = true, group[1:]
		}
	}
	if strict {
		if err := checkLetter(&desc); err != nil {
			return nil, err
		}
	}
	if lone := desc.MediaDescriptions[0]; len(desc.MediaDescriptions) == 1 && !o.bundled {
		if _, named := lone.Attribute("mid"); !named {
			o.unnamed = true
			lone.WithValueAttribute("mid", "0")
		}
	}
	for _, m := range desc.MediaDescriptions {
		s, err := parseSection(&desc, m)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(o.sections, func(x *section) bool { return x.kind == s.kind }) {
			return nil, refuse(http.StatusUnprocessableEntity, "the offer has more than one %s track: send at most one audio and one video track", s.kind)
		}
		if slices.ContainsFunc(o.sections, func(x *section) bool { return x.mid == s.mid }) {
			return nil, refuse(http.StatusBadRequest, "two media sections have the same a=mid:%s", s.mid)
		}
		if len(desc.MediaDescriptions) > 1 && !slices.Contains(bundle, s.mid) {
			return nil, refuse(http.StatusUnprocessableEntity, "media section %q is not in the BUNDLE group: all media must share one transport (bundlePolicy \"max-bundle\")", s.mid)
		}
		o.sections = append(o.sections, s)
	}
	lead := desc.MediaDescriptions[0]
	if len(bundle) > 0 {
		if i := slices.IndexFunc(o.sections, func(s *section) bool { return s.mid == bundle[0] }); i >= 0 {
			lead = desc.MediaDescriptions[i]
		}
	}
	o.lead, _ = lead.Attribute("mid")
	return o, o.parseTransport(&desc, lead)
}

// checkLetter holds an offer against what RFC 9725 4.4 asks of clients and nothing depends on, but for
// a=rtcp-mux-only, which no browser writes (W-50).
func checkLetter(d *sdp.SessionDescription) error {
	stream := ""
	for i, m := range d.MediaDescriptions {
		msid, _ := m.Attribute("msid")
		id, _, _ := strings.Cut(msid, " ")
		switch { // W-51
		case id == "" || id == "-":
			return refuse(http.StatusUnprocessableEntity, "section %d has no a=msid with the name of a stream", i)
		case stream != "" && id != stream:
			return refuse(http.StatusUnprocessableEntity, "the sections are of two streams, %s and %s: send one", abridge(stream), abridge(id))
		}
		stream = id
		if setup, _ := attribute(d, m, "setup"); setup != "actpass" && setup != "active" { // W-53
			return refuse(http.StatusUnprocessableEntity, "section %d has a=setup:%s: offer actpass or active", i, setup)
		}
	}
	return nil
}

// attribute is the value of a section's attribute, else the session's.
func attribute(d *sdp.SessionDescription, m *sdp.MediaDescription, key string) (string, bool) {
	if v, ok := m.Attribute(key); ok {
		return v, true
	}
	return d.Attribute(key)
}

func (o *offer) parseTransport(d *sdp.SessionDescription, m *sdp.MediaDescription) error {
	o.ufrag, _ = attribute(d, m, "ice-ufrag")
	o.pwd, _ = attribute(d, m, "ice-pwd")
	if len(o.ufrag) < 4 || len(o.pwd) < 22 { // RFC 8839 5.4
		return refuse(http.StatusBadRequest, "the offer lacks a=ice-ufrag or a=ice-pwd")
	}
	_, o.lite = d.Attribute("ice-lite")
	rank := -1
	for _, a := range append(slices.Clone(m.Attributes), d.Attributes...) {
		switch a.Key {
		case "fingerprint":
			if r := hashRank(a.Value); r > rank {
				o.fingerprint, rank = a.Value, r
			}
		case "candidate":
			if len(o.candidates) < maxRemote && usableCandidate(a.Value) && !slices.Contains(o.candidates, a.Value) {
				o.candidates = append(o.candidates, a.Value)
			}
		}
	}
	if rank < 0 {
		return refuse(http.StatusBadRequest, "the offer lacks a usable a=fingerprint: media must be encrypted with DTLS-SRTP")
	}
	switch o.setup, _ = attribute(d, m, "setup"); o.setup {
	case "":
		o.setup = "actpass"
	case "actpass", "active", "passive":
	default:
		return refuse(http.StatusUnprocessableEntity, "a=setup:%s is not supported: offer actpass, active or passive", o.setup)
	}
	return nil
}

// hashRank is which of several fingerprints of a certificate to check; negative: none we know.
func hashRank(fingerprint string) int {
	name, _, _ := strings.Cut(strings.ToLower(fingerprint), " ")
	return slices.Index([]string{"sha-1", "sha-224", "sha-512", "sha-384", "sha-256"}, name)
}

// usableCandidate tells candidates that we can check from those that are dropped
// silently (W-35): TCP, names (mDNS), anything unreadable.
func usableCandidate(v string) bool {
	c, err := ice.UnmarshalCandidate(v)
	return err == nil && c.NetworkType().IsUDP() && !strings.Contains(v, ".local ") && c.Component() == ice.ComponentRTP
}

// codecs are what the offer brings.
func (o *offer) codecs() []media.Codec {
	out := make([]media.Codec, len(o.sections))
	for i, s := range o.sections {
		out[i] = s.codec
	}
	return out
}

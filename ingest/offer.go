package ingest

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
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
	sections []*section
	// The transport of all of them, that of the section which leads the bundle.
	ufrag, pwd  string
	fingerprint string
	candidates  []string
	lite        bool
}

// section is one media section with the one payload type we take of it.
type section struct {
	kind   string // "audio" or "video"
	mid    string
	codec  media.Codec
	pt     uint8
	name   string // as in rtpmap: "VP8", "opus"
	rate   int64  // Hz
	fmtp   string
	params map[string]string // fmtp in pieces, keys in lower case
	fb     []string          // rtcp-fb that we use and the client offers
	twcc   string            // extmap id of transport-wide congestion control
	midExt string            // extmap ids of mid and rid, for simulcast
	ridExt string
	msid   string
	ssrc   string   // empty: not announced
	rids   []string // simulcast layers, preferred first; empty: none
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
func parseOffer(text string) (*offer, error) {
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
	return o, o.parseTransport(&desc, lead)
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
			if usableCandidate(a.Value) {
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

func parseSection(d *sdp.SessionDescription, m *sdp.MediaDescription) (*section, error) {
	s := &section{kind: m.MediaName.Media}
	if s.kind != "audio" && s.kind != "video" {
		return nil, refuse(http.StatusUnprocessableEntity, "the offer has a section of type %q: only audio and video are taken", s.kind)
	}
	if s.mid, _ = m.Attribute("mid"); len(strings.Fields(s.mid)) != 1 {
		return nil, refuse(http.StatusUnprocessableEntity, "the %s section lacks a proper a=mid", s.kind)
	}
	if _, only := m.Attribute("bundle-only"); m.MediaName.Port.Value == 0 && !only {
		return nil, refuse(http.StatusUnprocessableEntity, "the %s section is switched off (port 0): leave it out or send it", s.kind)
	}
	switch dir := direction(d, m); dir {
	case "recvonly", "inactive":
		return nil, refuse(http.StatusUnprocessableEntity, "the %s section is %s: a broadcaster's offer must be sendonly", s.kind, dir)
	}
	_, mux := m.Attribute("rtcp-mux")
	_, muxOnly := m.Attribute("rtcp-mux-only")
	if !mux && !muxOnly {
		return nil, refuse(http.StatusUnprocessableEntity, "the %s section lacks a=rtcp-mux: RTCP on a port of its own is not supported", s.kind)
	}
	if err := s.choose(m); err != nil {
		return nil, err
	}
	s.parseExtensions(m)
	s.parseStreams(m)
	return s, nil
}

// direction of a section; sendrecv where nothing is said (RFC 8866 6.7).
func direction(d *sdp.SessionDescription, m *sdp.MediaDescription) string {
	for _, attrs := range [][]sdp.Attribute{m.Attributes, d.Attributes} {
		for _, a := range attrs {
			switch a.Key {
			case "sendonly", "sendrecv", "recvonly", "inactive":
				return a.Key
			}
		}
	}
	return "sendrecv"
}

// choose takes the first payload type that we can decode.
func (s *section) choose(m *sdp.MediaDescription) error {
	rtpmap, fmtp := byPayloadType(m, "rtpmap"), byPayloadType(m, "fmtp")
	var names []string
	for _, format := range m.MediaName.Formats {
		name, rate, channels := splitRTPMap(rtpmap[format])
		pt, err := strconv.ParseUint(format, 10, 7)
		if err != nil || name == "" {
			continue
		}
		params := parseFmtp(fmtp[format])
		if c := usableCodec(s.kind, name, rate, channels, params); c != media.CodecNone {
			s.codec, s.pt, s.name, s.rate, s.fmtp, s.params = c, uint8(pt), name, rate, fmtp[format], params
			s.parseFeedback(m, format)
			return nil
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if s.kind == "audio" {
		return refuse(http.StatusUnprocessableEntity, "no usable audio codec among %s: send Opus", list(names))
	}
	return refuse(http.StatusUnprocessableEntity, "no usable video codec among %s: send H.264, VP8, VP9 (profile 0) or AV1 (profile 0)", list(names))
}

func list(names []string) string {
	if len(names) == 0 {
		return "those offered"
	}
	return strings.Join(names, ", ")
}

// usableCodec is the codec of a payload type, or CodecNone if we can't take it.
func usableCodec(kind, name string, rate int64, channels string, params map[string]string) media.Codec {
	switch strings.ToLower(kind + "/" + name) {
	case "audio/opus":
		if rate == 48000 && channels == "2" { // RFC 7587 7
			return media.Opus
		}
	case "video/vp8":
		return video(media.VP8, rate)
	case "video/vp9":
		if p := params["profile-id"]; p == "" || p == "0" {
			return video(media.VP9, rate)
		}
	case "video/av1":
		if p := params["profile"]; p == "" || p == "0" {
			return video(media.AV1, rate)
		}
	case "video/h264":
		if usableH264(params) {
			return video(media.H264, rate)
		}
	}
	return media.CodecNone
}

func video(c media.Codec, rate int64) media.Codec {
	if rate != 90000 {
		return media.CodecNone
	}
	return c
}

// usableH264 takes packetization modes 0 and 1 and all profiles of 8 bits 4:2:0.
func usableH264(params map[string]string) bool {
	switch params["packetization-mode"] {
	case "", "0", "1":
	default:
		return false
	}
	level := strings.ToLower(params["profile-level-id"])
	return level == "" || len(level) == 6 && slices.Contains([]string{"42", "4d", "58", "64"}, level[:2])
}

// byPayloadType collects an attribute whose value begins with a payload type.
func byPayloadType(m *sdp.MediaDescription, key string) map[string]string {
	out := make(map[string]string)
	for _, a := range m.Attributes {
		if pt, rest, ok := strings.Cut(a.Value, " "); ok && a.Key == key {
			out[pt] = strings.TrimSpace(rest)
		}
	}
	return out
}

// splitRTPMap takes "opus/48000/2" apart.
func splitRTPMap(v string) (name string, rate int64, channels string) {
	parts := strings.Split(v, "/")
	if len(parts) < 2 {
		return "", 0, ""
	}
	rate, err := strconv.ParseInt(parts[1], 10, 32)
	if err != nil {
		return "", 0, ""
	}
	if len(parts) > 2 {
		channels = parts[2]
	}
	return parts[0], rate, channels
}

func parseFmtp(v string) map[string]string {
	params := make(map[string]string)
	for p := range strings.SplitSeq(v, ";") {
		key, value, _ := strings.Cut(strings.TrimSpace(p), "=")
		params[strings.ToLower(key)] = value
	}
	return params
}

// parseFeedback keeps the feedback that we send, for payload type format.
func (s *section) parseFeedback(m *sdp.MediaDescription, format string) {
	for _, a := range m.Attributes {
		pt, fb, _ := strings.Cut(a.Value, " ")
		if a.Key != "rtcp-fb" || pt != format && pt != "*" {
			continue
		}
		if slices.Contains([]string{"nack", "nack pli", "transport-cc"}, fb) && !slices.Contains(s.fb, fb) {
			s.fb = append(s.fb, fb)
		}
	}
}

func (s *section) parseExtensions(m *sdp.MediaDescription) {
	for _, a := range m.Attributes {
		if a.Key != "extmap" {
			continue
		}
		fields := strings.Fields(a.Value)
		if len(fields) < 2 {
			continue
		}
		id, _, _ := strings.Cut(fields[0], "/")
		if n, err := strconv.Atoi(id); err != nil || n < 1 || n > 255 {
			continue
		}
		switch fields[1] {
		case sdp.TransportCCURI:
			s.twcc = id
		case sdp.SDESMidURI:
			s.midExt = id
		case sdp.SDESRTPStreamIDURI:
			s.ridExt = id
		}
	}
}

// parseStreams finds the section's SSRC, or its simulcast layers (RFC 8853).
func (s *section) parseStreams(m *sdp.MediaDescription) {
	repair := make(map[string]bool)
	for _, a := range m.Attributes {
		fields := strings.Fields(a.Value)
		switch {
		case a.Key == "ssrc-group" && len(fields) == 3 && fields[0] != "SIM":
			repair[fields[2]] = true
		case a.Key == "simulcast":
			s.parseSimulcast(fields)
		case a.Key == "msid" && len(fields) > 0 && s.msid == "":
			s.msid = a.Value
		}
	}
	for _, a := range m.Attributes {
		id, _, _ := strings.Cut(a.Value, " ")
		if _, err := strconv.ParseUint(id, 10, 32); a.Key == "ssrc" && err == nil && !repair[id] && s.ssrc == "" {
			s.ssrc = id
		}
	}
	if len(s.rids) > 0 {
		if s.kind != "video" || s.midExt == "" || s.ridExt == "" {
			s.rids = nil // layers could not be told apart
		} else {
			s.ssrc = ""
		}
	}
}

// parseSimulcast reads "send a,b;~c": of alternatives the first.
func (s *section) parseSimulcast(fields []string) {
	for i := 0; i+1 < len(fields); i += 2 {
		if fields[i] != "send" {
			continue
		}
		for layer := range strings.SplitSeq(fields[i+1], ";") {
			rid, _, _ := strings.Cut(layer, ",")
			rid = strings.TrimPrefix(rid, "~")
			if validRID(rid) && len(s.rids) < maxLayers && !slices.Contains(s.rids, rid) {
				s.rids = append(s.rids, rid)
			}
		}
	}
}

// validRID checks a layer's name (RFC 8851 10).
func validRID(rid string) bool {
	return rid != "" && len(rid) <= 255 && strings.IndexFunc(rid, func(c rune) bool {
		return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_')
	}) < 0
}

// codecs are what the offer brings.
func (o *offer) codecs() []media.Codec {
	out := make([]media.Codec, len(o.sections))
	for i, s := range o.sections {
		out[i] = s.codec
	}
	return out
}

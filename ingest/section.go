package ingest

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"

	"tilecast/media"
)

// section is one media section with the one payload type we take of it.
type section struct {
	kind      string // "audio" or "video"
	mid       string
	codec     media.Codec
	pt        uint8
	name      string // as in rtpmap: "VP8", "opus"
	rate      int64  // Hz
	fmtp      string
	params    map[string]string // fmtp in pieces, keys in lower case
	fb        []string          // rtcp-fb that we use and the client offers
	rtx       uint8             // payload type of retransmissions (RFC 4588); 0: they come on the stream itself
	twcc      string            // extmap id of transport-wide congestion control
	capExt    string            // of abs-capture-time
	lvlExt    string            // of the level of sound
	midExt    string            // extmap ids of mid, rid and repaired rid, for simulcast
	ridExt    string
	repExt    string
	msid      string
	ssrc      string   // empty: not announced
	repair    string   // SSRC of its retransmissions; empty: not announced
	announced []uint32 // all SSRCs that the section names
	rids      []string // simulcast layers, preferred first; empty: none
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
			s.rtx = retransmission(m, format, rtpmap, fmtp)
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

// retransmission is the payload type for retransmissions of format (RFC 4588 8.6); 0: there is none.
func retransmission(m *sdp.MediaDescription, format string, rtpmap, fmtp map[string]string) uint8 {
	for _, other := range m.MediaName.Formats {
		name, rate, _ := splitRTPMap(rtpmap[other])
		pt, err := strconv.ParseUint(other, 10, 7)
		if err == nil && strings.EqualFold(name, "rtx") && rate == 90000 && parseFmtp(fmtp[other])["apt"] == format {
			return uint8(pt)
		}
	}
	return 0
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
		if slices.Contains([]string{"nack", "nack pli", "transport-cc", "goog-remb"}, fb) && !slices.Contains(s.fb, fb) {
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
		case sdp.SDESRepairRTPStreamIDURI:
			s.repExt = id
		case captureTimeURI:
			s.capExt = id
		case sdp.AudioLevelURI:
			if s.kind == "audio" {
				s.lvlExt = id
			}
		}
	}
}

// parseStreams finds the section's SSRC, or its simulcast layers (RFC 8853).
func (s *section) parseStreams(m *sdp.MediaDescription) {
	repair, of := make(map[string]bool), make(map[string]string)
	for _, a := range m.Attributes {
		fields := strings.Fields(a.Value)
		switch {
		case a.Key == "ssrc-group" && len(fields) == 3 && fields[0] != "SIM":
			repair[fields[2]] = true
			if fields[0] == "FID" {
				of[fields[1]] = fields[2]
			}
		case a.Key == "simulcast":
			s.parseSimulcast(fields)
		case a.Key == "msid" && len(fields) > 0 && s.msid == "":
			s.msid = a.Value
		}
	}
	for _, a := range m.Attributes {
		id, _, _ := strings.Cut(a.Value, " ")
		ssrc, err := strconv.ParseUint(id, 10, 32)
		if a.Key == "ssrc" && err == nil && len(s.announced) < maxBuffers && !slices.Contains(s.announced, uint32(ssrc)) {
			s.announced = append(s.announced, uint32(ssrc))
		}
		if a.Key == "ssrc" && err == nil && !repair[id] && s.ssrc == "" {
			s.ssrc = id
		}
	}
	if _, err := strconv.ParseUint(of[s.ssrc], 10, 32); err == nil {
		s.repair = of[s.ssrc]
	}
	if len(s.rids) > 0 {
		if s.kind != "video" || s.midExt == "" || s.ridExt == "" {
			s.rids = nil // layers could not be told apart
		} else {
			s.ssrc, s.repair = "", ""
		}
	}
	// Retransmissions must say what they repair. Those of layers whose SSRCs are announced (pion) bear the layer's
	// own name, as if they were the layer.
	if s.repair == "" && (len(s.rids) == 0 || s.repExt == "" || len(repair) > 0) {
		s.rtx = 0
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

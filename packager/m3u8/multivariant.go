package m3u8

import "math"

// ParseMultivariant reads a multivariant playlist as strictly as ParseMedia reads the other kind.
// I-frame variants, session data, session keys and steering are checked for their attributes and not kept.
func ParseMultivariant(b []byte) (*Multivariant, error) {
	p, mistakes := readMultivariant(b, false)
	if len(mistakes) > 0 {
		return nil, mistakes[0]
	}
	return p, nil
}

// ReadMultivariant is to ParseMultivariant what ReadMedia is to ParseMedia. A variant without its URI is left out.
func ReadMultivariant(b []byte) (*Multivariant, []*SyntaxError) { return readMultivariant(b, true) }

func readMultivariant(b []byte, all bool) (*Multivariant, []*SyntaxError) {
	m := mistakes{all: all}
	l, err := newLexer(b)
	if m.stop(err) || !l.has("EXTM3U") {
		return nil, m.found
	}
	r := &multivariantReader{lexer: l, list: &Multivariant{}}
	for {
		e, ok, err := l.next()
		if err == nil && ok {
			err = r.element(e)
		}
		if m.stop(err) {
			return nil, m.found
		}
		if err == nil && !ok {
			break
		}
	}
	if m.stop(r.drop()) {
		return nil, m.found
	}
	return r.list, m.found
}

type multivariantReader struct {
	*lexer
	list    *Multivariant
	pending bool // a STREAM-INF waits for its URI
}

func (r *multivariantReader) element(e element) error {
	if e.uri != "" {
		if !r.pending {
			return r.errorf("MV-6", "%s has no EXT-X-STREAM-INF", e.uri)
		}
		r.list.Variants[len(r.list.Variants)-1].URI = e.uri
		r.pending = false
		return nil
	}
	var dropped error
	if r.pending && multivariantTags[e.tag] != nil {
		dropped = r.drop()
	}
	had := len(r.list.Variants)
	err := r.list.tag(r.lexer, e)
	r.pending = r.pending || len(r.list.Variants) > had
	if dropped != nil {
		return dropped
	}
	return err
}

// drop leaves out a variant whose URI has not come.
func (r *multivariantReader) drop() error {
	if !r.pending {
		return nil
	}
	r.pending = false
	r.list.Variants = r.list.Variants[:len(r.list.Variants)-1]
	return r.errorf("MV-6", "EXT-X-STREAM-INF is not followed by its URI")
}

// multivariantTags are the tags that only a multivariant playlist may have.
var multivariantTags = map[string]func(*Multivariant, *attributes){
	"EXT-X-MEDIA":              (*Multivariant).media,
	"EXT-X-STREAM-INF":         (*Multivariant).streamInf,
	"EXT-X-I-FRAME-STREAM-INF": (*Multivariant).iFrames,
	"EXT-X-SESSION-DATA":       (*Multivariant).sessionData,
	"EXT-X-SESSION-KEY":        (*Multivariant).sessionKey,
	"EXT-X-CONTENT-STEERING":   func(_ *Multivariant, a *attributes) { a.need("MV-23", "SERVER-URI"); a.text("SERVER-URI") },
}

// both are the tags of either kind of playlist.
var both = map[string]bool{"EXT-X-VERSION": true, "EXT-X-INDEPENDENT-SEGMENTS": true, "EXT-X-START": true, "EXT-X-DEFINE": true}

func (m *Multivariant) tag(l *lexer, e element) error {
	if parse, ok := multivariantTags[e.tag]; ok {
		a := l.attributes(e.tag, e.value)
		parse(m, a)
		return a.err
	}
	if _, ok := mediaTags[e.tag]; ok && !both[e.tag] {
		return l.errorf("S-9", "#%s belongs into a media playlist", e.tag)
	}
	switch e.tag {
	case "EXT-X-VERSION":
		n, err := l.integer(e.tag, e.value)
		m.Version = int(min(n, math.MaxInt32))
		return err
	case "EXT-X-INDEPENDENT-SEGMENTS":
		m.IndependentSegments = true
	case "EXT-X-DEFINE":
		return l.define(e.value, false)
	}
	return nil
}

func (m *Multivariant) media(a *attributes) {
	a.need("MV-1", "TYPE", "GROUP-ID", "NAME")
	r := Media{
		Type: a.word("TYPE"), GroupID: a.text("GROUP-ID"), Name: a.text("NAME"), Language: a.text("LANGUAGE"),
		URI: a.text("URI"), Channels: a.text("CHANNELS"), Default: a.yes("DEFAULT"), AutoSelect: a.yes("AUTOSELECT"),
		InstreamID: a.text("INSTREAM-ID"),
	}
	switch r.Type {
	case "AUDIO", "VIDEO":
	case "SUBTITLES":
		a.need("MV-1", "URI")
	case "CLOSED-CAPTIONS":
		a.need("MV-2", "INSTREAM-ID")
		if a.has("URI") {
			a.fail("MV-1", "closed captions have no URI")
		}
	default:
		a.fail("MV-1", "TYPE=%s", r.Type)
	}
	if r.Default && a.has("AUTOSELECT") && !r.AutoSelect {
		a.fail("MV-3", "DEFAULT=YES with AUTOSELECT=NO")
	}
	if a.has("CHANNELS") && r.Type != "AUDIO" || a.has("FORCED") && r.Type != "SUBTITLES" {
		a.fail("MV-3", "CHANNELS is for AUDIO and FORCED for SUBTITLES, not for %s", r.Type)
	}
	if r.Type == "AUDIO" {
		m.Audio = append(m.Audio, r)
	} else {
		m.Other = append(m.Other, r)
	}
}

// iFrames keeps what I-frame playlists have in common with others (MV-20).
func (m *Multivariant) iFrames(a *attributes) {
	a.need("MV-20", "BANDWIDTH", "URI")
	for _, name := range []string{"FRAME-RATE", "AUDIO", "SUBTITLES", "CLOSED-CAPTIONS"} {
		if a.has(name) {
			a.fail("MV-20", "an I-frame playlist has no %s", name)
		}
	}
	v := Variant{
		URI: a.text("URI"), Bandwidth: int(a.integer("BANDWIDTH")), AverageBandwidth: int(a.integer("AVERAGE-BANDWIDTH")),
		Codecs: a.text("CODECS"), VideoRange: a.word("VIDEO-RANGE"),
	}
	v.Width, v.Height = a.resolution("RESOLUTION")
	m.IFrames = append(m.IFrames, v)
}

func (m *Multivariant) sessionData(a *attributes) {
	a.need("MV-21", "DATA-ID")
	a.text("DATA-ID")
	if a.has("VALUE") == a.has("URI") {
		a.fail("MV-21", "it has one of VALUE and URI")
	}
}

func (m *Multivariant) sessionKey(a *attributes) {
	a.need("MV-22", "METHOD")
	if a.word("METHOD") == "NONE" {
		a.fail("MV-22", "METHOD is not NONE")
	}
}

func (m *Multivariant) streamInf(a *attributes) {
	a.need("MV-6", "BANDWIDTH")
	v := Variant{
		Bandwidth: int(a.integer("BANDWIDTH")), AverageBandwidth: int(a.integer("AVERAGE-BANDWIDTH")),
		Codecs: a.text("CODECS"), FrameRate: a.float("FRAME-RATE"), Audio: a.text("AUDIO"),
		VideoRange: a.word("VIDEO-RANGE"),
	}
	v.Width, v.Height = a.resolution("RESOLUTION")
	if captions := a.values["CLOSED-CAPTIONS"]; captions == "NONE" {
		v.ClosedCaptions = captions
	} else {
		v.ClosedCaptions = a.text("CLOSED-CAPTIONS")
	}
	m.Variants = append(m.Variants, v)
}

// CheckMultivariant holds a multivariant playlist against the rules that can be seen in it.
func CheckMultivariant(m *Multivariant) []Finding {
	var c checker
	if len(m.Variants) == 0 {
		c.add("MV-6", 0, "no variant")
	}
	groups := map[string]bool{}
	names, defaults := map[[2]string]bool{}, map[string]int{}
	for _, r := range append(append([]Media(nil), m.Audio...), m.Other...) {
		if r.Type == "" {
			r.Type = "AUDIO"
		}
		group := r.Type + " " + r.GroupID
		groups[group] = true
		if names[[2]string{group, r.Name}] {
			c.add("MV-5", 0, "%s has two renditions with the name %q", group, r.Name)
		}
		names[[2]string{group, r.Name}] = true
		if r.Default {
			if defaults[group]++; defaults[group] == 2 {
				c.add("MV-5", 0, "%s has two defaults", group)
			}
		}
		if r.Type == "AUDIO" && r.Channels == "" {
			c.add("MV-4", 0, "audio %q without CHANNELS", r.Name)
		}
	}
	captions := 0
	for i := range m.Variants {
		v := &m.Variants[i]
		c.variant(v, groups)
		if v.ClosedCaptions == "NONE" {
			captions++
		}
	}
	if captions > 0 && captions < len(m.Variants) {
		c.add("MV-16", 0, "CLOSED-CAPTIONS=NONE on some variants only")
	}
	return c.findings
}

func (c *checker) variant(v *Variant, groups map[string]bool) {
	if v.Bandwidth == 0 || v.AverageBandwidth == 0 {
		c.add("MV-9", 0, "%s without BANDWIDTH or AVERAGE-BANDWIDTH", v.URI)
	}
	if v.AverageBandwidth > v.Bandwidth {
		c.add("MV-7", 0, "%s: AVERAGE-BANDWIDTH %d is more than BANDWIDTH %d", v.URI, v.AverageBandwidth, v.Bandwidth)
	}
	if v.Codecs == "" {
		c.add("MV-11", 0, "%s without CODECS", v.URI)
	}
	if v.Width == 0 != (v.FrameRate == 0) {
		c.add("MV-13", 0, "%s has one of RESOLUTION and FRAME-RATE where both are wanted", v.URI)
	}
	if v.Audio != "" && !groups["AUDIO "+v.Audio] {
		c.add("MV-16", 0, "%s wants the audio group %q, which is not there", v.URI, v.Audio)
	}
	if cc := v.ClosedCaptions; cc != "" && cc != "NONE" && !groups["CLOSED-CAPTIONS "+cc] {
		c.add("MV-16", 0, "%s wants the captions %q, which are not there", v.URI, cc)
	}
}

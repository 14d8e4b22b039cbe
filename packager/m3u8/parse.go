package m3u8

import (
	"math"
	"slices"
	"strings"
	"time"
)

// ParseMedia reads a media playlist, strictly: what breaks the grammar (S), a required
// attribute or the order of tags is a *SyntaxError. Unknown tags and attributes are
// ignored (S-17), and {$variables} are left as they stand. Unicode normalisation (part of
// S-2) is not looked at.
func ParseMedia(b []byte) (*Playlist, error) {
	p, mistakes := readMedia(b, false)
	if len(mistakes) > 0 {
		return nil, mistakes[0]
	}
	return p, nil
}

// ReadMedia reads as much of a media playlist as can be understood and answers every mistake that ParseMedia
// would stop at. The playlist is nil when the text is none, because it lacks #EXTM3U.
func ReadMedia(b []byte) (*Playlist, []*SyntaxError) { return readMedia(b, true) }

func readMedia(b []byte, all bool) (*Playlist, []*SyntaxError) {
	m := mistakes{all: all}
	l, err := newLexer(b)
	if m.stop(err) || !l.has("EXTM3U") {
		return nil, m.found
	}
	p := &parser{lexer: l, list: &Playlist{tags: l.once}, extinf: -1}
	for {
		e, ok, err := l.next()
		if m.stop(err) {
			return nil, m.found
		}
		if err != nil {
			continue
		}
		if !ok {
			break
		}
		if e.uri != "" {
			err = p.segment(e.uri)
		} else {
			err = p.tag(e.tag, e.value)
		}
		if m.stop(err) {
			return nil, m.found
		}
	}
	if m.stop(p.finish()) {
		return nil, m.found
	}
	return p.list, m.found
}

type parser struct {
	*lexer
	list    *Playlist
	cur     Listed // what has been said of the next segment
	extinf  int    // line of its EXTINF; -1: none yet
	initURI string
	key     string
	rate    int    // kbit/s, of EXT-X-BITRATE
	breaks  int64  // DISCONTINUITY tags so far
	ranged  string // resource that the byte range before belongs to
}

func (p *parser) tag(tag, value string) error {
	if parse, ok := mediaTags[tag]; ok {
		return parse(p, value)
	}
	if _, ok := multivariantTags[tag]; ok {
		return p.errorf("S-9", "#%s belongs into a multivariant playlist", tag)
	}
	return nil
}

var mediaTags = map[string]func(*parser, string) error{
	"EXT-X-VERSION":                func(p *parser, v string) error { return p.count(&p.list.Version, "EXT-X-VERSION", v) },
	"EXT-X-TARGETDURATION":         (*parser).targetDuration,
	"EXT-X-MEDIA-SEQUENCE":         (*parser).mediaSequence,
	"EXT-X-DISCONTINUITY-SEQUENCE": (*parser).discontinuitySequence,
	"EXT-X-SERVER-CONTROL":         (*parser).serverControl,
	"EXT-X-PART-INF":               (*parser).partInf,
	"EXT-X-PLAYLIST-TYPE":          (*parser).playlistType,
	"EXT-X-INDEPENDENT-SEGMENTS":   func(p *parser, v string) error { return p.flag(&p.list.IndependentSegments, v) },
	"EXT-X-I-FRAMES-ONLY":          func(p *parser, v string) error { return p.flag(&p.list.IFramesOnly, v) },
	"EXT-X-ENDLIST":                func(p *parser, v string) error { return p.flag(&p.list.EndList, v) },
	"EXT-X-DEFINE":                 (*parser).defineTag,
	"EXT-X-START":                  (*parser).start,
	"EXT-X-SKIP":                   (*parser).skip,
	"EXTINF":                       (*parser).inf,
	"EXT-X-BYTERANGE":              (*parser).byteRange,
	"EXT-X-DISCONTINUITY":          (*parser).discontinuity,
	"EXT-X-KEY":                    (*parser).keyTag,
	"EXT-X-MAP":                    (*parser).mapTag,
	"EXT-X-PROGRAM-DATE-TIME":      (*parser).date,
	"EXT-X-GAP":                    func(p *parser, v string) error { return p.flag(&p.cur.Gap, v) },
	"EXT-X-BITRATE":                (*parser).bitRate,
	"EXT-X-DATERANGE":              (*parser).dateRange,
	"EXT-X-PART":                   (*parser).part,
	"EXT-X-PRELOAD-HINT":           (*parser).hint,
	"EXT-X-RENDITION-REPORT":       (*parser).report,
}

func (p *parser) flag(b *bool, value string) error {
	*b = true
	if value != "" {
		return p.errorf("S-3", "%q behind a tag that takes nothing", value)
	}
	return nil
}

func (p *parser) count(n *int, name, value string) error {
	v, err := p.integer(name, value)
	if err == nil && v > math.MaxInt32 {
		err = p.errorf("S-6", "%s: %s is too large", name, value)
	}
	*n = int(v)
	return err
}

func (p *parser) targetDuration(v string) error {
	if err := p.count(&p.list.TargetDuration, "EXT-X-TARGETDURATION", v); err != nil {
		return err
	}
	if p.list.TargetDuration < 1 {
		return p.errorf("M-1", "EXT-X-TARGETDURATION is at least 1")
	}
	return nil
}

func (p *parser) mediaSequence(v string) (err error) {
	if len(p.list.Segments) > 0 || p.list.Skipped > 0 || len(p.cur.Parts) > 0 {
		return p.errorf("M-4", "EXT-X-MEDIA-SEQUENCE behind the first segment")
	}
	p.list.MediaSequence, err = p.integer("EXT-X-MEDIA-SEQUENCE", v)
	return err
}

func (p *parser) discontinuitySequence(v string) (err error) {
	if len(p.list.Segments) > 0 || p.list.Skipped > 0 || len(p.cur.Parts) > 0 || p.breaks > 0 {
		return p.errorf("M-8", "EXT-X-DISCONTINUITY-SEQUENCE behind the first segment or EXT-X-DISCONTINUITY")
	}
	p.list.DiscontinuitySequence, err = p.integer("EXT-X-DISCONTINUITY-SEQUENCE", v)
	return err
}

func (p *parser) serverControl(v string) error {
	a := p.attributes("EXT-X-SERVER-CONTROL", v)
	p.list.CanBlockReload = a.yes("CAN-BLOCK-RELOAD")
	p.list.CanSkipDateRanges = a.yes("CAN-SKIP-DATERANGES")
	p.list.CanSkipUntil = a.float("CAN-SKIP-UNTIL")
	p.list.HoldBack = a.float("HOLD-BACK")
	p.list.PartHoldBack = a.float("PART-HOLD-BACK")
	return a.err
}

func (p *parser) partInf(v string) error {
	a := p.attributes("EXT-X-PART-INF", v)
	a.need("M-22", "PART-TARGET")
	p.list.PartTarget = a.float("PART-TARGET")
	return a.err
}

func (p *parser) playlistType(v string) error {
	if p.list.Type = v; v != "EVENT" && v != "VOD" {
		return p.errorf("M-12", "EXT-X-PLAYLIST-TYPE is EVENT or VOD, not %q", v)
	}
	return nil
}

// define reads a variable's definition (S-15).
func (l *lexer) define(v string, media bool) error {
	a := l.attributes("EXT-X-DEFINE", v)
	kinds := 0
	for _, kind := range []string{"NAME", "IMPORT", "QUERYPARAM"} {
		name := a.text(kind)
		if name == "" {
			continue
		}
		if kinds++; !variableName(name) || l.defined[name] || kind == "IMPORT" && !media {
			a.fail("S-15", "%s=%q", kind, name)
		}
		if kind == "NAME" {
			a.need("S-15", "VALUE") // which may be an empty string
		}
		l.defined[name] = true
	}
	if kinds != 1 {
		a.fail("S-15", "exactly one of NAME, IMPORT and QUERYPARAM is wanted")
	}
	return a.err
}

func (p *parser) skip(v string) error {
	a := p.attributes("EXT-X-SKIP", v)
	a.need("K-3", "SKIPPED-SEGMENTS")
	n := a.integer("SKIPPED-SEGMENTS")
	if a.has("RECENTLY-REMOVED-DATERANGES") {
		p.list.SkipsRanges = true
		p.list.Removed = strings.Split(strings.Trim(a.values["RECENTLY-REMOVED-DATERANGES"], `"`), "\t")
	}
	if a.err != nil {
		return a.err
	}
	if len(p.list.Segments) > 0 || len(p.cur.Parts) > 0 || n < 1 || n > math.MaxInt32 {
		return p.errorf("K-1", "EXT-X-SKIP stands for at least one segment, in front of the first that is listed")
	}
	p.list.Skipped = int(n)
	return nil
}

func (p *parser) inf(v string) error {
	if p.extinf >= 0 {
		return p.errorf("G-1", "EXTINF again, without a URI for the one in line %d", p.extinf)
	}
	duration, title, ok := strings.Cut(v, ",")
	p.extinf, p.cur.Title = p.line, title
	var err error
	p.cur.Duration, err = p.float("EXTINF", duration)
	if !ok {
		err = p.errorf("G-2", "EXTINF without its comma")
	}
	return err
}

func (p *parser) byteRange(v string) error {
	if p.cur.ByteRange != "" {
		return p.errorf("G-3", "EXT-X-BYTERANGE again")
	}
	p.cur.ByteRange = v
	_, err := parseByteRange(p.lexer, v, "G-3", false)
	return err
}

func (p *parser) defineTag(v string) error {
	p.list.variables = true
	p.list.queried = p.list.queried || strings.Contains(v, "QUERYPARAM=")
	return p.define(v, true)
}

// start reads a signed TIME-OFFSET (S-14).
func (p *parser) start(v string) error {
	a := p.attributes("EXT-X-START", v)
	a.need("S-6", "TIME-OFFSET")
	text := a.values["TIME-OFFSET"]
	if at, err := p.float("TIME-OFFSET", strings.TrimPrefix(text, "-")); err == nil {
		if strings.HasPrefix(text, "-") {
			at = -at
		}
		p.list.StartAt = &at
	} else if a.err == nil {
		a.err = err
	}
	return a.err
}

// bitRate applies to this segment and all that follow (G-15).
func (p *parser) bitRate(v string) error { return p.count(&p.rate, "EXT-X-BITRATE", v) }

// beforeParts fails when a tag that applies to a whole segment comes behind its first part (G-16).
func (p *parser) beforeParts(tag string) error {
	if len(p.cur.Parts) > 0 {
		return p.errorf("G-16", "%s behind the first part of its segment", tag)
	}
	return nil
}

func (p *parser) discontinuity(v string) error {
	if err := p.flag(&p.cur.Discontinuity, v); err != nil {
		return err
	}
	p.breaks++
	return p.beforeParts("EXT-X-DISCONTINUITY")
}

func (p *parser) keyTag(v string) error {
	a := p.attributes("EXT-X-KEY", v)
	a.need("E-1", "METHOD")
	switch method := a.word("METHOD"); method {
	case "NONE":
		if len(a.values) > 1 {
			a.fail("E-1", "METHOD=NONE has no other attributes")
		}
		p.key = ""
	case "AES-128", "SAMPLE-AES", "SAMPLE-AES-CTR", "AES-256-GCM", "":
		a.need("E-5", "URI")
		a.text("URI")
		if iv := a.values["IV"]; iv != "" && (len(iv) != 34 || strings.Trim(iv[:2], "0xX") != "" || strings.Trim(iv[2:], "0123456789abcdefABCDEF") != "") {
			a.fail("E-5", "IV=%s is not 0x and 128 bits", iv)
		}
		p.key = v
	default:
		a.fail("E-1", "METHOD=%s", method)
		p.key = v
	}
	if a.err != nil {
		return a.err
	}
	return p.beforeParts("EXT-X-KEY")
}

func (p *parser) mapTag(v string) error {
	a := p.attributes("EXT-X-MAP", v)
	a.need("G-7", "URI")
	p.initURI = a.text("URI")
	if r := a.byteRange("BYTERANGE", "G-7", true); r != "" {
		p.initURI += "#" + r
	}
	p.cur.Map = p.initURI
	if a.err != nil {
		return a.err
	}
	return p.beforeParts("EXT-X-MAP")
}

// dateLayouts are the forms of a date that are in use.
var dateLayouts = []string{"2006-01-02T15:04:05.999999999Z07:00", "2006-01-02T15:04:05.999999999Z0700", "2006-01-02T15:04:05.999999999"}

// date reads an ISO 8601 date; one without a zone is taken for UTC and found by Check.
func (p *parser) date(v string) error {
	for _, layout := range dateLayouts {
		t, err := time.Parse(layout, v)
		if year := t.UTC().Year(); err != nil || year < 1 || year > 9998 {
			continue
		}
		p.cur.ProgramDateTime, p.cur.zoneless = t.UTC(), !strings.Contains(layout, "Z")
		return p.beforeParts("EXT-X-PROGRAM-DATE-TIME")
	}
	return p.errorf("G-10", "EXT-X-PROGRAM-DATE-TIME %q is not a date", v)
}

func (p *parser) part(v string) error {
	a := p.attributes("EXT-X-PART", v)
	a.need("P-1", "URI", "DURATION")
	part := Part{
		URI: a.text("URI"), Duration: a.float("DURATION"),
		Independent: a.yes("INDEPENDENT"), Gap: a.yes("GAP"),
		ByteRange: a.byteRange("BYTERANGE", "P-6", false),
	}
	p.cur.lateParts = p.cur.lateParts || p.extinf >= 0
	p.cur.Line = p.line
	p.cur.Parts = append(p.cur.Parts, part)
	return a.err
}

func (p *parser) hint(v string) error {
	a := p.attributes("EXT-X-PRELOAD-HINT", v)
	a.need("PH-2", "TYPE", "URI")
	h := Hint{Type: a.word("TYPE"), URI: a.text("URI"), Start: a.integer("BYTERANGE-START"), Length: a.integer("BYTERANGE-LENGTH")}
	h.Ranged = a.has("BYTERANGE-START") || a.has("BYTERANGE-LENGTH")
	p.list.Hints = append(p.list.Hints, h)
	return a.err
}

func (p *parser) report(v string) error {
	a := p.attributes("EXT-X-RENDITION-REPORT", v)
	a.need("R-2", "URI")
	r := Report{URI: a.text("URI"), LastMSN: -1, LastPart: -1}
	if a.has("LAST-MSN") {
		r.LastMSN = a.integer("LAST-MSN")
	}
	if a.has("LAST-PART") {
		r.LastPart = int(min(a.integer("LAST-PART"), math.MaxInt32))
	}
	p.list.Reports = append(p.list.Reports, r)
	return a.err
}

// segment takes a URI line, which completes a segment.
func (p *parser) segment(uri string) (err error) {
	if p.extinf < 0 {
		err = p.errorf("G-1", "segment %s has no EXTINF", uri)
	} else if r := p.cur.ByteRange; r != "" && !strings.Contains(r, "@") && p.ranged != uri {
		err = p.errorf("G-3", "byte range %s of %s goes on from nothing", r, uri)
	}
	p.ranged = ""
	if p.cur.ByteRange != "" {
		p.ranged = uri
	}
	p.cur.URI = uri
	p.place()
	p.list.Segments = append(p.list.Segments, p.cur)
	p.cur, p.extinf = Listed{}, -1
	return err
}

// place fills in what follows from where the current segment stands.
func (p *parser) place() {
	p.cur.MSN = p.list.MediaSequence + int64(p.list.Skipped) + int64(len(p.list.Segments))
	p.cur.DSN = p.list.DiscontinuitySequence + p.breaks
	p.cur.InForce, p.cur.Key, p.cur.BitRate = p.initURI, p.key, p.rate
	if p.cur.URI != "" {
		p.cur.Line = p.line
	}
}

// finish takes what is left for the open segment.
func (p *parser) finish() error {
	if len(p.cur.Parts) > 0 {
		p.place()
		p.cur.Parts = slices.Clip(p.cur.Parts)
		p.list.Open = &p.cur
	}
	if !p.has("EXT-X-TARGETDURATION") {
		return p.errorf("M-1", "EXT-X-TARGETDURATION is missing")
	}
	if p.extinf >= 0 {
		return p.errorf("G-1", "no URI follows the EXTINF in line %d", p.extinf)
	}
	return nil
}

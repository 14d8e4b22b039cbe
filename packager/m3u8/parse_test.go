package m3u8

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestParseReadsWhatWasWritten(t *testing.T) {
	for _, parts := range []int{0, 1, 5} {
		want := live(112, parts)
		text := want.Append(nil)
		got := parse(t, text)
		if again := string(got.Append(nil)); again != string(text) {
			t.Errorf("read and written again:\n%s\nwas\n%s", again, text)
		}
		if got.Header.Version != 9 || !got.CanBlockReload || got.MediaSequence != 100 || !reflect.DeepEqual(got.Reports, want.Reports) || !reflect.DeepEqual(got.Hints, want.Hints) {
			t.Errorf("%+v", got)
		}
		for i, s := range got.Segments {
			if s.MSN != 100+int64(i) || s.DSN != 0 || s.InForce != "init.0.mp4" || !strings.HasPrefix(strings.Split(string(text), "\n")[s.Line-1], s.URI) {
				t.Errorf("segment %d: %+v", i, s)
			}
		}
		if parts > 0 && (got.Open.MSN != 112 || got.Open.InForce != "init.0.mp4" || len(got.Open.Parts) != parts) {
			t.Errorf("open segment %+v", got.Open)
		}
	}
	m, err := ParseMultivariant(ladder().Append(nil))
	if err != nil {
		t.Fatal(err)
	}
	if again, want := string(m.Append(nil)), string(ladder().Append(nil)); again != want {
		t.Errorf("read and written again:\n%s", again)
	}
}

// Numbering and the scope of tags: M-6, M-10, G-7, K-3.
func TestParsePlacesSegments(t *testing.T) {
	p := parse(t, []byte(`#EXTM3U
#EXT-X-VERSION:10
#EXT-X-TARGETDURATION:4
#EXT-X-SERVER-CONTROL:CAN-SKIP-UNTIL=24.0
#EXT-X-MEDIA-SEQUENCE:7
#EXT-X-DISCONTINUITY-SEQUENCE:2
#EXT-X-SKIP:SKIPPED-SEGMENTS=3
# a comment

#EXT-X-NEW-TAG:whatever
#EXTINF:4,a title
a.m4s
#EXT-X-DISCONTINUITY
#EXT-X-MAP:URI="i.mp4",BYTERANGE="100@0"
#EXT-X-KEY:METHOD=SAMPLE-AES,URI="k"
#EXT-X-BYTERANGE:10@20
#EXTINF:4,
b.m4s
#EXT-X-BYTERANGE:10
#EXT-X-KEY:METHOD=NONE
#EXTINF:3.5,
b.m4s
`))
	type place struct {
		msn, dsn                int64
		initURI, key, byteRange string
	}
	want := []place{{10, 2, "", "", ""}, {11, 3, "i.mp4#100@0", `METHOD=SAMPLE-AES,URI="k"`, "10@20"}, {12, 3, "i.mp4#100@0", "", "10"}}
	for i, s := range p.Segments {
		if got := (place{s.MSN, s.DSN, s.InForce, s.Key, s.ByteRange}); got != want[i] {
			t.Errorf("segment %d: %+v, want %+v", i, got, want[i])
		}
	}
	if p.Segments[0].Title != "a title" || p.Skipped != 3 {
		t.Errorf("title %q, skipped %d", p.Segments[0].Title, p.Skipped)
	}
}

// What breaks the grammar names its rule and its line.
func TestParseMediaIsStrict(t *testing.T) {
	const head = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n"
	const tail = "#EXTINF:4,\na.ts\n"
	for _, c := range []struct {
		rule string
		line int
		text string
	}{
		{"S-7", 1, ""},
		{"S-7", 1, "#EXT-X-TARGETDURATION:4\n#EXTM3U\n"},
		{"S-7", 2, "\n#EXTM3U\n"},
		{"S-7", 1, "#EXTM3U8\n"},
		{"S-2", 1, "\ufeff" + head},
		{"S-2", 1, head + "\xff"},
		{"S-2", 3, head + "#EXTINF:4,\x07\n"},
		{"S-3", 3, head + " #EXTINF:4,\n"},
		{"S-3", 3, head + "a b.ts\n"},
		{"S-3", 3, head + "#EXT-X-ENDLIST:YES\n"},
		{"S-5", 3, head + "#EXT-X-PART-INF:PART-TARGET=1,PART-TARGET=1\n"},
		{"S-5", 3, head + "#EXT-X-PART-INF:part-target=1\n"},
		{"S-5", 3, head + "#EXT-X-PART-INF:PART-TARGET = 1\n"},
		{"S-5", 3, head + "#EXT-X-PART-INF:PART-TARGET=1,\n"},
		{"S-5", 3, head + "#EXT-X-PART-INF\n"},
		{"S-5", 3, head + "#EXT-X-MAP:URI=\"a\n"},
		{"S-5", 3, head + "#EXT-X-MAP:URI=\"a\"X=1\n"},
		{"S-6", 3, head + "#EXT-X-MAP:URI=a\n"},
		{"S-6", 3, head + "#EXT-X-MAP:URI=\"\"\n"},
		{"S-6", 3, head + "#EXT-X-MEDIA-SEQUENCE:-1\n"},
		{"S-6", 3, head + "#EXT-X-MEDIA-SEQUENCE:18446744073709551615\n"},
		{"S-6", 3, head + "#EXT-X-PART-INF:PART-TARGET=1e0\n"},
		{"S-6", 3, head + "#EXTINF:+4,\n"},
		{"S-6", 3, head + "#EXTINF:,\n"},
		{"S-6", 3, head + "#EXTINF:0x4,\n"},
		{"S-6", 3, head + "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=yes\n"},
		{"S-6", 3, head + "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=\"YES\"\n"},
		{"S-8", 4, head + "#EXT-X-VERSION:6\n#EXT-X-VERSION:6\n"},
		{"S-9", 3, head + "#EXT-X-STREAM-INF:BANDWIDTH=1\n"},
		{"S-10", 3, head + "#EXT-X-TARGETDURATION:4\n"},
		{"S-11", 4, head + "#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-INDEPENDENT-SEGMENTS\n"},
		{"S-15", 3, head + "#EXT-X-DEFINE:NAME=\"a\",QUERYPARAM=\"b\",VALUE=\"\"\n"},
		{"S-15", 3, head + "#EXT-X-DEFINE:NAME=\"a\"\n"},
		{"S-15", 3, head + "#EXT-X-DEFINE:QUERYPARAM=\"a b\"\n"},
		{"S-15", 4, head + "#EXT-X-DEFINE:QUERYPARAM=\"a\"\n#EXT-X-DEFINE:IMPORT=\"a\"\n"},
		{"S-16", 4, head + "#EXTINF:4,\n{$a}.ts\n"},
		{"S-16", 3, head + "#EXT-X-MAP:URI=\"{$a}\"\n"},
		{"M-1", 2, "#EXTM3U\n#EXT-X-TARGETDURATION:0\n"},
		{"M-1", 3, "#EXTM3U\n" + tail},
		{"M-4", 5, head + tail + "#EXT-X-MEDIA-SEQUENCE:1\n"},
		{"M-4", 4, head + "#EXT-X-SKIP:SKIPPED-SEGMENTS=2\n#EXT-X-MEDIA-SEQUENCE:1\n"},
		{"M-8", 5, head + tail + "#EXT-X-DISCONTINUITY-SEQUENCE:1\n"},
		{"M-8", 4, head + "#EXT-X-DISCONTINUITY\n#EXT-X-DISCONTINUITY-SEQUENCE:1\n"},
		{"M-12", 3, head + "#EXT-X-PLAYLIST-TYPE:LIVE\n"},
		{"M-22", 3, head + "#EXT-X-PART-INF:OTHER=1\n"},
		{"G-1", 3, head + "a.ts\n"},
		{"G-1", 4, head + "#EXTINF:4,\n#EXTINF:4,\n"},
		{"G-1", 3, head + "#EXTINF:4,\n"},
		{"G-2", 3, head + "#EXTINF:4\n"},
		{"G-3", 5, head + "#EXT-X-BYTERANGE:5\n" + tail},
		{"G-7", 3, head + "#EXT-X-MAP:BYTERANGE=\"1@0\"\n"},
		{"G-7", 3, head + "#EXT-X-MAP:URI=\"a\",BYTERANGE=\"1\"\n"},
		{"G-10", 3, head + "#EXT-X-PROGRAM-DATE-TIME:yesterday\n"},
		{"G-16", 4, head + "#EXT-X-PART:URI=\"a\",DURATION=1\n#EXT-X-MAP:URI=\"a\"\n"},
		{"G-16", 4, head + "#EXT-X-PART:URI=\"a\",DURATION=1\n#EXT-X-DISCONTINUITY\n"},
		{"G-16", 4, head + "#EXT-X-PART:URI=\"a\",DURATION=1\n#EXT-X-PROGRAM-DATE-TIME:2026-05-01T10:00:00Z\n"},
		{"P-1", 3, head + "#EXT-X-PART:URI=\"a\"\n"},
		{"P-1", 3, head + "#EXT-X-PART:DURATION=1\n"},
		{"PH-2", 3, head + "#EXT-X-PRELOAD-HINT:TYPE=PART\n"},
		{"R-2", 3, head + "#EXT-X-RENDITION-REPORT:LAST-MSN=1\n"},
		{"K-1", 5, head + tail + "#EXT-X-SKIP:SKIPPED-SEGMENTS=1\n"},
		{"K-1", 3, head + "#EXT-X-SKIP:SKIPPED-SEGMENTS=0\n"},
		{"K-3", 3, head + "#EXT-X-SKIP:RECENTLY-REMOVED-DATERANGES=\"\"\n"},
		{"K-4", 4, head + "#EXT-X-SKIP:SKIPPED-SEGMENTS=1\n#EXT-X-SKIP:SKIPPED-SEGMENTS=1\n"},
		{"D-1", 3, head + "#EXT-X-DATERANGE:CLASS=\"a\"\n"},
	} {
		_, err := ParseMedia([]byte(c.text))
		var syntax *SyntaxError
		if !errors.As(err, &syntax) || syntax.Rule != c.rule || syntax.Line != c.line {
			t.Errorf("%q: %v, want %s in line %d", c.text, err, c.rule, c.line)
		}
	}
}

// S-4, S-17: what is not known is ignored, and CRLF, comments and variables that are defined are fine.
func TestParseMediaIsOpen(t *testing.T) {
	p := parse(t, []byte("#EXTM3U\r\n#EXT-X-TARGETDURATION:4\r\n# comment \x20\r\n#ext-x-endlist\r\n#EXT-X-NEW:X=\"\r\n"+
		"#EXT-X-DEFINE:QUERYPARAM=\"t\"\r\n#EXT-X-START:TIME-OFFSET=-1.5\r\n#EXT-X-SERVER-CONTROL:NEW=1,CAN-BLOCK-RELOAD=YES\r\n#EXTINF:4,\r\na.ts?t={$t}&x={$\r\n"))
	if p.EndList || !p.CanBlockReload || len(p.Segments) != 1 || p.Segments[0].URI != "a.ts?t={$t}&x={$" {
		t.Errorf("%+v", p)
	}
}

func TestParseMultivariantIsStrict(t *testing.T) {
	const head = "#EXTM3U\n"
	const audio = "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"n\""
	for _, c := range []struct {
		rule string
		line int
		text string
	}{
		{"S-9", 2, head + "#EXTINF:4,\n"},
		{"S-9", 2, head + "#EXT-X-TARGETDURATION:4\n"},
		{"S-15", 2, head + "#EXT-X-DEFINE:IMPORT=\"a\"\n"},
		{"MV-1", 2, head + "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\"\n"},
		{"MV-1", 2, head + "#EXT-X-MEDIA:TYPE=SMELL,GROUP-ID=\"a\",NAME=\"n\"\n"},
		{"MV-1", 2, head + "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"a\",NAME=\"n\"\n"},
		{"MV-1", 2, head + "#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID=\"a\",NAME=\"n\",INSTREAM-ID=\"CC1\",URI=\"u\"\n"},
		{"MV-2", 2, head + "#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID=\"a\",NAME=\"n\"\n"},
		{"MV-3", 2, head + audio + ",DEFAULT=YES,AUTOSELECT=NO\n"},
		{"MV-3", 2, head + audio + ",FORCED=YES\n"},
		{"MV-6", 2, head + "#EXT-X-STREAM-INF:CODECS=\"a\"\n"},
		{"MV-6", 2, head + "#EXT-X-STREAM-INF:BANDWIDTH=1\n"},
		{"MV-6", 3, head + "#EXT-X-STREAM-INF:BANDWIDTH=1\n" + audio + "\nu\n"},
		{"MV-6", 2, head + "u.m3u8\n"},
		{"S-6", 2, head + "#EXT-X-STREAM-INF:BANDWIDTH=1,RESOLUTION=1280\nu\n"},
		{"S-6", 2, head + "#EXT-X-STREAM-INF:BANDWIDTH=1,CLOSED-CAPTIONS=none\nu\n"},
		{"MV-20", 2, head + "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1\n"},
		{"MV-21", 2, head + "#EXT-X-SESSION-DATA:VALUE=\"a\"\n"},
		{"MV-22", 2, head + "#EXT-X-SESSION-KEY:URI=\"a\"\n"},
		{"MV-23", 2, head + "#EXT-X-CONTENT-STEERING:PATHWAY-ID=\"a\"\n"},
	} {
		_, err := ParseMultivariant([]byte(c.text))
		var syntax *SyntaxError
		if !errors.As(err, &syntax) || syntax.Rule != c.rule || syntax.Line != c.line {
			t.Errorf("%q: %v, want %s in line %d", c.text, err, c.rule, c.line)
		}
	}
}

// Nothing panics, and what is understood is understood again after it was written by us.
// A reader that goes on finds every mistake, and loses as little as it can.
func TestReadMediaGoesOn(t *testing.T) {
	text := "\ufeff#EXTM3U\n#EXT-X-VERSION:x\n#EXT-X-TARGETDURATION:2\n#EXT-X-SERVER-CONTROL:HOLD-BACK=6, CAN-SKIP-UNTIL=12\n" +
		"#EXT-X-MEDIA-SEQUENCE:7\n#EXTINF:2\na.m4s\nb.m4s\n#EXTINF:1.5,\nc.m4s\n#EXTINF:1,\n"
	list, mistakes := ReadMedia([]byte(text))
	var got []string
	for _, m := range mistakes {
		got = append(got, m.Rule)
	}
	if want := "S-2 S-6 S-5 G-2 G-1 G-1"; strings.Join(got, " ") != want {
		t.Errorf("found %v, want %s", mistakes, want)
	}
	if list == nil || len(list.Segments) != 3 || list.Segments[0].Duration != 2 || list.Segments[2].MSN != 9 || list.CanSkipUntil != 12 || list.HoldBack != 6 {
		t.Errorf("read %+v", list)
	}
	if list, mistakes := ReadMedia([]byte("<html>")); list != nil || len(mistakes) != 1 || mistakes[0].Rule != "S-7" {
		t.Errorf("read %+v, %v", list, mistakes)
	}
}

func TestReadMultivariantGoesOn(t *testing.T) {
	list, mistakes := ReadMultivariant([]byte("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=x\n#EXT-X-STREAM-INF:BANDWIDTH=5\na.m3u8\n" +
		"stray.m3u8\n#EXTINF:1,\n#EXT-X-MEDIA:TYPE=AUDIO\n#EXT-X-STREAM-INF:BANDWIDTH=6\n"))
	var got []string
	for _, m := range mistakes {
		got = append(got, m.Rule)
	}
	if want := "S-6 MV-6 MV-6 S-9 MV-1 MV-6"; strings.Join(got, " ") != want {
		t.Errorf("found %v, want %s", mistakes, want)
	}
	if list == nil || len(list.Variants) != 1 || list.Variants[0].URI != "a.m3u8" || list.Variants[0].Bandwidth != 5 {
		t.Errorf("read %+v", list)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-BYTERANGE:10@20\n#EXT-X-KEY:METHOD=NONE\n#EXTINF:4,\na\n#EXT-X-ENDLIST"))
	f.Add([]byte("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-PART-INF:PART-TARGET=.5\n#EXT-X-MEDIA-SEQUENCE:100\n#EXT-X-SKIP:SKIPPED-SEGMENTS=2\n" +
		"#EXT-X-MAP:URI=\"i\"\n#EXTINF:2,\na\n#EXT-X-DISCONTINUITY\n#EXT-X-PROGRAM-DATE-TIME:2026-05-01T10:00:00Z\n#EXT-X-PART:DURATION=0.5,URI=\"p\",GAP=YES\n"))
	f.Add([]byte("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-SERVER-CONTROL:CAN-SKIP-UNTIL=12\n#EXTINF:9,\na\n#EXTINF:9,\nb\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"h\"\n#EXT-X-RENDITION-REPORT:URI=\"r\",LAST-MSN=1"))
	f.Add([]byte("#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"g\",NAME=\"n\"\n#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO=\"g\",RESOLUTION=1x1\nu"))
	base := parse(f, live(112, 2).Append(nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		if m, err := ParseMultivariant(data); err == nil {
			CheckMultivariant(m)
			again, err := ParseMultivariant(m.Append(nil))
			if err != nil && !strings.Contains(string(data), "{$") {
				t.Fatalf("%v\n%s", err, m.Append(nil))
			}
			if err == nil && string(again.Append(nil)) != string(m.Append(nil)) {
				t.Fatalf("\n%s\nbecame\n%s", m.Append(nil), again.Append(nil))
			}
		}
		p, err := ParseMedia(data)
		if err != nil {
			return
		}
		Check(p)
		CheckUpdate(base, p)
		CheckUpdate(p, base)
		CheckDelta(base, p)
		CheckDelta(p, p)
		again, err := ParseMedia(p.Append(nil))
		if err != nil && !strings.Contains(string(data), "{$") {
			t.Fatalf("%v\n%s", err, p.Append(nil))
		}
		if err == nil && string(again.Append(nil)) != string(p.Append(nil)) {
			t.Fatalf("\n%s\nbecame\n%s", p.Append(nil), again.Append(nil))
		}
	})
}

package ingest

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pion/sdp/v3"

	"tilecast/media"
)

// readFixture is an offer as a real client words it, with the line ends of SDP.
func readFixture(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "offers", name+".sdp"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(text), "\n", "\r\n")
}

// fixtures are the names of all offers that real clients sent.
func fixtures(t testing.TB) (names []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "offers", "*.sdp"))
	if err != nil || len(files) < 12 {
		t.Fatalf("%d offers, %v", len(files), err)
	}
	for _, f := range files {
		names = append(names, strings.TrimSuffix(filepath.Base(f), ".sdp"))
	}
	return names
}

// What is taken of real clients' offers, and what they are answered (W-11, W-13 to
// W-16, W-50, W-53, W-55, W-56, W-70, W-76, O-2, O-6, O-20, section 9; checklist 11.1, 11.3, 11.5, 11.12).
func TestRealClients(t *testing.T) {
	_, url := startServer(t, newHall(), Config{})
	for _, c := range []struct {
		name   string
		codecs []media.Codec // in order of the offer's sections
		pts    []string
		setup  string
		has    []string // lines of the answer
		hasNot []string // parts of lines
	}{
		{"chromium", []media.Codec{media.Opus, media.VP8}, []string{"111", "96 97"}, "passive",
			[]string{"a=rtpmap:96 VP8/90000", "a=rtcp-fb:96 nack", "a=rtcp-fb:96 nack pli", "a=rtcp-fb:96 transport-cc",
				"a=rtcp-fb:96 goog-remb", "a=rtpmap:97 rtx/90000", "a=fmtp:97 apt=96",
				"a=extmap:3 " + sdp.TransportCCURI, "a=fmtp:111 minptime=10;useinbandfec=1;stereo=1;sprop-stereo=1"},
			[]string{"red", "H264", "sdes:mid", "simulcast"}},
		{"chromium-vp8", []media.Codec{media.Opus, media.VP8}, []string{"111", "96 97"}, "passive", nil, []string{"sdes:mid", "simulcast"}},
		{"chromium-vp9", []media.Codec{media.Opus, media.VP9}, []string{"111", "98 99"}, "passive", []string{"a=fmtp:98 profile-id=0"}, nil},
		{"chromium-h264", []media.Codec{media.Opus, media.H264}, []string{"111", "102 103"}, "passive",
			[]string{"a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f"}, nil},
		{"chromium-av1", []media.Codec{media.Opus, media.AV1}, []string{"111", "45 46"}, "passive", nil, nil},
		{"chromium-simulcast", []media.Codec{media.Opus, media.VP8}, []string{"111", "96 97"}, "passive",
			[]string{"a=simulcast:recv l;m;h", "a=rid:l recv", "a=rid:m recv", "a=rid:h recv"}, nil},
		{"firefox", []media.Codec{media.Opus, media.VP8}, []string{"109", "120 124"}, "passive",
			[]string{"a=fmtp:120 max-fs=12288;max-fr=60"}, []string{"H264"}},
		{"safari", []media.Codec{media.Opus, media.H264}, []string{"111", "96 97"}, "passive",
			[]string{"a=fmtp:96 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=640c1f"}, []string{"VP8"}},
		{"obs", []media.Codec{media.Opus, media.H264}, []string{"111", "96"}, "passive", nil, []string{"transport-cc"}},
		{"obs-simulcast", []media.Codec{media.Opus, media.H264}, []string{"111", "96"}, "passive",
			[]string{"a=simulcast:recv 0;1;2", "a=rid:0 recv", "a=rid:1 recv", "a=rid:2 recv",
				"a=extmap:1 " + sdp.SDESMidURI, "a=extmap:2 " + sdp.SDESRTPStreamIDURI}, nil},
		{"ffmpeg", []media.Codec{media.Opus, media.H264}, []string{"111", "106"}, "active", nil, nil},
		{"gstreamer", []media.Codec{media.H264, media.Opus}, []string{"98 99", "104"}, "passive",
			[]string{"a=fmtp:98 packetization-mode=1;profile-level-id=42c016;level-asymmetry-allowed=1"}, []string{"sprop-parameter", "H265", "ulpfec"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			offer := readFixture(t, c.name)
			res, answer := request(t, http.MethodPost, url+"/whip/demo", "application/sdp; charset=utf-8", offer)
			if res.StatusCode != http.StatusCreated || res.Header.Get("Content-Type") != "application/sdp" {
				t.Fatalf("%s, %s: %s", res.Status, res.Header.Get("Content-Type"), answer)
			}
			if !strings.HasPrefix(res.Header.Get("Location"), url+"/whip/demo/") {
				t.Fatalf("Location %q", res.Header.Get("Location"))
			}
			checkAnswer(t, offer, answer, c.setup)
			o, err := parseOffer(offer, false)
			if err != nil || !slices.Equal(o.codecs(), c.codecs) {
				t.Fatalf("took %v, %v", o.codecs(), err)
			}
			lines := strings.Split(answer, "\r\n")
			for i, pt := range c.pts {
				if n := "m=" + o.sections[i].kind + " 9 UDP/TLS/RTP/SAVPF " + pt; !slices.Contains(lines, n) {
					t.Errorf("no %q in the answer:\n%s", n, answer)
				}
			}
			for _, line := range c.has {
				if !slices.Contains(lines, line) {
					t.Errorf("no %q in the answer:\n%s", line, answer)
				}
			}
			for _, part := range c.hasNot {
				if strings.Contains(answer, part) {
					t.Errorf("%q in the answer:\n%s", part, answer)
				}
			}
			request(t, http.MethodDelete, res.Header.Get("Location"), "", "")
		})
	}
}

// checkAnswer checks what every answer must be.
func checkAnswer(t *testing.T, offer, answer, setup string) {
	t.Helper()
	var o, a sdp.SessionDescription
	if err := errors.Join(o.UnmarshalString(offer), a.UnmarshalString(answer)); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(answer, "v=0\r\n") || strings.Contains(strings.ReplaceAll(answer, "\r\n", ""), "\n") || len(answer) > 8192 {
		t.Fatalf("not SDP as clients want it: %q", answer)
	}
	og, _ := o.Attribute("group")
	if ag, _ := a.Attribute("group"); ag != og {
		t.Errorf("bundle %q, offered %q", ag, og)
	}
	if len(a.MediaDescriptions) != len(o.MediaDescriptions) {
		t.Fatalf("%d sections, offered %d", len(a.MediaDescriptions), len(o.MediaDescriptions))
	}
	for i, m := range a.MediaDescriptions {
		om := o.MediaDescriptions[i]
		mid, _ := m.Attribute("mid")
		if omid, _ := om.Attribute("mid"); mid != omid || m.MediaName.Media != om.MediaName.Media || m.MediaName.Port.Value == 0 {
			t.Errorf("section %d: %s mid %q port %d", i, m.MediaName.Media, mid, m.MediaName.Port.Value)
		}
		for _, want := range []string{"recvonly", "rtcp-mux", "rtcp-mux-only"} {
			if _, ok := m.Attribute(want); !ok {
				t.Errorf("section %d lacks %s", i, want)
			}
		}
		if s, _ := m.Attribute("setup"); s != setup {
			t.Errorf("section %d: setup %q, want %q", i, s, setup)
		}
		if _, ok := m.Attribute("msid"); ok {
			t.Errorf("section %d has an msid", i)
		}
	}
	var candidates []string
	lead := a.MediaDescriptions[0]
	for _, at := range lead.Attributes {
		if at.Key == "candidate" {
			candidates = append(candidates, at.Value)
		}
	}
	if _, ok := lead.Attribute("end-of-candidates"); !ok || len(candidates) == 0 {
		t.Errorf("candidates %v, complete %v", candidates, ok)
	}
	loopback := slices.IndexFunc(candidates, func(c string) bool { return strings.Contains(c, " 127.0.0.1 ") })
	real := slices.IndexFunc(candidates, func(c string) bool { return !strings.Contains(c, " 127.0.0.1 ") && !strings.Contains(c, " ::1 ") })
	if loopback < 0 || real > loopback {
		t.Errorf("candidates in the wrong order: %v", candidates)
	}
}

// What is wrong with an offer is said with the status of whip.md 7.1 and in words; a part of it that
// can't be taken refuses the whole (W-12, W-51, W-52, W-70).
func TestBadOffers(t *testing.T) {
	h := newHall()
	s, url := startServer(t, h, Config{})
	good := readFixture(t, "chromium")
	obs := readFixture(t, "obs")
	video := obs[strings.Index(obs, "m=video"):]
	audio := obs[strings.Index(obs, "m=audio"):strings.Index(obs, "m=video")]
	edit := strings.ReplaceAll
	for _, c := range []struct {
		name, offer string
		status      int
		says        string
	}{
		{"empty", "", 400, "SDP"},
		{"no SDP", "hello", 400, "SDP"},
		{"cut off", good[:len(good)/3] + "x", 400, ""},
		{"too large", good + strings.Repeat("a=x\r\n", 20000), 413, "65536"},
		{"no media", obs[:strings.Index(obs, "m=audio")], 422, "no media"},
		{"two videos", edit(obs, "LE 0 1", "LE 0 1 2") + edit(video, "mid:1", "mid:2"), 422, "more than one video"},
		{"two audios", edit(obs, "LE 0 1", "LE 0 1 2") + edit(audio, "mid:0", "mid:2"), 422, "more than one audio"},
		{"same mid twice", edit(obs, "mid:1", "mid:0"), 400, "same a=mid"},
		{"no mid", edit(obs, "a=mid:1\r\n", ""), 422, "a=mid"},
		{"not bundled", edit(obs, "a=group:BUNDLE 0 1\r\n", ""), 422, "BUNDLE"},
		{"only H.265", edit(obs, "H264", "H265"), 422, "H265"},
		{"only 10 bit VP9", edit(edit(obs, "H264", "VP9"), "profile-level-id=42e01f", "profile-id=2"), 422, "VP9"},
		{"H.264 4:4:4", edit(obs, "42e01f", "f4001f"), 422, "H264"},
		{"H.264 interleaved", edit(obs, "packetization-mode=1", "packetization-mode=2"), 422, "H264"},
		{"only G.711", edit(edit(obs, "opus/48000/2", "PCMU/8000"), "a=fmtp:111", "a=x:"), 422, "PCMU"},
		{"receiving", edit(good, "a=sendonly", "a=recvonly"), 422, "recvonly"},
		{"inactive", edit(good, "a=sendonly", "a=inactive"), 422, "inactive"},
		{"switched off", edit(good, "a=bundle-only\r\n", ""), 422, "port 0"},
		{"a data channel", good + "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:2\r\n", 422, "application"},
		{"no fingerprint", edit(obs, "a=fingerprint", "a=x"), 400, "fingerprint"},
		{"no ICE", edit(obs, "a=ice-ufrag", "a=x"), 400, "ice-ufrag"},
		{"no rtcp-mux", edit(obs, "a=rtcp-mux\r\n", ""), 422, "rtcp-mux"},
		{"holdconn", edit(obs, "setup:actpass", "setup:holdconn"), 422, "holdconn"},
	} {
		res, body := request(t, http.MethodPost, url+"/whip/demo", "application/sdp", c.offer)
		if res.StatusCode != c.status || !strings.Contains(body, c.says) || body == "" {
			t.Errorf("%s: %s %q, want %d %q", c.name, res.Status, body, c.status, c.says)
		}
		if res.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: no CORS header (W-6)", c.name)
		}
	}
	if n := len(h.seats); n != 0 || len(s.Stats().Sessions) != 0 {
		t.Errorf("%d were seated though every offer was bad", n)
	}
}

// A strict server also refuses what RFC 9725 forbids clients and nothing depends on (W-51, W-53, O-31).
func TestStrictOffers(t *testing.T) {
	_, url := startServer(t, newHall(), Config{Strict: true})
	safari := readFixture(t, "safari")
	for _, c := range []struct {
		name, offer string
		status      int
		says        string
	}{
		{"as browsers do", safari, 201, ""},
		{"Chromium", readFixture(t, "chromium-simulcast"), 201, ""},
		{"FFmpeg is the DTLS server", readFixture(t, "ffmpeg"), 422, "setup:passive"},
		{"two streams", strings.Replace(safari, "a=msid:d0f0d6d7", "a=msid:other", 1), 422, "two streams"},
		{"no stream", strings.Replace(safari, "a=msid:", "a=x:", 1), 422, "a=msid"},
	} {
		res, body := request(t, http.MethodPost, url+"/whip/demo", sdpType, c.offer)
		if res.StatusCode != c.status || !strings.Contains(body, c.says) {
			t.Errorf("%s: %s %q", c.name, res.Status, body)
		}
	}
}

// Unusual offers that are fine.
func TestLenientOffers(t *testing.T) {
	_, url := startServer(t, newHall(), Config{})
	obs := readFixture(t, "obs")
	video := obs[:strings.Index(obs, "m=audio")] + obs[strings.Index(obs, "m=video"):]
	edit := strings.ReplaceAll
	for name, offer := range map[string]string{
		"video alone, no bundle":     edit(video, "a=group:BUNDLE 0 1\r\n", ""),
		"video alone, no mid":        edit(edit(video, "a=group:BUNDLE 0 1\r\n", ""), "a=mid:1\r\n", ""),
		"mids of another kind":       edit(edit(edit(obs, "BUNDLE 0 1", "BUNDLE sdparta_0 {v}"), "a=mid:0", "a=mid:sdparta_0"), "a=mid:1", "a=mid:{v}"),
		"ICE of its own per section": obs[:strings.Index(obs, "m=video")] + edit(edit(obs[strings.Index(obs, "m=video"):], "a=ice-ufrag:", "a=ice-ufrag:x"), "a=ice-pwd:", "a=ice-pwd:y"),
		"direction left out":         edit(edit(obs, "a=sendonly\r\n", ""), "a=group:LS 0 1\r\n", ""),
		"direction of the session":   edit(edit(obs, "a=sendonly\r\n", ""), "a=group:LS 0 1", "a=sendonly"),
		"line feeds only":            edit(obs, "\r\n", "\n"),
		"no SSRC":                    edit(edit(obs, "a=ssrc:1903846275", "a=x"), "a=ssrc:1903846276", "a=x"),
		"H.264 mode 0":               edit(obs, "packetization-mode=1;", ""),
		"nonsensical candidates":     obs + "a=candidate:x\r\na=candidate:1 1 UDP 1 host.local 9 typ host\r\na=candidate:1 1 UDP 1 300.1.1.1 9 typ host\r\n",
		"simulcast of an odd kind":   edit(readFixture(t, "obs-simulcast"), "send 0;1;2", "send ~0,1;;0;2;\x01"),
		"rids without the extension": edit(readFixture(t, "obs-simulcast"), "a=extmap:2", "a=x"),
		"two fingerprints":           edit(obs, "a=setup:actpass", "a=setup:actpass\r\na=fingerprint:sha-1 AA:BB"),
	} {
		res, body := request(t, http.MethodPost, url+"/whip/demo", "application/sdp", offer)
		if res.StatusCode != http.StatusCreated || !strings.Contains(body, "a=recvonly") || strings.Count(body, "m=") != strings.Count(offer, "\nm=") {
			t.Errorf("%s: %s %s", name, res.Status, body)
		}
	}
}

// No offer makes the parser fall over, and what it lets pass has what is needed.
func FuzzOffer(f *testing.F) {
	for _, name := range fixtures(f) {
		f.Add(readFixture(f, name))
	}
	f.Fuzz(func(t *testing.T, text string) {
		o, err := parseOffer(text, false)
		if err != nil {
			var e *offerError
			if !errors.As(err, &e) || e.status < 400 || e.status > 499 || e.msg == "" {
				t.Fatalf("%v", err)
			}
			return
		}
		if len(o.sections) == 0 || o.fingerprint == "" || o.ufrag == "" {
			t.Fatalf("%+v", o)
		}
		var again sdp.SessionDescription
		if err := again.UnmarshalString(o.sdp(nil)); err != nil || len(again.MediaDescriptions) != len(o.sections) {
			t.Fatalf("our own offer: %v\n%s", err, o.sdp(nil))
		}
	})
}

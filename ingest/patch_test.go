package ingest

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"

	"tilecast/media"
)

// post publishes a fixture and returns the session's URL, its ETag and the answer.
func post(t *testing.T, url, fixture string, headers ...string) (resource, etag, answer string) {
	t.Helper()
	res, body := request(t, http.MethodPost, url, sdpType, readFixture(t, fixture), headers...)
	if res.StatusCode != http.StatusCreated {
		t.Fatalf("POST: %s: %s", res.Status, body)
	}
	return res.Header.Get("Location"), res.Header.Get("ETag"), body
}

// patch sends a fragment; an empty match sends no If-Match.
func patch(t *testing.T, resource, match, fragment string) (*http.Response, string) {
	t.Helper()
	var headers []string
	if match != "" {
		headers = []string{"If-Match", match}
	}
	return request(t, http.MethodPatch, resource, fragmentType, fragment, headers...)
}

// fragmentOf is the fragment that a client with this description sends.
func fragmentOf(t *testing.T, description string) string {
	t.Helper()
	o, err := parseOffer(description, false)
	if err != nil {
		t.Fatal(err)
	}
	f := "a=ice-ufrag:" + o.ufrag + "\r\na=ice-pwd:" + o.pwd + "\r\nm=audio 9 RTP/AVP 0\r\na=mid:" + o.lead + "\r\n"
	for _, c := range o.candidates {
		f += "a=candidate:" + c + "\r\n"
	}
	return f + "a=end-of-candidates\r\n"
}

var etagRE = regexp.MustCompile(`^"[A-Za-z0-9_-]{20,}"$`)

const newCredentials = "a=ice-ufrag:Zx12\r\na=ice-pwd:0123456789abcdefghijklmn\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n"

// What a PATCH is answered, in this order, by a strict and by a lenient server
// (W-19, W-30 to W-37, W-42, W-43, O-40 to O-42; checklist 11.6).
func TestPatchMatrix(t *testing.T) {
	trickle := func(c string) string { return "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n" + c }
	const udp = "a=candidate:1 1 udp 2130706431 192.0.2.7 4711 typ host\r\n"
	for _, strict := range []bool{false, true} {
		_, url := startServer(t, newHall(), Config{Strict: strict})
		resource, etag, _ := post(t, url+"/whip/demo", "chromium")
		o, err := parseOffer(readFixture(t, "chromium"), false)
		if err != nil || !etagRE.MatchString(etag) {
			t.Fatalf("ETag %q, %v", etag, err)
		}
		old := "a=ice-ufrag:" + o.ufrag + "\r\na=ice-pwd:" + o.pwd + "\r\n"
		ask := func(name, match, fragment string, leniently, strictly int) (*http.Response, string) {
			t.Helper()
			want := leniently
			if strict {
				want = strictly
			}
			res, body := patch(t, resource, match, fragment)
			if res.StatusCode != want {
				t.Errorf("strict %v, %s: %s %q, want %d", strict, name, res.Status, body, want)
			}
			if res.StatusCode == 204 && (body != "" || res.Header.Get("ETag") != "") {
				t.Errorf("strict %v, %s: body %q, ETag %q", strict, name, body, res.Header.Get("ETag"))
			}
			if res.StatusCode >= 400 && (len(body) < 10 || res.Header.Get("Access-Control-Expose-Headers") == "") {
				t.Errorf("strict %v, %s: %q, %v", strict, name, body, res.Header)
			}
			return res, body
		}
		ask("trickle", etag, trickle(udp), 204, 204)
		ask("the same again", etag, trickle(udp), 204, 204)
		ask("credentials as they are", etag, old+trickle(udp), 204, 204)
		ask("star with credentials as they are, as mediamtx", "*", old+trickle(udp), 204, 204)
		ask("several tags", `"other", `+etag, trickle(udp), 204, 204)
		ask("no If-Match", "", trickle(udp), 204, 428)
		ask("another tag", `"other"`, trickle(udp), 412, 412)
		ask("a weak tag", "W/"+etag, trickle(udp), 412, 412)
		ask("a tag without quotes", strings.Trim(etag, `"`), trickle(udp), 204, 412)
		ask("mDNS", etag, trickle("a=candidate:1 1 udp 1 3f1c.local 9 typ host\r\n"), 204, 204)
		ask("TCP", etag, trickle("a=candidate:1 1 tcp 1 192.0.2.7 9 typ host tcptype active\r\n"), 204, 204)
		ask("unreadable", etag, trickle("a=candidate:nonsense\r\n"), 204, 204)
		ask("end", etag, trickle("a=end-of-candidates\r\n"), 204, 204)
		ask("bare candidate", etag, udp, 204, 400)
		ask("RTP/AVP and misspelt end", etag, "m=audio 9 RTP/AVP 0\r\na=mid:0\r\n"+udp+"a=end-of-candidats\r\n", 204, 204)
		ask("two sections", etag, trickle(udp)+"m=video 9 RTP/AVP 0\r\na=mid:1\r\n"+udp, 204, 400)
		ask("line feeds only", etag, strings.ReplaceAll(trickle(udp), "\r\n", "\n"), 204, 204)
		ask("empty", etag, "", 400, 400)
		ask("no SDP", etag, "hello\r\n", 400, 400)
		ask("JSON", etag, `{"candidate":"a=b"}`, 400, 400)
		ask("bad credentials", "*", "a=ice-ufrag:x y\r\na=ice-pwd:z\r\n", 400, 400)
		ask("half a restart", "*", "a=ice-ufrag:newone\r\n"+trickle(""), 400, 400)
		ask("too large", etag, trickle(strings.Repeat(udp, 500)), 413, 413)
		if res, _ := request(t, http.MethodPatch, resource, sdpType, trickle(udp), "If-Match", etag); res.StatusCode != 415 ||
			res.Header.Get("Accept-Patch") != fragmentType {
			t.Errorf("wrong type: %s, Accept-Patch %q", res.Status, res.Header.Get("Accept-Patch"))
		}
		ask("stale restart", `"other"`, newCredentials, 412, 412)
		res, body := ask("restart", "*", newCredentials, 200, 200)
		second := res.Header.Get("ETag")
		if !etagRE.MatchString(second) || second == etag || res.Header.Get("Content-Type") != fragmentType || !strings.Contains(body, "a=ice-pwd:") {
			t.Errorf("restart: ETag %q, %s: %s", second, res.Header.Get("Content-Type"), body)
		}
		ask("the old tag", etag, trickle(udp), 412, 412)
		ask("the new tag", second, "a=ice-ufrag:Zx12\r\na=ice-pwd:0123456789abcdefghijklmn\r\n"+trickle(udp), 204, 204)
		ask("restart again, quoted star", `"*"`, strings.ReplaceAll(newCredentials, "Zx12", "Zx13"), 200, 200)
		request(t, http.MethodDelete, resource, "", "")
		ask("gone", "*", trickle(udp), 404, 404)
	}
}

// The answer to a restart is the offer's and the first answer's but for credentials and
// candidates (W-38, W-39).
func TestRestartAnswer(t *testing.T) {
	_, url := startServer(t, newHall(), Config{})
	resource, _, answer := post(t, url+"/whip/demo", "chromium")
	_, body := patch(t, resource, "*", newCredentials)
	var first, second sdp.SessionDescription
	if err := first.UnmarshalString(answer); err != nil {
		t.Fatal(err)
	}
	if err := second.UnmarshalString("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n" + body); err != nil {
		t.Fatalf("%v:\n%s", err, body)
	}
	if len(second.MediaDescriptions) != 1 {
		t.Fatalf("not one section:\n%s", body)
	}
	a, b := first.MediaDescriptions[0], second.MediaDescriptions[0]
	for _, key := range []string{"mid", "ice-options", "ice-lite", "ice-pacing"} {
		was, _ := attribute(&first, a, key)
		is, _ := attribute(&second, b, key)
		if was != is {
			t.Errorf("%s was %q, is %q", key, was, is)
		}
	}
	for _, key := range []string{"ice-ufrag", "ice-pwd"} {
		was, _ := a.Attribute(key)
		is, _ := b.Attribute(key)
		if was == is || is == "" {
			t.Errorf("%s was %q, is %q", key, was, is)
		}
	}
	candidates := func(m *sdp.MediaDescription) (n int) {
		for _, at := range m.Attributes {
			if at.Key == "candidate" {
				n++
			}
		}
		return n
	}
	if _, end := b.Attribute("end-of-candidates"); !end || candidates(b) != candidates(a) {
		t.Errorf("not all candidates:\n%s", body)
	}
	for _, not := range []string{"fingerprint", "setup", "rtpmap", "recvonly"} {
		if strings.Contains(body, not) {
			t.Errorf("%s in a fragment:\n%s", not, body)
		}
	}
}

// restart restarts the client's ICE by PATCH.
func (p *publisher) restart(match string) (etag string) {
	p.t.Helper()
	desc, err := p.pc.CreateOffer(&webrtc.OfferOptions{ICERestart: true})
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.pc.SetLocalDescription(desc); err != nil {
		p.t.Fatal(err)
	}
	<-webrtc.GatheringCompletePromise(p.pc)
	res, body := patch(p.t, p.resource, match, fragmentOf(p.t, p.pc.LocalDescription().SDP))
	if res.StatusCode != http.StatusOK {
		p.t.Fatalf("restart: %s: %s", res.Status, body)
	}
	p.answer = mergeFragment(p.answer, body)
	if err := p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: p.answer}); err != nil {
		p.t.Fatalf("%v:\n%s", err, p.answer)
	}
	return res.Header.Get("ETag")
}

// mergeFragment is an answer with the credentials and candidates of a fragment, in every section.
func mergeFragment(answer, fragment string) string {
	fresh := regexp.MustCompile(`(?m)^a=(ice-ufrag|ice-pwd|candidate|end-of-candidates).*\r\n`)
	lines := strings.Join(fresh.FindAllString(fragment, -1), "")
	answer = fresh.ReplaceAllString(answer, "")
	return regexp.MustCompile(`(?m)^a=mid:.*\r\n`).ReplaceAllStringFunc(answer, func(mid string) string { return mid + lines })
}

// A restart really works: the same tracks go on, over a path that the client made anew, with the
// DTLS and SRTP there are (W-38 to W-41). Streams whose SSRC was never announced begin anew.
func TestRestartGoesOn(t *testing.T) {
	for name, edit := range map[string]func(string) string{
		"SSRCs announced": nil,
		"SSRCs unsaid": func(o string) string {
			return regexp.MustCompile(`(?m)^a=ssrc.*\r\n`).ReplaceAllString(o, "")
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHall()
			s, url := startServer(t, h, Config{})
			p := newPublisher(t, nil, media.Opus, media.VP8)
			p.publish(url+"/whip/demo", edit)
			video, audio := newSender(p, media.VP8), newSender(p, media.Opus)
			tick := time.NewTicker(5 * time.Millisecond)
			defer tick.Stop()
			seat := h.seat(0)
			flows := func(what string) {
				t.Helper()
				n, m := len(seat.packets(media.VP8)), len(seat.packets(media.Opus))
				eventually(t, what, func() bool {
					video.stream(1, tick.C)
					audio.send(append([]byte{0xfc}, noise(50)...), media.Packet{})
					return len(seat.packets(media.VP8)) > n+20 && len(seat.packets(media.Opus)) > m+20
				})
			}
			flows("media before")
			for range 3 {
				before := p.pc.SCTP().Transport().State()
				p.restart("*")
				eventually(t, "the connection", func() bool {
					return p.pc.ICEConnectionState() == webrtc.ICEConnectionStateConnected
				})
				flows("media after")
				if now := p.pc.SCTP().Transport().State(); now != before {
					t.Fatalf("DTLS was %v, is %v", before, now)
				}
			}
			st := s.Stats()
			if len(st.Sessions) != 1 || st.Restarts != 3 || len(seat.left) != 0 || edit == nil && len(st.Sessions[0].Streams) != 2 {
				t.Fatalf("%+v", st)
			}
		})
	}
}

// Candidates that come by PATCH are used: the client here hides its own address until then, and
// can't reach us by itself, so that only our checks find it (W-34, W-44, W-54).
func TestTrickledCandidateConnects(t *testing.T) {
	h := newHall()
	_, url := startServer(t, h, Config{})
	p := newPublisher(t, nil, media.VP8)
	offer := p.offer()
	bare := regexp.MustCompile(`(?m)^a=(candidate|end-of-candidates).*\r\n`).ReplaceAllString(offer, "")
	res, answer := request(t, http.MethodPost, url+"/whip/demo", sdpType, bare)
	if res.StatusCode != http.StatusCreated {
		t.Fatalf("%s: %s", res.Status, answer)
	}
	deaf := regexp.MustCompile(`(?m)^a=(candidate|end-of-candidates).*\r\n`).ReplaceAllString(answer, "")
	if err := p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: deaf}); err != nil {
		t.Fatal(err)
	}
	if res, body := patch(t, res.Header.Get("Location"), res.Header.Get("ETag"), fragmentOf(t, offer)); res.StatusCode != http.StatusNoContent {
		t.Fatalf("%s: %s", res.Status, body)
	}
	select {
	case <-p.ready:
	case <-time.After(patience):
		t.Fatal("not connected")
	}
}

// hooked is a context that calls do before it tells when it is done.
type hooked struct {
	context.Context
	do func()
}

func (h hooked) Done() <-chan struct{} {
	h.do()
	return h.Context.Done()
}

// A session that ends while its ICE is being restarted is gone for its client, and no failure of the server.
func TestRestartOfAnEndingSession(t *testing.T) {
	s, url := startServer(t, newHall(), Config{})
	resource, _, _ := post(t, url+"/whip/demo", "obs")
	sess, _ := s.find("demo", resource[strings.LastIndex(resource, "/")+1:])
	f, err := parseFragment(newCredentials, sess.offer.lead, false)
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = sess.patch(hooked{t.Context(), func() {
		sess.end(true, errors.New("just now"))
		<-sess.done
	}}, f, nil, netip.Addr{})
	var refusal *offerError
	if !errors.As(err, &refusal) || refusal.status != http.StatusNotFound {
		t.Errorf("%v", err)
	}
}

package web

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"
)

const (
	partDur    = 200 * time.Millisecond
	perSegment = 4
	firstMSN   = 1000
)

// clip is testdata/clip.mp4 cut into its init section and fragments of one part each.
type clip struct {
	init  []byte
	parts [][]byte
}

func loadClip(t *testing.T) *clip {
	t.Helper()
	data, err := os.ReadFile("testdata/clip.mp4")
	if err != nil {
		t.Fatal(err)
	}
	c := &clip{}
	for len(data) > 0 {
		box := data[:binary.BigEndian.Uint32(data)]
		data = data[len(box):]
		switch string(box[4:8]) {
		case "ftyp", "moov":
			c.init = append(c.init, box...)
		case "moof":
			c.parts = append(c.parts, bytes.Clone(box))
		case "mdat":
			c.parts[len(c.parts)-1] = append(c.parts[len(c.parts)-1], box...)
		}
	}
	return c
}

// part is number n of the endless repetition: its two tfdt (video at 15360 Hz, audio at 48000) moved along.
func (c *clip) part(n int) []byte {
	b := bytes.Clone(c.parts[n%len(c.parts)])
	loops := uint64(n / len(c.parts))
	at := 0
	for _, perLoop := range []uint64{15360 * 48 / 10, 48000 * 48 / 10} {
		at += bytes.Index(b[at:], []byte("tfdt")) + 8
		binary.BigEndian.PutUint64(b[at:], binary.BigEndian.Uint64(b[at:])+loops*perLoop)
	}
	return b
}

// program is a live LL-HLS stream by the clock: part n is there 60 ms after its last frame was captured.
type program struct {
	*clip
	id    string
	epoch time.Time
	last  int // parts when it ended; 0: it goes on
	list  int // segments in the playlist
}

func (p *program) available(now time.Time) int {
	n := int(now.Sub(p.epoch.Add(60*time.Millisecond)) / partDur)
	if p.last > 0 {
		n = min(n, p.last)
	}
	return max(n, 0)
}

func (p *program) playlist(n int) string {
	var b strings.Builder
	open := n / perSegment
	from := max(0, open-p.list)
	fmt.Fprintf(&b, "#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:1\n#EXT-X-PART-INF:PART-TARGET=0.2\n"+
		"#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,HOLD-BACK=3,PART-HOLD-BACK=0.64\n#EXT-X-MEDIA-SEQUENCE:%d\n#EXT-X-MAP:URI=\"init.mp4\"\n", firstMSN+from)
	for s := from; s <= open; s++ {
		fmt.Fprintf(&b, "#EXT-X-PROGRAM-DATE-TIME:%s\n", p.epoch.Add(time.Duration(s)*perSegment*partDur).UTC().Format("2006-01-02T15:04:05.000Z"))
		for i := 0; i < perSegment && s*perSegment+i < n && s > open-4; i++ {
			independent := ""
			if i == 0 {
				independent = ",INDEPENDENT=YES"
			}
			fmt.Fprintf(&b, "#EXT-X-PART:DURATION=0.2,URI=\"%d.%d.m4s\"%s\n", firstMSN+s, i, independent)
		}
		if s < open {
			fmt.Fprintf(&b, "#EXTINF:0.8,\n%d.m4s\n", firstMSN+s)
		}
	}
	if p.last > 0 && n >= p.last {
		b.WriteString("#EXT-X-ENDLIST\n")
	} else {
		fmt.Fprintf(&b, "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"%d.%d.m4s\"\n", firstMSN+n/perSegment, n%perSegment)
	}
	return b.String()
}

// gateway answers as tilecast does, as far as the pages can tell.
type gateway struct {
	http.Handler
	pages http.Handler
	clip  *clip

	mu       sync.Mutex
	rooms    any
	program  *program
	down     bool     // nothing but the pages answers
	refuse   int      // status for the next POSTs
	posts    []string // query strings
	offers   []string
	sessions map[string]*webrtc.PeerConnection
	deleted  int
	restarts int    // ICE restarts taken
	wanted   string // what the page hears of layers
	on       string // what it says of its devices
	tokens   []string
	list     int // segments in the playlists of programs to come
}

func newGateway(t *testing.T) *gateway {
	g := &gateway{pages: Handler(), clip: loadClip(t), sessions: map[string]*webrtc.PeerConnection{}, list: 12, wanted: "null"}
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { g.pages.ServeHTTP(w, r) })
	mux.HandleFunc("GET /api/v1/rooms", g.listRooms)
	mux.HandleFunc("GET /hls/{room}/index.m3u8", g.index)
	mux.HandleFunc("GET /hls/{room}/{program}/{file}", g.media)
	mux.HandleFunc("POST /whip/{room}", g.publish)
	mux.HandleFunc("GET /whip/{room}/{session}/wanted", g.want)
	mux.HandleFunc("PUT /whip/{room}/{session}/devices", g.devices)
	mux.HandleFunc("OPTIONS /whip/{room}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Link", `<stun:127.0.0.1:9>; rel="ice-server"`)
		w.Header().Add("Link", `<turn:127.0.0.1:9?transport=udp>; rel="ice-server"; username="u"; credential="c\"d"; credential-type="password"`)
	})
	mux.HandleFunc("PATCH /whip/{room}/{session}", g.restart)
	mux.HandleFunc("DELETE /whip/{room}/{session}", g.unpublish)
	g.Handler = mux
	t.Cleanup(func() {
		for _, pc := range g.sessions {
			_ = pc.Close()
		}
	})
	return g
}

// set changes the gateway between two requests.
func (g *gateway) set(change func(*gateway)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	change(g)
}

// air puts a program on air that began some seconds ago.
func (g *gateway) air(id string) {
	g.set(func(g *gateway) {
		g.program = &program{clip: g.clip, id: id, epoch: time.Now().Add(-4 * time.Minute), list: g.list}
	})
}

// end finishes the program after the segment that is open now.
func (g *gateway) end() {
	g.set(func(g *gateway) {
		p := *g.program
		p.last = (p.available(time.Now())/perSegment + 1) * perSegment
		g.program = &p
	})
}

func (g *gateway) onAir() (*program, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.program, g.down
}

func (g *gateway) listRooms(w http.ResponseWriter, _ *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.down {
		http.Error(w, "down", http.StatusBadGateway)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"rooms": g.rooms})
}

func (g *gateway) index(w http.ResponseWriter, r *http.Request) {
	p, down := g.onAir()
	if p == nil || down {
		http.Error(w, "not live", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "application/vnd.apple.mpegurl")
	fmt.Fprintf(w, "#EXTM3U\n#EXT-X-INDEPENDENT-SEGMENTS\n"+
		"#EXT-X-STREAM-INF:BANDWIDTH=300000,CODECS=\"avc1.4d400d,mp4a.40.2\",RESOLUTION=1280x720,FRAME-RATE=30\n%s/stream.m3u8?720\n"+
		"#EXT-X-STREAM-INF:BANDWIDTH=200000,CODECS=\"avc1.4d400d,mp4a.40.2\",RESOLUTION=640x360,FRAME-RATE=30\n%[1]s/stream.m3u8?360\n", p.id)
}

// media serves playlists with blocking reload, parts and segments, and holds what is about to come.
func (g *gateway) media(w http.ResponseWriter, r *http.Request) {
	p, down := g.onAir()
	if p == nil || down || r.PathValue("program") != p.id {
		http.Error(w, "no such program", http.StatusNotFound)
		return
	}
	var body []byte
	switch name := strings.TrimSuffix(r.PathValue("file"), ".m4s"); {
	case name == "init.mp4":
		body = p.init
	case name == "stream.m3u8":
		if msn, err := strconv.Atoi(r.FormValue("_HLS_msn")); err == nil {
			part, _ := strconv.Atoi(r.FormValue("_HLS_part"))
			p = g.until(r.Context(), p, (msn-firstMSN)*perSegment+part+1)
		}
		w.Header().Set("Content-Type", "application/vnd.apple.mpegurl")
		body = []byte(p.playlist(p.available(time.Now())))
	default:
		segment, part, one := strings.Cut(name, ".")
		msn, _ := strconv.Atoi(segment)
		from := (msn - firstMSN) * perSegment
		to := from + perSegment
		if i, err := strconv.Atoi(part); one && err == nil {
			from, to = from+i, from+i+1
		}
		p = g.until(r.Context(), p, to)
		if from < 0 || p.available(time.Now()) < to {
			http.Error(w, "no such part", http.StatusNotFound)
			return
		}
		for n := from; n < to; n++ {
			body = append(body, p.part(n)...)
		}
		w.Header().Set("Content-Type", "video/mp4")
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body)) // ranges too: the browser's own player asks for them
}

// until waits for n parts, at most 3 s, and answers the program as it is then.
func (g *gateway) until(ctx context.Context, p *program, n int) *program {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	for p.available(time.Now()) < n && (p.last == 0 || n <= p.last) {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return p
		}
		if now, _ := g.onAir(); now != nil && now.id == p.id {
			p = now
		}
	}
	return p
}

func (g *gateway) publish(w http.ResponseWriter, r *http.Request) {
	offer, _ := io.ReadAll(r.Body)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.posts = append(g.posts, r.URL.RawQuery)
	g.tokens = append(g.tokens, r.Header.Get("Authorization"))
	g.offers = append(g.offers, string(offer))
	if g.refuse != 0 {
		w.Header().Set("Retry-After", "1")
		http.Error(w, "all 9 places in room demo are taken", g.refuse)
		return
	}
	pc, err := answer(string(offer))
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	id := strconv.Itoa(len(g.posts))
	g.sessions[id] = pc
	w.Header().Set("Content-Type", "application/sdp")
	w.Header().Set("Location", r.URL.Path+"/"+id)
	w.Header().Add("Link", `<stun:stun.invalid>; rel="ice-server"`)
	w.Header().Add("Link", "<"+r.URL.Path+"/"+id+`/wanted>; rel="tilecast-wanted"`)
	w.Header().Add("Link", "<"+r.URL.Path+"/"+id+`/devices>; rel="tilecast-devices"`)
	w.WriteHeader(http.StatusCreated)
	_, _ = io.WriteString(w, pc.LocalDescription().SDP)
}

// restart takes an SDP fragment with new credentials (RFC 9725 section 4.3.3).
func (g *gateway) restart(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	g.mu.Lock()
	defer g.mu.Unlock()
	pc := g.sessions[r.PathValue("session")]
	if pc == nil {
		http.NotFound(w, r)
		return
	}
	said := fragmentLines(string(body))
	var offer []string
	for line := range strings.Lines(pc.RemoteDescription().SDP) {
		line = strings.TrimSpace(line)
		for _, name := range []string{"a=ice-ufrag:", "a=ice-pwd:"} {
			if strings.HasPrefix(line, name) {
				line = said[name]
			}
		}
		if !strings.HasPrefix(line, "a=candidate:") && line != "a=end-of-candidates" {
			offer = append(offer, line)
		}
	}
	err := negotiate(pc, strings.Join(offer, "\r\n")+"\r\n")
	if err != nil || r.Header.Get("If-Match") != "*" || r.Header.Get("Content-Type") != "application/trickle-ice-sdpfrag" {
		http.Error(w, fmt.Sprint("a bad restart: ", err), http.StatusBadRequest)
		return
	}
	g.restarts++
	w.Header().Set("Content-Type", "application/trickle-ice-sdpfrag")
	for line := range strings.Lines(pc.LocalDescription().SDP) {
		for _, name := range []string{"a=ice-", "a=candidate:", "m=", "a=mid:"} {
			if strings.HasPrefix(line, name) {
				_, _ = io.WriteString(w, line)
			}
		}
	}
}

// fragmentLines are the credentials of an SDP fragment.
func fragmentLines(fragment string) map[string]string {
	said := map[string]string{}
	for line := range strings.Lines(fragment) {
		if name, _, ok := strings.Cut(line, ":"); ok {
			said[name+":"] = strings.TrimSpace(line)
		}
	}
	return said
}

func (g *gateway) devices(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.on = string(body)
}

// said waits until the page has said so of its devices.
func (b *browser) said(on string) {
	b.t.Helper()
	for {
		got := ""
		b.gateway.set(func(g *gateway) { got = g.on })
		if got == on {
			return
		}
		select {
		case <-b.ctx.Done():
			b.t.Fatalf("the page said %s of its devices, not %s", got, on)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// want says which layers are wanted, again and again; a browser reconnects each time.
func (g *gateway) want(w http.ResponseWriter, _ *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	w.Header().Set("Content-Type", "text/event-stream")
	fmt.Fprintf(w, "retry: 100\ndata: {\"video\":%s}\n\n", g.wanted)
}

func (g *gateway) unpublish(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	pc := g.sessions[r.PathValue("session")]
	delete(g.sessions, r.PathValue("session"))
	g.deleted++
	g.mu.Unlock()
	if pc == nil {
		http.NotFound(w, r)
		return
	}
	_ = pc.Close()
}

// answer is a receiver that throws everything away.
func answer(offer string) (*webrtc.PeerConnection, error) {
	pc, err := webrtc.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return nil, err
	}
	pc.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		for buf := make([]byte, 1500); ; { // ends with the peer connection
			if _, _, err := track.Read(buf); err != nil {
				return
			}
		}
	})
	if err := negotiate(pc, offer); err != nil {
		_ = pc.Close()
		return nil, err
	}
	return pc, nil
}

func negotiate(pc *webrtc.PeerConnection, offer string) error {
	gathered := webrtc.GatheringCompletePromise(pc)
	if err := pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}); err != nil {
		return err
	}
	sdp, err := pc.CreateAnswer(nil)
	if err != nil {
		return err
	}
	if err := pc.SetLocalDescription(sdp); err != nil {
		return err
	}
	<-gathered
	return nil
}

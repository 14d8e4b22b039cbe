package web

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// browser is one Chromium that sees one gateway. Everything that a page asks of another host fails the test.
type browser struct {
	t       *testing.T
	gateway *gateway
	url     string
	ctx     context.Context
}

// patience only tells a failure from a slow machine.
const patience = 40 * time.Second

// windows are what screenshots are taken of, where TILECAST_SHOTS names a folder.
var windows = []struct {
	name string
	w, h int64
}{{"phone", 390, 844}, {"desktop", 1280, 800}}

func newBrowser(t *testing.T, options ...chromedp.ExecAllocatorOption) *browser {
	t.Helper()
	if testing.Short() {
		t.Skip("no browser in short runs")
	}
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is not installed")
	}
	g := newGateway(t)
	server := httptest.NewServer(g)
	t.Cleanup(server.Close)
	t.Cleanup(server.CloseClientConnections)
	options = append([]chromedp.ExecAllocatorOption{
		chromedp.ExecPath(chromium), chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck, chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.WindowSize(1280, 800), chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.Flag("mute-audio", true), chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("use-fake-device-for-media-stream", true), chromedp.Flag("use-fake-ui-for-media-stream", true),
	}, options...)
	ctx, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(ctx)
	t.Cleanup(func() { cancel(); stop() })
	b := &browser{t: t, gateway: g, url: server.URL, ctx: ctx}
	if err := chromedp.Listen(ctx, b.listen); err != nil {
		t.Fatalf("start chromium: %v", err)
	}
	b.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, network.Enable, network.EnableParams{})
		return err
	}))
	return b
}

// listen runs on chromedp's goroutine.
func (b *browser) listen(event any) {
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		if u := e.Request.URL; !strings.HasPrefix(u, b.url) && !strings.HasPrefix(u, "blob:") && !strings.HasPrefix(u, "data:") {
			b.t.Errorf("the page asks another host: %s", u)
		}
	case *runtime.EventExceptionThrown:
		b.t.Errorf("the page throws: %+v", e.ExceptionDetails)
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError {
			b.t.Errorf("the page logs an error: %s", e.Args[0].Value)
		}
	}
}

func (b *browser) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	run(b, chromedp.Steps(actions...))
}

// run is chromedp.Run that gives up after half a minute, and then says what the page shows.
func run[T any](b *browser, action chromedp.Action[T]) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, action)
	if err != nil {
		b.t.Fatalf("%v\nthe page: %s", err, b.page())
	}
	return v
}

func eval[T any](b *browser, expression string) T {
	b.t.Helper()
	return run(b, chromedp.Evaluate[T](expression))
}

// page is what can be read on the page, for failures.
func (b *browser) page() string {
	ctx, cancel := context.WithTimeout(b.ctx, 5*time.Second)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.body.dataset.state + ': ' + document.body.innerText`))
	if err != nil {
		return err.Error()
	}
	return text
}

func (b *browser) open(path string) {
	b.t.Helper()
	b.do(chromedp.Navigate(b.url + path))
}

// until waits for an expression to hold. A page that is just being replaced has no answer yet.
func (b *browser) until(expression string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		is, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("Boolean("+expression+")"))
		if err == nil && is {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			b.t.Fatalf("gave up waiting for %s (%v)\nthe page: %s", expression, err, b.page())
		}
	}
}

func (b *browser) state(name string) {
	b.t.Helper()
	b.until(fmt.Sprintf("document.body.dataset.state === %q", name))
}

// says waits for words that can be seen.
func (b *browser) says(words string) {
	b.t.Helper()
	b.until(fmt.Sprintf("document.body.innerText.includes(%q)", words))
}

func (b *browser) truth(expression string) {
	b.t.Helper()
	if !eval[bool](b, "Boolean("+expression+")") {
		b.t.Errorf("not so: %s\nthe page: %s", expression, b.page())
	}
}

// shot checks that nothing is wider than the window, and keeps pictures where somebody wants them.
func (b *browser) shot(name string) {
	b.t.Helper()
	for _, w := range windows {
		b.do(chromedp.EmulateViewport(w.w, w.h))
		if wide := eval[float64](b, `document.documentElement.scrollWidth - innerWidth`); wide > 0 {
			b.t.Errorf("%s on %s: the page is %v pixels too wide", name, w.name, wide)
		}
		if dir := os.Getenv("TILECAST_SHOTS"); dir != "" {
			b.do(chromedp.Sleep(400 * time.Millisecond)) // transitions end
			png := run(b, chromedp.CaptureScreenshot())
			if err := os.WriteFile(filepath.Join(dir, name+"-"+w.name+".png"), png, 0o644); err != nil {
				b.t.Fatal(err)
			}
		}
	}
}

func room(name string, live bool, people ...string) map[string]any {
	r := map[string]any{"name": name, "live": live, "preset": "low", "participants": []any{}}
	if live {
		r["startedAt"] = time.Now().Add(-754 * time.Second)
	}
	all := []any{}
	for _, p := range people {
		all = append(all, map[string]any{"name": p, "audio": true, "video": true})
	}
	r["participants"] = all
	return r
}

func TestHomeInBrowser(t *testing.T) {
	b := newBrowser(t)
	b.gateway.rooms = []any{room("demo", false)}
	b.open("/")
	b.state("quiet")
	b.says("It’s quiet in here")
	b.truth(`document.getElementById('invite').getAttribute('href') === '/stage/demo'`)
	b.shot("home-quiet")

	b.gateway.set(func(g *gateway) {
		g.rooms = []any{room("demo", true, "Ada Lovelace", "Grace Hopper", "Radia Perlman", "Barbara Liskov"),
			room("town-hall", true, "<b>Mallory</b>"), room("studio", false), room("backstage", false)}
	})
	b.state("live")
	b.says("4 on stage")
	b.says("12:3")
	b.truth(`[...document.querySelectorAll('a')].some(a => a.getAttribute('href') === '/watch/town-hall')`)
	b.truth(`document.querySelector('.face[title="<b>Mallory</b>"]') !== null`)
	b.shot("home-live")

	b.gateway.set(func(g *gateway) { g.down = true })
	b.state("error")
	b.says("tilecast does not answer")
	b.shot("home-error")
	b.gateway.set(func(g *gateway) { g.down = false })
	b.state("live")

	b.open("/no/such/page")
	b.says("Nothing on this tile")
	b.shot("missing")
}

// Nothing on air, on air, ended, and on air again, with nobody touching the page.
func TestWatchInBrowser(t *testing.T) {
	if _, err := embedded.Open("static/" + player); err != nil {
		t.Skip("hls.js is not part of this build; see static/lib/README.txt")
	}
	b := newBrowser(t, chromedp.Flag("autoplay-policy", "no-user-gesture-required"))
	b.gateway.rooms = []any{room("demo", false)}
	b.open("/watch/demo")
	b.state("waiting")
	b.says("Waiting for the stream")
	b.shot("watch-waiting")

	b.gateway.air("first")
	b.state("playing")
	b.until(`tilecast.video.currentTime > 1 && tilecast.latency() > 0`)
	b.says("s behind")
	b.until(`tilecast.latency() < 1.5`)
	b.truth(`[...document.getElementById('quality').options].map(o => o.text).join() === 'Auto,720p,360p'`)
	b.truth(`!tilecast.video.muted && document.getElementById('tap').hidden`)
	b.shot("watch-playing")

	// The keyboard.
	b.do(chromedp.KeyEvent("m"))
	b.until(`tilecast.video.muted && document.getElementById('mute').getAttribute('aria-label') === 'Unmute'`)
	b.do(chromedp.KeyEvent("m"))
	b.until(`!tilecast.video.muted`)
	b.do(chromedp.KeyEvent(" "))
	b.until(`tilecast.video.paused`)
	b.says("Back to live")
	b.shot("watch-paused")
	b.do(chromedp.KeyEvent(" "))
	b.until(`!tilecast.video.paused && tilecast.latency() < 2`)
	b.do(chromedp.KeyEvent("\u0302")) // ArrowLeft
	b.until(`tilecast.latency() > 4 && tilecast.video.playbackRate === 1`)
	b.do(chromedp.Click(chromedp.CSS("#live")))
	b.until(`tilecast.latency() < 2`)

	b.gateway.end()
	b.state("ended")
	b.says("The stream has ended")
	b.shot("watch-ended")
	b.state("waiting")
	b.truth(`document.getElementById('timeline').hidden`)
	b.gateway.set(func(g *gateway) { g.list = 225 })
	b.gateway.air("second")
	b.state("playing")
	b.until(`tilecast.hls.levels[0].url[0].includes('/second/') && tilecast.video.currentTime > 1`)

	// Three minutes to go back to: a timeline, which the keyboard moves too.
	b.until(`!document.getElementById('timeline').hidden`)
	b.do(chromedp.Evaluate[chromedp.Void](`(t => { t.value = -60; t.dispatchEvent(new Event('input')); t.dispatchEvent(new Event('change')); })(document.getElementById('timeline'))`))
	b.until(`tilecast.latency() > 55 && tilecast.latency() < 70 && tilecast.video.readyState > 2`)
	b.until(`document.getElementById('timeline').title.endsWith('ago')`)
	b.says("Back to live")
	b.shot("watch-back")
	b.do(chromedp.Click(chromedp.CSS("#live")))
	b.until(`tilecast.latency() < 2`)

	// The server is gone, and comes back with another program.
	b.gateway.set(func(g *gateway) { g.down = true })
	b.until(`document.body.dataset.state === 'waiting'`)
	b.gateway.set(func(g *gateway) { g.down = false })
	b.gateway.air("third")
	b.state("playing")

	b.gateway.set(func(g *gateway) { g.program, g.rooms = nil, []any{room("other", false)} })
	b.open("/watch/nowhere")
	b.says("There is no such room")
	b.shot("watch-unknown")
}

// strict is that policy. The browser's own would take the commands of this test for gestures.
const strict = `let touched = false;
addEventListener('pointerdown', event => { touched ||= event.isTrusted; }, true);
const play = HTMLMediaElement.prototype.play;
HTMLMediaElement.prototype.play = function () {
	if (this.muted || touched) return play.call(this);
	return Promise.reject(new DOMException('play() needs a gesture', 'NotAllowedError'));
};`

// No sound without a gesture, which is every browser's policy but the headless one's. One tap gives it.
func TestSoundAfterTap(t *testing.T) {
	if _, err := embedded.Open("static/" + player); err != nil {
		t.Skip("hls.js is not part of this build; see static/lib/README.txt")
	}
	b := newBrowser(t)
	b.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, cdppage.AddScriptToEvaluateOnNewDocument, cdppage.AddScriptToEvaluateOnNewDocumentParams{Source: strict})
		return err
	}))
	b.gateway.air("one")
	b.open("/watch/demo")
	b.state("playing")
	b.until(`tilecast.video.muted && !document.getElementById('tap').hidden`)
	b.shot("watch-tap")
	b.do(chromedp.Click(chromedp.CSS("#tap")))
	b.until(`!tilecast.video.muted && !tilecast.video.paused && document.getElementById('tap').hidden`)
}

// A program stays in play at the goal of DESIGN section 3 for ultra, as far as the page decides it.
func TestSteeringInBrowser(t *testing.T) {
	if _, err := embedded.Open("static/" + player); err != nil {
		t.Skip("hls.js is not part of this build; see static/lib/README.txt")
	}
	b := newBrowser(t, chromedp.Flag("autoplay-policy", "no-user-gesture-required"))
	b.gateway.air("one")
	b.open("/watch/demo")
	b.state("playing")
	b.until(`tilecast.latency() < 0.95`)
	b.truth(`tilecast.hls.config.maxLiveSyncPlaybackRate === 1`)
}

// Without hls.js the page names what is missing, and how to get it.
func TestMissingPlayerInBrowser(t *testing.T) {
	b := newBrowser(t)
	b.gateway.pages = newSite(withoutPlayer(t))
	b.gateway.air("one")
	b.open("/watch/demo")
	b.state("error")
	b.says("The player is missing from this build")
	b.says("make build")
	b.shot("watch-missing")
}

// The browser's own player, which is all that an old iPhone has.
func TestNativeInBrowser(t *testing.T) {
	b := newBrowser(t, chromedp.Flag("autoplay-policy", "no-user-gesture-required"))
	b.gateway.pages = newSite(withoutPlayer(t))
	b.open("/watch/demo?native=1")
	b.state("waiting")
	b.gateway.air("one")
	if !eval[bool](b, `tilecast.video.canPlayType('application/vnd.apple.mpegurl') !== ''`) {
		t.Skip("this browser has no HLS of its own")
	}
	b.state("playing")
	b.until(`tilecast.video.currentTime > 1 && tilecast.hls === null`)
	b.gateway.end()
	b.state("ended")
}

func TestStageInBrowser(t *testing.T) {
	b := newBrowser(t)
	b.open("/stage/demo?name=Ada%20Lovelace")
	b.state("preview") // the fake devices need no permission
	b.until(`document.getElementById('video').videoWidth === 1280`)
	b.truth(`document.getElementById('camera').options.length > 1 && document.getElementById('name').value === 'Ada Lovelace'`)
	b.shot("stage-preview")

	b.gateway.set(func(g *gateway) { g.refuse = http.StatusServiceUnavailable })
	b.do(chromedp.Click(chromedp.CSS("#go")))
	b.state("reconnecting")
	b.says("the room is full")
	b.says("all 9 places in room demo are taken")
	b.shot("stage-busy")
	b.gateway.set(func(g *gateway) { g.refuse = 0 })
	b.state("live")
	b.until(`tilecast.sent?.bitrate > 0 && tilecast.sent.width > 0`)
	b.truth(`document.getElementById('notice').hidden`)
	b.until(`Number(document.getElementById('meter').getAttribute('aria-valuenow')) > 0`)
	b.shot("stage-live")

	// Camera off and on again, microphone off.
	b.do(chromedp.Click(chromedp.CSS("#cam-toggle")))
	b.says("Your camera is off")
	b.truth(`tilecast.publisher.video.sender.track === null`)
	b.said(`{"camera":false,"microphone":true}`)
	b.do(chromedp.Click(chromedp.CSS("#mic-toggle")))
	b.until(`!tilecast.tracks.audio.enabled`)
	b.said(`{"camera":false,"microphone":false}`)
	b.shot("stage-off")
	b.do(chromedp.Click(chromedp.CSS("#cam-toggle")))
	b.until(`tilecast.publisher.video.sender.track?.readyState === 'live'`)

	b.truth(`tilecast.publisher.pc.getConfiguration().iceServers.length === 2 && tilecast.publisher.pc.getConfiguration().iceServers[1].credential === 'c"d'`)

	// Only the layers that the server wants are encoded.
	const on = `tilecast.publisher.video.sender.getParameters().encodings.map(e => e.active ? e.rid : '').join('')`
	b.truth(on + ` === 'lmh'`)
	b.gateway.set(func(g *gateway) { g.wanted = `{"w":320,"h":180,"rids":["l"]}` })
	b.until(on + ` === 'l'`)
	b.gateway.set(func(g *gateway) { g.wanted = `{"w":0,"h":0,"rids":["m"]}` })
	b.until(on + ` === 'm'`)
	b.gateway.set(func(g *gateway) { g.wanted = `{"w":1280,"h":720,"rids":["h"]}` })
	b.until(on + ` === 'h'`)

	// A picture that is not taken is said to be.
	b.gateway.set(func(g *gateway) { g.wanted = `{"w":1280,"h":720,"rids":["h"],"refused":"size"}` })
	b.says("your picture is larger than is taken here")
	b.gateway.set(func(g *gateway) { g.wanted = `{"w":1280,"h":720,"rids":["h"]}` })
	b.says("Viewers see you about a second later")

	// The network moves: the session goes on with new credentials, and nobody joins again.
	posts := 0
	b.gateway.set(func(g *gateway) { posts = len(g.posts) })
	b.do(chromedp.Evaluate[chromedp.Void](`dispatchEvent(new Event('online'))`))
	b.until(`tilecast.place.restarts === 1`)
	b.until(`document.body.dataset.state === 'live' && tilecast.publisher.up`)
	b.gateway.set(func(g *gateway) {
		if g.restarts != 1 || len(g.posts) != posts {
			t.Errorf("%d restarts and %d more joins after the network moved", g.restarts, len(g.posts)-posts)
		}
	})

	// A second source of the same participant.
	b.do(chromedp.Click(chromedp.CSS("#share")))
	b.says("Sharing")
	b.shot("stage-sharing")
	b.gateway.set(func(g *gateway) {
		if post := g.posts[len(g.posts)-1]; !strings.Contains(post, "source=screen") || !strings.Contains(post, "name=Ada+Lovelace") {
			t.Errorf("shares the screen as %q", post)
		}
	})
	b.do(chromedp.Click(chromedp.CSS("#share")))
	b.says("Share screen")

	// The server drops the session: the page joins again with the same identity.
	var first string
	was := eval[string](b, `tilecast.publisher.location`)
	b.gateway.set(func(g *gateway) {
		first = g.posts[posts-1]
		for id, pc := range g.sessions {
			_ = pc.Close()
			delete(g.sessions, id)
		}
	})
	b.until(fmt.Sprintf(`![null, %q].includes(tilecast.publisher.location) && document.body.dataset.state === 'live'`, was))
	b.truth(`document.activeElement.id !== 'go'`)
	b.gateway.set(func(g *gateway) {
		if again := g.posts[len(g.posts)-1]; again != first || !strings.Contains(again, "id=") || !strings.Contains(again, "name=Ada+Lovelace") {
			t.Errorf("joined again as %q, was %q", again, first)
		}
		g.deleted = 0
	})
	b.do(chromedp.Click(chromedp.CSS("#stop")))
	b.state("preview")
	b.deleted()
}

// deleted waits for the DELETE of a session.
func (b *browser) deleted() {
	b.t.Helper()
	for {
		gone := false
		b.gateway.set(func(g *gateway) { gone = g.deleted > 0 && len(g.sessions) == 0 })
		if gone {
			return
		}
		select {
		case <-b.ctx.Done():
			b.t.Fatal("the session was not deleted")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func TestStageByAddress(t *testing.T) {
	b := newBrowser(t)
	for _, codec := range []string{"VP8", "H264"} {
		b.open("/stage/demo?auto=1&id=one&role=host&token=sesame&codec=" + codec)
		b.state("live")
		b.gateway.set(func(g *gateway) {
			offer := g.offers[len(g.offers)-1]
			if !strings.Contains(offer, codec+"/90000") || strings.Contains(offer, "VP9/90000") {
				t.Errorf("codec %s was not offered alone", codec)
			}
			if g.tokens[len(g.tokens)-1] != "Bearer sesame" {
				t.Errorf("came with %q", g.tokens[len(g.tokens)-1])
			}
			if g.posts[len(g.posts)-1] != "id=one&role=host" {
				t.Errorf("posted with %q", g.posts[len(g.posts)-1])
			}
			g.deleted = 0
		})
		b.open("/") // leaving the page says goodbye
		b.deleted()
	}

	b.gateway.set(func(g *gateway) { g.refuse = http.StatusNotFound })
	b.open("/stage/nowhere?auto=1")
	b.state("error")
	b.says("There is no such room")
	b.shot("stage-unknown")
}

// Two pages of one browser are two participants; a reload is the same one.
func TestStageIdentity(t *testing.T) {
	b := newBrowser(t)
	b.open("/stage/demo")
	b.until(`tilecast.id !== ''`)
	first := eval[string](b, `tilecast.id`)
	b.do(chromedp.Reload())
	b.until(`window.tilecast?.id`)
	again := eval[string](b, `tilecast.id`)
	ctx, cancel := chromedp.NewContext(b.ctx)
	defer cancel()
	other := &browser{t: t, gateway: b.gateway, url: b.url, ctx: ctx}
	if err := chromedp.Do(ctx); err != nil { // a page of its own, that lives as long as ctx
		t.Fatal(err)
	}
	other.open("/stage/demo")
	other.until(`tilecast.id !== ''`)
	second := eval[string](other, `tilecast.id`)
	if first != again || first == second || len(second) < 16 {
		t.Errorf("first %q, after a reload %q, second page %q", first, again, second)
	}
}

// Denied: the page says what is wrong and how to mend it.
func TestStageDenied(t *testing.T) {
	b := newBrowser(t, chromedp.Flag("use-fake-ui-for-media-stream", false), chromedp.Flag("deny-permission-prompts", true))
	b.open("/stage/demo")
	b.state("idle")
	b.shot("stage-idle")
	b.do(chromedp.Click(chromedp.CSS("#turn-on")))
	b.state("error")
	b.says("Camera and microphone are blocked")
	b.shot("stage-denied")
}

// Over plain HTTP from elsewhere there is no camera.
func TestStageInsecure(t *testing.T) {
	b := newBrowser(t, chromedp.Flag("host-resolver-rules", "MAP tilecast.test 127.0.0.1"))
	b.url = strings.Replace(b.url, "127.0.0.1", "tilecast.test", 1)
	b.open("/stage/demo")
	b.state("error")
	b.says("only on secure pages")
	b.shot("stage-insecure")
}

// A camera that is unplugged on air is said to be gone, while sound goes on, and taken up again when it is back. A computer that
// was asleep makes sure of its session, and goes on in it.
func TestStageOutlivesUnplugAndSleep(t *testing.T) {
	b := newBrowser(t)
	b.open("/stage/demo?name=Ada&auto=1")
	b.state("live")
	b.until(`tilecast.publisher.video.sender.track?.readyState === 'live'`)

	// All that a page sees of a pulled plug: a track that ended, and a shorter list.
	b.do(chromedp.Evaluate[chromedp.Void](`{
		const md = navigator.mediaDevices;
		md.enumerateDevices = async () => (await MediaDevices.prototype.enumerateDevices.call(md)).filter(d => d.kind !== 'videoinput');
		const track = tilecast.tracks.video;
		track.stop();
		track.dispatchEvent(new Event('ended'));
	}`))
	b.says("Your camera was disconnected")
	b.said(`{"camera":false,"microphone":true}`)
	b.until(`tilecast.publisher.video.sender.track === null`)
	b.truth(`document.body.dataset.state === 'live' && tilecast.publisher.audio.sender.track.readyState === 'live'`)
	b.shot("stage-unplugged")
	b.do(chromedp.Evaluate[chromedp.Void](`{
		delete navigator.mediaDevices.enumerateDevices;
		navigator.mediaDevices.dispatchEvent(new Event('devicechange'));
	}`))
	b.until(`tilecast.publisher.video.sender.track?.readyState === 'live' && document.getElementById('notice').hidden`)
	b.said(`{"camera":true,"microphone":true}`)

	// Nothing of the page runs for five seconds, as when the lid is closed.
	posts := 0
	b.gateway.set(func(g *gateway) { posts = len(g.posts) })
	b.do(chromedp.Evaluate[chromedp.Void](`{
		const wake = performance.now() + 5000;
		while (performance.now() < wake);
	}`))
	b.until(`tilecast.place.restarts > 0`)
	b.until(`document.body.dataset.state === 'live' && tilecast.publisher.up`)
	b.gateway.set(func(g *gateway) {
		if g.restarts == 0 || len(g.posts) != posts {
			t.Errorf("%d restarts and %d more joins after the sleep", g.restarts, len(g.posts)-posts)
		}
	})
}

// Package configs is what a person may set: defaults, a strict reader and every rule, checked once before anything starts.
package configs

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"tilecast/media"
	"tilecast/packager"
)

// Config is everything a person may set. It is checked by Load and Parse and not
// written to afterwards; what changes at run time lies over it (room.Apply).
type Config struct {
	HTTP   HTTP   `yaml:"http"`
	UDP    UDP    `yaml:"udp"`
	Ingest Ingest `yaml:"ingest"`
	Data   string `yaml:"data"` // folder for what is kept: the development certificate
	Log    Log    `yaml:"log"`
	Fonts  string `yaml:"fonts"` // folder of fonts for names and captions; empty: the embedded one alone
	Rooms  []Room `yaml:"rooms"` // at least one; names are unique
}

// HTTP is where pages, WHIP and playlists are served.
type HTTP struct {
	Listen string `yaml:"listen"`  // host:port; an empty host is every address, port 0 any free one
	TLSDev bool   `yaml:"tls_dev"` // HTTPS with a certificate of our own, and so HTTP/2

	TLSCert string `yaml:"tls_cert"` // PEM file of a certificate and those that vouch for it; with TLSKey
	TLSKey  string `yaml:"tls_key"`  // PEM file of its key
	ACME    string `yaml:"acme"`     // host names, with commas between, for which a certificate is fetched and renewed

	APIToken string `yaml:"api_token"` // that changes by /api need; empty: they are taken from this machine only
}

// TLS reports whether HTTP is served over TLS.
func (h HTTP) TLS() bool { return h.TLSDev || h.TLSCert != "" || h.ACME != "" }

// ACMENames are the host names of ACME.
func (h HTTP) ACMENames() (names []string) {
	for name := range strings.SplitSeq(h.ACME, ",") {
		if name = strings.ToLower(strings.TrimSpace(name)); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// UDP is where media of all broadcasters arrives.
type UDP struct {
	Port int `yaml:"port"` // 0 is any free one
}

// Ingest is how broadcasters get in.
type Ingest struct {
	Strict          bool        `yaml:"strict"`           // refuse what the standard forbids clients, too
	TCPPort         int         `yaml:"tcp_port"`         // for ICE over TCP; 0: none
	IPv6            bool        `yaml:"ipv6"`             // offer and use IPv6 addresses
	Interfaces      []string    `yaml:"interfaces"`       // names or patterns such as eth*; none: all
	PublicAddresses []string    `yaml:"public_addresses"` // IP or IP:port, where a NAT in front of us is reached
	TrustedProxies  []string    `yaml:"trusted_proxies"`  // IP or prefix, whose X-Forwarded-For is believed
	Overflow        string      `yaml:"overflow"`         // base URL of another gateway; empty: none
	ICEServers      []ICEServer `yaml:"ice_servers"`
	Limits          Limits      `yaml:"limits"`
}

// ICEServer is a STUN or TURN server for clients. A TURN server wants a name and a credential, or the
// secret by which they are made for each client.
type ICEServer struct {
	URL        string        `yaml:"url"`
	Username   string        `yaml:"username"`
	Credential string        `yaml:"credential"`
	Secret     string        `yaml:"secret"`
	Lifetime   time.Duration `yaml:"lifetime"` // of what is made by the secret; 0: a day
}

// Limits are what broadcasters may take. 0 is no limit.
type Limits struct {
	Sessions        int     `yaml:"sessions"`          // in all
	SessionsPerRoom int     `yaml:"sessions_per_room"` // cameras and screens
	PostBurst       int     `yaml:"post_burst"`        // POSTs of one address at once
	PostsPerMinute  int     `yaml:"posts_per_minute"`  // and from then on
	OfferBytes      int     `yaml:"offer_bytes"`
	FragmentBytes   int     `yaml:"fragment_bytes"`
	BitRate         BitRate `yaml:"bitrate"`    // of one session
	MaxPixels       int     `yaml:"max_pixels"` // of one picture
	Overload        int     `yaml:"overload"`   // percent of frames that came too late
}

// Log says how much is told.
type Log struct {
	Level string `yaml:"level"` // debug, info, warn or error
}

// Room is one live program.
type Room struct {
	Name         string        `yaml:"name"`          // letters, digits, - and _: it is part of addresses
	Preset       string        `yaml:"preset"`        // latency: low, ultra, apple or classic
	Start        string        `yaml:"start"`         // on-publish or always
	PublishToken string        `yaml:"publish_token"` // who publishes has to bring it; empty: everybody may
	Linger       time.Duration `yaml:"linger"`        // how long a program goes on without a broadcaster
	Latency      Latency       `yaml:"latency"`       // numbers that replace the preset's
	Parts        string        `yaml:"parts"`         // files or ranges
	Window       Window        `yaml:"window"`        // how much of the program playlists hold
	Record       Record        `yaml:"record"`
	Canvas       Canvas        `yaml:"canvas"`
	Layout       Layout        `yaml:"layout"`
	Ladder       []Rung        `yaml:"ladder"` // best first; left out, it follows from the canvas
	Audio        Audio         `yaml:"audio"`

	// Shapes are the room's canvases, each with a URL of its own, the first the default. When there is
	// none said, there is one: main, of Canvas, Layout and Ladder.
	Canvases []Shape `yaml:"canvases"`
}

// Window is how far back viewers can go: a length of time, or all of the program ("event").
type Window struct {
	Length time.Duration // 0 where Event is
	Event  bool
}

// Record is what is kept of programs when they are over.
type Record struct {
	Enabled bool          `yaml:"enabled"` // the program, in all qualities
	Iso     bool          `yaml:"iso"`     // each broadcaster's own sound and picture, as they came
	Keep    time.Duration `yaml:"keep"`    // then it is removed; 0: never
}

// Shape is one of several canvases of a room. What it leaves out is as the room has it.
type Shape struct {
	Name   string `yaml:"name"` // it is part of addresses: /hls/ROOM/NAME.m3u8
	Width  int    `yaml:"width"`
	Height int    `yaml:"height"`
	Layout Layout `yaml:"layout"`
	Ladder []Rung `yaml:"ladder"` // left out, it follows from the size
}

// All are the room's canvases, however they were said.
func (r *Room) All() []Shape {
	if len(r.Canvases) > 0 {
		return r.Canvases
	}
	return []Shape{{
		Name: "main", Width: r.Canvas.Width, Height: r.Canvas.Height,
		Layout: r.Layout, Ladder: r.Ladder,
	}}
}

// Latency are numbers that stand in for those of the preset; 0 leaves the preset's.
type Latency struct {
	Part            time.Duration `yaml:"part"`
	PartsPerSegment int           `yaml:"parts_per_segment"`
	HoldBack        time.Duration `yaml:"hold_back"` // PART-HOLD-BACK
	Delay           time.Duration `yaml:"delay"`     // D, from capture to the canvas
}

// Numbers are the same for a plan.
func (l Latency) Numbers() packager.Numbers {
	return packager.Numbers{
		Part: media.FromDuration(l.Part), PartsPerSegment: l.PartsPerSegment,
		HoldBack: media.FromDuration(l.HoldBack), Delay: media.FromDuration(l.Delay),
	}
}

// Canvas is the composed picture.
type Canvas struct {
	Width  int             `yaml:"width"` // even
	Height int             `yaml:"height"`
	FPS    media.FrameRate `yaml:"fps"`
}

// Rung is one encoding of the canvas.
type Rung struct {
	Name    string  `yaml:"name"`
	Width   int     `yaml:"width"` // even, of the canvas's shape and no larger
	Height  int     `yaml:"height"`
	FPS     FPS     `yaml:"fps"` // a whole part of the canvas's; 0: the canvas's
	BitRate BitRate `yaml:"bitrate"`
	MaxRate BitRate `yaml:"max_rate"` // VBV peak
	Encoder string  `yaml:"encoder"`  // as libavcodec names it
	Preset  string  `yaml:"preset"`   // of the encoder; empty: its real-time default
	BT709   bool    `yaml:"bt709"`    // colours; else BT.601
}

// Audio is the program's sound, AAC-LC in stereo.
type Audio struct {
	BitRate    BitRate `yaml:"bitrate"`
	LowBitRate BitRate `yaml:"low_bitrate"` // of the audio-only variant; 0: there is none
	Loudness   int     `yaml:"loudness"`    // LUFS; 0: as it comes
	Ducking    int     `yaml:"ducking"`     // dB that a shared screen gives way to speech

	SpeakerCues bool `yaml:"speaker_cues"` // who speaks is said in the media and the playlists
}

// Default is what runs when nothing is said. configs/tilecast.yaml says the same, with reasons.
func Default() Config {
	room := defaultRoom()
	room.Name = "demo"
	room.Ladder = defaultLadder(room.Canvas.Width, room.Canvas.Height)
	return Config{
		HTTP: HTTP{Listen: ":8080"},
		UDP:  UDP{Port: 8189},
		Ingest: Ingest{
			IPv6: true, Interfaces: []string{}, PublicAddresses: []string{}, TrustedProxies: []string{}, ICEServers: []ICEServer{},
			Limits: Limits{
				Sessions: 200, SessionsPerRoom: 50, PostBurst: 30, PostsPerMinute: 120,
				OfferBytes: 64 << 10, FragmentBytes: 16 << 10, BitRate: 20_000_000, MaxPixels: maxPixels, Overload: 50,
			},
		},
		Data:  "data",
		Log:   Log{Level: "info"},
		Fonts: "/usr/share/fonts",
		Rooms: []Room{room},
	}
}

// defaultRoom is a room before its file entry is read: no name, no ladder.
func defaultRoom() Room {
	return Room{
		Preset: "low",
		Parts:  "files",
		Start:  "on-publish",
		Linger: 5 * time.Minute,
		Window: Window{Length: time.Minute},
		Canvas: Canvas{Width: 1280, Height: 720, FPS: media.FrameRate{Num: 30, Den: 1}},
		Layout: defaultLayout(),
		Audio:  Audio{BitRate: 128_000, LowBitRate: 48_000, Loudness: -16, Ducking: 12},

		Canvases: []Shape{},
	}
}

// defaultLadder is the canvas as it is, and at half its width and height unless that is too small.
func defaultLadder(w, h int) []Rung {
	full := Rung{Name: rungName(w, h), Width: w, Height: h}
	half := Rung{Width: w / 4 * 2, Height: h / 4 * 2}
	half.Name = rungName(half.Width, half.Height)
	ladder := []Rung{full, half}
	if min(half.Width, half.Height) < leastSide {
		ladder = ladder[:1]
	}
	for i := range ladder {
		ladder[i].complete()
	}
	return ladder
}

func rungName(w, h int) string { return fmt.Sprintf("%dp", min(w, h)) }

// fill gives a rung that says no size the one of its name, such as 480p, in the shape of a canvas of w by h.
func (r *Rung) fill(w, h int) {
	side := r.side()
	if r.Width != 0 || r.Height != 0 || side < leastSide || side > min(w, h) {
		return
	}
	even := func(n, of, short int) int { return (n*of + short) / (2 * short) * 2 } // to the nearest
	short := min(w, h)
	r.Width, r.Height = even(side, w, short), even(side, h, short)
}

// side is the shorter side that r's name says, such as 480p; 0: none.
func (r *Rung) side() int {
	digits, ok := strings.CutSuffix(r.Name, "p")
	if n, err := strconv.Atoi(digits); err == nil && ok {
		return n
	}
	return 0
}

// complete sets what a rung leaves open: rates that suit its size, and the encoder.
func (r *Rung) complete() {
	if r.BitRate == 0 {
		r.BitRate = bitRateFor(r.Width, r.Height)
	}
	if r.MaxRate == 0 {
		r.MaxRate = r.BitRate / 5 * 6
	}
	if r.Encoder == "" {
		r.Encoder = "libx264"
	}
	if r.Preset == "" && r.Encoder == "libx264" {
		r.Preset = "superfast"
	}
}

// bitRateFor is 2500k at 1280x720 and grows a little slower than the number of pixels.
func bitRateFor(w, h int) BitRate {
	scale := math.Pow(float64(w*h)/(1280*720), 0.75)
	return max(1, BitRate(math.Round(25*scale))) * 100_000
}

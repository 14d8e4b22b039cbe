package main

import (
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"tilecast/cmd/tilecast/broadcast"
	"tilecast/compositor"
	"tilecast/compositor/codec"
	"tilecast/configs"
	"tilecast/media"
)

// previewOptions says what a preview shows.
type previewOptions struct {
	config, room, canvas, layout, out string
	participants, speaker, off        int
	screens                           int
	names, roles                      []string
	slate                             string
	log                               *slog.Logger // nil discards
}

func previewCommand() *cobra.Command {
	var o previewOptions
	cmd := &cobra.Command{
		Use:   "preview",
		Short: "Draw a room's layout as a picture",
		Long: "preview draws what a room's program looks like with so many participants, without any media: synthetic\npeople stand in for them. " +
			"The first of them have the roles and names that the layout speaks of.",
		Args: func(cmd *cobra.Command, args []string) error {
			if _, err := strconv.Atoi(strings.Join(args, " ")); err == nil && cmd.Flags().Changed("screen") {
				return fmt.Errorf("--screen: write --screen=%s", args[0])
			}
			return noArguments(cmd, args)
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.log = slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelWarn}))
			what, err := o.draw()
			if errors.As(err, new(configs.Mistakes)) {
				return failure{err}
			} else if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s: %s\n", o.out, what)
			return nil
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&o.config, "config", "", "configuration `FILE`; without one the defaults")
	f.StringVar(&o.room, "room", "", "`NAME` of the room (default: the first)")
	f.StringVar(&o.canvas, "canvas", "", "`NAME` of the canvas (default: the first)")
	f.StringVar(&o.layout, "layout", "", "ready layout `NAME` instead of the room's own")
	f.IntVar(&o.participants, "participants", 4, "how many, `N` from 0 to 40")
	f.IntVar(&o.speaker, "speaker", 1, "participant `K` speaks; 0 is nobody")
	f.IntVar(&o.off, "camera-off", 0, "participant `K` has the camera and the microphone off; 0 is nobody")
	f.StringArrayVar(&o.names, "name", nil, "what participant K is called, `K=NAME`; may be repeated")
	f.StringArrayVar(&o.roles, "role", nil, "what participant K is to layouts, `K=ROLE`; may be repeated")
	f.IntVar(&o.screens, "screen", 0, "somebody shares a screen, or with --screen=`N` so many do, 0 to 4")
	f.Lookup("screen").NoOptDefVal = "1"
	f.StringVar(&o.slate, "slate", "opening", "of an empty stage: opening, empty or closing")
	f.StringVarP(&o.out, "out", "o", "preview.png", "picture `FILE`, .png or .jpg")
	return cmd
}

// draw writes the picture and says what is on it.
func (o previewOptions) draw() (string, error) {
	switch {
	case o.participants < 0 || o.participants > 40:
		return "", fmt.Errorf("--participants: %d is out of range: use 0 to 40", o.participants)
	case o.speaker < 0 || o.speaker > max(o.participants, 1):
		return "", fmt.Errorf("--speaker: there is no participant %d", o.speaker)
	case o.off < 0 || o.off > o.participants:
		return "", fmt.Errorf("--camera-off: there is no participant %d", o.off)
	case o.screens < 0 || o.screens > 4:
		return "", fmt.Errorf("--screen: %d is out of range: use 0 to 4", o.screens)
	case o.slate != "opening" && o.slate != "empty" && o.slate != "closing":
		return "", fmt.Errorf("--slate: %q is not known: use opening, empty or closing", o.slate)
	}
	encode, err := pictureEncoder(o.out)
	if err != nil {
		return "", err
	}
	cfg := configs.Default()
	if o.config != "" {
		if cfg, err = configs.ParseFile(o.config); err != nil {
			return "", err
		}
	}
	shape, err := o.shape(&cfg)
	if err != nil {
		return "", err
	}
	pic, err := o.compose(shape, cfg.Fonts)
	if err != nil {
		return "", err
	}
	defer pic.Release()
	out, err := os.Create(o.out)
	if err != nil {
		return "", err
	}
	err = errors.Join(encode(out, pic.ToImage()), out.Close())
	people := "participants"
	if o.participants == 1 {
		people = "participant"
	}
	return fmt.Sprintf("canvas %s, %dx%d, %d %s", shape.Name, shape.Width, shape.Height, o.participants, people), err
}

// shape finds the canvas to draw.
func (o previewOptions) shape(cfg *configs.Config) (configs.Shape, error) {
	var rooms, canvases []string
	for i := range cfg.Rooms {
		r := &cfg.Rooms[i]
		rooms = append(rooms, r.Name)
		if r.Name != o.room && o.room != "" {
			continue
		}
		for _, s := range r.All() {
			canvases = append(canvases, s.Name)
			if s.Name != o.canvas && o.canvas != "" {
				continue
			}
			if o.layout != "" {
				l, ok := configs.ReadyLayout(o.layout)
				if !ok {
					return s, unknown("--layout", o.layout, configs.ReadyLayouts())
				}
				s.Layout = l
			}
			return s, nil
		}
		return configs.Shape{}, unknown("--canvas", o.canvas, canvases)
	}
	return configs.Shape{}, unknown("--room", o.room, rooms)
}

func unknown(flag, name string, names []string) error {
	if near := configs.Nearest(name, names); near != "" {
		return fmt.Errorf("%s: there is no %q, did you mean %q?", flag, name, near)
	}
	return fmt.Errorf("%s: there is no %q; there are %s", flag, name, strings.Join(names, ", "))
}

func pictureEncoder(file string) (func(io.Writer, image.Image) error, error) {
	switch strings.ToLower(filepath.Ext(file)) {
	case ".png":
		return png.Encode, nil
	case ".jpg", ".jpeg":
		return func(w io.Writer, img image.Image) error { return jpeg.Encode(w, img, &jpeg.Options{Quality: 85}) }, nil
	}
	return nil, fmt.Errorf("--out: %q: name a .png or a .jpg file", file)
}

// compose draws one frame of a program on the canvas; the caller releases it.
func (o previewOptions) compose(s configs.Shape, fonts string) (*codec.Picture, error) {
	people, err := o.people(&s.Layout)
	if err != nil {
		return nil, err
	}
	look, err := look(s)
	if err != nil {
		return nil, err
	}
	look.Motion = compositor.Motion{}
	if o.log == nil {
		o.log = slog.New(slog.DiscardHandler)
	}
	rate := media.FrameRate{Num: 30, Den: 1}
	p, err := compositor.NewInline(compositor.Config{
		Rate: rate, GOP: 60, PartFrames: 10, Fonts: readFonts(fonts, o.log), Log: o.log,
		Canvases: []compositor.Canvas{{
			Name: s.Name, W: s.Width, H: s.Height, Look: look,
			Rungs: []compositor.Rung{{Name: "preview", W: s.Width, H: s.Height, BitRate: 1_000_000}},
		}},
		Open: func(string, string, media.Params) (compositor.Outlet, error) { return nowhere{}, nil },
	}, codec.Fake())
	if err != nil {
		return nil, err
	}
	defer p.Close()
	o.seat(p, people)
	for range 3 {
		p.Frame()
	}
	return p.Snapshot(), nil
}

// seat puts the participants on the stage.
func (o previewOptions) seat(p *compositor.Inline, people []stand) {
	var order []string
	script := broadcast.NewMonologue(o.speaker-1, o.participants)
	for k, is := range people {
		who := broadcast.Cast[k%len(broadcast.Cast)]
		id := fmt.Sprint("p", k+1)
		tile := p.JoinTile(compositor.TileConfig{ID: id, Name: is.name, Role: is.role}, true)
		tile.SetDevices(k+1 != o.off, k+1 != o.off)
		pic := codec.NewPicture(1280, 720)
		at := 14*3600*media.Second + media.Time(k)*media.Second
		broadcast.NewScene(who, script, k, nil).Draw(pic, at)
		pic.At = 0
		p.Show(tile, pic)
		order = append(order, id)
	}
	for k := range o.screens {
		tile := p.JoinTile(compositor.TileConfig{ID: fmt.Sprint("screen", k+1), Name: "Screen", Kind: compositor.Screen}, true)
		p.Show(tile, slide())
	}
	if o.speaker > 0 && o.participants > 0 {
		p.Speak(order[o.speaker-1], order)
	}
	if o.participants == 0 && o.screens == 0 && o.slate != "opening" {
		p.JoinTile(compositor.TileConfig{ID: "x"}, false).Leave()
		p.SetClosing(o.slate == "closing")
	}
}

// slide stands in for a shared screen: a page with a headline, lines and a chart.
func slide() *codec.Picture {
	pic := codec.NewPicture(1440, 900)
	paint := func(x, y, w, h int, r, g, b uint8) {
		codec.Fill(pic.View(image.Rect(x, y, x+w, y+h)), codec.RGB(r, g, b))
	}
	paint(0, 0, 1440, 900, 250, 250, 248)
	paint(0, 0, 1440, 12, 42, 98, 196)
	paint(90, 90, 760, 54, 32, 38, 52)
	for i, w := range []int{540, 600, 480, 570, 420} {
		paint(90, 216+64*i, 16, 16, 42, 98, 196)
		paint(130, 214+64*i, w, 20, 120, 126, 138)
	}
	for i, h := range []int{120, 190, 260, 230, 340, 410} {
		paint(800+96*i, 740-h, 64, h, 42, uint8(98+18*i), 196)
	}
	paint(780, 740, 590, 4, 120, 126, 138)
	paint(90, 830, 200, 14, 190, 194, 202)
	pic.At = 0
	return pic
}

// nowhere is where a preview's packets go.
type nowhere struct{}

func (nowhere) Write(media.Packet) error { return nil }
func (nowhere) Close() error             { return nil }

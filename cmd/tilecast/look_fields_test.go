package main

import (
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"tilecast/compositor/layout"
	"tilecast/configs"
	"tilecast/media"
)

// lookOf says which field of a compositor.Look a field of configs.Layout comes to be.
func lookOf(field string) string {
	if to, ok := map[string]string{
		"Screen": "Layout.ShareScreen", "Tile.Aspect": "Layout.Aspect", "Omit.AudioOnly": "Layout.OmitAudioOnly", "Omit.VideoOff": "Layout.OmitVideoOff",
		"Background.Color": "Background", "Background.Image": "Backdrop", "Labels.Background": "Label.Ground",
		"Overlays[0].Kind": "Overlays[0].Banner", "Overlays[0].Background": "Overlays[0].Ground",
		"Slots[0].Width": "Layout.Slots[0].W", "Slots[0].Height": "Layout.Slots[0].H",
	}[field]; ok {
		return to
	}
	for section, to := range map[string]string{"Tile.": "", "Labels.": "Label.", "Transition.": "Motion.", "Slates.": "", "Placeholder.": "Placeholder.", "Overlays[0].": "Overlays[0]."} {
		if rest, ok := strings.CutPrefix(field, section); ok {
			return to + rest
		}
	}
	return "Layout." + field
}

// leaves calls f with each single value below v and its path.
func leaves(v reflect.Value, path string, f func(path string, v reflect.Value)) {
	switch v.Interface().(type) {
	case configs.Length, configs.Who, configs.Pin, configs.Color, configs.Tint, layout.Length, layout.Who, color.RGBA, color.NRGBA:
		f(path, v)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			leaves(v.Field(i), strings.TrimPrefix(path+"."+v.Type().Field(i).Name, "."), f)
		}
	case reflect.Slice:
		for i := range v.Len() {
			leaves(v.Index(i), fmt.Sprintf("%s[%d]", path, i), f)
		}
	default:
		f(path, v)
	}
}

// another makes v another value than it was. Words that a look has as they are need not be ones that a layout may have.
func another(v reflect.Value, dir string) {
	switch x := v.Addr().Interface().(type) {
	case *configs.Length:
		*x = configs.Length{Percent: x.Percent + 1.25, Pixels: x.Pixels}
	case *configs.Who:
		*x = configs.Who{By: "name", Text: "Zoe", N: x.N + 2}
	case *configs.Pin:
		*x = configs.Pin{By: "name", Text: "Zoe", N: x.N + 2}
	case *configs.Color:
		*x = configs.Color{R: x.R ^ 0x11, G: x.G ^ 0x22, B: x.B ^ 0x33}
	case *configs.Tint:
		*x = configs.Tint{R: x.R ^ 0x11, G: x.G ^ 0x22, B: x.B ^ 0x33, A: x.A ^ 0x44}
	case *configs.File:
		*x = configs.File(filepath.Join(dir, "after.png"))
	case *time.Duration:
		*x += 170 * time.Millisecond
	case *bool:
		*x = !*x
	case *string:
		to, ok := map[string]string{"auto": "off", "cover": "contain", "contain": "cover", "lower-third": "banner"}[*x]
		if *x += "x"; ok {
			*x = to
		}
	default:
		switch v.Kind() {
		case reflect.Int:
			v.SetInt(v.Int() + 1)
		case reflect.Float64:
			v.SetFloat(v.Float() + 0.125)
		default:
			panic("no other value of a " + v.Type().String())
		}
	}
}

// says reports whether a value of a Look is what one of a Layout says.
func says(is, said reflect.Value) bool {
	switch x := said.Interface().(type) {
	case configs.Color:
		return is.Interface() == color.RGBA{x.R, x.G, x.B, 0xff}
	case configs.File:
		img, err := configs.ReadPicture(x)
		return err == nil && reflect.DeepEqual(is.Interface(), img)
	case time.Duration:
		return is.Interface() == media.FromDuration(x)
	}
	if said.CanConvert(is.Type()) {
		return said.Convert(is.Type()).Equal(is)
	}
	return is.Interface() == map[string]any{"off": false, "contain": layout.Contain, "cover": layout.Cover, "banner": true}[said.String()]
}

// TestEveryFieldOfALayoutIsTaken changes each field of a layout alone: just the one field of the look changes that is meant,
// and to what the layout says.
func TestEveryFieldOfALayoutIsTaken(t *testing.T) {
	dir := t.TempDir()
	for i, name := range []string{"before.png", "after.png"} {
		out, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		img := image.NewGray(image.Rect(0, 0, 8, 8))
		img.Pix[0] = byte(99 + i)
		if err := png.Encode(out, img); err != nil {
			t.Fatal(err)
		}
		out.Close()
	}
	base := func() configs.Shape {
		s := configs.Default().Rooms[0].All()[0]
		l := &s.Layout
		l.Pinned = []configs.Pin{{By: "role", Text: "host", N: 1}}
		l.Slots = []configs.Slot{{Name: "a", Who: configs.Who{By: "speaker", N: 1}}}
		l.Overlays = []configs.Overlay{{Kind: "lower-third"}}
		leaves(reflect.ValueOf(l).Elem(), "", func(_ string, v reflect.Value) {
			if f, ok := v.Addr().Interface().(*configs.File); ok {
				*f = configs.File(filepath.Join(dir, "before.png"))
			}
		})
		return s
	}
	values := func(s configs.Shape) map[string]reflect.Value {
		l, err := look(s)
		if err != nil {
			t.Fatal(err)
		}
		all := map[string]reflect.Value{}
		leaves(reflect.ValueOf(&l).Elem(), "", func(path string, v reflect.Value) { all[path] = v })
		return all
	}
	before, template := values(base()), base()
	leaves(reflect.ValueOf(&template.Layout).Elem(), "", func(path string, _ reflect.Value) {
		if path == "Use" { // was read before all others, and is in them
			return
		}
		s := base()
		leaves(reflect.ValueOf(&s.Layout).Elem(), "", func(p string, v reflect.Value) {
			if p != path {
				return
			}
			another(v, dir)
			for to, is := range values(s) {
				changed := !reflect.DeepEqual(is.Interface(), before[to].Interface())
				if to == lookOf(path) && (!changed || !says(is, v)) {
					t.Errorf("%s is %v, and %s becomes %v", path, v, to, is)
				} else if to != lookOf(path) && changed {
					t.Errorf("%s changes %s to %v", path, to, is)
				}
			}
		})
		if _, ok := before[lookOf(path)]; !ok {
			t.Errorf("%s: a look has no %s", path, lookOf(path))
		}
	})
}

package art

import (
	"log/slog"
	"testing"
)

// Any name can be drawn, and any text, by whatever it is made of: names come from broadcasters, and are drawn in the program's own goroutines.
func FuzzName(f *testing.F) {
	for _, s := range []string{"", "Ada", "Ада Лавлейс", "e\u0301\u0301\u0301", "\u200d\u200c", "אבג abc אבג", "ﷺ", "👩‍👩‍👧", "a\u0600\u061c\u202eb", "\U000e0001x", "กำ", "क्ष्म"} {
		f.Add(s, 12.0, 90)
	}
	a, err := New(nil, slog.New(slog.DiscardHandler))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, name string, size float64, width int) {
		size, width = min(max(size, 4), 60), min(max(width, 1), 400)
		a.Label(name, LabelStyle{Size: size, MaxWidth: width, Muted: width%2 == 0})
		a.Placeholder(width+2, width+2, name, "")
		a.Caption(Caption{Title: name, Sub: name, Size: size, MaxWidth: width})
	})
}

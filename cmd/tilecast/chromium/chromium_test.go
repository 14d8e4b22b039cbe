package chromium

import (
	"errors"
	"testing"
	"time"
)

func TestBrowserEvaluatesAndIsKilled(t *testing.T) {
	b, err := Open(Config{})
	if errors.Is(err, ErrMissing) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	var sum int
	if err := b.Eval(`new Promise(r => setTimeout(() => r(1 + 2), 1))`, &sum); err != nil || sum != 3 {
		t.Fatalf("1 + 2 = %d, %v", sum, err)
	}
	if err := b.Eval(`undefined`, nil); err != nil {
		t.Fatal(err)
	}
	if err := b.Until(0, `false`); err == nil {
		t.Fatal("a false condition held")
	}
	if png, err := b.Screenshot(); err != nil || len(png) < 100 {
		t.Fatalf("screenshot of %d bytes, %v", len(png), err)
	}
	if err := b.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := b.Until(10*time.Millisecond, `true`); err == nil {
		t.Fatal("a killed browser answers")
	}
}

package lint

import (
	"strings"
	"testing"
	"time"
)

// Our own origin has neither errors nor warnings, and nothing goes unchecked.
func TestOwnOrigin(t *testing.T) {
	rep := checked(t, 20*time.Second, nil)
	wantClean(t, rep)
	for _, f := range rep.Findings {
		if f.Rule != "N-1" {
			t.Errorf("note %s: %s %s", f.Rule, f.Where, f.Evidence)
		}
	}
	var text strings.Builder
	if err := rep.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	t.Log(text.String())
	if len(rep.Unchecked) > 0 {
		t.Errorf("unchecked: %q", rep.Unchecked)
	}
}

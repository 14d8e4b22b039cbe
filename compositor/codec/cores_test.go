package codec

import (
	"runtime"
	"testing"
)

// Go code gets more threads than there are cores, unless the environment says how many.
func TestShareCores(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	t.Setenv("GOMAXPROCS", "3")
	if ShareCores(); runtime.GOMAXPROCS(0) != before {
		t.Errorf("%d threads for Go code though GOMAXPROCS is set, %d before", runtime.GOMAXPROCS(0), before)
	}
	t.Setenv("GOMAXPROCS", "")
	if ShareCores(); runtime.GOMAXPROCS(0) != goPerCore*before {
		t.Errorf("%d threads for Go code, %d before", runtime.GOMAXPROCS(0), before)
	}
}

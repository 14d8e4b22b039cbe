package configs

import (
	"strings"
	"testing"
)

func TestLatencyNumbers(t *testing.T) {
	const at = "x.yaml:3: rooms[0].latency"
	for numbers, want := range map[string]string{
		"part: 500ms, parts_per_segment: 4, hold_back: 2s, delay: 100ms": "",
		"part: 100ms": at + `: preset "low" at 30 frames per second: parts of 3 frames break the 85 % rule: ` +
			`0.100000s of video, 0.085333s of sound, PART-TARGET 0.106670s; the nearest that works is parts of 0.133333s`,
		"hold_back: 1s":          at + `: preset "low" at 30 frames per second: a hold-back of 1.000000s is less than three parts (AAS 14.3): use 1.025000s or more`,
		"parts_per_segment: 0.5": at + `.parts_per_segment: "0.5" is not a whole number`,
		"delay: 2s":              at + `.delay: 2s is out of range: use 0s to 1s`,
	} {
		if got := strings.Join(mistakes(t, room+"    latency: {"+numbers+"}"), "\n"); got != want {
			t.Errorf("%s:\n got %s\nwant %s", numbers, got, want)
		}
	}
}

package main

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"tilecast/origin/lint"
)

// watchRules checks a room's program from outside until the function that it answers with is called, which holds what was
// found against the rules: no error and no warning. What only says that something came late is logged, since it
// says as much of the machine.
func (h *harness) watchRules(t *testing.T, room string) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	type outcome struct {
		rep *lint.Report
		err error
	}
	over := make(chan outcome, 1)
	go func() {
		rep, err := lint.Run(ctx, lint.Config{URL: h.base + "/hls/" + room + "/index.m3u8", For: 10 * time.Minute})
		over <- outcome{rep, err}
	}()
	t.Cleanup(cancel)
	return func() {
		t.Helper()
		cancel()
		o := <-over
		if o.err != nil {
			t.Errorf("check: %v", o.err)
			return
		}
		h.expectRules(t, o.rep)
	}
}

func (h *harness) expectRules(t *testing.T, rep *lint.Report) {
	t.Helper()
	for _, f := range rep.Findings {
		switch {
		case f.Level == lint.Note:
		case late(f):
			t.Logf("late: %s %s %s: %s (%d)", f.Rule, f.Where, f.At, f.Evidence, f.Count)
		default:
			t.Errorf("%s %s %s %s: %s (%d)", f.Level, f.Rule, f.Where, f.At, f.Evidence, f.Count)
		}
	}
	for _, r := range rep.Facts.Renditions {
		if r.Parts.N == 0 || r.Segments.N == 0 || r.Blocking == 0 {
			t.Errorf("little was seen: %+v", r)
		}
	}
}

// late reports that a finding is about punctuality.
func late(f lint.Finding) bool {
	switch f.Rule {
	case "P-11", "L-3", "C-9", "R-6":
		return true
	}
	return slices.Contains([]string{"Q-3", "Q-4", "Q-5"}, f.Rule) && strings.Contains(f.Evidence, " late") ||
		f.Rule == "PH-9" && strings.Contains(f.Evidence, " took ")
}

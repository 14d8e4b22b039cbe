package main

import (
	"fmt"
	"time"
)

// worker does a job frame by frame, and answers the CPU time of each.
type worker interface {
	frame(n int) (time.Duration, error)
	finish() error // fails where something is missing of what should have come out
}

// turn is how many frames a worker does at a time: a second of them.
const turn = 30

// inTurns lets workers do the same job side by side, so that a machine that others slow down is as slow for each, and
// prints the CPU seconds of each.
func inTurns(m *material, open ...func(*material) (worker, error)) error {
	workers, used := make([]worker, len(open)), make([]time.Duration, len(open))
	for i, f := range open {
		var err error
		if workers[i], err = f(m); err != nil {
			return err
		}
	}
	for begin := 0; begin < m.frames(); begin += turn {
		for i, w := range workers {
			for n := begin; n < min(begin+turn, m.frames()); n++ {
				took, err := w.frame(n)
				if err != nil {
					return err
				}
				used[i] += took
			}
		}
	}
	for i, w := range workers {
		if err := w.finish(); err != nil {
			return err
		}
		fmt.Printf("%.6f ", used[i].Seconds())
	}
	return nil
}

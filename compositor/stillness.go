package compositor

// stillness follows how long a canvas has stood still. From then on its rungs may give a group of pictures again; after
// a change they go on where the next part or GOP begins, all in the same, with an IDR. A change of scene waits for that, so
// that its motion is seen from its first picture on. It is the canvas goroutine's alone.
type stillness struct {
	part, gop int64
	since     int64 // slot of the last change
	fresh     int64 // slot where rungs went on last, or will
	hold      int64 // slot that a new scene waits for; 0: none does
}

// long reports whether the canvas had stood still for long enough before slot n.
func (s *stillness) long(n int64) bool {
	return n >= (s.since+s.gop-1)/s.gop*s.gop+(settle+1)*s.gop
}

// edge is the first slot from n on that begins a part or a GOP, but never the one behind an IDR: two of them that follow each
// other must differ (ISO/IEC 14496-10 7.4.3).
func (s *stillness) edge(n int64) int64 {
	for n%s.gop == 1 || n%s.part != 0 && n%s.gop != 0 {
		n++
	}
	return n
}

// waits reports whether a new scene is not taken up at slot n yet.
func (s *stillness) waits(n int64) bool {
	if s.hold == 0 && s.long(n) {
		s.hold = s.edge(n)
	}
	return n < s.hold
}

// changed is called at each slot that shows something else than the one before.
func (s *stillness) changed(n int64) {
	if s.long(n) {
		s.fresh = s.edge(n)
	}
	s.since, s.hold = n, 0
}

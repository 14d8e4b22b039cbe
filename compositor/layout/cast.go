package layout

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Who chooses one of the people: the n-th speaker, somebody by name, the n-th of a role, the n-th
// shared screen, or the n-th of those that nothing else chose.
type Who struct {
	By   string // "speaker", "name", "role", "screen" or "anyone"
	Text string // the name or the role
	N    int    // from 1
}

// ParseWho reads "speaker", "speaker:2", "name:Ada", "role:host", "role:host:2", "screen", "anyone:3". Blanks around
// words count for nothing, and several in a name for one.
func ParseWho(s string) (Who, error) {
	by, rest, _ := strings.Cut(s, ":")
	w := Who{By: strings.TrimSpace(by), N: 1}
	number := func(s string) error {
		if s = strings.TrimSpace(s); s == "" {
			return nil
		}
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > MaxTiles {
			return fmt.Errorf("%q is not a number from 1 to %d", s, MaxTiles)
		}
		w.N = n
		return nil
	}
	switch w.By {
	case "speaker", "screen", "anyone":
		return w, number(rest)
	case "role":
		role, n, _ := strings.Cut(rest, ":")
		if w.Text = strings.TrimSpace(role); w.Text == "" {
			return w, fmt.Errorf("%q does not say which role, such as role:host", s)
		}
		return w, number(n)
	case "name":
		if w.Text = strings.Join(strings.Fields(rest), " "); w.Text == "" {
			return w, fmt.Errorf("%q does not say which name, such as name:Ada", s)
		}
		return w, nil
	}
	return w, fmt.Errorf("%q is nobody: use speaker, speaker:2, name:Ada, role:host, screen or anyone", s)
}

func (w Who) String() string {
	s := w.By
	if w.Text != "" {
		s += ":" + w.Text
	}
	if w.N > 1 {
		s += ":" + strconv.Itoa(w.N)
	}
	return s
}

// find is the person of list that w chooses, or -1. A name is first of all somebody's, and else that of a shared screen.
func (w Who) find(st *Stage, list []int) int {
	if w.By == "speaker" {
		list = slices.Clone(list)
		slices.SortStableFunc(list, func(i, j int) int { return cmp.Compare(st.recency(i), st.recency(j)) })
	}
	i := w.nth(st, list, w.By == "screen" || w.By == "anyone" || w.By == "")
	if i < 0 && w.By == "name" {
		i = w.nth(st, list, true)
	}
	return i
}

// nth is the N-th of list that w means, among shared screens, too, or not.
func (w Who) nth(st *Stage, list []int, screens bool) int {
	n := max(w.N, 1)
	for _, i := range list {
		if p := &st.People[i]; (screens || !p.Screen) && w.means(p) {
			if n--; n == 0 {
				return i
			}
		}
	}
	return -1
}

func (w Who) means(p *Person) bool {
	switch w.By {
	case "name":
		return strings.EqualFold(p.Name, w.Text) || p.ID == w.Text
	case "role":
		return strings.EqualFold(p.Role, w.Text)
	case "screen":
		return p.Screen
	}
	return true
}

// recency is 0 for who speaks, then by when they spoke last; who never spoke comes behind all.
func (st *Stage) recency(i int) int {
	switch p := &st.People[i]; {
	case p.ID == st.Speaker && p.ID != "":
		return 0
	case p.Spoke > 0:
		return p.Spoke
	}
	return 1 << 30
}

// cast is who may be shown, in order.
func (a *arranger) cast() []int {
	s, st := a.spec, a.st
	var list, all []int
	for i := range st.People {
		all = append(all, i)
		v := st.People[i].Video
		if v == AudioOnly && s.OmitAudioOnly || v == VideoOff && s.OmitVideoOff {
			continue
		}
		list = append(list, i)
	}
	if len(list) == 0 {
		list = all
	}
	slices.SortStableFunc(list, func(i, j int) int {
		if c := cmp.Compare(a.pins[i], a.pins[j]); c != 0 {
			return c
		}
		switch s.Order {
		case ByName:
			return strings.Compare(strings.ToLower(st.People[i].Name), strings.ToLower(st.People[j].Name))
		case BySpeech:
			return cmp.Compare(st.recency(i), st.recency(j))
		}
		return 0
	})
	return list
}

// pins is everybody's place among the pinned; len(s.Pinned) for those who are not.
func (s *Spec) pins(st *Stage) []int {
	pins, all := make([]int, len(st.People)), make([]int, len(st.People))
	for i := range pins {
		pins[i], all[i] = len(s.Pinned), i
	}
	for k, who := range s.Pinned {
		if i := who.find(st, all); i >= 0 {
			pins[i] = min(pins[i], k)
		}
	}
	return pins
}

// bindsScreen reports whether the layout has a place for shared screens.
func (s *Spec) bindsScreen() bool {
	return s.Mode == Custom && slices.ContainsFunc(s.Slots, func(slot SlotSpec) bool { return slot.Who.By == "screen" })
}

// choose is those of list who get one of k tiles, and how many others the last one stands for:
// of too many the pinned and those who spoke last.
func (a *arranger) choose(list []int, k int) (shown []int, more int) {
	s, st := a.spec, a.st
	if s.Max > 0 {
		k = min(k, s.Max)
	}
	k = min(k, MaxTiles)
	if len(list) <= k {
		return a.settle(slices.Clone(list)), 0
	}
	if s.More && k > 1 {
		k--
		more = len(list) - k
	}
	ranked := slices.Clone(list)
	slices.SortStableFunc(ranked, func(i, j int) int {
		return cmp.Or(cmp.Compare(a.pins[i], a.pins[j]), cmp.Compare(st.recency(i), st.recency(j)))
	})
	chosen := ranked[:k]
	for _, i := range list {
		if slices.Contains(chosen, i) {
			shown = append(shown, i)
		}
	}
	return a.settle(shown), more
}

// settle leaves people where they stood before: one who comes takes the place of the one who goes, and
// where there are more or fewer than before, they stand in the same order, newcomers last.
func (a *arranger) settle(list []int) []int {
	if a.spec.Order == ByName || a.spec.Order == BySpeech || len(a.spec.Pinned) > 0 {
		return list
	}
	before, large := a.st.Before, true
	if len(before) > 0 && before[0] == "" {
		before, large = before[1:], false
	}
	if len(a.plan.Slots) > 0 { // behind the large one, unless it is new
		switch i := slices.Index(before, a.st.People[a.plan.Slots[0].Person].ID); {
		case i >= 0 && large:
			before = before[1:] // who was large takes its place
		case i >= 0:
			before = slices.Delete(slices.Clone(before), i, i+1)
		}
	}
	place := func(i int) int { return slices.Index(before, a.st.People[i].ID) }
	if len(before) != len(list) {
		slices.SortStableFunc(list, func(i, j int) int {
			return cmp.Compare(uint(place(i)), uint(place(j))) // those who were not there count as last
		})
		return list
	}
	out := make([]int, len(list))
	for k := range out {
		out[k] = -1
	}
	var moved []int
	for _, i := range list {
		if k := place(i); k >= 0 && out[k] < 0 {
			out[k] = i
		} else {
			moved = append(moved, i)
		}
	}
	for k := range out {
		if out[k] < 0 {
			out[k], moved = moved[0], moved[1:]
		}
	}
	return out
}

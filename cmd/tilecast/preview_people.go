package main

import (
	"fmt"
	"strconv"
	"strings"

	"tilecast/cmd/tilecast/broadcast"
	"tilecast/configs"
	"tilecast/ingest"
)

// stand is one who stands in for a participant.
type stand struct{ name, role string }

// people are the participants: the cast, with the names and roles that are asked for, and those that l speaks of
// given to the first who have none.
func (o previewOptions) people(l *configs.Layout) ([]stand, error) {
	people, taken := make([]stand, o.participants), make([]bool, o.participants)
	for k := range people {
		people[k].name = broadcast.Cast[k%len(broadcast.Cast)].Name
		if turn := k / len(broadcast.Cast); turn > 0 {
			people[k].name = fmt.Sprintf("%s %d", people[k].name, turn+1)
		}
	}
	for _, f := range []struct {
		flag, sample string
		values       []string
		set          func(p *stand, text string)
	}{{"--name", "1=Ada", o.names, func(p *stand, text string) { p.name = text }}, {"--role", "1=host", o.roles, func(p *stand, text string) { p.role = text }}} {
		for _, v := range f.values {
			number, text, _ := strings.Cut(v, "=")
			k, err := strconv.Atoi(number)
			switch text = strings.TrimSpace(text); {
			case err != nil || text == "":
				return nil, fmt.Errorf("%s: %q is not a participant's number and what to say of it, such as %s", f.flag, v, f.sample)
			case k < 1 || k > len(people):
				return nil, fmt.Errorf("%s: there is no participant %d", f.flag, k)
			case f.flag == "--role" && !ingest.IsRole(text):
				return nil, fmt.Errorf("--role: %q is no role: use letters, digits, - and _, such as host", text)
			}
			f.set(&people[k-1], text)
			taken[k-1] = true
		}
	}
	for _, w := range spoken(l) {
		fill(people, taken, w)
	}
	return people, nil
}

// spoken are those whom l speaks of in its mode.
func spoken(l *configs.Layout) (all []configs.Who) {
	if l.Mode == "custom" { // it has no use for pins
		for _, s := range l.Slots {
			all = append(all, s.Who)
		}
		return all
	}
	for _, w := range l.Pinned {
		all = append(all, configs.Who(w))
	}
	if l.Mode == "pip" {
		all = append(all, l.Pip.Who)
	}
	return all
}

// fill makes the first whom nothing was said of the one that w means, where nobody is.
func fill(people []stand, taken []bool, w configs.Who) {
	n := max(w.N, 1)
	if w.By != "role" && w.By != "name" {
		return
	}
	for k, p := range people {
		if w.By == "role" && strings.EqualFold(p.role, w.Text) || w.By == "name" && strings.EqualFold(p.name, w.Text) {
			taken[k] = true
			n--
		}
	}
	for k := range people {
		if n <= 0 {
			return
		}
		if taken[k] {
			continue
		}
		taken[k] = true
		n--
		if w.By == "name" {
			people[k].name = w.Text
		} else {
			people[k].role = w.Text
		}
	}
}

package lint

import (
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"
)

// WriteText writes the report for people.
func (r *Report) WriteText(w io.Writer) error {
	var b strings.Builder
	for _, l := range levels {
		if n := r.Count(l); n > 0 {
			fmt.Fprintf(&b, "%s\n", counted(n, string(l)))
			r.writeLevel(&b, l)
			b.WriteByte('\n')
		}
	}
	r.writeFacts(&b)
	if len(r.Unchecked) > 0 {
		b.WriteString("\nThere was no occasion to check:\n")
		for _, s := range r.Unchecked {
			fmt.Fprintf(&b, "  %s\n", s)
		}
	}
	fmt.Fprintf(&b, "\n%s: %s, %s, %s in %v\n", r.URL,
		counted(r.Count(Error), "error"), counted(r.Count(Warning), "warning"), counted(r.Count(Note), "note"), r.Watched.Round(time.Second))
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Report) writeLevel(b *strings.Builder, l Level) {
	last := ""
	for _, f := range r.Findings {
		if f.Level != l {
			continue
		}
		if f.id != last {
			fmt.Fprintf(b, "  %-6s %s [%s]\n", f.Rule, f.Text, f.Section)
			if f.Advice != "" {
				fmt.Fprintf(b, "         -> %s\n", f.Advice)
			}
			last = f.id
		}
		where := r.short(f.Where)
		if f.At != "" {
			where += " " + f.At
		}
		fmt.Fprintf(b, "         %s: %s", where, f.Evidence)
		if f.Count > 1 {
			fmt.Fprintf(b, " (%d times)", f.Count)
		}
		b.WriteByte('\n')
	}
}

func (r *Report) writeFacts(b *strings.Builder) {
	for _, f := range r.Facts.Renditions {
		fmt.Fprintf(b, "%s  %s\n", r.short(f.URL), f.Format)
		seconds(b, "segments", f.Segments)
		seconds(b, "parts", f.Parts)
		if f.MeanRate > 0 {
			fmt.Fprintf(b, "  %-9s mean %d, peak %d kbit/s\n", "bit rate", f.MeanRate/1000, f.PeakRate/1000)
		}
		seconds(b, "latency", f.Latency)
		fmt.Fprintf(b, "  %-9s %d playlists, %d of them waited for, %d deltas\n", "reloads", f.Reloads, f.Blocking, f.Deltas)
		if f.Discarded > 0 {
			fmt.Fprintf(b, "  %-9s %d files came faster than they could be fetched\n", "left out", f.Discarded)
		}
	}
	fmt.Fprintf(b, "%d requests, %d kB, %s", r.Facts.Requests, r.Facts.Bytes/1000, r.Facts.Protocol)
	if r.Facts.Failed > 0 {
		fmt.Fprintf(b, ", %d without an answer", r.Facts.Failed)
	}
	b.WriteByte('\n')
}

func seconds(b *strings.Builder, name string, s Spread) {
	if s.N > 0 {
		fmt.Fprintf(b, "  %-9s %d, %.5f to %.5f s, mean %.5f\n", name, s.N, s.Min, s.Max, s.Mean)
	}
}

// short is a URL as seen from the report's own.
func (r *Report) short(where string) string {
	base, err := url.Parse(r.URL)
	if err != nil || where == r.URL {
		return where[strings.LastIndexByte(where, '/')+1:]
	}
	dir := base.Scheme + "://" + base.Host + base.Path[:strings.LastIndexByte(base.Path, '/')+1]
	return strings.TrimPrefix(where, dir)
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

package main

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"tilecast/origin"
)

// metrics answers /metrics: what the stages count, read when it is asked for. docs/metrics.md explains each.
func (g *gateway) metrics() http.Handler {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), gatherer{g})
	return promhttp.HandlerFor(r, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})
}

// gatherer is the collector of everything that is ours.
type gatherer struct{ *gateway }

// Describe says nothing: which families there are follows from what is on air.
func (gatherer) Describe(chan<- *prometheus.Desc) {}

func (g gatherer) Collect(to chan<- prometheus.Metric) {
	s := samples{}
	s.gauge("tilecast_build_info", "Always 1; its labels say what runs.", 1, "version", version)
	g.collectRooms(s)
	g.collectIngest(s)
	g.collectOrigin(s)
	g.collectConnections(s)
	s.send(to)
	to <- waitHistogram(g.origin.Stats().Waits)
}

// samples are values by family and labels. Values under the same labels are added up, such as those of two
// participants of one name.
type samples map[string]*family

type family struct {
	help   string
	kind   prometheus.ValueType
	values map[string]*sample
}

type sample struct {
	labels []string // key, value, key, value…
	value  float64
}

func (s samples) add(kind prometheus.ValueType, name, help string, value float64, labels []string) {
	for i := range labels { // names come from participants, and two of them must not become the same later on
		labels[i] = strings.ToValidUTF8(labels[i], "?")
	}
	f := s[name]
	if f == nil {
		f = &family{help: help, kind: kind, values: map[string]*sample{}}
		s[name] = f
	}
	key := strings.Join(labels, "\xff")
	if f.values[key] == nil {
		f.values[key] = &sample{labels: labels}
	}
	f.values[key].value += value
}

func (s samples) gauge(name, help string, value float64, labels ...string) {
	s.add(prometheus.GaugeValue, name, help, value, labels)
}

func (s samples) counter(name, help string, value float64, labels ...string) {
	s.add(prometheus.CounterValue, name, help, value, labels)
}

func (s samples) send(to chan<- prometheus.Metric) {
	for name, f := range s {
		for _, v := range f.values {
			var keys, values []string
			for pair := range slices.Chunk(v.labels, 2) {
				keys, values = append(keys, pair[0]), append(values, pair[1])
			}
			to <- prometheus.MustNewConstMetric(prometheus.NewDesc(name, f.help, keys, nil), f.kind, v.value, values...)
		}
	}
}

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func (g gatherer) collectRooms(s samples) {
	for _, r := range g.rooms.List() {
		s.gauge("tilecast_room_live", "Whether the room has a program on air.", number(r.Live), "room", r.Name)
		for _, state := range []string{"here", "away"} {
			s.gauge("tilecast_room_participants", "Participants; those away have lost their session and keep their seat.", 0, "room", r.Name, "state", state)
		}
		for _, p := range r.Participants {
			state := "here"
			if p.Away {
				state = "away"
			}
			s.gauge("tilecast_room_participants", "", 1, "room", r.Name, "state", state)
		}
		if r.StartedAt != nil {
			s.gauge("tilecast_program_start_timestamp_seconds", "When the program on air began, as Unix time.", float64(r.StartedAt.UnixNano())/1e9, "room", r.Name)
		}
	}
	for _, p := range g.rooms.Stats() {
		g.collectCompositor(s, p.Room, p.Compositor)
		for _, st := range p.Origin.Streams {
			collectStream(s, p.Room, st)
		}
	}
}

func collectStream(s samples, room string, st origin.StreamStats) {
	l := []string{"room", room, "rendition", st.Name}
	s.gauge("tilecast_stream_edge_msn", "Media sequence number of the last part that is published.", float64(st.Edge.MSN), l...)
	s.gauge("tilecast_stream_window_seconds", "Length of what the playlist lists.", st.Length.Seconds(), l...)
	s.gauge("tilecast_stream_memory_bytes", "Media held in memory.", float64(st.Bytes), l...)
	s.gauge("tilecast_stream_shelved_segments", "Segments that are on disk alone.", float64(st.Shelved), l...)
	s.gauge("tilecast_stream_parked_requests", "Requests and other readers that wait for the next part.", float64(st.Waiting), l...)
	s.counter("tilecast_stream_versions_total", "Versions of the playlist published.", float64(st.Versions), l...)
	s.counter("tilecast_stream_renders_total", "Playlist texts made, compressed ones counted apart.", float64(st.Renders), l...)
	s.counter("tilecast_stream_missed_total", "Readers who came when what they wanted had left the window.", float64(st.Missed), l...)
	s.counter("tilecast_stream_timeouts_total", "Requests answered 503 after three target durations.", float64(st.TimedOut), l...)
	s.gauge("tilecast_stream_peak_bytes_per_second", "Peak segment rate measured over the last hour.", float64(st.Rates.Peak)/8, l...)
	s.gauge("tilecast_stream_average_bytes_per_second", "Average rate measured over the last hour.", float64(st.Rates.Average)/8, l...)
	s.gauge("tilecast_stream_announced_peak_bytes_per_second", "An eighth of the BANDWIDTH of the rendition alone.", float64(st.Rates.Bandwidth)/8, l...)
	s.gauge("tilecast_stream_announced_average_bytes_per_second", "An eighth of the AVERAGE-BANDWIDTH of the rendition alone.", float64(st.Rates.AverageBandwidth)/8, l...)
}

func (g gatherer) collectOrigin(s samples) {
	st := g.origin.Stats()
	s.gauge("tilecast_origin_rooms", "Rooms that playlists can be had of.", float64(st.Rooms))
	s.gauge("tilecast_origin_programs", "Programs that can be had, ended ones included.", float64(st.Programs))
	s.gauge("tilecast_origin_parked_requests", "Requests that wait, for a part, a segment or a program to begin.", float64(st.Parked+st.Waiting))
	for _, r := range st.Requests {
		status := "other"
		if r.Status != 0 {
			status = strconv.Itoa(r.Status)
		}
		if r.Count > 0 || r.Status == http.StatusOK {
			s.counter("tilecast_origin_requests_total", "Answers below /hls/, by what was asked for and HTTP status.", float64(r.Count), "kind", r.Kind, "status", status)
		}
		s.counter("tilecast_origin_sent_bytes_total", "Bytes of bodies sent below /hls/.", float64(r.Bytes), "kind", r.Kind)
	}
}

// waitHistogram is what the origin counted as a histogram of Prometheus, which adds up from bucket to bucket.
func waitHistogram(w origin.WaitStats) prometheus.Metric {
	buckets := map[float64]uint64{}
	var n uint64
	for i, bound := range w.Bounds {
		n += w.Counts[i]
		buckets[bound.Seconds()] = n
	}
	n += w.Counts[len(w.Bounds)]
	return prometheus.MustNewConstHistogram(
		prometheus.NewDesc("tilecast_origin_wait_seconds", "How long requests were parked.", nil, nil), n, w.Sum.Seconds(), buckets)
}

func (g gatherer) collectConnections(s samples) {
	if g.conns == nil {
		return
	}
	st := g.conns.stats()
	s.gauge("tilecast_http_connections", "Open HTTP connections.", float64(st.Open-st.Quiet), "state", "active")
	s.gauge("tilecast_http_connections", "", float64(st.Quiet), "state", "quiet")
	s.gauge("tilecast_http_connections_max", "How many may be open, by the limit of open files.", float64(st.Most))
	s.counter("tilecast_http_accepted_total", "HTTP connections accepted.", float64(st.Accepted))
	s.counter("tilecast_http_shed_total", "Quiet connections closed to make room for new ones.", float64(st.Shed))
	s.counter("tilecast_http_exhausted_total", "Times that no file descriptor was left for a connection.", float64(st.Exhausted))
}

func (g gatherer) collectIngest(s samples) {
	st := g.ingest.Stats()
	s.counter("tilecast_ingest_admitted_total", "WHIP sessions admitted.", float64(st.Admitted))
	s.counter("tilecast_ingest_refused_total", "WHIP requests turned down.", float64(st.Refused))
	s.counter("tilecast_ingest_ended_total", "WHIP sessions that ended.", float64(st.Ended))
	s.counter("tilecast_ingest_restarts_total", "ICE restarts.", float64(st.Restarts))
	s.counter("tilecast_ingest_stuck_total", "Connections that did not close and were left behind.", float64(st.Stuck))
	for _, sess := range st.Sessions {
		who := []string{"room", sess.Room, "participant", sess.Name}
		s.gauge("tilecast_ingest_sessions", "Open WHIP sessions by state.", 1, "room", sess.Room, "state", string(sess.State))
		s.gauge("tilecast_ingest_rtt_seconds", "Round trip to the participant.", sess.RTT.Seconds(), who...)
		s.counter("tilecast_ingest_moves_total", "Changes of the participant's address within a session.", float64(sess.Moves), who...)
		s.gauge("tilecast_ingest_delay_seconds", "Delay given because packets come late.", sess.Extra.Seconds(), who...)
		for _, t := range sess.Streams {
			l := append(slices.Clone(who), "codec", t.Codec.String(), "rid", t.RID)
			s.counter("tilecast_ingest_packets_total", "RTP packets received.", float64(t.Packets), l...)
			s.counter("tilecast_ingest_received_bytes_total", "Bytes of RTP received.", float64(t.Bytes), l...)
			s.counter("tilecast_ingest_unused_packets_total", "RTP packets dropped as they came, of what no canvas shows.", float64(t.Unused), l...)
			s.counter("tilecast_ingest_excess_packets_total", "RTP packets dropped because the participant sends more than it may.", float64(t.Excess), l...)
			s.counter("tilecast_ingest_lost_packets_total", "RTP packets given up.", float64(t.Lost), l...)
			s.counter("tilecast_ingest_repaired_packets_total", "RTP packets that came after they were asked for again.", float64(t.Repaired), l...)
			s.counter("tilecast_ingest_rtx_packets_total", "RTP packets received by a stream of retransmissions.", float64(t.RTX), l...)
			s.counter("tilecast_ingest_nacks_total", "RTP packets asked for again.", float64(t.Nacks), l...)
			s.counter("tilecast_ingest_key_requests_total", "Key frames asked for.", float64(t.KeyRequests), l...)
			s.counter("tilecast_ingest_broken_total", "Pictures dropped because something of them was missing or malformed.", float64(t.Broken), l...)
			s.counter("tilecast_ingest_bframes_total", "Pictures refused because they are B-frames.", float64(t.BFrames), l...)
			s.counter("tilecast_ingest_oversize_total", "Key frames refused because they have more pixels than a source may.", float64(t.Oversize), l...)
			s.counter("tilecast_ingest_outlying_reports_total", "Sender reports ignored because they contradict those before.", float64(t.Outliers), l...)
			s.counter("tilecast_ingest_timestamp_jumps_total", "Timestamps that did not go on from those before.", float64(t.Jumps), l...)
			s.counter("tilecast_ingest_clock_snaps_total", "Corrections of a participant's clock at once.", float64(t.Snaps), l...)
		}
	}
}

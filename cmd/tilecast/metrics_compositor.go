package main

import "tilecast/compositor"

// reliefs are what gives way under load, in the order of compositor.Stats.Given.
var reliefs = []string{"bitrate", "frames", "motion", "top_rung"}

func (g gatherer) collectCompositor(s samples, room string, st compositor.Stats) {
	l := []string{"room", room}
	s.gauge("tilecast_compositor_tiles", "Tiles on the canvas.", float64(st.Tiles), l...)
	s.counter("tilecast_compositor_frames_total", "Frames composed, on all canvases.", float64(st.Ticks), l...)
	s.counter("tilecast_compositor_late_frames_total", "Frames not composed because their time had passed.", float64(st.Late), l...)
	s.counter("tilecast_compositor_repaints_total", "Whole canvases drawn.", float64(st.Repaints), l...)
	s.counter("tilecast_compositor_audio_blocks_total", "Blocks of 1024 samples mixed.", float64(st.Blocks), l...)
	s.gauge("tilecast_compositor_relief", "What gives way under load: 0 nothing, 1 bitrate, 2 frames, 3 motion, 4 top rung.", float64(st.Relief), l...)
	for i, n := range st.Given {
		if i < len(reliefs) {
			s.counter("tilecast_compositor_reliefs_total", "How often each has given way.", float64(n), "room", room, "step", reliefs[i])
		}
	}
	for _, r := range st.Rungs {
		l := []string{"room", room, "canvas", r.Canvas, "rung", r.Name}
		s.counter("tilecast_encoder_samples_total", "Pictures or blocks of sound encoded.", float64(r.Samples), l...)
		s.counter("tilecast_encoder_bytes_total", "Bytes encoded.", float64(r.Bytes), l...)
		s.counter("tilecast_encoder_skipped_total", "Frames that share a sample with the one before, to save time.", float64(r.Skipped), l...)
		s.counter("tilecast_encoder_replaced_total", "Composed pictures that the encoder was too late for.", float64(r.Replaced), l...)
		s.counter("tilecast_encoder_replayed_total", "Samples of a still picture that were not encoded again.", float64(r.Replayed), l...)
		s.counter("tilecast_encoder_gaps_total", "Parts left out.", float64(r.Gaps), l...)
		s.counter("tilecast_encoder_faults_total", "Errors of the encoder or of what follows it.", float64(r.Faults), l...)
		s.gauge("tilecast_encoder_failed", "1 while the rung fails, and its parts are gaps.", number(r.Failed), l...)
	}
	for _, i := range st.Inputs {
		l := []string{"room", room, "tile", i.Tile, "codec", i.Codec}
		s.counter("tilecast_decoder_packets_total", "Packets taken.", float64(i.Packets), l...)
		s.counter("tilecast_decoder_dropped_total", "Packets dropped for want of room or of a key frame.", float64(i.Dropped), l...)
		s.counter("tilecast_decoder_full_total", "How often there was no room: the decoder is too slow.", float64(i.Full), l...)
		s.counter("tilecast_decoder_decoded_total", "Pictures or frames of sound decoded.", float64(i.Decoded), l...)
		s.counter("tilecast_decoder_pixels_total", "Pixels decoded.", float64(i.Pixels), l...)
		s.counter("tilecast_decoder_faults_total", "Errors of the decoder.", float64(i.Faults), l...)
		s.counter("tilecast_decoder_skipped_total", "Pictures never shown because too many came at a time.", float64(i.Skipped), l...)
		s.counter("tilecast_decoder_concealed_total", "Holes in the sound made up for.", float64(i.Concealed), l...)
		s.counter("tilecast_decoder_late_total", "Packets of sound after their time.", float64(i.Late), l...)
	}
}

package room

import (
	"encoding/json"
	"fmt"
	"log/slog"

	"tilecast/media"
	"tilecast/origin"
	"tilecast/packager"
	"tilecast/packager/m3u8"
)

// SpeakerScheme is that of events in the media that say who speaks from now on: JSON with the participant's id,
// empty for nobody.
const SpeakerScheme = "urn:tilecast:speaker"

// cued is event, with changes of the speaker written into the media and the playlists besides.
func (p *program) cued(event func(string, ...slog.Attr), log *slog.Logger) func(string, ...slog.Attr) {
	return func(kind string, attrs ...slog.Attr) {
		event(kind, attrs...)
		if kind != "speaker" {
			return
		}
		var id string
		var at float64
		for _, a := range attrs {
			switch a.Key {
			case "id":
				id = a.Value.String()
			case "at":
				at = a.Value.Float64()
			}
		}
		payload, _ := json.Marshal(map[string]string{"id": id}) // of strings: never fails
		start := media.Time(at*float64(media.Second)) + p.plan.Rate.Frame(1)
		_, err := p.out.Announce(origin.Announcement{
			Event: packager.Event{
				ID:     fmt.Sprintf("speaker-%d-%d", p.first, start/media.Millisecond), // media time begins anew with each life
				Scheme: SpeakerScheme, Start: start, Payload: payload,
			},
			State: true, Class: "tilecast.speaker", Client: []m3u8.ClientAttribute{{Name: "X-SPEAKER", Value: id}},
		})
		if err != nil {
			log.Warn("change of speaker not announced", "err", err)
		}
	}
}

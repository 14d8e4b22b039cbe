// Package media is the vocabulary that every stage speaks: time, packets and codec parameters.
package media

// TrackID names one track within the program it belongs to.
type TrackID uint32

// Packet is one access unit or one audio frame, encoded.
//
// Data layout by codec: H264 is Annex B with start codes, its parameter sets in
// front of a key frame unless they are out of band; AV1 is a temporal unit in
// low-overhead format (OBUs with size fields, no temporal delimiter needed); VP8, VP9, Opus and AAC are raw frames
// (AAC without ADTS). Data is never written to after the packet was handed on,
// so any number of readers may keep it.
type Packet struct {
	Track   TrackID
	At, Dur Time // presentation; Dur is 0 where the sender did not say
	Key     bool // decoding may start here; true for every audio frame
	Data    []byte

	// Level is how loud the sender says a frame of sound is (RFC 6464): 1 is 0 dBov, 128 is -127 dBov,
	// which is silence; 0 where it did not say.
	Level uint8
}

// Codec names a coding format.
type Codec uint8

const (
	CodecNone Codec = iota
	VP8
	VP9
	H264
	AV1
	Opus
	AAC
)

func (c Codec) String() string {
	return [...]string{"none", "VP8", "VP9", "H264", "AV1", "Opus", "AAC"}[min(int(c), 6)]
}

// Video reports whether c codes pictures.
func (c Codec) Video() bool { return c == VP8 || c == VP9 || c == H264 || c == AV1 }

// Audio reports whether c codes sound.
func (c Codec) Audio() bool { return c == Opus || c == AAC }

// VideoParams describe an encoded video track.
type VideoParams struct {
	Codec   Codec
	W, H    int
	Rate    FrameRate
	BitRate int    // target, bit/s
	MaxRate int    // VBV peak, bit/s
	Extra   []byte // H264: SPS and PPS in Annex B; empty otherwise
}

// AudioParams describe an encoded audio track.
type AudioParams struct {
	Codec      Codec
	SampleRate int // Hz
	Channels   int
	FrameSize  int    // samples per packet and channel
	BitRate    int    // bit/s
	Extra      []byte // AAC: AudioSpecificConfig; empty otherwise
}

// Params describe an encoded track: exactly one of Video and Audio is set.
type Params struct {
	Video *VideoParams
	Audio *AudioParams
}

package m3u8

import "strconv"

// Append writes the whole playlist.
func (m *Multivariant) Append(b []byte) []byte {
	version := m.Version
	if version == 0 {
		version = 6
	}
	b = append(b, "#EXTM3U\n#EXT-X-VERSION:"...)
	b = strconv.AppendInt(b, int64(version), 10)
	b = append(b, '\n')
	if m.IndependentSegments {
		b = append(b, "#EXT-X-INDEPENDENT-SEGMENTS\n"...)
	}
	for i := range m.Audio {
		b = m.Audio[i].append(b)
	}
	for i := range m.Other {
		b = m.Other[i].append(b)
	}
	for i := range m.Variants {
		b = m.Variants[i].append(b)
	}
	for i := range m.IFrames {
		b = m.IFrames[i].appendIFrames(b)
	}
	return b
}

func (m *Media) append(b []byte) []byte {
	b = append(b, "#EXT-X-MEDIA:TYPE="...)
	if m.Type == "" {
		b = append(b, "AUDIO"...)
	}
	b = append(b, m.Type...)
	b = appendString(b, ",GROUP-ID=", m.GroupID)
	b = appendString(b, ",NAME=", m.Name)
	b = appendString(b, ",LANGUAGE=", m.Language)
	if m.Default {
		b = append(b, ",DEFAULT=YES"...)
	}
	if m.AutoSelect {
		b = append(b, ",AUTOSELECT=YES"...)
	}
	b = appendString(b, ",CHANNELS=", m.Channels)
	b = appendString(b, ",INSTREAM-ID=", m.InstreamID)
	b = appendString(b, ",URI=", m.URI)
	return append(b, '\n')
}

func (v *Variant) append(b []byte) []byte {
	b = append(b, "#EXT-X-STREAM-INF:"...)
	b = v.appendAttributes(b)
	if v.FrameRate > 0 {
		b = append(b, ",FRAME-RATE="...)
		b = strconv.AppendFloat(b, v.FrameRate, 'f', 3, 64)
	}
	b = appendString(b, ",AUDIO=", v.Audio)
	if v.ClosedCaptions == "" || v.ClosedCaptions == "NONE" {
		b = append(b, ",CLOSED-CAPTIONS=NONE"...)
	} else {
		b = appendString(b, ",CLOSED-CAPTIONS=", v.ClosedCaptions)
	}
	b = append(b, '\n')
	b = appendURI(b, v.URI)
	return append(b, '\n')
}

// appendIFrames writes a playlist of key frames, which has no frame rate, sound or captions (MV-20).
func (v *Variant) appendIFrames(b []byte) []byte {
	b = append(b, "#EXT-X-I-FRAME-STREAM-INF:"...)
	b = v.appendAttributes(b)
	b = append(b, ",URI="...)
	b = appendQuoted(b, v.URI)
	return append(b, '\n')
}

func (v *Variant) appendAttributes(b []byte) []byte {
	b = append(b, "BANDWIDTH="...)
	b = strconv.AppendInt(b, int64(v.Bandwidth), 10)
	if v.AverageBandwidth > 0 {
		b = append(b, ",AVERAGE-BANDWIDTH="...)
		b = strconv.AppendInt(b, int64(v.AverageBandwidth), 10)
	}
	b = appendString(b, ",CODECS=", v.Codecs)
	if v.Width > 0 && v.Height > 0 {
		b = append(b, ",RESOLUTION="...)
		b = strconv.AppendInt(b, int64(v.Width), 10)
		b = append(b, 'x')
		b = strconv.AppendInt(b, int64(v.Height), 10)
	}
	if v.VideoRange != "" {
		b = append(b, ",VIDEO-RANGE="...)
		b = append(b, v.VideoRange...)
	}
	return b
}

package packager

import "encoding/binary"

// ID3Text is a user-defined text frame (TXXX) of an ID3 tag.
type ID3Text struct{ Description, Text string }

// ID3 is an ID3v2.4 tag with those frames, in UTF-8 (id3v2.4.0-structure 3.1, 4; id3v2.4.0-frames 4.2.6).
func ID3(frames []ID3Text) []byte {
	tag := []byte{'I', 'D', '3', 4, 0, 0, 0, 0, 0, 0}
	for _, f := range frames {
		size := 1 + len(f.Description) + 1 + len(f.Text)
		tag = append(tag, 'T', 'X', 'X', 'X')
		tag = binary.BigEndian.AppendUint32(tag, syncsafe(size))
		tag = append(tag, 0, 0, 3) // no flags; UTF-8
		tag = append(append(tag, f.Description...), 0)
		tag = append(tag, f.Text...)
	}
	binary.BigEndian.PutUint32(tag[6:], syncsafe(len(tag)-10))
	return tag
}

// syncsafe spreads 28 bits over four bytes whose top bits are clear.
func syncsafe(n int) uint32 {
	return uint32(n&0x7f | n<<1&0x7f00 | n<<2&0x7f0000 | n<<3&0x7f000000)
}

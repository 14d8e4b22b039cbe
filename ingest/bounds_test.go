package ingest

import (
	"testing"
)

// A parameter set beyond all reason is refused, or each key frame would carry it on.
func TestH264HugeParameterSetsAreRefused(t *testing.T) {
	d := newH264Depacketizer("")
	huge := append([]byte{0x68, 0xe0}, make([]byte, maxSet)...)
	if d.keepSet(huge) || len(d.pps) != 0 {
		t.Fatal("a PPS of 2 KiB was kept")
	}
	if !d.keepSet([]byte{0x68, 0xce, 0x3c, 0x80}) || len(d.pps) != 1 {
		t.Fatal("an ordinary PPS was not kept")
	}
}

// A sender that gave its parameter sets in band once and never again is believed after a few
// IDR pictures without, so that its picture comes back after a loss.
func TestH264ComesBackWithoutRepeatedParameterSets(t *testing.T) {
	d := newH264Depacketizer("")
	d.keepSet([]byte{0x67, 0x42, 0xe0, 0x1f, 0x8c})
	d.keepSet([]byte{0x68, 0xce, 0x3c, 0x80})
	d.inBand = true
	idr := []byte{nalIDR | 0x60, 0x88, 0x84}
	for i := range maxRefused {
		if d.begins(idr) {
			t.Fatalf("IDR picture %d was taken without its parameter sets", i+1)
		}
	}
	if !d.begins(idr) {
		t.Fatal("the picture never comes back")
	}
}

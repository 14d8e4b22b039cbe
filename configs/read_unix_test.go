//go:build unix

package configs

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// What may have no end is not read: neither a pipe that nobody writes to nor a device.
func TestPicturesAreRegularFiles(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe.png"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/dev/zero", filepath.Join(dir, "device.png")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"pipe.png", "device.png"} {
		path := filepath.Join(dir, name)
		got := strings.Join(mistakes(t, room+"    layout: {overlays: [{text: a}, {image: "+path+"}]}"), "\n")
		if want := "x.yaml:3: rooms[0].layout.overlays[1].image: " + path + ": is not a regular file"; got != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
	}
	if _, err := ParseFile("/dev/zero"); err == nil || err.Error() != "/dev/zero: is larger than 4 MB" {
		t.Error(err)
	}
}

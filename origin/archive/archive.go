// Package archive keeps programs on disk: for windows longer than memory, for recordings, and to go on after a restart.
//
// # What is on disk
//
//	{data}/rooms/.lock                           held by the process that writes here
//	{data}/rooms/{room}/{program}/program.json   manifest: plan, lives, streams, takes, end (Manifest)
//	                              index.m3u8     of a recording, once it is over; plays from disk as well
//	                              iso/           what single broadcasters sent (Iso)
//	                              {stream}/      one for each rendition:
//	                                init.{k}.mp4   init section of life k
//	                                {msn}.m4s      a segment: its parts, one after the other
//	                                {n}.idx        a line for each part of segments n*1024 and up (line)
//	                                stream.m3u8    of a recording, once it is over
//
// A life is what one process made of a program: a program that goes on after a restart begins another.
//
// # Who writes
//
// The origin puts parts into a Shelf, which never waits: it queues them for the one goroutine of the program's
// Writer, 512 parts and 64 MB at most. A part goes into its segment's file and then gets its line in the index, so what the
// index names is there. What finds no place in the queue, or meets an error, is counted and told once (Event), its
// segment is left out, and the writer tries again with the next one. The manifest is replaced as a whole by renaming.
//
// # How it is read back
//
// Load reads manifests and indices; what goes into memory is checked by its length and checksum. Lines that are torn,
// files that are short and files of somebody else are passed over with a word in the log; a manifest of another version is left alone.
package archive

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"tilecast/media"
	"tilecast/packager"
)

// Store is the folder of all rooms. One process has it at a time.
type Store struct {
	root string
	disk Disk
	log  *slog.Logger
	lock *os.File

	serving   atomic.Int64  // answers on their way
	gathering chan struct{} // holds one for each file that is being put together
	outlining chan struct{} // holds one while somebody has the outlines
	outlines  map[string]*outline
	ended     sync.Map // Recordings of programs that are over, by folder
	trimmed   sync.Map // folders of programs that are over and have nothing but their recording
}

// What is done at a time at most. An answer has a file open for as long as its client takes, and writers need some, too.
const (
	maxServing   = 128
	maxGathering = 2
)

// ErrInUse says that another process has the folder.
var ErrInUse = errors.New("another tilecast keeps its programs there: give each its own --data folder")

// Open takes the folder {data}/rooms, making it when it is not there. Close gives it back.
func Open(data string, log *slog.Logger) (*Store, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	root := filepath.Join(data, "rooms")
	if err := os.MkdirAll(root, 0o755); err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(root, ".lock"), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		lock.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = ErrInUse
		}
		return nil, fmt.Errorf("archive %s: %w", root, err)
	}
	return &Store{
		root: root, disk: Files{}, log: log, lock: lock, gathering: make(chan struct{}, maxGathering),
		outlining: make(chan struct{}, 1), outlines: map[string]*outline{},
	}, nil
}

// UseDisk replaces the file system that writers use; for tests.
func (s *Store) UseDisk(d Disk) { s.disk = d }

// Close lets another process have the folder.
func (s *Store) Close() error { return s.lock.Close() }

// dir is a program's folder.
func (s *Store) dir(room, id string) string { return filepath.Join(s.root, room, id) }

// Manifest says what a program is.
type Manifest struct {
	Format  int           `json:"format"`
	Room    string        `json:"room"`
	ID      string        `json:"id"`
	Plan    packager.Plan `json:"plan"`
	Window  media.Time    `json:"window"` // of its playlists
	Event   bool          `json:"event,omitempty"`
	Lives   []Life        `json:"lives"`
	Streams []Stream      `json:"streams"`
	Takes   []Take        `json:"takes,omitempty"` // what is recorded
	Shed    Shed          `json:"shed,omitzero"`   // what was recorded and is too old
	Iso     bool          `json:"iso,omitempty"`   // so is what single broadcasters sent
	Ended   time.Time     `json:"ended,omitzero"`
	Until   time.Time     `json:"until,omitzero"` // when what is not recorded is nobody's any more; set with Ended
}

// format is the number of what is described above.
const format = 1

// Life is what one process made of a program.
type Life struct {
	Began time.Time `json:"began"` // wall clock at media time 0
	First int64     `json:"first"` // MSN; all streams begin with it
}

// Stream is a rendition. It has one init section for each life.
type Stream struct {
	Name   string `json:"name"`
	Canvas string `json:"canvas,omitempty"` // empty for sound
	Inits  []Init `json:"inits"`
}

// Init is what is known of an init section besides its bytes.
type Init struct {
	Params    media.Params `json:"params"`
	Codecs    string       `json:"codecs"`
	Timescale int64        `json:"timescale"`
}

// Take is a stretch that is recorded: segments From to To, inclusive; To is 0 while it goes on.
type Take struct {
	From int64 `json:"from"`
	To   int64 `json:"to,omitempty"`
}

// Shed is how much its playlists have lost in front of what they show now, since segments keep their numbers.
type Shed struct {
	Segments int64 `json:"segments"`
	Cuts     int64 `json:"cuts,omitempty"` // DISCONTINUITY tags, with that of the first one now
}

// has reports whether a take covers msn.
func (m *Manifest) has(msn int64) bool {
	for _, t := range m.Takes {
		if msn >= t.From && (t.To == 0 || msn <= t.To) {
			return true
		}
	}
	return false
}

// Recorded reports whether anything of the program is.
func (m *Manifest) Recorded() bool { return len(m.Takes) > 0 || m.Iso }

// Wall is the capture time of a position in a life.
func (m *Manifest) Wall(life int, at media.Time) time.Time {
	return m.Lives[life].Began.Add((at - m.Plan.Delay).Duration()).UTC()
}

// Cuts is how many DISCONTINUITY tags there have been up to a segment, with its own: one for each life that made
// segments, but for the first.
func (m *Manifest) Cuts(msn int64) (n int64) {
	for k := 1; k <= m.life(msn); k++ {
		if m.Lives[k].First > m.Lives[k-1].First {
			n++
		}
	}
	return n
}

// life is the one that made a segment.
func (m *Manifest) life(msn int64) int {
	k := len(m.Lives) - 1
	for k > 0 && msn < m.Lives[k].First {
		k--
	}
	return k
}

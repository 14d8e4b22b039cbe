package archive

import (
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Sweep removes what nobody needs any more of a room's programs that are over: all of one that is not recorded,
// and of one that is what lies outside of its takes; a recording itself once it is older than keep, unless keep
// is 0. Programs that go on (see Writer.Expire), and files that are not ours, are left alone.
func (s *Store) Sweep(room string, now time.Time, keep time.Duration) {
	s.forget(room)
	for _, l := range s.Programs(room) {
		if l.Ended.IsZero() || now.Before(l.Until) {
			continue
		}
		if l.Recorded() && (keep == 0 || now.Before(l.Ended.Add(keep))) {
			if _, done := s.trimmed.Load(l.dir); !done && l.trim() {
				s.trimmed.Store(l.dir, nil)
			}
			continue
		}
		if err := s.remove(l.dir); err != nil {
			s.log.Warn("archive: program could not be removed", "folder", l.dir, "err", err)
		} else {
			s.log.Info("archive: program removed", "program", l.ID, "room", room)
		}
	}
}

// trim removes segments that are in no take, which for a program that is over is done once. It reports whether all are gone.
func (l *Loaded) trim() bool {
	done := true
	for _, st := range l.Manifest.Streams {
		names, _ := filepath.Glob(filepath.Join(l.dir, st.Name, "*.m4s"))
		for _, name := range names {
			msn, ok := number([]byte(strings.TrimSuffix(filepath.Base(name), ".m4s")))
			if ok && !l.has(msn) {
				done = l.store.disk.Remove(name) == nil && done
			}
		}
	}
	return done
}

// remove takes a program's folder away, the manifest last, so that what a crash leaves is removed the next time.
// Files of others stay, and so do the folders that they are in.
func (s *Store) remove(dir string) error {
	folders, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		return err
	}
	for _, folder := range append(folders, dir) {
		for _, pattern := range []string{"*.m4s", "*.idx", "init.*.mp4", "*.m3u8", "*.new"} {
			names, _ := filepath.Glob(filepath.Join(folder, pattern))
			for _, name := range names {
				if err := s.disk.Remove(name); err != nil {
					return err
				}
			}
		}
		if filepath.Base(folder) == isoFolder {
			names, _ := filepath.Glob(filepath.Join(folder, "*.mp4"))
			for _, name := range names {
				s.disk.Remove(name)
			}
		}
		if folder != dir {
			os.Remove(folder) // unless something of others is in it
		}
	}
	if err := s.disk.Remove(filepath.Join(dir, manifestName)); err != nil {
		return err
	}
	os.Remove(dir)
	s.ended.Delete(dir)
	s.trimmed.Delete(dir)
	return nil
}

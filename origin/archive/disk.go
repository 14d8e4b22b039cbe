package archive

import (
	"errors"
	"os"
	"path/filepath"
)

// Disk is what writers do to files. Folders are made as they are needed.
type Disk interface {
	Append(name string, data []byte) error // to a file, which is made when it is not there
	Replace(name string, data []byte) error
	Remove(name string) error // what is not there is no error
}

// Files is the real one. It opens a file for each call: some ten of them a second, and nothing to be left open.
type Files struct{}

// Append implements Disk.
func (Files) Append(name string, data []byte) error {
	f, err := create(name, os.O_APPEND)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}

// Replace implements Disk: readers see the old file or the new one.
func (Files) Replace(name string, data []byte) error {
	f, err := create(name+".new", os.O_TRUNC)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(name+".new", name)
	}
	if err != nil {
		os.Remove(name + ".new")
	}
	return err
}

// Remove implements Disk.
func (Files) Remove(name string) error {
	if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

func create(name string, how int) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|how, 0o644)
	if errors.Is(err, os.ErrNotExist) {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return nil, err
		}
		f, err = os.OpenFile(name, os.O_WRONLY|os.O_CREATE|how, 0o644)
	}
	return f, err
}

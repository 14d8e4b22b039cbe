package configs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// MaxText is the most bytes of a configuration, or of the certificates that it names.
const MaxText = 4 << 20

// ReadFile reads a regular file of at most so many bytes: neither a device nor a pipe, which may have no end. The error says
// in a person's words why it can't be read, and which was meant.
func ReadFile(path string, most int64) ([]byte, error) {
	if info, err := os.Stat(path); err == nil && !info.IsDir() && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: is not a regular file", path)
	}
	return readFile(path, most)
}

// readFile is ReadFile for a file that may be a pipe, too.
func readFile(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, unread(path, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	switch {
	case err != nil:
		return nil, unread(path, err)
	case int64(len(data)) > most:
		return nil, fmt.Errorf("%s: is larger than %d MB", path, most>>20)
	}
	return data, nil
}

// unread words why the file can't be read.
func unread(path string, err error) error {
	var pe *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		var names []string
		entries, _ := os.ReadDir(filepath.Dir(path))
		for _, e := range entries {
			names = append(names, e.Name())
		}
		if near := Nearest(filepath.Base(path), names); near != "" {
			return fmt.Errorf("%s: no such file, did you mean %s?", path, filepath.Join(filepath.Dir(path), near))
		}
		return fmt.Errorf("%s: no such file", path)
	case errors.As(err, &pe):
		return fmt.Errorf("%s: %w", path, pe.Err)
	}
	return err
}

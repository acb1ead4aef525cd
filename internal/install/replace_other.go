//go:build !linux

package install

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// replaceDir moves the directory from to the path to, and removes the directory that was
// there. Only Linux can exchange two directories at once. Here the path to does not exist
// for a moment.
func replaceDir(from, to string) error {
	old := from + ".old"
	if err := os.Rename(to, old); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("replace %s: %w", to, err)
	}
	if err := os.Rename(from, to); err != nil {
		return errors.Join(fmt.Errorf("replace %s: %w", to, err), os.Rename(old, to))
	}
	return os.RemoveAll(old)
}

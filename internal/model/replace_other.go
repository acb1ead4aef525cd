//go:build !linux

package model

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// replaceDir puts a directory in the place of another. No system but Linux can
// exchange two directories at once, so for a moment there is none.
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

//go:build !linux

package model

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// replaceDir renames the directory from to to, and removes an old directory to. Only Linux can
// exchange two directories at once. Here to does not exist for a moment.
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

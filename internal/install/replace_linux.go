package install

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"
)

// replaceDir moves the directory from to the path to. If a directory with files is there, the
// two directories are exchanged at once. Processes that have files of the old directory open
// keep them.
func replaceDir(from, to string) error {
	if err := os.Rename(from, to); err == nil || !slices.ContainsFunc(
		[]error{fs.ErrExist, syscall.ENOTEMPTY}, func(e error) bool { return errors.Is(err, e) }) {
		return err
	}
	if err := unix.Renameat2(unix.AT_FDCWD, from, unix.AT_FDCWD, to, unix.RENAME_EXCHANGE); err != nil {
		return fmt.Errorf("replace %s: %w", to, err)
	}
	return nil // from is the old directory now, and the caller removes it
}

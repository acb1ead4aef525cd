// Package logfile writes logs that logrotate can move away: an append-only file
// that can be opened again, and the same for the standard error stream. Its
// Writer is put in front of either: it never waits for the log.
package logfile

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/narwhal-server/narwhal/internal/regular"
)

// File is a log file. Write writes one line whole, also when other processes
// append to the same file.
type File struct {
	path string
	f    atomic.Pointer[os.File]
}

// Open opens the file for appending and makes it if need be.
func Open(path string) (*File, error) {
	f, err := appendTo(path)
	if err != nil {
		return nil, err
	}
	l := &File{path: path}
	l.f.Store(f)
	return l, nil
}

// appendTo refuses a FIFO, a socket and a disk: to open or to write these can wait
// for somebody, or destroys something.
func appendTo(path string) (*os.File, error) {
	f, err := regular.Open(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o640, regular.Devices)
	if kind := (*regular.Error)(nil); errors.As(err, &kind) {
		return nil, fmt.Errorf("log file: %w: to log into a pipe, redirect standard output or standard error", err)
	}
	if err != nil {
		return nil, fmt.Errorf("log file: %w", err)
	}
	return f, nil
}

func (l *File) Write(p []byte) (int, error) {
	for {
		n, err := l.f.Load().Write(p)
		if n > 0 || !errors.Is(err, os.ErrClosed) { // else Reopen has closed it meanwhile
			return n, err
		}
	}
}

// Reopen opens the path again. If that fails, the log goes on where it was. A
// Write under way is not waited for: it ends in the old file.
func (l *File) Reopen() error {
	f, err := appendTo(l.path)
	if err != nil {
		return err
	}
	return l.f.Swap(f).Close()
}

// Stderr makes the file this process's standard error: log lines, but also what
// the Go runtime writes when it dies, and what workers inherit. Calling it again
// opens the file again.
func Stderr(path string) error {
	f, err := appendTo(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unix.Dup3(int(f.Fd()), 2, 0); err != nil {
		return fmt.Errorf("log file %s: %w", path, err)
	}
	return nil
}

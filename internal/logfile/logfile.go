// Package logfile writes logs that logrotate can move away. File is a log file that can
// be opened again. Stderr makes a file the standard error stream, and opens it again. A
// Writer in front of either never waits for the log.
package logfile

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/narwhal-server/narwhal/internal/regular"
)

// File is a log file. Each Write is kept whole, also when other processes append to the
// same file.
type File struct {
	path string
	f    atomic.Pointer[os.File]
}

// Open opens a file for appending, and makes it if it does not exist. It fails if the
// path is neither a regular file nor a character device.
func Open(path string) (*File, error) {
	f, err := appendTo(path)
	if err != nil {
		return nil, err
	}
	l := &File{path: path}
	l.f.Store(f)
	return l, nil
}

// appendTo opens a file for appending. It refuses a FIFO, a socket and a disk: to open
// or write these can wait for another process, or destroy data.
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
		if n > 0 || !errors.Is(err, os.ErrClosed) { // otherwise Reopen has closed the file meanwhile
			return n, err
		}
	}
}

// Reopen opens the path again. If that fails, the log goes on in the old file. Reopen
// does not wait for a Write that runs: it ends in the old file.
func (l *File) Reopen() error {
	f, err := appendTo(l.path)
	if err != nil {
		return err
	}
	return l.f.Swap(f).Close()
}

// Stderr makes a file this process's standard error. Then the file also gets what the Go
// runtime writes when the process crashes, and workers inherit it. A second call opens
// the file again.
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

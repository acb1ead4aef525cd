// Package logfile is the two ways a server writes logs that logrotate can move
// away: an append-only file that can be opened again, and the same for the
// standard error stream; and a Keeper, which notices what cannot be written.
package logfile

import (
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// File is a log file. Write writes one line whole, also when other processes
// append to the same file.
type File struct {
	path string
	mu   sync.RWMutex
	f    *os.File
}

// Open opens the file for appending and makes it if need be.
func Open(path string) (*File, error) {
	f, err := appendTo(path)
	if err != nil {
		return nil, err
	}
	return &File{path: path, f: f}, nil
}

func appendTo(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o640)
	if err != nil {
		return nil, fmt.Errorf("log file: %w", err)
	}
	return f, nil
}

func (l *File) Write(p []byte) (int, error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.f.Write(p)
}

// Reopen opens the path again. If that fails, the log goes on where it was.
func (l *File) Reopen() error {
	f, err := appendTo(l.path)
	if err != nil {
		return err
	}
	l.mu.Lock()
	old := l.f
	l.f = f
	l.mu.Unlock()
	return old.Close()
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

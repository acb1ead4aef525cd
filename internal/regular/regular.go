// Package regular opens files that must be regular files. To open a FIFO waits for its
// other end. To read a device may never end, and to replace one does harm. So narwhal
// opens the files that settings name with this package, which never waits for another
// process.
package regular

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// Error is the error of Open for a file that is not a regular file.
type Error struct {
	Path string
	Kind string // what it is: "a FIFO"
}

func (e *Error) Error() string { return fmt.Sprintf("%s is %s, not a regular file", e.Path, e.Kind) }

// Kind names the kind of a file for people, with its article.
func Kind(mode fs.FileMode) string {
	switch {
	case mode.IsRegular():
		return "a regular file"
	case mode.IsDir():
		return "a folder"
	case mode&fs.ModeNamedPipe != 0:
		return "a FIFO"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&fs.ModeSymlink != 0:
		return "a symbolic link"
	}
	return "a device"
}

// Devices, as the last argument of Open, accepts character devices such as a
// terminal and /dev/null, too.
const Devices = fs.ModeDevice | fs.ModeCharDevice

// Open opens a file as os.OpenFile does. If the file is neither a regular file nor of the
// type other, the error is an *Error. An other of 0 allows regular files only. Open never
// waits for another process.
func Open(path string, flag int, perm, other fs.FileMode) (*os.File, error) {
	// To open a device may already have an effect, so look at the file first.
	if info, err := os.Stat(path); err == nil && !fits(info, other) {
		return nil, &Error{path, Kind(info.Mode())}
	}
	f, err := os.OpenFile(path, flag|unix.O_NONBLOCK, perm)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !fits(info, other) { // the path may lead to another file by now
		err = &Error{path, Kind(info.Mode())}
	}
	if err == nil {
		err = unix.SetNonblock(int(f.Fd()), false)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func fits(info fs.FileInfo, other fs.FileMode) bool {
	return info.Mode().IsRegular() || other != 0 && info.Mode().Type() == other
}

// ErrTooLarge is the error of Read for a file that is larger than the limit.
var ErrTooLarge = errors.New("file too large")

// Read reads a whole file of at most limit bytes. If the file is larger, the
// error is ErrTooLarge.
func Read(path string, limit int64) ([]byte, error) {
	f, err := Open(path, os.O_RDONLY, 0, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = fmt.Errorf("%w: %s has more than %d bytes", ErrTooLarge, path, limit)
	}
	return b, err
}

package logfile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Stream returns the descriptor that a path stands for: 1 for /dev/stdout, 2 for
// /dev/stderr, N for /dev/fd/N and /proc/self/fd/N. Symbolic links to these count, too,
// such as /var/log/access.log in a container. ok is false for any other path. Stream
// does not check that the descriptor is open.
//
// Such a path must not be opened. A second open file has its own offset, so it
// overwrites what the first one wrote. A socket cannot be opened at all, and a
// pipe of another user must not be.
func Stream(path string) (fd int, ok bool) {
	for range 40 { // as many links as the kernel follows
		path = filepath.Clean(path)
		switch path {
		case "/dev/stdin":
			return 0, true
		case "/dev/stdout":
			return 1, true
		case "/dev/stderr":
			return 2, true
		}
		for _, dir := range []string{"/dev/fd/", "/proc/self/fd/", "/proc/thread-self/fd/", fmt.Sprintf("/proc/%d/fd/", os.Getpid())} {
			if number, ok := strings.CutPrefix(path, dir); ok {
				n, err := strconv.ParseUint(number, 10, 31)
				return int(n), err == nil
			}
		}
		to, err := os.Readlink(path)
		if err != nil {
			return 0, false
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(path), to)
		}
		path = to
	}
	return 0, false
}

// Inherited returns a copy of a descriptor that this process has inherited. It fails if
// the descriptor is not open, or open only for reading. It also fails for a descriptor
// that this process has opened itself: that is closed on exec, and an inherited one is
// not.
func Inherited(fd int) (*os.File, error) {
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	if err != nil || flags&unix.FD_CLOEXEC != 0 {
		return nil, fmt.Errorf("descriptor %d is not open: the program that starts narwhal must open and pass it", fd)
	}
	if mode, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0); err == nil && mode&unix.O_ACCMODE == unix.O_RDONLY {
		return nil, fmt.Errorf("descriptor %d is open for reading only", fd)
	}
	again, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, fmt.Errorf("descriptor %d: %w", fd, err)
	}
	return os.NewFile(uintptr(again), fmt.Sprintf("descriptor %d", fd)), nil
}

// AsStderr makes an inherited descriptor this process's standard error.
func AsStderr(fd int) error {
	if fd == 2 {
		return nil
	}
	f, err := Inherited(fd)
	if err != nil {
		return err
	}
	return errors.Join(unix.Dup3(int(f.Fd()), 2, 0), f.Close())
}

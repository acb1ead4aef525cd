package pidfile

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// ErrFree says that no running narwhal holds a pid file.
var ErrFree = errors.New("no running narwhal holds it")

// whole is a write lock on the whole file, whatever its length becomes.
func whole() *unix.Flock_t { return &unix.Flock_t{Type: unix.F_WRLCK, Whence: unix.SEEK_SET} }

// lock locks the file without waiting. The error is EAGAIN if another process has the
// lock. Any other error means that the file system has no such locks.
func lock(f *os.File) error { return unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, whole()) }

// holderOf makes the error for a file that is locked. If the lock belongs to a process
// (F_SETLK, which sets l_pid), another program than narwhal has the file.
func holderOf(path string, f *os.File) error {
	l := whole()
	if err := unix.FcntlFlock(f.Fd(), unix.F_OFD_GETLK, l); err == nil && l.Type != unix.F_UNLCK && l.Pid >= 0 {
		who := "a program"
		if l.Pid > 0 { // 0 if it is in another container
			who = fmt.Sprintf("process %d", l.Pid)
		}
		return fmt.Errorf("pid file %s: %s holds a lock on it and is no narwhal: choose another --pid", path, who)
	}
	pid, _, _ := number(f) // 0 if it is not written yet
	return &HeldError{Path: path, Pid: pid}
}

// Holder returns the process that a pid file names. If no narwhal holds the file
// the error is ErrFree: the number may be another process's by now. Where there
// are no locks, the number is all there is, and it is trusted.
func Holder(path string) (pid int, err error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return 0, fmt.Errorf("pid file: %w", err)
	}
	defer f.Close()
	pid, text, err := number(f)
	if err != nil {
		return 0, fmt.Errorf("pid file %s: %w", path, err)
	}
	l := whole()
	if err := unix.FcntlFlock(f.Fd(), unix.F_OFD_GETLK, l); err == nil && l.Type == unix.F_UNLCK {
		return 0, fmt.Errorf("pid file %s: %w; the number in it, %s, may be that of another program by now", path, ErrFree, text)
	}
	return pid, nil
}

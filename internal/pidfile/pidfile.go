// Package pidfile manages the file with the process ID of a master. The file
// belongs to the master that holds the lock on it, whatever number is in it:
//
//	f, err := pidfile.Take(path)   // *HeldError: another narwhal has it
//	err = f.Write()                // from now on it names this process
//	…
//	f.Remove()
//
// The lock is of the open file (F_OFD_SETLK, fcntl(2)). The kernel ends it when
// no process has that file open any more, however the last one died. So the file
// of a master that was killed is free, also if its number is another process's
// by now. Workers do not inherit the file.
//
// In an upgrade the new master gets the same open file (Pass, Receive), and with
// it the lock. So at no moment can another process take the file.
package pidfile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/narwhal-server/narwhal/internal/folder"
)

// maxSize is more bytes than a process ID needs. A longer file is something else,
// and it is not overwritten.
const maxSize = 64

// File is a pid file that this process has open. A nil *File is valid: its
// methods do nothing. Its methods must not run at the same time.
type File struct {
	// Unlocked says why there is no lock, nil if there is one. Some file systems
	// have none.
	Unlocked error

	path string
	file *os.File
	ours bool // Remove removes it
}

// HeldError says that a running narwhal has the file.
type HeldError struct {
	Path string
	Pid  int // 0 if the file does not tell
}

func (e *HeldError) Error() string {
	who := "a running narwhal"
	if e.Pid > 0 {
		who = fmt.Sprintf("a running narwhal, process %d,", e.Pid)
	}
	return fmt.Sprintf("pid file %s: %s holds it: stop that one (narwhal stop --pid-file %[1]s), or choose another --pid", e.Path, who)
}

// Take opens the file, or makes it, and locks it. It does not write to it. If a
// running narwhal has the file, the error is a *HeldError.
func Take(path string) (*File, error) { return take(path, lock) }

func take(path string, lock func(*os.File) error) (*File, error) {
	for {
		f, made, err := open(path)
		if err != nil {
			return nil, err
		}
		err = lock(f)
		held := errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EACCES)
		switch {
		case held:
			err = holderOf(path, f)
		case !leadsTo(path, f): // who had it has removed it meanwhile
			f.Close()
			continue
		default:
			return &File{Unlocked: err, path: path, file: f, ours: made}, nil
		}
		f.Close()
		return nil, err
	}
}

// open opens the file for writing. It refuses a file that is no pid file. It never
// waits, as opening a FIFO without a reader would.
func open(path string) (f *os.File, made bool, err error) {
	const flags = unix.O_RDWR | unix.O_NOFOLLOW | unix.O_NONBLOCK
	for {
		f, err = os.OpenFile(path, flags, 0)
		if !errors.Is(err, os.ErrNotExist) {
			break
		}
		f, err = os.OpenFile(path, flags|os.O_CREATE|os.O_EXCL, 0o644)
		if !errors.Is(err, os.ErrExist) { // or somebody was quicker
			made = err == nil
			break
		}
	}
	if errors.Is(err, unix.ELOOP) {
		return nil, false, fmt.Errorf("pid file %s: it is a symbolic link: name the file itself with --pid", path)
	}
	if err != nil {
		return nil, false, cannotWrite(path, err)
	}
	if err := check(path, f, made); err != nil {
		f.Close()
		return nil, false, err
	}
	return f, made, nil
}

func check(path string, f *os.File, made bool) error {
	info, err := f.Stat()
	switch {
	case err != nil:
		return cannotWrite(path, err)
	case !info.Mode().IsRegular():
		return fmt.Errorf("pid file %s: it is not a regular file: choose another --pid", path)
	case info.Size() > maxSize:
		return fmt.Errorf("pid file %s: it has %d bytes, so it is something else: choose another --pid, or remove that file", path, info.Size())
	case !free(f):
		return fmt.Errorf("pid file %s: there is more than a process ID in it, so it is something else: choose another --pid, or remove that file", path)
	case made: // scripts of other users read the file, so the umask must not hide it
		if err := f.Chmod(0o644); err != nil {
			return cannotWrite(path, err)
		}
	}
	return nil
}

// free reports whether a file may be overwritten: it has digits, spaces or nothing in
// it. After a power failure it may have NUL bytes.
func free(f *os.File) bool {
	_, text, err := number(f)
	return err == nil || strings.Trim(text, "0123456789 \t\r\n\x00") == ""
}

func cannotWrite(path string, err error) error {
	if wrapped := (*os.PathError)(nil); errors.As(err, &wrapped) {
		err = wrapped.Err // the path is said already
	}
	if abs, e := filepath.Abs(path); e == nil && (errors.Is(err, os.ErrPermission) || errors.Is(err, os.ErrNotExist)) {
		if p := folder.Check(abs); p != nil {
			return fmt.Errorf("pid file %s: %s: %s, with --pid, or leave it out", path, p.What, p.Hint)
		}
	}
	if errors.Is(err, unix.EFBIG) {
		return fmt.Errorf("pid file %s: %w: raise the limit of file sizes (LimitFSIZE= in the unit, ulimit -f), or leave --pid out", path, unix.EFBIG)
	}
	return fmt.Errorf("pid file %s: %w: choose a place that can be written with --pid, or leave it out", path, err)
}

// leadsTo reports whether the path still leads to the open file.
func leadsTo(path string, f *os.File) bool {
	named, err1 := os.Lstat(path)
	opened, err2 := f.Stat()
	return err1 == nil && err2 == nil && os.SameFile(named, opened)
}

// Write makes the file name this process. The file may have been removed or
// replaced since it was taken; then it is taken again.
func (p *File) Write() error {
	if p == nil {
		return nil
	}
	if !leadsTo(p.path, p.file) {
		again, err := Take(p.path)
		if err != nil {
			return err
		}
		p.file.Close()
		*p = *again
	}
	text := fmt.Appendf(nil, "%d\n", os.Getpid())
	// The number first: a reader in between sees it, and perhaps more behind it.
	_, err := p.file.WriteAt(text, 0)
	if err == nil {
		err = p.file.Truncate(int64(len(text)))
	}
	if err != nil {
		return cannotWrite(p.path, err)
	}
	p.ours = true
	return nil
}

// Leave gives up the file after Pass: file and lock belong to the new master. The lock
// then ends with that process.
func (p *File) Leave() {
	if p != nil {
		p.ours = false
		p.file.Close()
	}
}

// Remove removes the file if it names this process, and then ends the lock. In the
// other order another process could take a file that is about to be removed.
func (p *File) Remove() {
	if p == nil {
		return
	}
	pid, _, _ := number(p.file) // 0 if it cannot be read
	theirs := p.Unlocked != nil && pid != 0 && pid != os.Getpid()
	if p.ours && !theirs && leadsTo(p.path, p.file) {
		os.Remove(p.path) // if that fails, the next master can still take the file
	}
	p.file.Close()
}

// Path returns the path of the file.
func (p *File) Path() string { return p.path }

// Passed describes a pid file that an old master passes to a new one. The two may be
// of different versions, so fields are only added.
type Passed struct {
	Path string `json:"path"`
	FD   int    `json:"fd"`
}

// Pass appends the open file to the files with which the new master is started. The
// first of these becomes its descriptor 3. Pass returns nil if there is no file.
func (p *File) Pass(files []*os.File) ([]*os.File, *Passed) {
	if p == nil {
		return files, nil
	}
	return append(files, p.file), &Passed{Path: p.path, FD: 3 + len(files)}
}

// Receive takes the file from the old master. The old master's number stays in it
// until Write.
func Receive(p *Passed) *File {
	if p == nil {
		return nil
	}
	unix.CloseOnExec(p.FD)
	return &File{path: p.Path, file: os.NewFile(uintptr(p.FD), p.Path)}
}

// Own has Remove remove a file that was received, as if this process had written it.
func (p *File) Own() {
	if p != nil {
		p.ours = true
	}
}

// number reads the process ID. text is the whole content of the file.
func number(f *os.File) (pid int, text string, err error) {
	b, err := io.ReadAll(io.NewSectionReader(f, 0, maxSize))
	if err != nil {
		return 0, "", err
	}
	text = strings.TrimSpace(string(b))
	pid, err = strconv.Atoi(text)
	if err != nil || pid <= 0 {
		return 0, text, fmt.Errorf("%q is not a process ID", text)
	}
	return pid, text, nil
}

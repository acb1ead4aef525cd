package sock

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

// Passed is a listening socket on its way from a master to the next one: the
// numbers of its descriptors there, and what cannot be asked of them. Masters
// of two versions read it, so fields are only ever added.
type Passed struct {
	Asked string `json:"asked"` // the address as it was given: port 0 stays port 0
	Addr  string `json:"addr"`
	FD    int    `json:"fd"`
	Lock  int    `json:"lock,omitempty"` // 0: none
	Ours  bool   `json:"ours,omitempty"`
	Kept  bool   `json:"kept,omitempty"`
	Ino   uint64 `json:"ino,omitempty"` // of a unix socket's file
}

// Pass adds the socket's files to those the next master is started with; the
// first of these is its descriptor 3.
func (s *Socket) Pass(files []*os.File) ([]*os.File, Passed) {
	p := Passed{Asked: s.asked.String(), Addr: s.Addr.String(), FD: 3 + len(files), Ours: s.ours, Kept: s.kept, Ino: s.ino}
	files = append(files, s.File)
	if s.lock != nil {
		p.Lock = 3 + len(files)
		files = append(files, s.lock)
	}
	return files, p
}

// Receive takes a socket over from the master that has passed it. It is not
// ours, to end or to unlink, before Own.
func Receive(p Passed) (*Socket, error) {
	asked, aerr := Parse(p.Asked, "")
	addr, err := Parse(p.Addr, "")
	if err := errors.Join(aerr, err); err != nil {
		return nil, fmt.Errorf("inherit %s: %w", p.Addr, err)
	}
	if v, err := unix.GetsockoptInt(p.FD, unix.SOL_SOCKET, unix.SO_ACCEPTCONN); err != nil || v == 0 {
		return nil, fmt.Errorf("inherit %s: descriptor %d is not a listening socket", p.Addr, p.FD)
	}
	s := &Socket{Addr: addr, asked: asked, ino: p.Ino, due: p.Ours, kept: p.Kept}
	if s.File, err = inheritFile(p.FD, p.Addr); err != nil {
		return nil, err
	}
	if p.Lock != 0 {
		if s.lock, err = inheritFile(p.Lock, "lock of "+p.Addr); err != nil {
			s.File.Close()
			return nil, err
		}
	}
	return s, nil
}

// inheritFile makes a file of a descriptor without a look at its O_NONBLOCK.
// os.NewFile would put a non-blocking one in our poller, and to clear the flag
// first, as unpolled does, is no way here: workers accept from this very
// description, and one could be caught in accept meanwhile. So a file is made of
// something else, and the socket put in its place.
func inheritFile(fd int, name string) (*os.File, error) {
	place, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("inherit %s: %w", name, err)
	}
	file := os.NewFile(uintptr(place), name)
	if err := unix.Dup3(fd, place, unix.O_CLOEXEC); err != nil {
		file.Close()
		return nil, fmt.Errorf("inherit %s: %w", name, err)
	}
	return file, unix.Close(fd)
}

// Take removes and returns the inherited socket an address was given for, nil
// if there is none.
func Take(from *[]*Socket, asked Addr) *Socket {
	i := slices.IndexFunc(*from, func(s *Socket) bool { return s.asked == asked })
	if i < 0 {
		return nil
	}
	s := (*from)[i]
	*from = slices.Delete(*from, i, i+1)
	return s
}

// Own makes an inherited socket ours as it was the old master's, with a backlog
// of our own.
func (s *Socket) Own(backlog int) error {
	if !s.due {
		return nil
	}
	s.ours, s.due = true, false
	if s.Addr.Network == "unix" && !s.Addr.Abstract() && s.ino != 0 && inode(s.Addr.Address) == s.ino {
		if err := s.access.apply(s.Addr); err != nil {
			return err
		}
	}
	err := unix.Listen(int(s.File.Fd()), backlog)
	if s.lock != nil {
		err = errors.Join(err, unix.Listen(int(s.lock.Fd()), 0)) // it names this process from now on
	}
	if err != nil {
		return fmt.Errorf("take over %s: %w", s.Addr, err)
	}
	return nil
}

// SetAccess says who may connect to an inherited unix socket once it is ours.
func (s *Socket) SetAccess(access Access) { s.access = access }

// Asked is the address the socket was opened for.
func (s *Socket) Asked() Addr { return s.asked }

// Due says whether an inherited socket will be ours.
func (s *Socket) Due() bool { return s.due }

// Disown leaves the socket to another master: it is neither ended nor unlinked.
func (s *Socket) Disown() { s.ours = false }

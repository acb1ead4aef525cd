package sock

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

// Passed describes a listening socket that an old master passes to a new one: the
// descriptors' numbers in the new master, and what the kernel does not tell about
// them. The two masters may be of different versions, so fields are only added.
type Passed struct {
	Asked string `json:"asked"` // the address as it was given: port 0 stays port 0
	Addr  string `json:"addr"`
	FD    int    `json:"fd"`
	Lock  int    `json:"lock,omitempty"` // 0: none
	Ours  bool   `json:"ours,omitempty"`
	Kept  bool   `json:"kept,omitempty"`
	Ino   uint64 `json:"ino,omitempty"` // of a unix socket's file
}

// Pass appends the socket's files to those with which the new master is started. The
// first of these becomes its descriptor 3.
func (s *Socket) Pass(files []*os.File) ([]*os.File, Passed) {
	p := Passed{Asked: s.asked.String(), Addr: s.Addr.String(), FD: 3 + len(files), Ours: s.ours, Kept: s.kept, Ino: s.ino}
	files = append(files, s.File)
	if s.lock != nil {
		p.Lock = 3 + len(files)
		files = append(files, s.lock)
	}
	return files, p
}

// Receive takes a socket from the old master. Until Own, this process neither shuts
// it down nor unlinks its file.
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

// inheritFile makes an *os.File of a descriptor and does not touch its O_NONBLOCK.
// os.NewFile would put a non-blocking descriptor into the runtime's poller. Clearing
// the flag for a moment, as unpolled does, is not possible here: the old master's
// workers accept from the same open file description, and one of them would hang in
// accept. So inheritFile makes a file of another descriptor, and then puts the socket
// in its place (dup2).
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

// Take removes from the list the inherited socket that was opened for the address,
// and returns it. It returns nil if there is none.
func Take(from *[]*Socket, asked Addr) *Socket {
	i := slices.IndexFunc(*from, func(s *Socket) bool { return s.asked == asked })
	if i < 0 {
		return nil
	}
	s := (*from)[i]
	*from = slices.Delete(*from, i, i+1)
	return s
}

// Own gives this process the rights that the old master had on the socket, and sets
// the backlog.
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
		err = errors.Join(err, unix.Listen(int(s.lock.Fd()), 0)) // the lock names this process from now on
	}
	if err != nil {
		return fmt.Errorf("take over %s: %w", s.Addr, err)
	}
	return nil
}

// SetAccess sets who may connect to an inherited unix socket. Own applies it.
func (s *Socket) SetAccess(access Access) { s.access = access }

// Asked returns the address as the settings gave it.
func (s *Socket) Asked() Addr { return s.asked }

// Due reports whether Own will make the inherited socket ours.
func (s *Socket) Due() bool { return s.due }

// Disown leaves the socket to another master: this process does not shut it down or
// unlink its file any more.
func (s *Socket) Disown() { s.ours = false }

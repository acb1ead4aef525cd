package sock

import (
	"errors"
	"fmt"
	"math"
	"os"

	"golang.org/x/sys/unix"
)

// Refuse stops new connections from coming, while those that are connected can
// still be accepted: closing a listening socket resets what waits in its queue.
// A unix socket loses its name, or is shut down if that is abstract. On a TCP socket a filter drops the SYN packets:
// a client that comes now tries again a second later and finds the port closed
// or a new server. Kernels that allow filters to privileged processes only get
// the socket bound to an interface that is not there: newcomers then find the
// port closed at once. A socket that is not ours is left alone: its owner goes
// on with it.
func (s *Socket) Refuse() error {
	if !s.Ours() {
		return nil
	}
	switch {
	case s.Addr.Abstract(): // its name goes with the last descriptor
		return RefuseUnix(s.File.Fd())
	case s.Addr.Network == "unix":
		s.unlink()
		return nil
	}
	return RefuseTCP(s.File.Fd())
}

// RefuseTCP does so for a descriptor of a listening TCP socket. It cannot be
// undone without privileges.
func RefuseTCP(fd uintptr) error {
	err := dropSYN(int(fd))
	if errors.Is(err, unix.EPERM) {
		err = leaveInterfaces(int(fd))
	}
	if err != nil {
		return fmt.Errorf("refuse new connections: %w", err)
	}
	return nil
}

// RefuseUnix shuts a listening unix socket down: connect is refused from then on,
// and what is in the queue can still be accepted. It cannot be undone.
func RefuseUnix(fd uintptr) error {
	if err := unix.Shutdown(int(fd), unix.SHUT_RD); err != nil {
		return fmt.Errorf("refuse new connections: %w", err)
	}
	return nil
}

// leaveInterfaces binds the socket to an interface number nobody has. That
// needs no privilege if the socket was bound to none before (Linux 5.7).
func leaveInterfaces(fd int) error {
	return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_BINDTOIFINDEX, math.MaxInt32)
}

func dropSYN(fd int) error {
	// Accept all but a packet with SYN set and ACK clear: byte 13 of the TCP
	// header, masked with 0x12, equals 0x02 (RFC 9293, 3.1).
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_B | unix.BPF_ABS, K: 13},
		{Code: unix.BPF_ALU | unix.BPF_AND | unix.BPF_K, K: 0x12},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jt: 0, Jf: 1, K: 0x02},
		{Code: unix.BPF_RET | unix.BPF_K, K: 0},
		{Code: unix.BPF_RET | unix.BPF_K, K: 0xffffffff},
	}
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &prog)
}

// unlink removes the socket's file if it is still the one we made.
func (s *Socket) unlink() {
	if s.ino != 0 && inode(s.Addr.Address) == s.ino {
		os.Remove(s.Addr.Address)
	}
	s.ino = 0
}

// Unlink removes the file of a unix socket that is ours.
func (s *Socket) Unlink() {
	if s.Ours() && s.Addr.Network == "unix" {
		s.unlink()
	}
}

// Queued is the length of the accept queue and its limit, 0 if it cannot be
// told (unix sockets).
func (s *Socket) Queued() (now, limit int) { return Queued(int(s.File.Fd())) }

// Queued is that of any listening socket.
func Queued(fd int) (now, limit int) {
	info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	if err != nil {
		return 0, 0
	}
	return int(info.Unacked), int(info.Sacked)
}

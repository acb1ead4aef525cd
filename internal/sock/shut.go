package sock

import (
	"errors"
	"fmt"
	"math"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Refuse keeps new clients out while the connections in the queue can still be
// accepted. Closing the socket instead would reset these.
//
//   - TCP: a filter drops SYN packets. A client that connects tries again a second
//     later, and then finds the port closed, or a new server. Where only privileged
//     processes may set a filter, Refuse binds the socket to an interface that does
//     not exist: new clients are refused at once.
//   - unix socket: its file is removed.
//   - abstract unix socket: it is shut down.
//
// Refuse does nothing to a socket that is not ours: its owner still serves it.
func (s *Socket) Refuse() error {
	if !s.Ours() {
		return nil
	}
	switch {
	case s.Addr.Abstract(): // it has no file; its name ends with its last descriptor
		return RefuseUnix(s.File.Fd())
	case s.Addr.Network == "unix":
		s.unlink()
		return nil
	}
	return RefuseTCP(s.File.Fd())
}

// RefuseTCP is Refuse for the descriptor of a listening TCP socket. Without
// privileges it cannot be undone.
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

// RefuseUnix shuts a listening unix socket down: the kernel refuses new clients, and
// the connections in the queue can still be accepted. It cannot be undone.
func RefuseUnix(fd uintptr) error {
	if err := unix.Shutdown(int(fd), unix.SHUT_RD); err != nil {
		return fmt.Errorf("refuse new connections: %w", err)
	}
	return nil
}

// leaveInterfaces binds the socket to the number of an interface that does not exist.
// Since Linux 5.7 that needs no privilege if the socket is not bound to an interface.
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

// unlink removes the socket's file if this socket made it: the inodes are compared.
func (s *Socket) unlink() {
	if s.ino != 0 && inode(s.Addr.Address) == s.ino {
		os.Remove(s.Addr.Address)
	}
	s.ino = 0
}

// Unlink removes the file of a unix socket if Ours is true.
func (s *Socket) Unlink() {
	if s.Ours() && s.Addr.Network == "unix" {
		s.unlink()
	}
}

// Queued returns the number of connections that wait to be accepted, and the limit.
// Both are 0 for a unix socket: the kernel does not tell them.
func (s *Socket) Queued() (now, limit int) { return Queued(int(s.File.Fd())) }

// Queued returns the number of connections that wait to be accepted on fd, and the
// limit.
func Queued(fd int) (now, limit int) {
	info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	if err != nil {
		return 0, 0
	}
	return int(info.Unacked), int(info.Sacked)
}

// Waited returns how long a TCP connection that was just accepted has waited in the queue,
// to a few milliseconds: the kernel counts in ticks of its own. It counts from the last
// bytes that the client has sent. A client that has sent nothing yet counts from the
// moment it was connected. ok is false if the kernel does not tell.
func Waited(fd int) (wait time.Duration, ok bool) {
	info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	if err != nil {
		return 0, false
	}
	return time.Duration(info.Last_data_recv) * time.Millisecond, true
}

package main

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// crowd is many clients that hold connections to a server and behave badly. Each is only
// a descriptor, so this program can have thousands of them.
type crowd struct {
	does        string                // what the clients do
	long, short int                   // how many clients; 0: not in the short form
	join        func(fd int) error    // called for each client that has connected; must not block
	again       func(fds []int) error // called every second for each client, in parts; nil: not
	answered    bool                  // the clients get answers: wait until these arrive

	connections int // --worker-connections; 0: the default
}

// size returns how many clients come.
func (c crowd) size(short bool) int {
	if short {
		return c.short
	}
	return c.long
}

// name returns what the tables call the crowd.
func (c crowd) name(short bool) string {
	name := fmt.Sprintf("%d %s", c.size(short), c.does)
	if c.connections > 0 {
		name += fmt.Sprintf(", --worker-connections %d", c.connections)
	}
	return name
}

// crowds are all crowds that are played.
var crowds = []crowd{
	{does: "never read", long: 40, short: 20, join: askMuch, answered: true},
	{does: "never read", long: 200, join: askMuch, answered: true},
	{does: "read a byte a second", long: 200, short: 20, join: askMuch, again: readByte, answered: true},
	{does: "send a byte a second", long: 200, short: 40, join: sending("GET / HTTP/1.1\r\nX: "), again: sendByte},
	{does: "stall in the head", long: 5000, short: 500, join: sending("P")},
	{does: "announce a body", long: 1900, short: 190, join: sending("POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 1048576\r\n\r\n{")},
	{does: "announce a chunk", long: 1900, short: 190, join: sending("POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n100000\r\n{")},
	{does: "say nothing", long: 10000, short: 800, join: func(int) error { return nil }},
	{does: "say nothing", long: 10000, join: func(int) error { return nil }, connections: 12000},
	{does: "send a byte a second", long: 10000, join: sending("GET / HTTP/1.1\r\nX: "), again: sendByte, connections: 12000},
}

// much is a request of 20 kB. Its answer is larger than the kernel's buffers for a client
// that does not read.
var much = muchText()

func muchText() []byte {
	var b strings.Builder
	for i := 0; b.Len() < 20000; i++ {
		b.WriteString(strconv.Itoa(i) + "% ")
	}
	return request(b.String())
}

func askMuch(fd int) error { return send(fd, much) }

func sending(what string) func(fd int) error {
	return func(fd int) error { return send(fd, []byte(what)) }
}

// send sends all bytes or fails. What a crowd sends fits into the kernel's buffer.
func send(fd int, what []byte) error {
	n, err := unix.Write(fd, what)
	if err == nil && n < len(what) {
		err = fmt.Errorf("the kernel took %d of %d bytes", n, len(what))
	}
	return err
}

func readByte(fds []int) error {
	var b [1]byte
	for _, fd := range fds {
		unix.Read(fd, b[:]) // an error is fine: the server may close the connection
	}
	return nil
}

func sendByte(fds []int) error {
	for _, fd := range fds {
		unix.Write(fd, []byte("x")) // an error is fine, too
	}
	return nil
}

// gathered is a crowd whose clients hold connections.
type gathered struct {
	crowd
	fds []int
}

// joinTime is how long gather waits for the clients to connect. A client that has not
// connected by then has found the queue full. The kernel goes on trying for it.
const joinTime = 3 * time.Second

// gather connects n clients at once, and calls join for each that has connected within
// joinTime.
func (c crowd) gather(addr string, n int) (*gathered, error) {
	if err := openFiles(n + 500); err != nil {
		return nil, err
	}
	to, err := net.ResolveTCPAddr("tcp4", addr)
	if err != nil {
		return nil, err
	}
	g := &gathered{crowd: c}
	for range n {
		fd, err := dialSmall(&unix.SockaddrInet4{Port: to.Port, Addr: [4]byte(to.IP.To4())})
		if err != nil {
			return nil, errors.Join(fmt.Errorf("connect client %d of the crowd: %w", len(g.fds)+1, err), g.leave())
		}
		g.fds = append(g.fds, fd)
	}
	waiting := append([]int(nil), g.fds...)
	for end := time.Now().Add(joinTime); len(waiting) > 0 && time.Now().Before(end); {
		ready, err := g.ready(waiting, unix.POLLOUT, 100*time.Millisecond)
		if err != nil {
			return nil, errors.Join(err, g.leave())
		}
		waiting = waiting[:0:0]
		for fd, connected := range ready {
			if !connected {
				waiting = append(waiting, fd)
			} else if err := c.join(fd); err != nil && !isGone(err) {
				return nil, errors.Join(fmt.Errorf("send: %w", err), g.leave())
			}
		}
	}
	return g, nil
}

// isGone reports whether err says that the server has closed the connection. It may.
func isGone(err error) bool {
	return errors.Is(err, unix.EPIPE) || errors.Is(err, unix.ECONNRESET)
}

// dialSmall begins to connect, with the smallest receive buffer. It does not wait.
func dialSmall(to unix.Sockaddr) (int, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	err = errors.Join(
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 1024),
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_MAXSEG, 1448),
		// Close with a reset: after an orderly close each port is in use for a minute more.
		unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}),
	)
	if err == nil {
		if err = unix.Connect(fd, to); err == unix.EINPROGRESS {
			err = nil
		}
	}
	if err != nil {
		return -1, errors.Join(err, unix.Close(fd))
	}
	return fd, nil
}

// ready waits for at most wait, and returns for each descriptor whether events, or an
// error, have occurred.
func (g *gathered) ready(fds []int, events int16, wait time.Duration) (map[int]bool, error) {
	polls := make([]unix.PollFd, len(fds))
	for i, fd := range fds {
		polls[i] = unix.PollFd{Fd: int32(fd), Events: events}
	}
	if _, err := unix.Poll(polls, int(wait.Milliseconds())); err != nil && err != unix.EINTR {
		return nil, fmt.Errorf("look at the crowd's connections: %w", err)
	}
	out := make(map[int]bool, len(fds))
	for _, p := range polls {
		out[int(p.Fd)] = p.Revents != 0
	}
	return out, nil
}

// open returns how many connections are made and not closed by the server.
func (g *gathered) open() (n int) {
	for _, fd := range g.fds {
		info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
		if err == nil && info.State == unix.BPF_TCP_ESTABLISHED {
			n++
		}
	}
	return n
}

// leave closes all connections, with a reset.
func (g *gathered) leave() error {
	var errs []error
	for _, fd := range g.fds {
		errs = append(errs, unix.Close(fd))
	}
	g.fds = nil
	return errors.Join(errs...)
}

// openFiles raises the limit of open files to n, if it is lower. It fails if that needs
// a privilege that this program does not have.
func openFiles(n int) error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return fmt.Errorf("ask for the limit of open files: %w", err)
	}
	want := uint64(n)
	if limit.Cur >= want {
		return nil
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: want, Max: max(want, limit.Max)}); err != nil {
		return fmt.Errorf("raise the limit of open files from %d to %d: %w; raise the hard limit before (ulimit -Hn %d, as root)", limit.Cur, want, err, want)
	}
	return nil
}

package park

import (
	"io"
	"log/slog"
	"net"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// lot makes one that is at work.
func lot(t *testing.T, limit int) *Lot {
	t.Helper()
	l, err := New(limit, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	l.Start()
	t.Cleanup(func() {
		l.End(0)
		<-l.Done()
		l.Close()
	})
	return l
}

// pair is a connection: the client's side, and the server's descriptor.
func pair(t *testing.T) (net.Conn, int) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fds[0]), "client")
	defer f.Close()
	c, err := net.FileConn(f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c, fds[1]
}

// pass passes a connection as a worker does.
func (l *Lot) pass(t *testing.T, fd int, left time.Duration) {
	t.Helper()
	if err := Pass(int(l.theirs.Fd()), fd, left); err != nil {
		t.Fatal(err)
	}
	unix.Close(fd)
}

// take waits for a connection as a worker does.
func take(t *testing.T, l *Lot) int {
	t.Helper()
	fd, err := tryTake(l)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return fd
}

func tryTake(l *Lot) (int, error) {
	end := int(l.theirs.Fd())
	for {
		if _, err := unix.Poll([]unix.PollFd{{Fd: int32(end), Events: unix.POLLIN}}, 20_000); err != nil && err != unix.EINTR {
			return -1, err
		}
		fd, _, err := Take(end)
		if err != unix.EAGAIN {
			return fd, err
		}
	}
}

func read(t *testing.T, fd int) string {
	t.Helper()
	b := make([]byte, 100)
	n, err := unix.Read(fd, b)
	if err != nil {
		t.Fatal(err)
	}
	return string(b[:n])
}

// isEOF waits until the server has closed the connection.
func isEOF(t *testing.T, c net.Conn) {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(20 * time.Second))
	if n, err := c.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("read %d, %v; want EOF", n, err)
	}
}

// A parked connection comes back when its client has sent something, and only
// then.
func TestComesBack(t *testing.T) {
	l := lot(t, 10)
	quiet, a := pair(t)
	loud, b := pair(t)
	l.pass(t, a, time.Hour)
	l.pass(t, b, time.Hour)
	io.WriteString(loud, "hello")
	if got := read(t, take(t, l)); got != "hello" {
		t.Errorf("a connection came back with %q", got)
	}
	io.WriteString(quiet, "me too")
	if got := read(t, take(t, l)); got != "me too" {
		t.Errorf("a connection came back with %q", got)
	}
	if n := l.Len(); n != 0 {
		t.Errorf("%d are still parked", n)
	}
}

func TestTimeIsOver(t *testing.T) {
	l := lot(t, 10)
	c, fd := pair(t)
	l.pass(t, fd, time.Millisecond)
	isEOF(t, c)
}

// At the limit the one that would be closed next makes room.
func TestLimit(t *testing.T) {
	l := lot(t, 2)
	first, a := pair(t)
	soon, b := pair(t)
	last, c := pair(t)
	l.pass(t, a, time.Hour)
	l.pass(t, b, time.Minute)
	l.pass(t, c, time.Hour)
	isEOF(t, soon)
	for _, conn := range []net.Conn{first, last} {
		io.WriteString(conn, "x")
		read(t, take(t, l))
	}
}

// The client's end is no request.
func TestClientLeaves(t *testing.T) {
	l := lot(t, 10)
	c, fd := pair(t)
	stays, other := pair(t)
	l.pass(t, fd, time.Hour)
	l.pass(t, other, time.Hour)
	c.Close()
	io.WriteString(stays, "x")
	if got := read(t, take(t, l)); got != "x" {
		t.Errorf("a closed connection came back: %q", got)
	}
}

// When the service ends, who sends within the linger is served.
func TestEndServesTheLast(t *testing.T) {
	l := lot(t, 10)
	used, a := pair(t)
	l.pass(t, a, time.Hour)
	l.End(time.Hour)
	io.WriteString(used, "last")
	if got := read(t, take(t, l)); got != "last" {
		t.Errorf("it came back with %q", got)
	}
}

// When the linger is over, idle connections are closed, and the workers read the
// end.
func TestEnd(t *testing.T) {
	l, err := New(10, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	l.Start()
	idle, a := pair(t)
	l.pass(t, a, time.Hour)
	l.End(10 * time.Millisecond)
	isEOF(t, idle)
	if _, err := tryTake(l); err != io.EOF {
		t.Errorf("after the last: %v, want EOF", err)
	}
	<-l.Done()
	l.Close()
}

// What the workers have parked before the end is taken, however much that is: who has
// sent a request is served.
func TestEndTakesAll(t *testing.T) {
	const n = 2*batch + 1
	l, err := New(n, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for range n {
		c, fd := pair(t)
		io.WriteString(c, "x")
		l.pass(t, fd, time.Hour)
	}
	l.told, l.endAt = true, time.Now()
	if !l.ended() {
		t.Fatal("it has not ended")
	}
	for range n {
		take(t, l)
	}
	if _, err := tryTake(l); err != io.EOF {
		t.Errorf("after the last: %v, want EOF", err)
	}
}

// More connections than the queue between two processes holds get through.
func TestMany(t *testing.T) {
	const n = 1000
	l := lot(t, n)
	for range n {
		c, fd := pair(t)
		io.WriteString(c, "x")
		for Pass(int(l.theirs.Fd()), fd, time.Hour) == ErrFull {
			time.Sleep(time.Millisecond)
		}
		unix.Close(fd)
	}
	for range n {
		fd, err := tryTake(l)
		if err != nil {
			t.Fatal(err)
		}
		unix.Close(fd)
	}
}

// The next master has all of them, those with a request too.
func TestLeave(t *testing.T) {
	old, err := New(10, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	old.Start()
	var ends [2]int
	for i, f := range old.Ends() {
		if ends[i], err = unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 3); err != nil {
			t.Fatal(err)
		}
	}
	c, fd := pair(t)
	old.pass(t, fd, time.Hour)
	next, err := Inherit(ends[0], ends[1], 10, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	old.Leave()
	<-old.Done()
	old.Close()
	next.Start()
	io.WriteString(c, "again")
	if got := read(t, take(t, next)); got != "again" {
		t.Errorf("it came back with %q", got)
	}
	next.End(0)
	<-next.Done()
	next.Close()
}

func TestAlone(t *testing.T) {
	l := lot(t, 1)
	if Alone(int(l.theirs.Fd())) {
		t.Error("alone while the master lives")
	}
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fds[1])
	unix.Close(fds[0])
	if !Alone(fds[1]) {
		t.Error("not alone although the other end is closed")
	}
}

package sock

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func open(t *testing.T, bind string) *Socket {
	t.Helper()
	a := parse(t, bind)
	s, err := Open(a, 100, Access{Mode: 0o666})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(); s.Unlink() })
	return s
}

func openFails(t *testing.T, bind string, want ...string) {
	t.Helper()
	a := parse(t, bind)
	s, err := Open(a, 100, Access{Mode: 0o666})
	if err == nil {
		s.Close()
		t.Fatalf("%s was opened", bind)
	}
	for _, w := range want {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("Open(%s): %q does not say %q", bind, err, w)
		}
	}
}

func nonblock(t *testing.T, f *os.File) bool {
	t.Helper()
	flags, err := unix.FcntlInt(f.Fd(), unix.F_GETFL, 0)
	if err != nil {
		t.Fatal(err)
	}
	return flags&unix.O_NONBLOCK != 0
}

func TestTCP(t *testing.T) {
	s := open(t, "127.0.0.1:0")
	if !nonblock(t, s.File) {
		t.Error("the socket is blocking: every worker would hang in accept")
	}
	if v, err := unix.GetsockoptInt(int(s.File.Fd()), unix.SOL_SOCKET, unix.SO_REUSEPORT); err != nil || v != 1 {
		t.Errorf("SO_REUSEPORT = %d, %v", v, err)
	}
	c, err := net.Dial("tcp", s.Addr.Address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "x")
	if _, limit := s.Queued(); limit != 100 {
		t.Errorf("backlog %d, want 100", limit)
	}
	for n := 0; n != 1; n, _ = s.Queued() { // TCP_DEFER_ACCEPT queues it when the data is there
		time.Sleep(time.Millisecond)
	}
}

func TestSecondMasterIsRefused(t *testing.T) {
	s := open(t, "127.0.0.1:0")
	for range 3 { // who asked first once took the answer from all later ones
		openFails(t, s.Addr.Address, "in use", "by a narwhal: pid "+strconv.Itoa(os.Getpid()), "--bind")
	}
	_, port, _ := net.SplitHostPort(s.Addr.Address)
	openFails(t, "0.0.0.0:"+port, "in use", "ss -ltnp")

	path := filepath.Join(t.TempDir(), "n.sock")
	open(t, "unix:"+path)
	openFails(t, "unix:"+path, "in use by a narwhal")
}

func TestOtherServersAreRespected(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	openFails(t, ln.Addr().String(), "in use", "ss -ltnp")

	path := filepath.Join(t.TempDir(), "n.sock")
	un, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer un.Close()
	openFails(t, "unix:"+path, "in use", "a server answers there")
}

func TestUnix(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "n.sock")

	stale, err := net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: path})
	if err != nil {
		t.Fatal(err)
	}
	stale.SetUnlinkOnClose(false)
	stale.Close()
	s := open(t, "unix:"+path)
	if c, err := net.Dial("unix", path); err != nil {
		t.Errorf("the stale socket was not replaced: %v", err)
	} else {
		c.Close()
	}
	s.Unlink()
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Unlink left the file: %v", err)
	}

	file := filepath.Join(dir, "precious")
	if err := os.WriteFile(file, []byte("keep me"), 0o600); err != nil {
		t.Fatal(err)
	}
	openFails(t, "unix:"+file, "not a socket")
	if b, _ := os.ReadFile(file); string(b) != "keep me" {
		t.Error("another file was touched")
	}
	openFails(t, "unix:"+filepath.Join(dir, "no", "n.sock"), "does not exist")
}

func TestUnlinkLeavesASuccessorsFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "n.sock")
	s := open(t, "unix:"+path)
	os.Remove(path)
	next, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer next.Close()
	s.Unlink()
	if _, err := os.Lstat(path); err != nil {
		t.Error("the successor's socket was removed")
	}
}

func TestInherited(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f, err := ln.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s := open(t, "fd://"+strconv.Itoa(int(f.Fd())))
	if !nonblock(t, s.File) {
		t.Error("the adopted socket is blocking")
	}
	if err := s.Refuse(); err != nil {
		t.Error(err)
	}
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Errorf("a socket that is its parent's was shut: %v", err)
	} else {
		c.Close()
	}
	r, _, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	openFails(t, "fd://"+strconv.Itoa(int(r.Fd())), "not a listening socket")
}

// After Refuse whoever was connected is still answered, and nobody new comes.
func TestRefuse(t *testing.T) {
	refuse := (*Socket).Refuse
	unprivileged := func(s *Socket) error { return leaveInterfaces(int(s.File.Fd())) }
	for _, c := range []struct {
		bind   string
		refuse func(*Socket) error
	}{
		{"127.0.0.1:0", refuse}, {"[::1]:0", refuse}, {"unix:" + filepath.Join(t.TempDir(), "n.sock"), refuse}, {abstractName(t), refuse},
		{"127.0.0.1:0", unprivileged}, {"[::1]:0", unprivileged},
	} {
		bind := c.bind
		s := open(t, bind)
		network := s.Addr.Network
		before, err := net.Dial(network, s.Addr.Address)
		if err != nil {
			t.Fatal(err)
		}
		defer before.Close()
		if err := c.refuse(s); err != nil {
			t.Fatal(err)
		}
		if c, err := net.DialTimeout(network, s.Addr.Address, 50*time.Millisecond); err == nil {
			c.Close()
			t.Errorf("%s: connected after Refuse", bind)
		}
		fmt.Fprint(before, "hello")
		fd, err := unix.Dup(int(s.File.Fd()))
		if err != nil {
			t.Fatal(err)
		}
		ln, err := net.FileListener(os.NewFile(uintptr(fd), "copy"))
		if err != nil {
			t.Fatal(err)
		}
		c, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 5)
		if _, err := io.ReadFull(c, buf); err != nil || string(buf) != "hello" {
			t.Errorf("%s: the one connected before said %q, %v", bind, buf, err)
		}
		c.Close()
		ln.Close()
	}
}

// A connection has waited since its client's last bytes.
func TestWaited(t *testing.T) {
	s := open(t, "127.0.0.1:0")
	c, err := net.Dial("tcp", s.Addr.Address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "x")
	for n := 0; n != 1; n, _ = s.Queued() {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(200 * time.Millisecond)
	fd, _, err := unix.Accept(int(s.File.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if wait, ok := Waited(fd); !ok || wait < 100*time.Millisecond {
		t.Errorf("after 200 ms in the queue the wait is %v, %v", wait, ok)
	}
	if wait, ok := Waited(0); ok {
		t.Errorf("what is no TCP connection has waited %v", wait)
	}
}

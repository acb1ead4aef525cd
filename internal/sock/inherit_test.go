package sock

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// listener gives a descriptor as a parent would pass it.
func listener(t *testing.T, network, address string) (fd int, bound string) {
	t.Helper()
	ln, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	if u, ok := ln.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(false)
	}
	defer ln.Close()
	f, err := ln.(interface{ File() (*os.File, error) }).File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	fd, err = unix.Dup(int(f.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	return fd, ln.Addr().String()
}

func TestBoundAndTakes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "n.sock")
	for _, c := range []struct{ network, address, bind, other string }{
		{"tcp", "127.0.0.1:0", "127.0.0.1:%s", "127.0.0.2:%s"},
		{"tcp", "127.0.0.1:0", "localhost:%s", "[::1]:%s"},
		{"tcp", "[::1]:0", "[::1]:%s", "127.0.0.1:%s"},
		{"tcp", ":0", "0.0.0.0:%s", "127.0.0.1:%s"},
		{"tcp", ":0", ":%s", "unix:/x:%s"},
		{"unix", path, "unix:" + path, "unix:" + path + "2"},
		{"unix", "@narwhal-test", "unix:@narwhal-test", "unix:" + path},
	} {
		fd, bound := listener(t, c.network, c.address)
		_, port, _ := net.SplitHostPort(bound)
		fill := func(s string) string {
			if strings.Contains(s, "%s") {
				return fmt.Sprintf(s, port)
			}
			return s
		}
		got := Bound(fd)
		if a := parse(t, fill(c.bind)); !a.Takes(got) {
			t.Errorf("--bind %s does not take the socket of %s", a, got)
		}
		if a := parse(t, fill(c.other)); a.Takes(got) {
			t.Errorf("--bind %s takes the socket of %s", a, got)
		}
		unix.Close(fd)
		os.Remove(path)
	}
	if got := Bound(int(os.Stdin.Fd())).Network; got != "fd" {
		t.Errorf("standard input listens on %s", got)
	}
}

func TestInheritLeavesItToItsOwner(t *testing.T) {
	path := filepath.Join(t.TempDir(), "n.sock")
	fd, _ := listener(t, "unix", path)
	s, err := Inherit(fd, Bound(fd))
	if err != nil {
		t.Fatal(err)
	}
	if s.Addr.String() != "unix:"+path || s.Ours() || !nonblock(t, s.File) {
		t.Errorf("%s, ours %v, non-blocking %v", s.Addr, s.Ours(), nonblock(t, s.File))
	}
	if err := s.Refuse(); err != nil {
		t.Error(err)
	}
	s.Unlink()
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatalf("the owner's socket was ended: %v", err)
	}
	c.Close()
	s.Close()
}

// What a master stored, refused and left can be used by the next one.
func TestTakeBack(t *testing.T) {
	access := Access{Mode: 0o666}
	for _, bind := range []string{"127.0.0.1:0", "unix:" + filepath.Join(t.TempDir(), "n.sock"), abstractName(t)} {
		first := open(t, bind)
		fd, err := unix.Dup(int(first.File.Fd())) // systemd's copy
		if err != nil {
			t.Fatal(err)
		}
		if _, err := TakeBack(fd, first.Addr, 10, access); err == nil || !strings.Contains(err.Error(), "serves it") {
			t.Errorf("%s was taken from a master that lives: %v", bind, err)
		}
		first.Keep()
		if err := first.Refuse(); err != nil {
			t.Fatal(err)
		}
		first.Unlink()
		first.Close()
		a := Bound(fd)
		second, err := TakeBack(fd, a, 10, access)
		if err != nil {
			t.Fatal(err)
		}
		if !second.Ours() {
			t.Errorf("%s is not ours", a)
		}
		c, err := net.Dial(a.Network, a.Address)
		if err != nil {
			t.Fatalf("%s after it was taken back: %v", a, err)
		}
		c.Close()
		second.Unlink()
		second.Close()
		if a.Network == "unix" && !a.Abstract() {
			if _, err := os.Lstat(a.Address); err == nil {
				t.Error("a socket of ours was left behind")
			}
			fd, _ := listener(t, "unix", a.Address)
			os.Remove(a.Address)
			if _, err := TakeBack(fd, a, 10, access); err == nil {
				t.Error("a socket without a file was taken back")
			}
			unix.Close(fd)
		}
	}
}

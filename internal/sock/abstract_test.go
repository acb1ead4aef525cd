package sock

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// abstractName is an address that no other test has.
func abstractName(t *testing.T) string {
	return fmt.Sprintf("unix:@%s.%d", strings.ReplaceAll(t.Name(), "/", "."), os.Getpid())
}

// An abstract socket has no file, is locked like any other, and is known again
// from its descriptor.
func TestAbstract(t *testing.T) {
	bind := abstractName(t)
	dir := t.TempDir()
	t.Chdir(dir)
	s := open(t, bind)
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("it made files: %v, %v", entries, err)
	}
	if got := Bound(int(s.File.Fd())); got != s.Addr || got.String() != bind {
		t.Errorf("Bound = %s, want %s", got, bind)
	}
	if !s.Addr.Takes(Bound(int(s.File.Fd()))) || s.Addr.Takes(Addr{"unix", dir + "/" + s.Addr.Address}) {
		t.Error("it takes another socket for itself, or does not know itself")
	}
	c, err := net.Dial("unix", s.Addr.Address)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	openFails(t, bind, "in use by a narwhal")

	taken := bind + ".other"
	ln, err := net.Listen("unix", strings.TrimPrefix(taken, "unix:"))
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	openFails(t, taken, "in use", "ss -lxp", "another name")
}

// Whoever is in the queue of a unix socket that is refused is still accepted.
func TestRefuseUnix(t *testing.T) {
	s := open(t, abstractName(t))
	first, err := net.Dial("unix", s.Addr.Address)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if err := s.Refuse(); err != nil {
		t.Fatal(err)
	}
	if c, err := net.Dial("unix", s.Addr.Address); !errors.Is(err, unix.ECONNREFUSED) {
		t.Errorf("a newcomer: %v, %v; want it to be refused", c, err)
	}
	fd, _, err := unix.Accept4(int(s.File.Fd()), unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK)
	if err != nil {
		t.Fatalf("who was queued: %v", err)
	}
	unix.Close(fd)
	if _, _, err := unix.Accept4(int(s.File.Fd()), unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK); err != unix.EAGAIN {
		t.Errorf("accept from the empty queue says %v, want EAGAIN", err)
	}
}

// Paths up to the kernel's limit can be bound: the lock has room for them.
func TestLongPaths(t *testing.T) {
	dir, err := os.MkdirTemp("/tmp", "n")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	for n := 80; n <= maxUnixPath; n++ {
		path := filepath.Join(dir, strings.Repeat("x", n-len(dir)-1))
		s := open(t, "unix:"+path)
		openFails(t, "unix:"+path, "in use by a narwhal")
		s.Close()
		s.Unlink()
	}
	s := open(t, "unix:@"+filepath.Base(dir)+strings.Repeat("x", maxUnixPath-len(filepath.Base(dir))))
	openFails(t, s.Addr.String(), "in use by a narwhal")
}

// The mode of a socket is the one asked for, whatever the umask is.
func TestAccess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "n.sock")
	for _, umask := range []int{0, 0o22, 0o77, 0o777} {
		for text, mode := range map[string]os.FileMode{"0666": 0o666, "660": 0o660, "0600": 0o600, fmt.Sprintf("0770:%d", os.Getgid()): 0o770} {
			access, err := ParseAccess(text)
			if err != nil {
				t.Fatal(err)
			}
			old := unix.Umask(umask)
			s, err := Open(parse(t, "unix:"+path), 10, access)
			unix.Umask(old)
			if err != nil {
				t.Fatal(err)
			}
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != mode {
				t.Errorf("umask %#o, %s: mode %v, %v; want %v", umask, text, info.Mode(), err, mode)
			}
			s.Unlink()
			s.Close()
		}
	}
	for text, want := range map[string]string{
		"": "is not a mode", "rw": "is not a mode", "0888": "is not a mode", "1777": "more than 0777", "0066": "nobody but root could connect",
		"0660:": "no group after the colon", "-1": "is not a mode",
	} {
		if _, err := ParseAccess(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseAccess(%q) = %v, want %q", text, err, want)
		}
	}
	_, err := Open(parse(t, "unix:"+path), 10, Access{Mode: 0o660, Group: "no-such-group"})
	if err == nil || !strings.Contains(err.Error(), "there is no group no-such-group: getent group") {
		t.Errorf("a group that does not exist: %v", err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket was left behind: %v", err)
	}
}

package sdnotify_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/narwhal-server/narwhal/internal/sdnotify"
)

func TestMain(m *testing.M) {
	if os.Getenv("SDNOTIFY_TEST_CHILD") != "" {
		listenChild()
		return
	}
	os.Exit(m.Run())
}

// manager plays systemd's end of NOTIFY_SOCKET.
type manager struct {
	t    *testing.T
	conn *net.UnixConn
}

func newManager(t *testing.T, name string) (*manager, *sdnotify.Socket) {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Net: "unixgram", Name: name})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	t.Setenv("NOTIFY_SOCKET", name)
	s, err := sdnotify.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return &manager{t, conn}, s
}

// read returns the next message and the descriptors that came with it.
func (m *manager) read() (string, []int) {
	m.t.Helper()
	b, oob := make([]byte, 4096), make([]byte, 256)
	n, oobn, _, _, err := m.conn.ReadMsgUnix(b, oob)
	if err != nil {
		m.t.Fatal(err)
	}
	var fds []int
	msgs, err := unix.ParseSocketControlMessage(oob[:oobn])
	if err != nil {
		m.t.Fatal(err)
	}
	for _, msg := range msgs {
		got, err := unix.ParseUnixRights(&msg)
		if err != nil {
			m.t.Fatal(err)
		}
		fds = append(fds, got...)
	}
	return string(b[:n]), fds
}

func TestSend(t *testing.T) {
	for _, name := range []string{filepath.Join(t.TempDir(), "notify"), "@narwhal-test-" + strconv.Itoa(os.Getpid())} {
		m, s := newManager(t, name)
		for _, c := range []struct{ message, want string }{
			{sdnotify.Ready, `READY=1`},
			{sdnotify.Reloading(), `RELOADING=1\nMONOTONIC_USEC=[1-9][0-9]*`},
			{sdnotify.Stopping, `STOPPING=1`},
			{sdnotify.Watchdog, `WATCHDOG=1`},
			{sdnotify.Status("two\nlines"), `STATUS=two lines`},
			{sdnotify.ExtendTimeout(1500 * time.Millisecond), `EXTEND_TIMEOUT_USEC=1500000`},
			{sdnotify.MainPID(7), `MAINPID=7`},
		} {
			if err := s.Send(c.message); err != nil {
				t.Fatal(err)
			}
			if got, fds := m.read(); !regexp.MustCompile("^"+c.want+"$").MatchString(got) || len(fds) != 0 {
				t.Errorf("%s got %q and %v, want %q", name, got, fds, c.want)
			}
		}
	}
}

func TestStore(t *testing.T) {
	m, s := newManager(t, filepath.Join(t.TempDir(), "notify"))
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := s.Store("web", w); err != nil {
		t.Fatal(err)
	}
	w.Close()
	got, fds := m.read()
	if got != "FDSTORE=1\nFDNAME=web" || len(fds) != 1 {
		t.Fatalf("got %q with %v", got, fds)
	}
	kept := os.NewFile(uintptr(fds[0]), "kept")
	if _, err := kept.WriteString("x"); err != nil {
		t.Errorf("the stored descriptor: %v", err)
	}
	kept.Close()
	b := make([]byte, 2)
	if n, err := r.Read(b); n != 1 || err != nil {
		t.Errorf("read %d, %v from the other end", n, err)
	}
	if err := s.Forget("web"); err != nil {
		t.Fatal(err)
	}
	if got, _ := m.read(); got != "FDSTOREREMOVE=1\nFDNAME=web" {
		t.Errorf("got %q", got)
	}
}

func TestBarrier(t *testing.T) {
	m, s := newManager(t, filepath.Join(t.TempDir(), "notify"))
	done := make(chan error, 1)
	go func() { done <- s.Barrier(time.Minute) }()
	got, fds := m.read()
	if got != "BARRIER=1" || len(fds) != 1 {
		t.Fatalf("got %q with %v", got, fds)
	}
	select {
	case err := <-done:
		t.Errorf("the barrier was passed before systemd had read it: %v", err)
	default:
	}
	unix.Close(fds[0])
	if err := <-done; err != nil {
		t.Error(err)
	}
	if err := s.Barrier(time.Millisecond); err == nil || !strings.Contains(err.Error(), "has not read") {
		t.Errorf("a systemd that does not read: %v", err)
	}
}

func TestNobodyListens(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	s, err := sdnotify.Open()
	if s != nil || err != nil {
		t.Errorf("Open gave %v, %v", s, err)
	}
	if err := errors.Join(s.Send("READY=1"), s.Store("a", os.Stdin), s.Barrier(0)); err != nil {
		t.Error(err)
	}
	s.Close()
	t.Setenv("NOTIFY_SOCKET", filepath.Join(t.TempDir(), "none"))
	if s, err = sdnotify.Open(); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Send("READY=1"); err == nil || !strings.Contains(err.Error(), `tell systemd "READY=1"`) {
		t.Errorf("nobody is at the socket: %v", err)
	}
	t.Setenv("NOTIFY_SOCKET", "vsock:2:9999")
	if _, err := sdnotify.Open(); err == nil {
		t.Error("an address of another kind was taken")
	}
}

func TestWatchdogInterval(t *testing.T) {
	own := strconv.Itoa(os.Getpid())
	for _, c := range []struct {
		usec, pid string
		want      time.Duration
		fails     bool
	}{
		{"", "", 0, false},
		{"3000000", own, 3 * time.Second, false},
		{"3000000", "", 3 * time.Second, false},
		{"3000000", "1", 0, false},
		{"soon", own, 0, true},
	} {
		t.Setenv("WATCHDOG_USEC", c.usec)
		t.Setenv("WATCHDOG_PID", c.pid)
		if got, err := sdnotify.WatchdogInterval(); got != c.want || (err != nil) != c.fails {
			t.Errorf("WATCHDOG_USEC=%s WATCHDOG_PID=%s: %v, %v", c.usec, c.pid, got, err)
		}
	}
}

// listenChild does what systemd does between fork and exec, which no parent can
// do for its child: it gives LISTEN_PID.
func listenChild() {
	if pid := os.Getenv("LISTEN_PID"); pid == "own" {
		os.Setenv("LISTEN_PID", strconv.Itoa(os.Getpid()))
	}
	var out []string
	all, err := sdnotify.Listen()
	if err != nil {
		out = append(out, err.Error())
	}
	for _, p := range all {
		flags, _ := unix.FcntlInt(uintptr(p.FD), unix.F_GETFD, 0)
		out = append(out, strconv.Itoa(p.FD)+"="+p.Name+" "+strconv.FormatBool(flags&unix.FD_CLOEXEC != 0))
	}
	if again, _ := sdnotify.Listen(); again != nil || os.Getenv("LISTEN_FDS") != "" && len(all) > 0 {
		out = append(out, "and again")
	}
	os.Stdout.WriteString(strings.Join(out, ", "))
}

func TestListen(t *testing.T) {
	for _, c := range []struct{ pid, fds, names, want string }{
		{"own", "2", "web:narwhal@a", "3=web true, 4=narwhal@a true"},
		{"own", "2", "web", "3= true, 4= true"},
		{"own", "40", "", "3= true, 4= true"},
		{"own", "many", "", "LISTEN_FDS=many is not a number of descriptors"},
		{"1", "2", "web:b", "LISTEN_FDS=2 is for process 1 (LISTEN_PID), and this is process PID"},
		{"", "2", "", "LISTEN_FDS=2 is for process none (LISTEN_PID), and this is process PID"},
		{"1", "0", "", ""},
		{"", "", "", ""},
	} {
		cmd := exec.Command("/proc/self/exe")
		cmd.Env = append(os.Environ(), "SDNOTIFY_TEST_CHILD=1", "LISTEN_PID="+c.pid, "LISTEN_FDS="+c.fds, "LISTEN_FDNAMES="+c.names)
		for range 2 {
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			defer w.Close()
			cmd.ExtraFiles = append(cmd.ExtraFiles, w)
		}
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		// A runtime may hold descriptors of its own beyond those passed.
		got := strings.ReplaceAll(string(out), fmt.Sprint("process ", cmd.Process.Pid), "process PID")
		if c.fds == "40" {
			got = strings.Join(strings.SplitN(got, ", ", 3)[:2], ", ")
		}
		if got != c.want {
			t.Errorf("LISTEN_PID=%s LISTEN_FDS=%s LISTEN_FDNAMES=%s: got %q, want %q", c.pid, c.fds, c.names, got, c.want)
		}
	}
}

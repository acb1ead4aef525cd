package supervisor_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/narwhal-server/narwhal/supervisor"
)

// manager plays systemd: it listens at NOTIFY_SOCKET and passes sockets.
type manager struct {
	t    *testing.T
	path string
	conn *net.UnixConn
}

func newManager(t *testing.T) *manager {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Net: "unixgram", Name: path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetReadDeadline(time.Now().Add(2 * time.Minute))
	return &manager{t, path, conn}
}

// await reads messages until one has the line, and returns it with the
// descriptor that came with it.
func (m *manager) await(line string) (message string, f *os.File) {
	m.t.Helper()
	return m.next(line, func(message string) bool { return strings.Contains("\n"+message+"\n", "\n"+line+"\n") })
}

func (m *manager) awaitPrefix(prefix string) (message string, f *os.File) {
	m.t.Helper()
	return m.next(prefix, func(message string) bool { return strings.HasPrefix(message, prefix) })
}

// next reads messages until wanted accepts one.
func (m *manager) next(what string, wanted func(string) bool) (message string, f *os.File) {
	m.t.Helper()
	var before []string
	for {
		b, oob := make([]byte, 4096), make([]byte, 64)
		n, oobn, _, _, err := m.conn.ReadMsgUnix(b, oob)
		if err != nil {
			m.t.Fatalf("no message with %q: %v; there were %q", what, err, before)
		}
		message = string(b[:n])
		if !wanted(message) {
			before = append(before, message)
			continue
		}
		if msgs, _ := unix.ParseSocketControlMessage(oob[:oobn]); len(msgs) == 1 {
			fds, err := unix.ParseUnixRights(&msgs[0])
			if err != nil || len(fds) != 1 {
				m.t.Fatalf("descriptors of %q: %v, %v", message, fds, err)
			}
			f = os.NewFile(uintptr(fds[0]), "stored")
			m.t.Cleanup(func() { f.Close() })
		}
		return message, f
	}
}

// unit is a process that the manager started.
type unit struct {
	t   *testing.T
	cmd *exec.Cmd
	log chan string // gets the whole log when master and workers have ended
}

// start starts a master. If passed is not nil, the master gets it as descriptor 3,
// under a name. A shell sets LISTEN_PID, which systemd sets between fork and exec.
func (m *manager) start(o supervisor.Options, passed *os.File, name string) *unit {
	m.t.Helper()
	b, err := json.Marshal(o)
	if err != nil {
		m.t.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		m.t.Fatal(err)
	}
	u := &unit{t: m.t, log: make(chan string, 1)}
	u.cmd = exec.Command("/bin/sh", "-c", `export LISTEN_PID=$$; exec "$0"`, exe)
	u.cmd.Env = append(os.Environ(), "NARWHAL_TEST_MASTER="+string(b), "NOTIFY_SOCKET="+m.path, "WATCHDOG_USEC=60000000", "FDSTORE=4")
	if passed != nil {
		u.cmd.Env = append(u.cmd.Env, "LISTEN_FDS=1", "LISTEN_FDNAMES="+name)
		u.cmd.ExtraFiles = []*os.File{passed}
	}
	if _, err := u.cmd.StdinPipe(); err != nil { // stays open until this process ends
		m.t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		m.t.Fatal(err)
	}
	u.cmd.Stderr = w
	if err := u.cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	w.Close()
	go func() {
		b, _ := io.ReadAll(r)
		r.Close()
		u.log <- string(b)
	}()
	m.t.Cleanup(func() { u.cmd.Process.Kill() })
	return u
}

// ends sends a signal, waits until master and workers have ended, and returns the log.
func (u *unit) ends(s syscall.Signal) (log string) {
	u.t.Helper()
	if err := u.cmd.Process.Signal(s); err != nil {
		u.t.Fatal(err)
	}
	u.cmd.Wait()
	return <-u.log
}

func post(addr string) error {
	c := &http.Client{Timeout: time.Minute, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := c.Post("http://"+addr, "application/json", strings.NewReader(`{"text":"a"}`))
	if err != nil {
		return err
	}
	resp.Body.Close()
	if resp.StatusCode != 200 {
		return fmt.Errorf("status %s", resp.Status)
	}
	return nil
}

// untold checks that a worker has none of the variables that systemd sets for the
// master.
func untold(t *testing.T, pid int) {
	t.Helper()
	environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	if err != nil {
		t.Fatal(err)
	}
	for kv := range strings.SplitSeq(string(environ), "\x00") {
		for _, prefix := range []string{"NOTIFY_SOCKET=", "WATCHDOG_", "LISTEN_", "FDSTORE="} {
			if strings.HasPrefix(kv, prefix) {
				t.Errorf("a worker has %s", kv)
			}
		}
	}
}

// A unit whose sockets systemd stores: when a master dies, systemd keeps its socket.
// The next master answers a client that connects meanwhile.
func TestSystemdStore(t *testing.T) {
	m := newManager(t)
	u := m.start(options(supervisor.Options{Workers: 1}, appSettings{}), nil, "")
	stored, f := m.await("FDSTORE=1")
	_, name, _ := strings.Cut(stored, "FDNAME=")
	m.await("WATCHDOG=1")
	m.await("READY=1")
	if f == nil {
		t.Fatalf("no descriptor came with %q", stored)
	}
	ln, err := net.FileListener(f)
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	ln.Close()
	if want := "narwhal@" + strings.ReplaceAll(addr, ":", "_"); name != want {
		t.Errorf("the socket is stored as %q, want %q", name, want)
	}
	if err := post(addr); err != nil {
		t.Error(err)
	}
	u.ends(syscall.SIGKILL)

	answered := make(chan error, 1)
	go func() { answered <- post(addr) }()
	next := m.start(options(supervisor.Options{Workers: 1, Bind: []string{addr}}, appSettings{}), f, name)
	m.await("READY=1")
	if err := <-answered; err != nil {
		t.Errorf("a request between two masters: %v", err)
	}
	for _, pid := range childrenOf(next.cmd.Process.Pid) {
		untold(t, pid)
	}
	if err := next.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	if msg, _ := m.await("RELOADING=1"); !strings.Contains(msg, "\nMONOTONIC_USEC=") {
		t.Errorf("a reload begins with %q", msg)
	}
	m.await("READY=1")
	log := next.ends(syscall.SIGTERM)
	m.await("STOPPING=1")
	if !strings.Contains(log, "using the socket that systemd kept") {
		t.Errorf("the second master bound the address itself:\n%s", log)
	}
}

// The master serves the socket of a socket unit without --bind, and leaves it open.
func TestSystemdSocket(t *testing.T) {
	m := newManager(t)
	path := filepath.Join(t.TempDir(), "n.sock")
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: path})
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	f, err := ln.File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	u := m.start(supervisor.Options{Workers: 1, Settings: appSettings{}}, f, "http")
	m.await("READY=1")
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(c, "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	if b, err := io.ReadAll(c); err != nil || !strings.HasPrefix(string(b), "HTTP/1.1 200") {
		t.Errorf("got %q, %v", b, err)
	}
	c.Close()
	log := u.ends(syscall.SIGTERM)
	if c, err := net.Dial("unix", path); err != nil {
		t.Errorf("the master ended systemd's socket: %v\n%s", err, log)
	} else {
		c.Close()
	}

	// A passed socket that --bind does not name is not served, and the log says so.
	u = m.start(options(supervisor.Options{Workers: 1}, appSettings{}), f, "http")
	m.await("READY=1")
	if log := u.ends(syscall.SIGTERM); !strings.Contains(log, "systemd passes a socket that no --bind names") {
		t.Errorf("nothing is said of a socket that is not served:\n%s", log)
	}
}

// In an upgrade the old master tells systemd the new master's pid. The new master takes
// over only when systemd has read that (BARRIER=1). Before, systemd would take the new
// master's messages for those of a stranger. After, the new master talks to systemd.
func TestSystemdUpgrade(t *testing.T) {
	m := newManager(t)
	u := m.start(options(supervisor.Options{Workers: 1}, appSettings{}), nil, "")
	m.await("READY=1")
	if err := u.cmd.Process.Signal(syscall.SIGUSR2); err != nil {
		t.Fatal(err)
	}
	named, _ := m.awaitPrefix("MAINPID=")
	pid, err := strconv.Atoi(strings.TrimPrefix(named, "MAINPID="))
	if err != nil || pid == u.cmd.Process.Pid {
		t.Fatalf("the old master %d says %q", u.cmd.Process.Pid, named)
	}
	_, barrier := m.await("BARRIER=1")
	if barrier == nil {
		t.Fatal("no descriptor came with BARRIER=1")
	}
	// The new master sends its first message when it has taken over. It must not take
	// over as long as the barrier's descriptor is open.
	m.conn.SetReadDeadline(time.Now().Add(time.Second))
	b := make([]byte, 4096)
	if n, err := m.conn.Read(b); err == nil {
		t.Errorf("before systemd had read that it is the main process, the new master said %q", b[:n])
	}
	m.conn.SetReadDeadline(time.Now().Add(2 * time.Minute))
	barrier.Close()
	m.await("READY=1")
	u.cmd.Wait()
	for _, child := range childrenOf(pid) {
		untold(t, child)
	}
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	m.await("STOPPING=1")
	bury(t, pid)
	if log := <-u.log; strings.Contains(log, "systemd may not have heard") {
		t.Errorf("the barrier was not passed:\n%s", log)
	}
}

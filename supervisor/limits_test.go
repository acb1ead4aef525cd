package supervisor_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/narwhal-server/narwhal/internal/logevent"
	"github.com/narwhal-server/narwhal/limits"
	"github.com/narwhal-server/narwhal/supervisor"
)

// sockets counts the descriptors of a process that are sockets.
func sockets(pid int) int {
	n := 0
	links, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	for _, l := range links {
		if to, err := os.Readlink(l); err == nil && strings.HasPrefix(to, "socket:") {
			n++
		}
	}
	return n
}

// Two workers may have four connections each, and there are 32 clients. Neither worker
// ever has more, and no client is refused.
func TestWorkerConnections(t *testing.T) {
	for _, app := range []appSettings{{Delay: 20 * time.Millisecond}, {Delay: 20 * time.Millisecond, KeepAlive: time.Second}} {
		m := start(t, options(supervisor.Options{Workers: 2, Limits: limits.Limits{WorkerConnections: 4}}, app))
		workers := m.workers()
		idle := map[int]int{} // sockets of a worker that are not connections, by pid
		for _, pid := range workers {
			idle[pid] = sockets(pid)
		}
		l := clients(m.addr, 32, false)
		most := 0
		for l.sent.Load() < 400 {
			open := 0
			for _, pid := range workers {
				n := sockets(pid) - idle[pid]
				if n > 4 {
					t.Errorf("worker %d has %d connections open, at most 4 may be", pid, n)
				}
				open += n
			}
			most = max(most, open)
		}
		if _, failed := l.end(); failed > 0 {
			t.Errorf("%d requests failed: %v", failed, l.errors)
		}
		t.Logf("at most %d connections open", most)
		if most < 5 {
			t.Errorf("at most %d connections were open at once: the cap was not tried", most)
		}
	}
}

// With --limit-concurrency 4, exactly eight of twelve requests at once get a 503.
func TestLimitConcurrency(t *testing.T) {
	m := start(t, options(supervisor.Options{Workers: 1, Limits: limits.Limits{LimitConcurrency: 4}}, appSettings{Delay: time.Hour}))
	statuses := make(chan int, 12)
	for range 12 {
		c, err := connect(m.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 12\r\n\r\n{\"text\":\"x\"}")
		go func() {
			resp, err := http.ReadResponse(c.br, nil)
			if err != nil {
				statuses <- 0
				return
			}
			if resp.Header.Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
			statuses <- resp.StatusCode
		}()
	}
	for i := range 8 {
		if got := <-statuses; got != 503 {
			t.Errorf("answer %d is %d, want 503", i+1, got)
		}
	}
	if code := get(t, m.addr, "/healthz"); code != 200 {
		t.Errorf("/healthz at the limit: %d, want 200", code)
	}
	// The other four requests wait until the server is stopped.
	m.signal(syscall.SIGTERM)
	m.await("signal=SIGTERM", 1)
	m.signal(syscall.SIGINT) // not TERM: equal signals within a second count as one
	for range 4 {
		if got := <-statuses; got != 0 {
			t.Errorf("one of the four was answered %d", got)
		}
	}
}

func get(t *testing.T, addr, path string) int {
	t.Helper()
	c, err := connect(addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(30 * time.Second))
	fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path)
	resp, err := http.ReadResponse(c.br, nil)
	if err != nil {
		t.Fatalf("GET %s: %v", path, err)
	}
	return resp.StatusCode
}

// The master answers on --admin-bind however busy the workers are.
func TestAdmin(t *testing.T) {
	admin := "unix:" + filepath.Join(t.TempDir(), "admin.sock")
	m := start(t, options(supervisor.Options{Workers: 1, Sync: true, Admin: admin, Limits: limits.Limits{GracefulTimeout: time.Hour}}, appSettings{}))
	c, err := connect(m.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 15\r\n\r\n{\"text\":\"hang\"}")
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 200, "/status": 200, "/": 200, "/nowhere": 404} {
		if got := get(t, admin, path); got != want {
			t.Errorf("GET %s = %d, want %d", path, got, want)
		}
	}
	m.signal(syscall.SIGTERM)
	m.await("signal=SIGTERM", 1)
	for end := time.Now().Add(20 * time.Second); get(t, admin, "/readyz") != 503; {
		if time.Now().After(end) {
			t.Fatal("ready after TERM")
		}
	}
	if got := get(t, admin, "/healthz"); got != 200 {
		t.Errorf("GET /healthz while stopping = %d, want 200", got)
	}
	m.signal(syscall.SIGINT)
	m.wait()
}

func TestPidFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "n.pid")
	m := start(t, options(supervisor.Options{Pid: path}, appSettings{}))
	b, err := os.ReadFile(path)
	if err != nil || string(b) != fmt.Sprintln(m.cmd.Process.Pid) {
		t.Errorf("pid file: %q, %v", b, err)
	}
	second := launch(t, options(supervisor.Options{Pid: path}, appSettings{}))
	if second.wait() == 0 || !strings.Contains(second.log(), fmt.Sprintf("a running narwhal, process %d, holds it", m.cmd.Process.Pid)) {
		t.Errorf("a second master took the pid file, or is not told who has it:\n%s", second.log())
	}
	m.signal(syscall.SIGTERM)
	m.wait()
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the pid file is left: %v", err)
	}
	// A stale pid file is replaced, whether its number belongs to no process, to a
	// zombie, or to a program that is not narwhal.
	stranger := exec.Command("sleep", "300")
	if err := stranger.Start(); err != nil {
		t.Fatal(err)
	}
	defer stranger.Wait()
	defer stranger.Process.Kill()
	zombie := exec.Command("true")
	if err := zombie.Start(); err != nil {
		t.Fatal(err)
	}
	defer zombie.Wait()
	if err := unix.Waitid(unix.P_PID, zombie.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil); err != nil {
		t.Fatal(err)
	}
	for _, pid := range []int{999999999, zombie.Process.Pid, stranger.Process.Pid} {
		if err := os.WriteFile(path, fmt.Appendln(nil, pid), 0o644); err != nil {
			t.Fatal(err)
		}
		m := start(t, options(supervisor.Options{Pid: path}, appSettings{}))
		m.signal(syscall.SIGTERM)
		m.wait()
	}
}

// A master that was killed leaves its pid file behind. The next master takes the file,
// even while a worker of the killed master still runs.
func TestPidFileAfterKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "n.pid")
	o, c := controlled(t, supervisor.Options{Pid: path})
	m := start(t, options(o, appSettings{}))
	worker := m.workers()[0]
	defer syscall.Kill(worker, syscall.SIGKILL)
	client, err := connect(m.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	go client.ask(`{"text": "hang"}`) // the worker stays until this request is cut off
	for {
		s, err := c.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if s.Workers[0].InFlight == 1 {
			break
		}
	}
	if err := m.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := unix.Waitid(unix.P_PID, m.cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil); err != nil {
		t.Fatal(err)
	}
	next := start(t, options(supervisor.Options{Pid: path}, appSettings{}))
	if b, err := os.ReadFile(path); string(b) != fmt.Sprintln(next.cmd.Process.Pid) {
		t.Errorf("the pid file has %q, %v; want %d", b, err, next.cmd.Process.Pid)
	}
	if err := syscall.Kill(worker, 0); err != nil {
		t.Errorf("the worker of the dead master has ended before: %v", err)
	}
}

// The master serves a socket that its parent process opened, and leaves it open.
func TestInheritedSocket(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	f, err := ln.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := json.Marshal(options(supervisor.Options{Bind: []string{"fd://3"}, Workers: 2}, appSettings{}))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), "NARWHAL_TEST_MASTER="+string(b))
	cmd.ExtraFiles = []*os.File{f}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "started "+ln.Addr().String()+"\n" {
		t.Errorf("the master said %q, %v", line, err)
	}
	if got := get(t, ln.Addr().String(), "/healthz"); got != 200 {
		t.Errorf("GET /healthz = %d", got)
	}
	cmd.Process.Signal(syscall.SIGTERM)
	if err := cmd.Wait(); err != nil {
		t.Errorf("the master ended with %v", err)
	}
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatalf("the owner's socket was ended: %v", err)
	}
	c.Close()
}

// While workers start, the listening socket stays non-blocking. All processes that hold
// the socket share this flag.
func TestListenerStaysNonblocking(t *testing.T) {
	m := start(t, options(supervisor.Options{Workers: 2, Sync: true}, appSettings{Boot: 20 * time.Millisecond}))
	reloading := make(chan struct{})
	go func() {
		defer close(reloading)
		for i := range 10 {
			m.signal(syscall.SIGHUP)
			m.await(logevent.ReloadDone.Text(), i+1)
		}
	}()
	for looked, done := 0, false; !done || looked < 10; {
		select {
		case <-reloading:
			done = true
		default:
		}
		for _, pid := range m.workers() {
			flags, ok := listenerFlags(pid, m.addr)
			if ok && flags&syscall.O_NONBLOCK == 0 {
				t.Fatalf("the listener of worker %d is blocking", pid)
			}
			if ok {
				looked++
			}
		}
	}
}

// listenerFlags returns the flags of the socket on which a process listens at addr's
// port. ok is false if it finds none.
func listenerFlags(pid int, addr string) (flags int64, ok bool) {
	tcp, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/tcp", pid))
	if err != nil {
		return 0, false
	}
	_, port, _ := net.SplitHostPort(addr)
	n, _ := strconv.Atoi(port)
	inode := ""
	for line := range strings.Lines(string(tcp)) {
		f := strings.Fields(line)
		if len(f) > 9 && strings.HasSuffix(f[1], fmt.Sprintf(":%04X", n)) && f[3] == "0A" { // LISTEN
			inode = f[9]
		}
	}
	links, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	for _, l := range links {
		if to, _ := os.Readlink(l); to != "socket:["+inode+"]" {
			continue
		}
		info, err := os.ReadFile(fmt.Sprintf("/proc/%d/fdinfo/%s", pid, filepath.Base(l)))
		if err != nil {
			return 0, false
		}
		for line := range strings.Lines(string(info)) {
			if v, found := strings.CutPrefix(line, "flags:"); found {
				flags, err = strconv.ParseInt(strings.TrimSpace(v), 8, 64)
				return flags, err == nil
			}
		}
	}
	return 0, false
}

// Reloads leave no descriptor, goroutine or process behind. The master runs in the
// test's own process, so that the test can count its goroutines.
func TestNoLeaks(t *testing.T) {
	var log lockedBuffer
	started := make(chan string, 1)
	o := options(supervisor.Options{Workers: 2, Sync: true}, appSettings{})
	o.Log = slog.New(slog.NewTextHandler(&log, nil))
	o.Started = func(bound []string, _ string) { started <- bound[0] }
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- supervisor.Run(ctx, o) }()
	addr := <-started

	reload := func(n int) {
		for range n {
			want := bytes.Count(log.Bytes(), []byte(logevent.ReloadDone.Text())) + 1
			if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
				t.Fatal(err)
			}
			for bytes.Count(log.Bytes(), []byte(logevent.ReloadDone.Text())) < want {
				time.Sleep(time.Millisecond)
			}
		}
	}
	count := func() (fds, goroutines, children int) {
		runtime.GC()
		links, _ := filepath.Glob("/proc/self/fd/*")
		return len(links), runtime.NumGoroutine(), len(childrenOf(os.Getpid()))
	}
	reload(10)
	for len(childrenOf(os.Getpid())) > 2 { // the old workers are leaving
		time.Sleep(time.Millisecond)
	}
	fds, goroutines, children := count()
	reload(reloads)
	// The master closes what belonged to a worker shortly after the worker has left.
	// What is left behind stays, so the test waits until nothing is.
	fds2, goroutines2, children2 := count()
	for end := time.Now().Add(30 * time.Second); fds2 > fds || goroutines2 > goroutines || children2 > children; {
		if time.Now().After(end) {
			t.Fatalf("%d reloads leave something behind: descriptors %d then %d, goroutines %d then %d, children %d then %d",
				reloads, fds, fds2, goroutines, goroutines2, children, children2)
		}
		time.Sleep(10 * time.Millisecond)
		fds2, goroutines2, children2 = count()
	}
	if got := get(t, addr, "/healthz"); got != 200 {
		t.Errorf("GET /healthz = %d", got)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) Bytes() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Clone(l.b.Bytes())
}

// As PID 1 the master waits for orphans that end, and goes on serving.
func TestPID1(t *testing.T) {
	b, err := json.Marshal(options(supervisor.Options{Workers: 2, Sync: true}, appSettings{}))
	if err != nil {
		t.Fatal(err)
	}
	unshare, err := exec.LookPath("unshare")
	if err != nil {
		t.Fatalf("this test needs unshare of util-linux: %v", err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// The shell leaves orphans behind and becomes the master. The master is PID 1, so it
	// inherits them. They end with status 3, and the master must not take that for the
	// end of a worker.
	script := `for i in 1 2 3 4 5; do (sleep 0.0$i; exit 3) & done; exec "$0"`
	args := []string{"--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", script, self}
	if os.Getuid() != 0 {
		args = append([]string{"--user", "--map-root-user"}, args...)
	}
	cmd := exec.Command(unshare, args...)
	cmd.Env = append(os.Environ(), "NARWHAL_TEST_MASTER="+string(b))
	var log lockedBuffer
	cmd.Stderr = &log
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the master did not start: %v\n%s", err, log.Bytes())
	}
	addr := strings.TrimSpace(strings.TrimPrefix(line, "started "))
	for end := time.Now().Add(30 * time.Second); bytes.Count(log.Bytes(), []byte("reaped an orphaned process")) < 5; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("five orphans died, not all were buried:\n%s", log.Bytes())
		}
	}
	if got := get(t, addr, "/healthz"); got != 200 {
		t.Errorf("GET /healthz = %d", got)
	}
	// unshare's child is PID 1 of the new namespace.
	children := childrenOf(cmd.Process.Pid)
	if len(children) != 1 {
		t.Fatalf("unshare has children %v", children)
	}
	syscall.Kill(children[0], syscall.SIGTERM)
	if err := cmd.Wait(); err != nil {
		t.Errorf("the master ended with %v\n%s", err, log.Bytes())
	}
}

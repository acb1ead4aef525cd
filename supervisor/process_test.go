package supervisor_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/narwhal-server/narwhal/internal/logevent"
	"github.com/narwhal-server/narwhal/internal/logevent/logeventtest"
	"github.com/narwhal-server/narwhal/ner"
	"github.com/narwhal-server/narwhal/supervisor"
	"github.com/narwhal-server/narwhal/web"
	"github.com/narwhal-server/narwhal/worker"
)

// TestMain makes this test binary a master if NARWHAL_TEST_MASTER is set, and a worker
// if a master has started it. Otherwise it runs the tests.
func TestMain(m *testing.M) {
	switch {
	case worker.Spawned():
		if err := worker.Run(testApp); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(3)
		}
	case os.Getenv("NARWHAL_TEST_MASTER") != "":
		if err := playMaster(os.Getenv("NARWHAL_TEST_MASTER")); err != nil {
			fmt.Fprintln(os.Stderr, "master:", err)
			os.Exit(1)
		}
	default:
		os.Exit(m.Run())
	}
}

// appSettings say how the test's workers behave.
type appSettings struct {
	KeepAlive time.Duration // how long connections may be idle; 0: closed after each answer
	Work      time.Duration // how long a request keeps a core busy
	Delay     time.Duration // how long a request waits before its work
	Boot      time.Duration // how long a worker takes to start
	Broken    string        // the error with which a worker cannot start; "": it can
	NetHTTP   bool          // a handler of net/http instead of package web
}

// testApp makes narwhal's own HTTP server, with a recognizer that only takes time.
func testApp(env worker.Env) (worker.App, error) {
	var s appSettings
	if err := json.Unmarshal(env.Settings, &s); err != nil {
		return nil, err
	}
	time.Sleep(s.Boot)
	if s.Broken != "" {
		return nil, fmt.Errorf("%s", s.Broken)
	}
	if s.NetHTTP {
		return worker.HTTP(&http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var body struct{ Text string }
			_ = json.NewDecoder(r.Body).Decode(&body) // any body is answered, also one that is not JSON
			busy(s.Work).Entities(r.Context(), body.Text)
			io.WriteString(w, "{}")
		})}), nil
	}
	env.App.Model = "busy-1.0"
	return web.New(web.Options{
		Recognizer: busy(s.Work), Metrics: env.Metrics, KeepAlive: s.KeepAlive, Delay: s.Delay,
		Log: slog.New(env.CountLog(slog.Default().Handler())).With("worker", env.Slot),
	}), nil
}

type busy time.Duration

func (b busy) Entities(ctx context.Context, text string) ([]ner.Entity, error) {
	switch text {
	case "hang":
		select {} // for ever, whatever ctx says
	case "panic":
		panic("told to")
	case "die":
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case "grow":
		growing.Lock()
		defer growing.Unlock()
		for i := 0; i < len(grown); i += os.Getpagesize() {
			grown[i] = 1 // a page takes memory once it is written
		}
	}
	spin(time.Duration(b))
	if text == "find" {
		return []ner.Entity{{Text: text, Label: "ORG", End: 4, RuneEnd: 4}, {Text: "d", Label: "ODD", Start: 3, End: 4, RuneStart: 3, RuneEnd: 4}}, nil
	}
	return nil, nil
}

// Labels are those that entities are counted under.
func (busy) Labels() []string { return []string{"PERSON", "ORG"} }

// grown is the memory that the text "grow" makes a worker take.
var (
	grown   [256 << 20]byte
	growing sync.Mutex
)

func spin(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
	}
}

// playMaster is main of a master process.
func playMaster(text string) error {
	var o supervisor.Options
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return err
	}
	if os.Getenv("NARWHAL_TEST_NO_MEMFD") != "" {
		if err := forbidMemfd(); err != nil {
			return err
		}
	}
	o.Log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	if file := os.Getenv("NARWHAL_TEST_RELOAD"); file != "" {
		o.Reload = func() (supervisor.Options, error) {
			next := o
			b, err := os.ReadFile(file)
			if err != nil {
				return next, err
			}
			return next, json.Unmarshal(b, &next)
		}
	}
	o.Started = func(bound []string, _ string) { fmt.Println("started", strings.Join(bound, " ")) }
	// The master ends when the test process does: it reads EOF then.
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	return supervisor.Run(ctx, o)
}

// master is a running master process.
type master struct {
	t      *testing.T
	cmd    *exec.Cmd
	addr   string // of its first socket
	reload string // the file with the options that the next HUP reads

	mu    sync.Mutex
	lines []string // of the log
	news  *sync.Cond
	ended error
	done  chan struct{}  // closed when all processes with its standard output have ended
	pipe  string         // the log's pipe, as /proc names it
	read  sync.WaitGroup // until the log has ended
}

// options sets the settings of the workers and, if o has no address, one with any free
// port.
func options(o supervisor.Options, s appSettings) supervisor.Options {
	if o.Bind == nil {
		o.Bind = []string{"127.0.0.1:0"}
	}
	o.Settings = s
	return o
}

// start starts a master and waits until its workers are ready.
func start(t *testing.T, o supervisor.Options) *master {
	t.Helper()
	m := launch(t, o)
	if m.addr == "" {
		t.Fatalf("the master did not start:\n%s", m.log())
	}
	m.await(logevent.ServiceReady.Text(), 1) // the log has another pipe than "started"
	return m
}

// launch starts a master and waits until it serves or has ended.
func launch(t *testing.T, o supervisor.Options) *master {
	t.Helper()
	return launchFile(t, "/proc/self/exe", o)
}

// launchFile starts the program in a file. An upgrade starts the same file again.
func launchFile(t *testing.T, file string, o supervisor.Options) *master {
	t.Helper()
	return launchWith(t, file, o, func(*master) {})
}

// launchWith is launchFile, and calls meanwhile while the master starts.
func launchWith(t *testing.T, file string, o supervisor.Options, meanwhile func(*master)) *master {
	t.Helper()
	return launchCommand(t, exec.Command(file), o, meanwhile)
}

// launchCommand starts a command that becomes this test binary.
func launchCommand(t *testing.T, cmd *exec.Cmd, o supervisor.Options, meanwhile func(*master)) *master {
	t.Helper()
	b, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	m := &master{t: t, reload: filepath.Join(t.TempDir(), "options.json"), done: make(chan struct{})}
	m.news = sync.NewCond(&m.mu)
	if err := os.WriteFile(m.reload, b, 0o600); err != nil {
		t.Fatal(err)
	}
	m.cmd = cmd
	m.cmd.Env = append(append(os.Environ(), cmd.Env...), "NARWHAL_TEST_MASTER="+string(b), "NARWHAL_TEST_RELOAD="+m.reload)
	stdout, err := m.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.cmd.StdinPipe(); err != nil { // stays open until this process ends
		t.Fatal(err)
	}
	// Not StderrPipe: Wait would close it under workers that outlive the master.
	logr, logw, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	m.cmd.Stderr = logw
	if err := m.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if m.pipe, err = os.Readlink(fmt.Sprintf("/proc/self/fd/%d", logw.Fd())); err != nil {
		t.Fatal(err)
	}
	logw.Close()
	m.read.Go(func() {
		defer logr.Close()
		for sc := bufio.NewScanner(logr); sc.Scan(); {
			m.mu.Lock()
			m.lines = append(m.lines, sc.Text())
			m.news.Broadcast()
			m.mu.Unlock()
		}
	})
	started := make(chan string, 1)
	go func() {
		sc := bufio.NewScanner(stdout)
		for sc.Scan() {
			if a, ok := strings.CutPrefix(sc.Text(), "started "); ok {
				select {
				case started <- a:
				default: // the new master of an upgrade
				}
			}
		}
		err := m.cmd.Wait()
		m.mu.Lock()
		m.ended = err
		m.news.Broadcast()
		m.mu.Unlock()
		close(m.done)
	}()
	t.Cleanup(func() {
		m.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-m.done:
		case <-time.After(20 * time.Second):
			t.Errorf("the master did not end:\n%s", m.log())
			m.cmd.Process.Kill()
		}
		m.awaitEnd()
		for line := range strings.SplitSeq(m.log(), "\n") {
			if err := logeventtest.CheckText(line); err != nil {
				t.Error(err)
			}
		}
		if t.Failed() {
			t.Logf("its log:\n%s", m.log())
		}
	})
	meanwhile(m)
	select {
	case a := <-started:
		m.addr = strings.Fields(a)[0]
	case <-m.done:
	}
	return m
}

// awaitEnd waits until all processes of this master have ended. It fails the test if
// one does not end within a minute, and sends it SIGABRT: its stacks are then in the
// log.
func (m *master) awaitEnd() {
	ended := make(chan struct{})
	go func() {
		m.read.Wait()
		close(ended)
	}()
	for _, s := range []syscall.Signal{0, syscall.SIGABRT, syscall.SIGKILL} {
		if s != 0 {
			for _, pid := range holders(m.pipe) {
				m.t.Errorf("process %d did not end with its master: %v", pid, s)
				syscall.Kill(pid, s)
				syscall.Kill(pid, syscall.SIGCONT)
			}
		}
		select {
		case <-ended:
			return
		case <-time.After(60 * time.Second):
		}
	}
	m.t.Errorf("the log did not end; held by %v", holders(m.pipe))
}

// holders returns the processes, other than this one, that have a pipe open.
func holders(pipe string) []int {
	var out []int
	links, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	for _, l := range links {
		pid, _ := strconv.Atoi(strings.Split(l, "/")[2])
		if to, err := os.Readlink(l); err == nil && to == pipe && pid != os.Getpid() && !slices.Contains(out, pid) {
			out = append(out, pid)
		}
	}
	return out
}

func (m *master) log() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return strings.Join(m.lines, "\n")
}

// count counts the log lines that contain text.
func (m *master) count(text string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.countLocked(text)
}

func (m *master) countLocked(text string) int {
	n := 0
	for _, l := range m.lines {
		if strings.Contains(l, text) {
			n++
		}
	}
	return n
}

// await waits until n log lines contain text.
func (m *master) await(text string, n int) {
	m.t.Helper()
	timeout := time.AfterFunc(60*time.Second, func() { m.news.Broadcast() })
	defer timeout.Stop()
	end := time.Now().Add(60 * time.Second)
	m.mu.Lock()
	defer m.mu.Unlock()
	for m.countLocked(text) < n {
		if time.Now().After(end) {
			m.t.Fatalf("the log never said %q %d times:\n%s", text, n, strings.Join(m.lines, "\n"))
		}
		m.news.Wait()
	}
}

func (m *master) signal(s syscall.Signal) {
	m.t.Helper()
	if err := m.cmd.Process.Signal(s); err != nil {
		m.t.Fatalf("%v to the master: %v", s, err)
	}
}

// wait waits for the end, of the log too, and returns the exit code.
func (m *master) wait() int {
	<-m.done
	m.read.Wait()
	return m.cmd.ProcessState.ExitCode()
}

// workers returns the pids of the living workers, the lowest first.
func (m *master) workers() []int {
	pids := childrenOf(m.cmd.Process.Pid)
	slices.Sort(pids)
	return pids
}

func childrenOf(pid int) []int {
	var out []int
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, f := range stats {
		b, err := os.ReadFile(f)
		if err != nil {
			continue
		}
		// The format is "pid (comm) state ppid …". comm may contain any character.
		rest := b[bytes.LastIndexByte(b, ')')+1:]
		fields := strings.Fields(string(rest))
		if len(fields) > 1 && fields[1] == strconv.Itoa(pid) && fields[0] != "Z" {
			if n, err := strconv.Atoi(filepath.Base(filepath.Dir(f))); err == nil {
				out = append(out, n)
			}
		}
	}
	return out
}

// load is a number of clients, each of which sends one request after the other.
type load struct {
	stop   chan struct{}
	wg     sync.WaitGroup
	sent   atomic.Int64
	failed atomic.Int64
	mu     sync.Mutex
	errors map[string]int
}

// clients starts n clients. With keep, a client uses its connection until the server
// closes it, and checks that before each request.
func clients(addr string, n int, keep bool) *load {
	l := &load{stop: make(chan struct{}), errors: map[string]int{}}
	for i := range n {
		l.wg.Go(func() {
			var c *client
			for {
				select {
				case <-l.stop:
					if c != nil {
						c.Close()
					}
					return
				default:
				}
				if c != nil && c.closed() {
					c.Close()
					c = nil
				}
				var err error
				if c == nil {
					c, err = connect(addr)
				}
				l.sent.Add(1)
				closed := true
				if err == nil {
					closed, err = c.ask(fmt.Sprintf(`{"i_request": %d, "text": "x"}`, i))
				}
				if err != nil {
					l.failed.Add(1)
					l.mu.Lock()
					l.errors[err.Error()]++
					l.mu.Unlock()
				}
				if c != nil && (closed || !keep || err != nil) {
					c.Close()
					c = nil
				}
			}
		})
	}
	return l
}

// end lets every client finish its request, and returns how many were sent and how
// many of them failed.
func (l *load) end() (sent, failed int64) {
	close(l.stop)
	l.wg.Wait()
	return l.sent.Load(), l.failed.Load()
}

type client struct {
	net.Conn
	br *bufio.Reader
}

func connect(addr string) (*client, error) {
	network := "tcp"
	if path, ok := strings.CutPrefix(addr, "unix:"); ok {
		network, addr = "unix", path
	}
	c, err := net.DialTimeout(network, addr, 30*time.Second)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", cause(err))
	}
	return &client{c, bufio.NewReader(c)}, nil
}

// cause drops addresses from an error, so that equal ones count together.
func cause(err error) error {
	var no syscall.Errno
	if ok := asErrno(err, &no); ok {
		return no
	}
	return err
}

func asErrno(err error, no *syscall.Errno) bool {
	for err != nil {
		if e, ok := err.(syscall.Errno); ok {
			*no = e
			return true
		}
		u, ok := err.(interface{ Unwrap() error })
		if !ok {
			return false
		}
		err = u.Unwrap()
	}
	return false
}

func (c *client) ask(body string) (closed bool, err error) {
	c.SetDeadline(time.Now().Add(60 * time.Second))
	if _, err := fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body); err != nil {
		return true, fmt.Errorf("send: %w", cause(err))
	}
	resp, err := http.ReadResponse(c.br, nil)
	if err != nil {
		return true, fmt.Errorf("receive: %w", cause(err))
	}
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return true, fmt.Errorf("receive body: %w", cause(err))
	}
	if resp.StatusCode != 200 {
		return resp.Close, fmt.Errorf("status %d: %s", resp.StatusCode, b)
	}
	return resp.Close, nil
}

// closed reports whether the server has closed the connection, or sent more than the
// answer.
func (c *client) closed() bool {
	rc, err := c.Conn.(syscall.Conn).SyscallConn()
	if err != nil {
		return true
	}
	gone := true
	rc.Read(func(fd uintptr) bool {
		var b [1]byte
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		gone = err != syscall.EAGAIN
		return true
	})
	return gone
}

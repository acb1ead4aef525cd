package worker_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/narwhal-server/narwhal/internal/board"
	"github.com/narwhal-server/narwhal/internal/metrics"
	"github.com/narwhal-server/narwhal/internal/park"
	"github.com/narwhal-server/narwhal/internal/wire"
	"github.com/narwhal-server/narwhal/limits"
	"github.com/narwhal-server/narwhal/worker"
)

// The tests play the master, and start this test binary again as a worker.
func TestMain(m *testing.M) {
	if !worker.Spawned() {
		os.Exit(m.Run())
	}
	if err := worker.Run(testApp); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
}

// appSettings say how the worker's server behaves.
type appSettings struct {
	Broken string // if not empty: the server cannot start, and this is the reason
	Ends   string // if not empty: Serve returns this error at once
	Note   string // what the server says of itself
}

// testApp starts a server that answers
//
//	/       with what the worker knows of itself
//	/hold   when the test calls release; it prints "holding" on standard output before
//	/panic  not at all
//
// It prints "reopened" on standard output when Extras.Reopen is called.
func testApp(env worker.Env) (worker.App, error) {
	var s appSettings
	if err := json.Unmarshal(env.Settings, &s); err != nil {
		return nil, err
	}
	if s.Broken != "" {
		return nil, errors.New(s.Broken)
	}
	env.App.Note = s.Note
	env.App.Reopen = func() { fmt.Println("reopened") }
	if s.Ends != "" {
		return ends(s.Ends), nil
	}
	released := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // returns when the test calls release or dies
		close(released)
	}()
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		_ = json.NewEncoder(w).Encode(identity{env.Slot, env.Generation, env.Age, worker.Spawned(), inherited()})
	})
	mux.HandleFunc("/hold", func(w http.ResponseWriter, r *http.Request) {
		fmt.Println("holding")
		<-released
	})
	mux.HandleFunc("/panic", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	return worker.HTTP(&http.Server{Handler: mux}), nil
}

// ends is a server whose Serve fails.
type ends string

func (e ends) Serve(net.Listener) error { return errors.New(string(e)) }

// identity is the worker's answer to /.
type identity struct {
	Slot, Generation, Age int
	Spawned               bool  // whether a program that the worker starts would run as a worker
	Inherited             []int // descriptors that such a program would inherit
}

// inherited returns the open descriptors, other than the standard ones, that a program
// started here would inherit.
func inherited() []int {
	var fds []int
	for fd := 3; fd < 100; fd++ {
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err == nil && flags&unix.FD_CLOEXEC == 0 {
			fds = append(fds, fd)
		}
	}
	return fds
}

// master plays the master of one worker.
type master struct {
	t    *testing.T
	cmd  *exec.Cmd
	ctl  *wire.Conn
	line *board.Line
	page *metrics.Page
	lot  int // the master's end of the pair for parked connections

	ln   *net.TCPListener
	addr string

	stdin  io.Closer
	stdout *bufio.Scanner
	stderr bytes.Buffer
}

// spawn starts a worker and sends it the hello. If change is not nil, it changes the hello
// before. more are files that the worker inherits after the listening socket.
func spawn(t *testing.T, s appSettings, change func(*wire.HelloMessage), more ...*os.File) *master {
	t.Helper()
	m := start(t, fmt.Sprint(wire.ControlFD), more...)
	settings, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	hello := wire.HelloMessage{
		Slot: 3, Generation: 2, Age: 17, Line: 5,
		Listeners: []wire.Listener{{Addr: m.addr, Ours: true}},
		Worker:    wire.Worker{Limits: limits.Limits{Threads: 1, WorkerConnections: 100, GracefulTimeout: time.Minute}},
		Settings:  settings,
	}
	if change != nil {
		change(&hello)
	}
	m.send(wire.Message{Kind: wire.Hello, Hello: &hello})
	return m
}

// serving starts a worker and waits until it is ready.
func serving(t *testing.T, change func(*wire.HelloMessage)) *master {
	t.Helper()
	m := spawn(t, appSettings{}, change)
	m.want(wire.Message{Kind: wire.Ready})
	return m
}

// start starts a worker with all descriptors that a master passes, but sends no hello. env
// is the value of wire.Env, which makes the process a worker.
func start(t *testing.T, env string, more ...*os.File) *master {
	t.Helper()
	m := &master{t: t}
	ctl, theirs, err := wire.Pair()
	check(t, err)
	m.ctl = ctl
	b, err := board.New()
	check(t, err)
	if err := b.Reserve(5); err != nil {
		t.Fatal(err)
	}
	m.line, m.page = b.Line(5), b.Page(5)
	m.line.Reset()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	m.ln, m.addr = ln.(*net.TCPListener), ln.Addr().String()
	// As on the master's sockets, a connection is accepted only when its request has
	// arrived. Otherwise the worker would park it as idle.
	rc, err := m.ln.SyscallConn()
	check(t, err)
	check(t, rc.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, 10) }))
	check(t, err)
	socket, err := m.ln.File()
	check(t, err)
	parked, requests := pair(t), pair(t)
	m.lot = int(parked[0].Fd())
	var memory [2]*os.File
	for i := range memory {
		fd, err := unix.MemfdCreate("test", unix.MFD_CLOEXEC)
		check(t, err)
		memory[i] = os.NewFile(uintptr(fd), "memory")
	}

	m.cmd = exec.Command("/proc/self/exe")
	m.cmd.Env = append(os.Environ(), wire.Env+"="+env)
	m.cmd.Stderr = &m.stderr
	m.cmd.ExtraFiles = []*os.File{theirs, b.File(), parked[1], memory[0], memory[1], requests[0], requests[1], socket}
	m.cmd.ExtraFiles = append(m.cmd.ExtraFiles, more...)
	stdin, err := m.cmd.StdinPipe()
	check(t, err)
	stdout, err := m.cmd.StdoutPipe()
	check(t, err)
	m.stdin, m.stdout = stdin, bufio.NewScanner(stdout)
	check(t, m.cmd.Start())
	for _, f := range []*os.File{theirs, parked[1], memory[0], memory[1], requests[0], requests[1], socket} {
		f.Close()
	}
	t.Cleanup(func() {
		if m.cmd.ProcessState == nil {
			_ = m.cmd.Process.Kill()
			_ = m.cmd.Wait()
		}
		if t.Failed() {
			t.Logf("the worker's standard error:\n%s", &m.stderr)
		}
		m.ctl.Close()
		m.ln.Close()
		parked[0].Close()
		b.Close()
	})
	return m
}

// pair makes the two ends of a SOCK_SEQPACKET pair.
func pair(t *testing.T) [2]*os.File {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	check(t, err)
	return [2]*os.File{os.NewFile(uintptr(fds[0]), "ours"), os.NewFile(uintptr(fds[1]), "theirs")}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (m *master) send(msg wire.Message) {
	m.t.Helper()
	check(m.t, m.ctl.Send(msg))
}

// want waits for the worker's next message.
func (m *master) want(want wire.Message) {
	m.t.Helper()
	got, err := m.ctl.Recv()
	if err != nil || got.Kind != want.Kind || got.Error != want.Error || got.Note != want.Note {
		m.t.Fatalf("the worker says %+v, %v; want %+v", got, err, want)
	}
}

// die ends the master, as far as the worker can see.
func (m *master) die() {
	m.ctl.Close()
	check(m.t, unix.Shutdown(m.lot, unix.SHUT_RDWR))
}

// ended waits for the end of the worker, and checks that it sends no more messages. It also
// checks the exit status and that standard error contains stderr; "" means that it is
// empty.
func (m *master) ended(status int, stderr string) {
	m.t.Helper()
	if got, err := m.ctl.Recv(); err == nil {
		m.t.Errorf("before its end the worker says %+v", got)
	}
	m.exited(status, stderr)
}

// exited does what ended does, but without a look at messages, for a worker whose master
// has died.
func (m *master) exited(status int, stderr string) {
	m.t.Helper()
	_ = m.cmd.Wait() // the exit status is checked below
	if got := m.cmd.ProcessState.ExitCode(); got != status {
		m.t.Errorf("the worker ended with %v, want exit status %d", m.cmd.ProcessState, status)
	}
	if got := m.stderr.String(); !strings.Contains(got, stderr) || stderr == "" && got != "" {
		m.t.Errorf("the worker wrote %q, want %q", got, stderr)
	}
}

// says waits for the next line on the worker's standard output, and checks it.
func (m *master) says(want string) {
	m.t.Helper()
	if !m.stdout.Scan() || m.stdout.Text() != want {
		m.t.Fatalf("the worker's standard output says %q, %v; want %q", m.stdout.Text(), m.stdout.Err(), want)
	}
}

// release makes the worker answer requests for /hold.
func (m *master) release() { m.stdin.Close() }

func (m *master) signal(s syscall.Signal) {
	m.t.Helper()
	check(m.t, m.cmd.Process.Signal(s))
}

// until waits until ok returns true. It is for changes that no message reports.
func (m *master) until(what string, ok func() bool) {
	m.t.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			m.t.Fatalf("never: %s", what)
		}
	}
}

// untilClosed waits until the worker has closed the listening socket, so it accepts no
// more.
func (m *master) untilClosed() {
	m.t.Helper()
	rc, err := m.ln.SyscallConn()
	check(m.t, err)
	var st unix.Stat_t
	check(m.t, rc.Control(func(fd uintptr) { err = unix.Fstat(int(fd), &st) }))
	check(m.t, err)
	socket := fmt.Sprintf("socket:[%d]", st.Ino)
	dir := fmt.Sprintf("/proc/%d/fd/", m.cmd.Process.Pid)
	m.until("the worker closes the listening socket", func() bool {
		fds, err := os.ReadDir(dir)
		check(m.t, err)
		for _, fd := range fds {
			if to, err := os.Readlink(dir + fd.Name()); err == nil && to == socket {
				return false
			}
		}
		return true
	})
}

// client is a connection to the worker.
type client struct {
	t *testing.T
	net.Conn
	br *bufio.Reader
}

// dial connects and sends a request.
func (m *master) dial(path string) *client {
	m.t.Helper()
	c, err := net.Dial("tcp", m.addr)
	check(m.t, err)
	m.t.Cleanup(func() { c.Close() })
	cl := &client{t: m.t, Conn: c, br: bufio.NewReader(c)}
	cl.ask(path)
	return cl
}

func (c *client) ask(path string) {
	c.t.Helper()
	_, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path)
	check(c.t, err)
}

// answer reads a whole answer.
func (c *client) answer() (*http.Response, []byte) {
	c.t.Helper()
	r, err := http.ReadResponse(c.br, nil)
	if err != nil {
		c.t.Fatalf("no answer: %v", err)
	}
	body, err := io.ReadAll(r.Body)
	check(c.t, err)
	return r, body
}

// status reads an answer and returns its status.
func (c *client) status() int {
	c.t.Helper()
	r, _ := c.answer()
	return r.StatusCode
}

// wantWaiting checks that the worker has left a connection in the kernel's queue.
func (m *master) wantWaiting() {
	m.t.Helper()
	check(m.t, m.ln.SetDeadline(time.Now().Add(10*time.Second)))
	c, err := m.ln.Accept()
	if err != nil {
		m.t.Fatalf("the worker left no connection in the queue: %v", err)
	}
	c.Close()
}

// takeParked waits for a connection that the worker passes to the master, and returns it.
func (m *master) takeParked() int {
	m.t.Helper()
	fd := -1
	m.until("a connection is parked", func() bool {
		var err error
		fd, _, err = park.Take(m.lot)
		if err != nil && err != unix.EAGAIN {
			m.t.Fatal(err)
		}
		return err == nil
	})
	m.t.Cleanup(func() { unix.Close(fd) })
	return fd
}

// Package outside_test builds and runs the programs of docs/library.md. They are in another
// module, and use narwhal as any module can.
package outside_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// build compiles a program of this module, with env in its environment.
func build(t *testing.T, name string, env ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	cmd := exec.Command("go", "build", "-o", file, "./"+name)
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build ./%s with %v: %v\n%s", name, env, err, out)
	}
	return file
}

// program is a running server.
type program struct {
	cmd  *exec.Cmd
	addr string
	log  bytes.Buffer
}

// start builds and starts a server. It passes a listening socket to the server, so that the
// test knows the port.
func start(t *testing.T, name string) *program {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	socket, err := ln.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	p := &program{cmd: exec.Command(build(t, name), "fd://3"), addr: ln.Addr().String()}
	p.cmd.ExtraFiles = []*os.File{socket}
	p.cmd.Stderr = &p.log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.cmd.Process.Kill() })
	return p
}

// stop ends the server, and fails the test unless the exit status is 0. If the test has
// failed, it prints the server's log.
func (p *program) stop(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("after TERM: %v", err)
	}
	if t.Failed() {
		t.Logf("its log:\n%s", p.log.String())
	}
}

// conn is a connection of a client that sends every request once, so that a lost request
// is noticed.
type conn struct {
	net.Conn
	r *bufio.Reader
}

func (p *program) dial() (*conn, error) {
	c, err := net.Dial("tcp", p.addr)
	if err != nil {
		return nil, err
	}
	return &conn{c, bufio.NewReader(c)}, nil
}

// ask sends a request, and returns the pid of the process that answered.
func (c *conn) ask() (pid int, err error) {
	c.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := io.WriteString(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"); err != nil {
		return 0, err
	}
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		return 0, err
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err
	}
	if n, err := fmt.Sscanf(string(body), "hello from process %d", &pid); n != 1 || resp.StatusCode != 200 {
		return 0, fmt.Errorf("%d %q: %v", resp.StatusCode, body, err)
	}
	return pid, nil
}

// load is a number of clients that send one request after the other.
type load struct {
	done     atomic.Bool
	clients  sync.WaitGroup
	mu       sync.Mutex
	answers  int
	lost     []error
	pids     map[int]bool // processes that have answered since workers was called last
	answered sync.Cond
}

// underLoad starts eight clients, which send requests until stop is called. With keep, a
// client uses one connection for all its requests. Without, each request has its own.
func underLoad(p *program, keep bool) *load {
	l := &load{pids: map[int]bool{}}
	l.answered.L = &l.mu
	for range 8 {
		l.clients.Go(func() {
			var c *conn
			for !l.done.Load() {
				var pid int
				var err error
				if c == nil {
					c, err = p.dial()
				}
				if err == nil {
					pid, err = c.ask()
				}
				if c != nil && (err != nil || !keep) {
					c.Close()
					c = nil
				}
				l.mu.Lock()
				if l.answers++; err != nil {
					l.lost = append(l.lost, err)
				} else {
					l.pids[pid] = true
				}
				l.answered.Broadcast()
				l.mu.Unlock()
			}
			if c != nil {
				c.Close()
			}
		})
	}
	return l
}

// workers returns the pids of the processes that give the next n answers.
func (l *load) workers(n int) map[int]bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pids = map[int]bool{}
	for end := l.answers + n; l.answers < end; {
		l.answered.Wait()
	}
	return l.pids
}

// others waits until other processes than the old ones give all answers.
func (l *load) others(t *testing.T, old map[int]bool) {
	t.Helper()
	for end := time.Now().Add(60 * time.Second); ; {
		still := false
		for pid := range l.workers(200) {
			still = still || old[pid]
		}
		if !still {
			return
		}
		if time.Now().After(end) {
			t.Errorf("the workers of before the HUP still answer")
			return
		}
	}
}

func (l *load) stop(t *testing.T) {
	l.done.Store(true)
	l.clients.Wait()
	if len(l.lost) > 0 {
		t.Errorf("%d of %d requests were lost; the first: %v", len(l.lost), l.answers, l.lost[0])
	}
	t.Logf("%d requests", l.answers)
}

// testReload starts a server, and checks that no request is lost when HUP replaces its
// workers.
func testReload(t *testing.T, name string, keep bool) {
	p := start(t, name)
	c, err := p.dial()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	first, err := c.ask() // waits for the first worker
	if err != nil {
		t.Fatalf("%v; its log:\n%s", err, p.log.String())
	}
	l := underLoad(p, keep)
	before := l.workers(500)
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	before[first] = true
	l.others(t, before)
	l.stop(t)
	if keep { // c's connection is older than the present workers
		if pid, err := c.ask(); err != nil || before[pid] {
			t.Errorf("on the connection of before the HUP: answered by %d, %v; want an answer of another worker than %d", pid, err, first)
		}
	}
	p.stop(t)
}

func TestNetHTTP(t *testing.T) { testReload(t, "nethttp", false) }

func TestParked(t *testing.T) { testReload(t, "parked", true) }

func TestEngine(t *testing.T) {
	cmd := exec.Command(build(t, "engine"), "en_core_web_sm", "Angela Merkel was born in Hamburg.")
	cmd.Dir = "../.." // where ./models is
	out, err := cmd.CombinedOutput()
	if want := "Angela Merkel PERSON 0:13\nHamburg GPE 26:33\n"; err != nil || string(out) != want {
		t.Errorf("%q, %v; want %q", out, err, want)
	}
}

// The engine also builds for other systems than Linux.
func TestEngineElsewhere(t *testing.T) {
	build(t, "engine", "CGO_ENABLED=0", "GOOS=darwin", "GOARCH=arm64")
	build(t, "engine", "CGO_ENABLED=0", "GOOS=windows", "GOARCH=amd64")
}

// docs/library.md shows the exact text of the programs.
func TestDocument(t *testing.T) {
	text, err := os.ReadFile("../../docs/library.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"nethttp", "parked", "engine"} {
		source, err := os.ReadFile(filepath.Join(name, "main.go"))
		if err != nil {
			t.Fatal(err)
		}
		_, code, ok := strings.Cut(string(source), "package main\n")
		if !ok || !strings.Contains(string(text), "```go\npackage main\n"+code+"```\n") {
			t.Errorf("docs/library.md does not show %s/main.go as it is", name)
		}
	}
}

package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// waitTime is what the waiting table waits before each recognition.
const waitTime = 100 * time.Millisecond

// kind is a server and how it is started; {port}, {w} and {conns} are filled in.
type kind struct {
	name   string
	python bool
	app    string // flask or fastapi
	sync   bool   // a worker waits and computes for one request at a time
	args   []string

	connections int // of a worker; 0: the original's thousand
}

// noBytecode keeps Python from writing into this repository. What it would write
// for the packages, pip has written already.
const noBytecode = "PYTHONDONTWRITEBYTECODE=1"

// connections is the original's limit of open connections of a worker.
const connections = 1000

// kinds are those compared, the original's three first. Flags are the original's
// where it had the server; Granian has its own defaults.
var kinds = []kind{
	{name: "Flask + Gunicorn sync", python: true, app: "flask", sync: true, args: strings.Fields(
		"gunicorn --bind 127.0.0.1:{port} --worker-connections {conns} -w {w} app:flask_app")},
	{name: "Flask + Gunicorn gevent", python: true, app: "flask", args: strings.Fields(
		"gunicorn --bind 127.0.0.1:{port} --worker-class=gevent --worker-connections {conns} -w {w} app:flask_app")},
	{name: "FastAPI + Uvicorn", python: true, app: "fastapi", args: strings.Fields(
		"uvicorn --host 127.0.0.1 --port {port} --limit-concurrency {conns} --workers {w} app:fastapi_app")},
	{name: "FastAPI + Granian", python: true, app: "fastapi", args: strings.Fields(
		"granian --interface asgi --host 127.0.0.1 --port {port} --workers {w} app:fastapi_app")},
	{name: "narwhal sync", sync: true, args: strings.Fields(
		"--bind 127.0.0.1:{port} --worker-connections {conns} -w {w}")},
	{name: "narwhal concurrent", args: strings.Fields(
		"--bind 127.0.0.1:{port} --worker-class concurrent --worker-connections {conns} -w {w}")},
}

// server is one that runs.
type server struct {
	kind
	url   string
	start time.Duration // from exec to the first answer
	cmd   *exec.Cmd
	exit  chan struct{} // closed when the process has ended
	log   *os.File
}

// startServer starts a server on a free port and waits for its first answer.
func (h *harness) startServer(ctx context.Context, k kind, workers int, wait bool) (*server, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	r := strings.NewReplacer("{port}", strconv.Itoa(port), "{w}", strconv.Itoa(workers), "{conns}", strconv.Itoa(cmp.Or(k.connections, connections)))
	var args []string
	for _, a := range k.args {
		args = append(args, r.Replace(a))
	}
	s := &server{kind: k, url: fmt.Sprintf("http://127.0.0.1:%d/", port), exit: make(chan struct{})}
	if s.log, err = os.CreateTemp(h.tmp, "server-*.log"); err != nil {
		return nil, err
	}
	if k.python {
		s.cmd = exec.Command(h.venv("python"), append([]string{h.venv(args[0])}, args[1:]...)...)
		s.cmd.Dir = h.source
		s.cmd.Env = append(os.Environ(), "APP="+k.app, noBytecode)
		if wait {
			s.cmd.Env = append(s.cmd.Env, "WAIT="+strconv.FormatFloat(waitTime.Seconds(), 'g', -1, 64))
		}
	} else {
		args = append(args, "--log-level", "warning")
		if wait {
			args = append(args, "--delay", waitTime.String())
		}
		s.cmd = exec.Command(h.narwhal, args...)
	}
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	// A group of its own: Ctrl-C is for the harness, which then stops the servers,
	// and what a server leaves behind can be found.
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}

	began := time.Now()
	if err := s.cmd.Start(); err != nil {
		s.log.Close()
		return nil, fmt.Errorf("start %s: %w", k.name, err)
	}
	go func() { s.cmd.Wait(); close(s.exit) }()
	if err := s.firstAnswer(ctx); err != nil {
		s.stop()
		out, _ := os.ReadFile(s.log.Name())
		return nil, fmt.Errorf("%s: %w\n%s", k.name, err, out[max(0, len(out)-2000):])
	}
	s.start = time.Since(began)
	return s, nil
}

// freePort gives a port that was free a moment ago. Somebody else may take it
// before the server does; the server then does not start, which is an error.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// firstAnswer asks every 2 ms until somebody listens, and then waits for the answer.
func (s *server) firstAnswer(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	for {
		_, err := get(ctx, s.url, "Ready?")
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("no answer: %w; the last try: %w", context.Cause(ctx), err)
		case <-s.exit:
			return errors.New("it ended")
		case <-time.After(2 * time.Millisecond):
		}
	}
}

var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// get asks for the entities of a text, on a connection of its own.
func get(ctx context.Context, url, text string) ([]byte, error) {
	body, err := json.Marshal(map[string]string{"text": text})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, "GET", url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != 200 {
		return nil, fmt.Errorf("status %d", resp.StatusCode)
	}
	return io.ReadAll(resp.Body)
}

// stop ends the server, gracefully for five seconds, and whatever it left behind.
func (s *server) stop() {
	s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.exit:
	case <-time.After(5 * time.Second):
		s.cmd.Process.Kill()
		<-s.exit
	}
	syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL) // its group; usually nobody is left
	s.log.Close()
}

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/narwhal-server/narwhal/scripts/internal/client"
	"github.com/narwhal-server/narwhal/scripts/internal/proc"
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
	addr  string
	url   string
	start time.Duration // from exec to the first answer
	proc  *proc.Process
	log   *os.File
}

// startServer starts a server on a free port and waits for its first answer.
func (h *harness) startServer(ctx context.Context, k kind, workers int, wait bool) (*server, error) {
	port, err := proc.FreePort()
	if err != nil {
		return nil, err
	}
	r := strings.NewReplacer("{port}", strconv.Itoa(port), "{w}", strconv.Itoa(workers), "{conns}", strconv.Itoa(cmp.Or(k.connections, connections)))
	var args []string
	for _, a := range k.args {
		args = append(args, r.Replace(a))
	}
	s := &server{kind: k, addr: fmt.Sprint("127.0.0.1:", port)}
	s.url = "http://" + s.addr + "/"
	var cmd *exec.Cmd
	if s.log, err = os.CreateTemp(h.tmp, "server-*.log"); err != nil {
		return nil, err
	}
	if k.python {
		cmd = exec.Command(h.venv("python"), append([]string{h.venv(args[0])}, args[1:]...)...)
		cmd.Dir = h.source
		cmd.Env = append(os.Environ(), "APP="+k.app, noBytecode)
		if wait {
			cmd.Env = append(cmd.Env, "WAIT="+strconv.FormatFloat(waitTime.Seconds(), 'g', -1, 64))
		}
	} else {
		args = append(args, "--log-level", "warning")
		if wait {
			args = append(args, "--delay", waitTime.String())
		}
		cmd = exec.Command(h.narwhal, args...)
	}
	cmd.Stdout, cmd.Stderr = s.log, s.log

	began := time.Now()
	if s.proc, err = proc.Start(cmd); err != nil {
		s.log.Close()
		return nil, fmt.Errorf("start %s: %w", k.name, err)
	}
	if err := s.firstAnswer(ctx); err != nil {
		s.stop()
		out, _ := os.ReadFile(s.log.Name())
		return nil, fmt.Errorf("%s: %w\n%s", k.name, err, out[max(0, len(out)-2000):])
	}
	s.start = time.Since(began)
	return s, nil
}

// startTime is how long a server may take to answer first, and at any time to
// answer one request.
const startTime = 5 * time.Minute

// firstAnswer asks every 2 ms until somebody listens, and then waits for the answer.
func (s *server) firstAnswer(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	for {
		_, err := s.ask(ctx, "Ready?")
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("no answer: %w; the last try: %w", context.Cause(ctx), err)
		case <-s.proc.Ended:
			return errors.New("it ended")
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// ask asks for the entities of a text, on a connection of its own.
func (s *server) ask(ctx context.Context, text string) ([]byte, error) {
	c := client.Client{Network: "tcp", Addr: s.addr, Timeout: startTime}
	return c.Ask(ctx, client.Request("GET", text, "Connection: close"))
}

// stop ends the server, gracefully for five seconds, and whatever it left behind.
func (s *server) stop() {
	_ = s.proc.Stop(5 * time.Second) // how a server in Python ends is its own affair
	s.log.Close()
}

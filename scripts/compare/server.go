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

// waitTime is how long a request of the table with waiting waits before its recognition.
const waitTime = 100 * time.Millisecond

// kind is a kind of server and how to start it. startServer replaces {port}, {w} and
// {conns} in args.
type kind struct {
	name   string
	python bool
	app    string // flask or fastapi
	sync   bool   // a worker handles one request at a time, and waits with it
	args   []string

	connections int // limit of a worker; 0: the original's 1000
}

// noBytecode keeps Python from writing compiled files into this repository. For the
// packages pip has already written them.
const noBytecode = "PYTHONDONTWRITEBYTECODE=1"

// connections is how many open connections the original allows a worker.
const connections = 1000

// kinds are the servers of the comparison, the original's three first. These three have
// the original's flags. Granian has its own defaults.
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

// server is a running server.
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

// startTime is how long a server may take until its first answer, and for any answer.
const startTime = 5 * time.Minute

// firstAnswer tries every 2 ms to connect, until the server listens, and then waits for
// the answer.
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

// ask asks for the entities of a text on a new connection, and returns the body of the
// answer.
func (s *server) ask(ctx context.Context, text string) ([]byte, error) {
	c := client.Client{Network: "tcp", Addr: s.addr, Timeout: startTime}
	return c.Ask(ctx, client.Request("GET", text, "Connection: close"))
}

// stop sends TERM to the server. After five seconds, or when the server has ended, it
// kills what is left of its processes.
func (s *server) stop() {
	_ = s.proc.Stop(5 * time.Second) // the exit status of a server in Python does not matter
	s.log.Close()
}

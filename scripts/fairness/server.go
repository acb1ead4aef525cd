package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/narwhal-server/narwhal/internal/control"
)

// server is a narwhal that runs.
type server struct {
	cmd    *exec.Cmd
	addr   string
	master *control.Client
	dir    string
	ended  <-chan error
}

// class is a way to serve.
type class struct {
	name string
	args []string
	keep bool // connections are kept
}

var classes = []class{
	{"sync", []string{"-k", "sync"}, false},
	{"concurrent, pinned", []string{"-k", "concurrent", "--keep-alive-mode", "pinned"}, true},
	{"concurrent, parked", []string{"-k", "concurrent", "--keep-alive-mode", "parked"}, true},
}

// start starts a server and waits until all its workers serve.
func start(ctx context.Context, program string, workers int, args ...string) (*server, error) {
	dir, err := os.MkdirTemp("", "fairness-")
	if err != nil {
		return nil, err
	}
	s := &server{dir: dir, master: control.NewClient(filepath.Join(dir, "ctl"))}
	config := filepath.Join(dir, "narwhal.toml") // not the one that may lie here
	if err := os.WriteFile(config, nil, 0o600); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	all := append([]string{"-c", config, "--bind", "127.0.0.1:0", "--workers", fmt.Sprint(workers), "--control-socket", filepath.Join(dir, "ctl"), "--log-level", "warning"}, args...)
	s.cmd = exec.Command(program, all...)
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	s.cmd.Stdout, s.cmd.Stderr = os.Stderr, os.Stderr
	if err := s.cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("%w; `make build` makes it", err), os.RemoveAll(dir))
	}
	ended := make(chan error, 1)
	s.ended = ended
	go func() { ended <- s.cmd.Wait() }()
	for {
		status, err := s.master.Status(ctx)
		if err == nil && status.State == "ready" {
			s.addr = status.Listen[0]
			return s, nil
		}
		select {
		case err := <-ended:
			return nil, errors.Join(fmt.Errorf("the server did not start: %v", err), os.RemoveAll(dir))
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), s.stop())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (s *server) stop() error {
	return errors.Join(s.cmd.Process.Signal(syscall.SIGTERM), <-s.ended, os.RemoveAll(s.dir))
}

// settled waits until the workers have answered all they have, n requests at
// least, and says how many each of them has answered.
func (s *server) settled(ctx context.Context, n uint64) (map[int]uint64, error) {
	for {
		status, err := s.master.Status(ctx)
		if err != nil {
			return nil, err
		}
		all, sum, busy := map[int]uint64{}, uint64(0), 0
		for _, w := range status.Workers {
			all[w.Pid] = w.Requests
			sum += w.Requests
			busy += w.InFlight
		}
		if sum >= n && busy == 0 {
			return all, nil
		}
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

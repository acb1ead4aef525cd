// Package server starts narwhal for the tools that measure it.
package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/narwhal-server/narwhal/internal/control"
	"github.com/narwhal-server/narwhal/scripts/internal/proc"
)

// Server is a running narwhal.
type Server struct {
	Addr   string // of the TCP socket
	Master *control.Client

	proc *proc.Process
	dir  string // of the configuration and the control socket
}

// Start starts a program with the given arguments added, and waits until all its workers
// serve. The program gets no settings from this environment or from a file here.
func Start(ctx context.Context, program string, workers int, args ...string) (*Server, error) {
	dir, err := os.MkdirTemp("", "narwhal-")
	if err != nil {
		return nil, err
	}
	socket, config := filepath.Join(dir, "ctl"), filepath.Join(dir, "narwhal.toml")
	if err := os.WriteFile(config, nil, 0o600); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	cmd := exec.Command(program, append([]string{"-c", config, "--bind", "127.0.0.1:0", "--workers", strconv.Itoa(workers),
		"--control-socket", socket, "--log-level", "warning"}, args...)...)
	cmd.Env = proc.Environ()
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	s := &Server{Master: control.NewClient(socket), dir: dir}
	if s.proc, err = proc.Start(cmd); err != nil {
		return nil, errors.Join(fmt.Errorf("%w; `make build` makes it", err), os.RemoveAll(dir))
	}
	for {
		status, err := s.Master.Status(ctx)
		if err == nil && status.State == "ready" {
			s.Addr = status.Listen[0]
			return s, nil
		}
		select {
		case <-s.proc.Ended:
			return nil, fmt.Errorf("the server did not start: %v", s.Stop())
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), s.Stop())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Pids returns the pids of the master and its workers.
func (s *Server) Pids() []int { return proc.Tree(s.proc.Pid) }

// patience is how long a server may take to end. Its own limit for running requests is
// shorter.
const patience = time.Minute

// Stop ends the server. It returns an error unless the exit status was 0.
func (s *Server) Stop() error {
	return errors.Join(s.proc.Stop(patience), os.RemoveAll(s.dir))
}

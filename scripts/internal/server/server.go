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
	Addr   string          // HOST:PORT, where it listens
	Master *control.Client // asks the master, as narwhal status and narwhal reload do

	proc *proc.Process
	dir  string // a temporary folder with an empty configuration file and the control socket
}

// Start starts narwhal on a free port of 127.0.0.1, and waits until all its workers serve.
// program is the path of narwhal, such as bin/narwhal. args are further flags. narwhal gets
// no settings from the environment of this process, and reads no narwhal.toml.
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
	// The server ends if the tool is killed before it calls Stop.
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

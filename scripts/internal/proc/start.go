// Package proc starts the programs that the tools in scripts measure, and finds their
// processes. It reads the processor time, the memory and the descriptors of processes.
package proc

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// Process is a running program. It has a process group of its own, so Ctrl-C reaches only
// the tool, which then stops the program.
type Process struct {
	Pid   int
	Ended <-chan struct{} // closed when the process has ended

	err error // of cmd.Wait; valid when Ended is closed
}

// Start starts a command and waits for its end in the background.
func Start(cmd *exec.Cmd) (*Process, error) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	ended := make(chan struct{})
	p := &Process{Pid: cmd.Process.Pid, Ended: ended}
	go func() {
		p.err = cmd.Wait()
		close(ended)
	}()
	return p, nil
}

// Signal sends a signal to the process, but not to its group. It returns
// os.ErrProcessDone if the process has ended.
func (p *Process) Signal(sig syscall.Signal) error {
	select {
	case <-p.Ended: // the pid may belong to another process by now
		return os.ErrProcessDone
	default:
		return syscall.Kill(p.Pid, sig)
	}
}

// Kill kills the process and its group, and waits until the process has ended.
func (p *Process) Kill() {
	_ = p.Signal(syscall.SIGKILL) // the process may have ended by itself
	<-p.Ended
	_ = syscall.Kill(-p.Pid, syscall.SIGKILL) // usually no other process is left
}

// Stop sends SIGTERM and waits for the end of the process. After patience it
// kills the process. Whatever is left of its group is killed, too. Stop returns an
// error unless the exit status was 0.
func (p *Process) Stop(patience time.Duration) error {
	_ = p.Signal(syscall.SIGTERM)
	select {
	case <-p.Ended:
	case <-time.After(patience):
	}
	p.Kill()
	return p.err
}

// FreePort returns a TCP port that was free a moment ago. If another program takes
// the port first, the server that should have it does not start.
func FreePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// Environ returns this process's environment without the variables that servers read as
// settings.
func Environ() []string {
	var out []string
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		switch {
		case strings.HasPrefix(name, "NARWHAL_"), strings.HasPrefix(name, "LISTEN_"), strings.HasPrefix(name, "GUNICORN_"),
			name == "NOTIFY_SOCKET", name == "WEB_CONCURRENCY", name == "PORT":
		default:
			out = append(out, kv)
		}
	}
	return out
}

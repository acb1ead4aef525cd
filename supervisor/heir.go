package supervisor

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/narwhal-server/narwhal/internal/sock"
	"github.com/narwhal-server/narwhal/internal/wire"
)

// newMasterProcess is the new master, seen from the old one.
type newMasterProcess struct {
	cmd *exec.Cmd
	ctl *wire.Conn
}

// Upgrade starts the program on disk as a new master with our sockets.
//
// It is started as our sibling, not as our child (CLONE_PARENT): systemd takes
// a main process only for its own if it is its child, and does not wait for
// others when it stops the service (service.c, main_pid_alien).
func (s *machine) Upgrade(events chan<- event) (heir, error) {
	if os.Getpid() == 1 {
		return nil, errors.New("this master is PID 1, with whose end all processes of its container end: replace the container")
	}
	if info, err := os.Stat(s.program); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() || unix.Access(s.program, unix.X_OK) != nil {
		return nil, fmt.Errorf("%s is no file that can be executed", s.program)
	}
	ctl, theirs, err := wire.Pair()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	files := []*os.File{theirs}
	e := estate{Pid: os.Getpid()}
	for _, l := range s.sockets {
		var p sock.Passed
		files, p = l.Pass(files)
		e.Sockets = append(e.Sockets, p)
	}
	if s.admin != nil {
		e.Admin = new(sock.Passed)
		files, *e.Admin = s.admin.sock.Pass(files)
	}
	files, e.PidFile = s.pid.Pass(files)
	for _, f := range s.lot.Ends() {
		e.Park = append(e.Park, 3+len(files))
		files = append(files, f)
	}
	will, err := json.Marshal(e)
	if err != nil {
		ctl.Close()
		return nil, err
	}
	pidfd := -1
	cmd := &exec.Cmd{
		Path: s.program, Args: os.Args, Dir: s.dir, Env: append(firstEnviron(), estateEnv+"="+string(will), LogEnv+"="+os.Getenv(LogEnv)),
		Stdin: os.Stdin, Stdout: s.stdout, Stderr: os.Stderr, ExtraFiles: files,
		SysProcAttr: &syscall.SysProcAttr{Cloneflags: unix.CLONE_PARENT, PidFD: &pidfd},
	}
	if err := cmd.Start(); err != nil {
		ctl.Close()
		return nil, err
	}
	h := &newMasterProcess{cmd, ctl}
	go h.watch(pidfd, events)
	return h, nil
}

// watch reports what the new master says, and then its end. That cannot be
// waited for as a child's, so there is no exit status.
func (h *newMasterProcess) watch(pidfd int, events chan<- event) {
	said := make(chan struct{})
	go func() {
		defer close(said)
		for {
			m, err := h.ctl.Recv()
			if err != nil {
				return
			}
			events <- event{from: fromHeir, msg: m}
		}
	}()
	for pidfd >= 0 {
		if _, err := unix.Poll([]unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}, -1); err != unix.EINTR {
			break
		}
	}
	if pidfd >= 0 {
		unix.Close(pidfd)
	}
	// Its last words come first, unless something it has started holds the line.
	select {
	case <-said:
	case <-time.After(time.Second):
	}
	events <- event{from: fromHeir, exited: true}
}

func (h *newMasterProcess) Pid() int                      { return h.cmd.Process.Pid }
func (h *newMasterProcess) Send(m wire.Message) error     { return h.ctl.Send(m) }
func (h *newMasterProcess) Signal(s syscall.Signal) error { return h.cmd.Process.Signal(s) }
func (h *newMasterProcess) Release() {
	h.ctl.Close()
	h.cmd.Process.Release()
}

// program finds the file this process was started from, as a path that leads to
// its successor when a package or a symbolic link is replaced. What the process
// was called may be wrong or gone; then it is the file it runs.
func program(dir string) string {
	self, err := os.Executable()
	if err != nil {
		self = os.Args[0]
	}
	path, err := exec.LookPath(os.Args[0])
	if err != nil || strings.HasPrefix(path, "/proc/") {
		return self
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	named, err1 := os.Stat(path)
	running, err2 := os.Stat("/proc/self/exe")
	if err1 != nil || err2 != nil || !os.SameFile(named, running) {
		return self
	}
	return path
}

// firstEnviron is the environment this process was started with, whatever it
// has changed since, less what was meant for it alone.
func firstEnviron() []string {
	environ := os.Environ()
	if b, err := os.ReadFile("/proc/self/environ"); err == nil {
		environ = strings.Split(strings.TrimRight(string(b), "\x00"), "\x00")
	}
	var out []string
	for _, kv := range environ {
		switch name, _, _ := strings.Cut(kv, "="); name {
		case "", estateEnv, LogEnv, wire.Env, "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "WATCHDOG_PID":
		default:
			out = append(out, kv)
		}
	}
	return out
}

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

// The old master's side of an upgrade.

// sibling is the process of the new master, in the old one.
type sibling struct {
	cmd *exec.Cmd
	ctl *wire.Conn
}

// Upgrade starts the program on disk as a new master with the sockets of this one.
//
// The new master is a sibling of this process, not its child (CLONE_PARENT).
// systemd does not wait at a stop for a main process that is not its own child
// (service.c, main_pid_alien).
func (s *machine) Upgrade(events chan<- event) (newMasterProcess, error) {
	if os.Getpid() == 1 {
		return nil, errors.New("this master is PID 1, and all processes of the container end with it: replace the container instead")
	}
	if info, err := os.Stat(s.program); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() || unix.Access(s.program, unix.X_OK) != nil {
		return nil, fmt.Errorf("%s is not an executable file", s.program)
	}
	ctl, theirs, err := wire.Pair()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	files, passed := s.pass([]*os.File{theirs})
	value, err := json.Marshal(passed)
	if err != nil {
		ctl.Close()
		return nil, err
	}
	pidfd := -1
	cmd := &exec.Cmd{
		Path: s.program, Args: os.Args, Dir: s.dir,
		Env:   append(firstEnviron(), upgradeEnv+"="+string(value), LogEnv+"="+os.Getenv(LogEnv)),
		Stdin: os.Stdin, Stdout: s.stdout, Stderr: os.Stderr, ExtraFiles: files,
		SysProcAttr: &syscall.SysProcAttr{Cloneflags: unix.CLONE_PARENT, PidFD: &pidfd},
	}
	if err := cmd.Start(); err != nil {
		ctl.Close()
		return nil, err
	}
	n := &sibling{cmd, ctl}
	go n.watch(pidfd, events)
	return n, nil
}

// pass appends to files the descriptors that the new master gets, and describes
// them.
func (s *machine) pass(files []*os.File) ([]*os.File, handOver) {
	h := handOver{Pid: os.Getpid()}
	for _, l := range s.sockets {
		var p sock.Passed
		files, p = l.Pass(files)
		h.Sockets = append(h.Sockets, p)
	}
	if s.admin != nil {
		h.Admin = new(sock.Passed)
		files, *h.Admin = s.admin.sock.Pass(files)
	}
	files, h.PidFile = s.pid.Pass(files)
	for _, f := range s.lot.Ends() {
		h.Park = append(h.Park, upgradeFD+len(files))
		files = append(files, f)
	}
	return files, h
}

// HandOver leaves sockets, pid file, admin address and parked connections to the
// new master.
func (s *machine) HandOver() {
	s.pid.Leave()
	for _, l := range s.sockets {
		l.Disown()
	}
	if s.admin != nil {
		s.admin.leave()
	}
	s.lot.Leave()
}

// watch reports what the new master says, and then its end. Only a parent can wait
// for a process, so there is no exit status.
func (n *sibling) watch(pidfd int, events chan<- event) {
	said := make(chan struct{})
	go func() {
		defer close(said)
		for {
			m, err := n.ctl.Recv()
			if err != nil {
				return
			}
			events <- event{from: fromNewMaster, msg: m}
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
	// Report the new master's last message before its end. Wait at most a second: a
	// child of the new master may keep the socket open.
	select {
	case <-said:
	case <-time.After(time.Second):
	}
	events <- event{from: fromNewMaster, exited: true}
}

func (n *sibling) Pid() int                      { return n.cmd.Process.Pid }
func (n *sibling) Send(m wire.Message) error     { return n.ctl.Send(m) }
func (n *sibling) Signal(s syscall.Signal) error { return n.cmd.Process.Signal(s) }
func (n *sibling) Release() {
	n.ctl.Close()
	n.cmd.Process.Release()
}

// program returns the path from which this process was started. An upgrade starts
// the file that is there then: a package or a symbolic link may have been replaced.
// If os.Args[0] does not lead to the running file, program returns that file's own
// path.
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

// firstEnviron returns the environment with which this process was started, without
// later changes, and without the variables that were meant for this process alone.
func firstEnviron() []string {
	environ := os.Environ()
	if b, err := os.ReadFile("/proc/self/environ"); err == nil {
		environ = strings.Split(strings.TrimRight(string(b), "\x00"), "\x00")
	}
	var out []string
	for _, kv := range environ {
		switch name, _, _ := strings.Cut(kv, "="); name {
		case "", upgradeEnv, LogEnv, wire.Env, "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "WATCHDOG_PID":
		default:
			out = append(out, kv)
		}
	}
	return out
}

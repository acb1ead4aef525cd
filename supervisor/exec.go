package supervisor

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/narwhal-server/narwhal/internal/board"
	"github.com/narwhal-server/narwhal/internal/control"
	"github.com/narwhal-server/narwhal/internal/park"
	"github.com/narwhal-server/narwhal/internal/pidfile"
	"github.com/narwhal-server/narwhal/internal/sdnotify"
	"github.com/narwhal-server/narwhal/internal/share"
	"github.com/narwhal-server/narwhal/internal/sock"
	"github.com/narwhal-server/narwhal/internal/wire"
)

// machine is the system with real processes.
type machine struct {
	board   *board.Board
	lines   []int // free lines of the board
	lot     *park.Lot
	parking bool // the lot has been started
	shared  shared
	pair    [2]*os.File // on which workers pass requests to each other
	sockets []*sock.Socket
	stdout  *os.File // of workers, and of the next master
	log     *slog.Logger

	// For upgrades, see inherit.go.
	program string // on disk
	dir     string // where it is started
	admin   *admin // nil: none
	old     *oldMaster
	sd      *sdnotify.Socket
	backlog int
	pid     *pidfile.File
	owned   func() // called when we have taken over
}

func newMachine(sockets []*sock.Socket, lot *park.Lot, stdout *os.File, log *slog.Logger) (*machine, error) {
	b, err := board.New()
	if err != nil {
		return nil, err
	}
	s := &machine{board: b, sockets: sockets, lot: lot, stdout: stdout, log: log}
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		b.Close()
		return nil, fmt.Errorf("a pair for the workers: socketpair: %w", err)
	}
	for i, fd := range fds {
		s.pair[i] = os.NewFile(uintptr(fd), "requests between workers")
	}
	for i := board.Lines - 1; i >= 0; i-- {
		s.lines = append(s.lines, i)
	}
	return s, nil
}

// shared is the memory that the workers of one generation share. Another
// generation has another, because its model may be another; the old one goes with
// the last process that uses it.
type shared struct {
	files      []*os.File // at wire.SharedFD and wire.ScratchFD
	generation int
}

func (s *shared) of(generation int) ([]*os.File, error) {
	if s.files != nil && s.generation == generation {
		return s.files, nil
	}
	s.close()
	for _, name := range []string{"narwhal-shared", "narwhal-scratch"} {
		f, err := share.New(name)
		if err != nil {
			s.close()
			return nil, err
		}
		s.files = append(s.files, f)
	}
	s.generation = generation
	return s.files, nil
}

func (s *shared) close() {
	for _, f := range s.files {
		f.Close()
	}
	s.files = nil
}

// child is a real worker process.
type child struct {
	s    *machine
	cmd  *exec.Cmd
	ctl  *wire.Conn
	n    int // of its line
	line *board.Line
}

// Start runs this very program again, as a worker. /proc/self/exe is the
// master's own image even after the file on disk was replaced, so that master
// and workers always speak alike.
func (s *machine) Start(h wire.HelloMessage, env []string, events chan<- event) (process, error) {
	if len(s.lines) == 0 {
		return nil, fmt.Errorf("there are %d workers already, as many as the scoreboard holds", board.Lines)
	}
	ctl, theirs, err := wire.Pair()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()

	h.Line = s.lines[len(s.lines)-1]
	line := s.board.Line(h.Line)
	line.Reset()
	cmd := exec.Command("/proc/self/exe")
	cmd.Args = []string{fmt.Sprintf("narwhal: worker %d (generation %d)", h.Slot, h.Generation)}
	cmd.Env = append(workerEnviron(os.Environ()), append(env, fmt.Sprintf("%s=%d", wire.Env, wire.ControlFD))...)
	cmd.Stdout, cmd.Stderr = s.stdout, os.Stderr
	memory, err := s.shared.of(h.Generation)
	if err != nil {
		ctl.Close()
		return nil, fmt.Errorf("start a worker: %w", err)
	}
	cmd.ExtraFiles = []*os.File{theirs, s.board.File(), s.lot.Workers()}
	cmd.ExtraFiles = append(cmd.ExtraFiles, memory...)
	cmd.ExtraFiles = append(cmd.ExtraFiles, s.pair[:]...)
	for _, l := range s.sockets {
		cmd.ExtraFiles = append(cmd.ExtraFiles, l.File)
	}
	// A process group of its own, so that Ctrl-C reaches the master alone.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		ctl.Close()
		return nil, fmt.Errorf("start a worker: %w", err)
	}
	s.lines = s.lines[:len(s.lines)-1]
	c := &child{s: s, cmd: cmd, ctl: ctl, n: h.Line, line: line}
	if err := c.Send(wire.Message{Kind: wire.Hello, Hello: &h}); err != nil {
		s.log.Warn("cannot greet a worker", "worker_pid", c.Pid(), "error", err) // its death will be reported
	}
	go c.watch(h.Age, events)
	return c, nil
}

// workerEnviron leaves out what systemd means for the master alone.
func workerEnviron(environ []string) []string {
	var out []string
	for _, kv := range environ {
		name, _, _ := strings.Cut(kv, "=")
		switch {
		case name == "NOTIFY_SOCKET", name == "FDSTORE", name == "GOMAXPROCS", name == wire.Env, name == estateEnv,
			strings.HasPrefix(name, "WATCHDOG_"), strings.HasPrefix(name, "LISTEN_"):
		default:
			out = append(out, kv)
		}
	}
	return out
}

// deathTime is how long a worker whose socket says EOF may take to die.
const deathTime = 5 * time.Second

// watch reports what the worker says, and then its death: in this order, so
// that why it could not start is known when it ends.
func (c *child) watch(age int, events chan<- event) {
	for {
		m, err := c.ctl.Recv()
		if err != nil {
			break
		}
		events <- event{age: age, msg: m}
	}
	late := time.AfterFunc(deathTime, func() { c.cmd.Process.Kill() })
	err := c.cmd.Wait()
	late.Stop()
	e := event{age: age, exited: true}
	var exit *exec.ExitError
	switch {
	case err == nil:
	case errors.As(err, &exit):
		ws := exit.Sys().(syscall.WaitStatus)
		if ws.Signaled() {
			e.status.signal = ws.Signal()
		} else {
			e.status.code = ws.ExitStatus()
		}
	default:
		e.status.code = -1 // it cannot be told how it ended
	}
	events <- e
}

func (c *child) Pid() int                      { return c.cmd.Process.Pid }
func (c *child) Send(m wire.Message) error     { return c.ctl.Send(m) }
func (c *child) Signal(s syscall.Signal) error { return c.cmd.Process.Signal(s) }
func (c *child) Status() board.Status          { return c.line.Read() }
func (c *child) Memory() (int64, error)        { return control.Memory(c.Pid()) }

func (c *child) Release() {
	c.ctl.Close()
	c.s.lines = append(c.s.lines, c.n)
}

func (s *machine) Refuse() {
	for _, l := range s.sockets {
		if err := l.Refuse(); err != nil {
			s.log.Warn("clients that connect during the stop may be reset", "address", l.Addr.String(), "error", err)
		}
	}
}

// Reap waits for children that are not workers. Only PID 1 gets any: orphans,
// which nobody else would bury. It looks before it waits, since a worker's
// status belongs to its Cmd.
func (s *machine) Reap(isWorker func(pid int) bool) {
	if os.Getpid() != 1 {
		return
	}
	for {
		var info unix.Siginfo
		err := unix.Waitid(unix.P_ALL, 0, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
		if err == unix.EINTR {
			continue
		}
		// On 64-bit Linux si_pid is at byte 16 of siginfo_t (sigaction(2)); x/sys
		// leaves the field out.
		pid := int(*(*int32)(unsafe.Add(unsafe.Pointer(&info), 16)))
		if err != nil || pid == 0 || isWorker(pid) {
			return // when the worker is buried, its event brings us here again
		}
		var ws unix.WaitStatus
		if _, err := unix.Wait4(pid, &ws, unix.WNOHANG, nil); err != nil {
			return
		}
		s.log.Debug("orphan buried", "orphan_pid", pid)
	}
}

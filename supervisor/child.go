package supervisor

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/narwhal-server/narwhal/internal/board"
	"github.com/narwhal-server/narwhal/internal/control"
	"github.com/narwhal-server/narwhal/internal/logevent"
	"github.com/narwhal-server/narwhal/internal/metrics"
	"github.com/narwhal-server/narwhal/internal/share"
	"github.com/narwhal-server/narwhal/internal/wire"
)

// child is a real worker process.
type child struct {
	s    *machine
	cmd  *exec.Cmd
	ctl  *wire.Conn
	n    int // number of its line
	line *board.Line
	page *metrics.Page
	cpu  atomic.Int64 // nanoseconds, the most that was seen
}

// Start runs the master's own program again, as a worker. /proc/self/exe is the
// running program even if the file on disk has been replaced, so the master and
// its workers are always of one version.
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
	if err := s.board.Reserve(h.Line); err != nil {
		ctl.Close()
		return nil, err
	}
	line := s.board.Line(h.Line)
	line.Reset()
	s.board.Page(h.Line).Reset()
	cmd := exec.Command("/proc/self/exe")
	cmd.Args = []string{fmt.Sprintf("narwhal: worker %d (generation %d)", h.Slot, h.Generation)}
	cmd.Env = append(workerEnviron(os.Environ()), append(env, fmt.Sprintf("%s=%d", wire.Env, wire.ControlFD))...)
	cmd.Stdout, cmd.Stderr = s.stdout, os.Stderr
	if cmd.ExtraFiles, err = s.workerFiles(theirs, h.Generation); err != nil {
		ctl.Close()
		return nil, fmt.Errorf("start a worker: %w", err)
	}
	// A process group of its own, so that Ctrl-C reaches only the master.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		ctl.Close()
		return nil, fmt.Errorf("start a worker: %w", err)
	}
	s.lines = s.lines[:len(s.lines)-1]
	c := &child{s: s, cmd: cmd, ctl: ctl, n: h.Line, line: line, page: s.board.Page(h.Line)}
	if err := c.Send(wire.Message{Kind: wire.Hello, Hello: &h}); err != nil {
		logevent.WorkerDeaf.Log(s.log, "cannot send a new worker its settings", "worker_pid", c.Pid(), "error", err) // its death will be reported
	}
	go c.watch(h.Age, events)
	return c, nil
}

// workerFiles lists the descriptors of a worker in the order of package wire. theirs
// is the worker's end of its socketpair.
func (s *machine) workerFiles(theirs *os.File, generation int) ([]*os.File, error) {
	memory, err := s.shared.of(generation)
	if err != nil {
		return nil, err
	}
	files := []*os.File{theirs, s.board.File(), s.lot.Workers()}
	files = append(files, memory...)
	files = append(files, s.pair[:]...)
	for _, l := range s.sockets {
		files = append(files, l.File)
	}
	return files, nil
}

// workerEnviron leaves out the variables that are meant for the master alone.
func workerEnviron(environ []string) []string {
	var out []string
	for _, kv := range environ {
		name, _, _ := strings.Cut(kv, "=")
		switch {
		case name == "NOTIFY_SOCKET", name == "FDSTORE", name == "GOMAXPROCS", name == wire.Env, name == upgradeEnv,
			strings.HasPrefix(name, "WATCHDOG_"), strings.HasPrefix(name, "LISTEN_"):
		default:
			out = append(out, kv)
		}
	}
	return out
}

// deathTime is how long a worker may live after it has closed its socket. Then it
// is killed.
const deathTime = 5 * time.Second

// watch reports what the worker says, and then its death. So the loop knows why a
// worker could not start before it hears of the worker's end.
func (c *child) watch(age int, events chan<- event) {
	for {
		m, err := c.ctl.Recv()
		if err != nil {
			break
		}
		if m.Kind == wire.Metrics {
			go c.tellMetrics(m) // a worker asks once at a time
			continue
		}
		events <- event{age: age, msg: m}
	}
	late := time.AfterFunc(deathTime, func() { c.cmd.Process.Kill() })
	err := c.cmd.Wait()
	late.Stop()
	if c.cmd.ProcessState != nil {
		c.sawCPU(c.cmd.ProcessState.UserTime() + c.cmd.ProcessState.SystemTime())
	}
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
		e.status.code = -1 // how it ended is not known
	}
	events <- e
}

func (c *child) Pid() int                      { return c.cmd.Process.Pid }
func (c *child) Send(m wire.Message) error     { return c.ctl.Send(m) }
func (c *child) Signal(s syscall.Signal) error { return c.cmd.Process.Signal(s) }
func (c *child) Memory() (int64, error)        { return control.Memory(c.Pid()) }

func (c *child) Status() board.Status {
	s := c.line.Read()
	s.Requests, s.Failures = c.page.Requests()
	return s
}

func (c *child) Count(sum *metrics.Sum) {
	sum.AddPage(c.page)
	s := c.line.Read()
	sum.Add(metrics.ReceivedTotal, s.Received)
	sum.Add(metrics.SentTotal, s.Sent)
	sum.Add(metrics.BusyTotal, uint64(s.Busy))
	sum.Add(metrics.MissedTotal, uint64(s.Missed))
	c.sawCPU(processorTime(c.Pid()))
	sum.Add(metrics.CPUTotal, uint64(c.cpu.Load()))
}

// sawCPU notes the processor time of the process. It never goes back, also when the process
// has ended and cannot be asked any more.
func (c *child) sawCPU(d time.Duration) {
	for {
		before := c.cpu.Load()
		if int64(d) <= before || c.cpu.CompareAndSwap(before, int64(d)) {
			return
		}
	}
}

func (c *child) Release() {
	c.ctl.Close()
	c.s.lines = append(c.s.lines, c.n)
}

// shared is the memory that the workers of one generation share. Each generation
// has its own, because its model may be a different one. The kernel frees the
// memory with the last process that uses it.
type shared struct {
	files      []*os.File // at wire.SharedFD and wire.ScratchFD
	generation int
}

// of returns the memory of a generation. It makes it if the generation is new.
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

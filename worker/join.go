package worker

import (
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/narwhal-server/narwhal/internal/board"
	"github.com/narwhal-server/narwhal/internal/gate"
	"github.com/narwhal-server/narwhal/internal/logevent"
	"github.com/narwhal-server/narwhal/internal/metrics"
	"github.com/narwhal-server/narwhal/internal/sock"
	"github.com/narwhal-server/narwhal/internal/wire"
)

// join takes over what the master passes to a worker: the settings and the descriptors.
// It fails if no master has started this process.
func join() (*worker, error) {
	fd, err := strconv.Atoi(os.Getenv(wire.Env))
	os.Unsetenv(wire.Env) // programs that this process starts are not workers
	if err != nil || fd != wire.ControlFD {
		return nil, fmt.Errorf("%s is set, but only a narwhal master may set it: unset it", wire.Env)
	}
	ctl, err := wire.Inherited(fd)
	if err != nil {
		return nil, fmt.Errorf("%s is set, but only a narwhal master may set it: unset it: %w", wire.Env, err)
	}
	m, err := ctl.Recv()
	if err != nil || m.Hello == nil {
		return nil, fmt.Errorf("receive the settings from the master: %w", err)
	}
	w := &worker{ctl: ctl, hello: m.Hello, asking: asking{answer: make(chan wire.Message, 1)}}
	for fd := wire.BoardFD; fd < wire.FirstListenFD+len(w.hello.Listeners); fd++ {
		unix.CloseOnExec(fd)
	}
	if err := unix.SetNonblock(wire.ParkFD, true); err != nil { // os.NewFile looks at the flag
		return nil, fmt.Errorf("parked connections: %w", err)
	}
	w.park = os.NewFile(wire.ParkFD, "parked connections")
	again, err := unix.FcntlInt(wire.ParkFD, unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, fmt.Errorf("parked connections: %w", err)
	}
	w.unpark = os.NewFile(uintptr(again), "parked connections")
	b, err := board.Open(os.NewFile(wire.BoardFD, "board"))
	if err != nil {
		return nil, err
	}
	w.board, w.line, w.page = b, b.Line(w.hello.Line), b.Page(w.hello.Line)
	w.give = os.NewFile(wire.GiveFD, "requests for other workers")
	w.take = os.NewFile(wire.TakeFD, "requests of other workers")
	for i, l := range w.hello.Listeners {
		fd := wire.FirstListenFD + i
		if err := unix.SetNonblock(fd, true); err != nil {
			return nil, fmt.Errorf("listener %s: %w", l.Addr, err)
		}
		w.files = append(w.files, os.NewFile(uintptr(fd), l.Addr))
	}
	// Without this the process is named "exe", because /proc/self/exe was executed.
	_ = os.WriteFile("/proc/self/comm", []byte("narwhal-w"+strconv.Itoa(w.hello.Slot)), 0)
	return w, nil
}

// start makes the gate, and calls start to make the app.
func (w *worker) start(start func(Env) (App, error)) (App, error) {
	h := w.hello
	o := gate.Options{
		Limits: h.Worker.Limits,
		Sync:   h.Worker.Sync,
		Line:   w.line,
		Counts: w.page,
		Worn:   func() { w.worn(wire.WornRequests) },
		Starved: func(err error) {
			logevent.AcceptFails.Log(w.log, "cannot accept connections; they wait, or other workers take them", "error", err, "hint", sock.Short(err))
		},
	}
	if o.Threads == 0 {
		o.Threads = runtime.GOMAXPROCS(0)
	}
	if h.Worker.Park {
		o.Park = w.park
	}
	if most := descriptors() - reserve; o.WorkerConnections > most {
		logevent.FilesLimited.Log(slog.Default(), "the limit of open files allows fewer connections than --worker-connections", "worker_connections", o.WorkerConnections, "possible", most,
			"hint", "raise the limit of open files (LimitNOFILE in a systemd unit, ulimit -n), or lower --worker-connections")
		o.WorkerConnections = max(most, 1)
	}
	if o.MaxRequests > 0 {
		o.MaxRequests += rand.IntN(o.MaxRequestsJitter + 1)
	}
	w.gate = gate.New(o)
	w.env = Env{Slot: h.Slot, Generation: h.Generation, Age: h.Age, Limits: h.Worker.Limits, Settings: h.Settings, App: new(Extras), Metrics: w.metrics, CountLog: w.countLog}
	stop := w.beat()
	app, err := start(w.env)
	if err != nil {
		stop()
		return nil, err
	}
	w.log = slog.Default().With("worker", h.Slot) // not earlier: start may have set the default
	return app, nil
}

// countLog counts the messages of a log on the worker's page.
func (w *worker) countLog(h slog.Handler) slog.Handler {
	return logevent.Hear(h, slog.LevelWarn, func(r slog.Record) { w.page.Logged(metrics.SeverityOf(r.Level)) })
}

// reserve is how many descriptors a worker keeps for other things than connections. With
// no descriptor free it could not accept, and would lose a parked connection that the
// master passes to it.
const reserve = 32

// descriptors returns how many descriptors this process may open.
func descriptors() int {
	var r unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &r); err != nil {
		return math.MaxInt
	}
	return int(min(r.Cur, math.MaxInt))
}

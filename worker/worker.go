// Package worker is what a spawned process does. It is a library: any server
// with Serve(net.Listener) can be run by package supervisor and this one.
//
//	if worker.Spawned() {
//		return worker.Run(func(env worker.Env) (worker.App, error) { return worker.HTTP(env, &http.Server{Handler: mux}), nil })
//	}
//	return supervisor.Run(ctx, supervisor.Options{Bind: []string{":8000"}, Workers: 4})
//
// Run takes the master's settings and sockets, starts the server behind the
// gate (internal/gate), says that it is ready, and, when it is to leave, stops
// accepting, answers what it has accepted and returns. See internal/wire for
// what master and worker say to each other.
package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"net"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/narwhal-server/narwhal/internal/board"
	"github.com/narwhal-server/narwhal/internal/gate"
	"github.com/narwhal-server/narwhal/internal/park"
	"github.com/narwhal-server/narwhal/internal/sock"
	"github.com/narwhal-server/narwhal/internal/wire"
)

// App is a server. *fasthttp.Server is one as it is; for *http.Server use HTTP.
// Serve is called once for each listener, at the same time.
type App interface {
	Serve(ln net.Listener) error
}

// Env is what a worker knows of itself.
type Env struct {
	Slot       int             // 1…N: the «worker 3» an operator sees
	Generation int             // of the configuration, counted by reloads
	Age        int             // serial number of the spawn
	Settings   json.RawMessage // Options.Settings of the master

	// Gate is where the server tells of its requests. A server that does not
	// is still gated by its connections.
	Gate *gate.Gate

	// Shared is a memfd that all workers of this generation inherit, for what they
	// would otherwise each hold alike; see package internal/share.
	Shared *os.File

	// App tells more of the app than Serve does; the app may set it while it
	// starts.
	App *Extras
}

// Extras are what an app may say of itself besides Serve.
type Extras struct {
	Note   string // one line for the master's Started, such as the model in use
	Reopen func() // called when log files are to be opened again
}

// Spawned says whether a master started this process.
func Spawned() bool { return os.Getenv(wire.Env) != "" }

// beatEvery is how often a worker shows life on the scoreboard.
const beatEvery = 500 * time.Millisecond

// ErrFailed is returned by Run when start failed. The master has been told why
// and logs it; the process should exit non-zero and need not say more.
var ErrFailed = errors.New("the worker could not start")

type worker struct {
	ctl   *wire.Conn
	hello *wire.HelloMessage
	line  *board.Line
	gate  *gate.Gate
	files []*os.File // listening sockets

	// Where idle connections go, and where they come from: one socket, but the
	// gate closes the latter when it takes no more.
	park, unpark *os.File
	log          *slog.Logger
	env          Env
}

// Run is the life of a worker. It returns nil when the worker was told to leave
// and has answered all it had accepted.
func Run(start func(Env) (App, error)) error {
	// Before anything else: the default action of these would end the process.
	signals := make(chan os.Signal, 8) // a few of the same kind may come at once; none must be lost
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGUSR1)
	signal.Ignore(syscall.SIGINT, syscall.SIGHUP) // Ctrl-C and a lost terminal are the master's business
	signal.Ignore(syscall.SIGPIPE)                // of a log whose reader has gone

	w, err := join()
	if err != nil {
		return err
	}
	app, err := w.start(start)
	if err != nil {
		_ = w.ctl.Send(wire.Message{Kind: wire.Failed, Error: err.Error()}) // a dead master needs no answer
		return fmt.Errorf("%w: %w", ErrFailed, err)
	}
	served, err := w.serve(app)
	if err != nil {
		_ = w.ctl.Send(wire.Message{Kind: wire.Failed, Error: err.Error()})
		return fmt.Errorf("%w: %w", ErrFailed, err)
	}
	if err := w.ctl.Send(wire.Message{Kind: wire.Ready, Note: w.env.App.Note}); err != nil {
		w.log.Warn("cannot tell the master", "error", err)
	}
	return w.loop(signals, served)
}

// join takes over what the master has handed down.
func join() (*worker, error) {
	fd, err := strconv.Atoi(os.Getenv(wire.Env))
	os.Unsetenv(wire.Env) // what this process starts is no worker
	if err != nil || fd != wire.ControlFD {
		return nil, fmt.Errorf("%s is set, but only a narwhal master may set it: unset it", wire.Env)
	}
	ctl, err := wire.Inherited(fd)
	if err != nil {
		return nil, fmt.Errorf("%s is set, but only a narwhal master may set it: unset it: %w", wire.Env, err)
	}
	m, err := ctl.Recv()
	if err != nil || m.Hello == nil {
		return nil, fmt.Errorf("the master did not say hello: %w", err)
	}
	w := &worker{ctl: ctl, hello: m.Hello}
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
	w.line = b.Line(w.hello.Line)
	for i, l := range w.hello.Listeners {
		fd := wire.FirstListenFD + i
		if err := unix.SetNonblock(fd, true); err != nil {
			return nil, fmt.Errorf("listener %s: %w", l.Addr, err)
		}
		w.files = append(w.files, os.NewFile(uintptr(fd), l.Addr))
	}
	// The kernel names a process started by way of /proc/self/exe «exe».
	_ = os.WriteFile("/proc/self/comm", []byte("narwhal-w"+strconv.Itoa(w.hello.Slot)), 0)
	return w, nil
}

func (w *worker) start(start func(Env) (App, error)) (App, error) {
	h := w.hello
	o := gate.Options{
		Sync:        h.Worker.Sync,
		Places:      h.Worker.Places,
		Connections: h.Worker.Connections,
		Limit:       h.Worker.LimitConcurrency,
		Line:        w.line,
		Worn:        func() { w.worn("max-requests") },
		Starved: func(err error) {
			w.log.Error("cannot accept connections; they wait, or other workers take them", "error", err, "hint", sock.Short(err))
		},
	}
	if o.Places == 0 {
		o.Places = runtime.GOMAXPROCS(0)
	}
	if h.Worker.Park {
		o.Park = w.park
	}
	if most := descriptors() - reserve; o.Connections > most {
		slog.Warn("this process may open fewer connections than it is to hold", "worker_connections", o.Connections, "possible", most,
			"hint", "raise the limit of open files (LimitNOFILE in a systemd unit, ulimit -n), or lower --worker-connections")
		o.Connections = max(most, 1)
	}
	if n := h.Worker.MaxRequests; n > 0 {
		o.MaxRequests = n + rand.IntN(h.Worker.MaxRequestsJitter+1)
	}
	w.gate = gate.New(o)
	w.env = Env{Slot: h.Slot, Generation: h.Generation, Age: h.Age, Settings: h.Settings, Gate: w.gate, App: new(Extras),
		Shared: os.NewFile(wire.SharedFD, "shared")}
	stop := w.beat()
	app, err := start(w.env)
	if err != nil {
		stop()
		return nil, err
	}
	w.log = slog.Default().With("worker", h.Slot) // the app may have set the default
	return app, nil
}

// reserve is what a worker needs of its descriptors besides connections: one
// more could not be accepted, and one that was parked would be lost.
const reserve = 32

// descriptors is how many this process may have.
func descriptors() int {
	var r unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &r); err != nil {
		return math.MaxInt
	}
	return int(min(r.Cur, math.MaxInt))
}

// beat shows life until stop is called, and guards the listeners' O_NONBLOCK.
func (w *worker) beat() (stop func()) {
	done := make(chan struct{})
	go func() {
		t := time.NewTicker(beatEvery)
		defer t.Stop()
		for {
			w.line.Beat()
			w.gate.KeepNonblock()
			select {
			case <-t.C:
			case <-done:
				return
			}
		}
	}()
	return func() { close(done) }
}

// serve starts the app on every listener; the channel gets what each returns.
func (w *worker) serve(app App) (<-chan error, error) {
	served := make(chan error, len(w.files)+1)
	var lns []net.Listener
	for _, f := range w.files {
		ln, err := w.gate.Listen(f)
		if err != nil {
			return nil, err
		}
		lns = append(lns, ln)
	}
	// Also where nothing is parked any more: after a change of settings, what
	// others have parked still has to be served.
	parked, err := w.gate.Unpark(w.unpark)
	if err != nil {
		return nil, err
	}
	go func() {
		// Its end is the master's, who says more by the other socket.
		if err := app.Serve(parked); err != nil && !errors.Is(err, net.ErrClosed) {
			served <- err
		}
	}()
	for _, ln := range lns {
		go func() { served <- app.Serve(ln) }()
	}
	return served, nil
}

// worn asks the master for a successor. It sends Drain when that is ready, so
// the slot is never empty.
func (w *worker) worn(why string) {
	if err := w.ctl.Send(wire.Message{Kind: wire.Worn, Error: why}); err != nil {
		w.log.Warn("cannot ask to be replaced", "error", err)
	}
}

func (w *worker) loop(signals <-chan os.Signal, served <-chan error) error {
	orders := make(chan wire.Message)
	go func() {
		defer close(orders) // EOF: the master is dead
		for {
			m, err := w.ctl.Recv()
			if err != nil {
				return
			}
			orders <- m
		}
	}()
	asked := false
	for {
		select {
		case m, ok := <-orders:
			switch {
			case !ok:
				w.log.Warn("the master has died; leaving once what is connected is answered")
				w.refuse()
				return w.drain(gate.Departure{Queue: w.owns(), Last: w.alone()}, w.hello.Worker.GracefulTimeout)
			case m.Kind == wire.Drain:
				return w.drain(gate.Departure{Queue: m.Queue, Last: m.Last}, m.Grace)
			case m.Kind == wire.Rebalance:
				w.gate.Rebalance()
			case m.Kind == wire.Leave:
				w.gate.Leave()
			case m.Kind == wire.Own:
				for i := range min(len(m.Ours), len(w.hello.Listeners)) {
					w.hello.Listeners[i].Ours = m.Ours[i]
				}
			case m.Kind == wire.Reopen:
				w.reopen()
			}
		case s := <-signals:
			switch {
			case s == syscall.SIGUSR1:
				w.reopen()
			case asked: // nobody takes over; leave all the same
				return w.drain(gate.Departure{}, w.hello.Worker.GracefulTimeout)
			default:
				asked = true
				w.worn("SIGTERM")
			}
		case err := <-served:
			return fmt.Errorf("the server ended without being told to: %w", err)
		}
	}
}

func (w *worker) reopen() {
	if f := w.env.App.Reopen; f != nil {
		f()
	}
}

// owns says whether a queue ends with us. Otherwise, as in an upgrade that
// failed, others go on with it, and to wait until it is empty could take for
// ever.
func (w *worker) owns() bool {
	return slices.ContainsFunc(w.hello.Listeners, func(l wire.Listener) bool { return l.Ours })
}

// alone says whether no other master goes on, as one does after an upgrade that
// failed: connections can then be parked with that one.
func (w *worker) alone() bool {
	alone := true
	if rc, err := w.park.SyscallConn(); err == nil {
		_ = rc.Control(func(fd uintptr) { alone = park.Alone(int(fd)) })
	}
	return alone
}

// refuse keeps newcomers from a queue that ends with this process.
func (w *worker) refuse() {
	for i, l := range w.hello.Listeners {
		if a, err := sock.Parse(l.Addr, ""); err != nil || a.Network != "tcp" || !l.Ours {
			continue
		}
		var refused error
		rc, err := w.files[i].SyscallConn()
		if err == nil {
			err = rc.Control(func(fd uintptr) { refused = sock.RefuseTCP(fd) })
		}
		if err := errors.Join(err, refused); err != nil {
			w.log.Warn("cannot refuse new connections", "address", l.Addr, "error", err)
		}
	}
}

func (w *worker) drain(d gate.Departure, grace time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	d.Linger = min(w.hello.Worker.Linger, grace/2)
	if err := w.gate.Drain(ctx, d); err != nil {
		return fmt.Errorf("graceful timeout of %v is over: %d requests are lost", grace, w.gate.InFlight())
	}
	return nil
}

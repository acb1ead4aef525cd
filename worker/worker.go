// Package worker runs a server in a worker process. Together with package supervisor it
// runs any HTTP/1 server that has the method Serve(net.Listener). The server sees each
// request as a connection of its own. The request is whole and valid HTTP/1.
//
//	if worker.Spawned() {
//		return worker.Run(func(worker.Env) (worker.App, error) { return worker.HTTP(&http.Server{Handler: mux}), nil })
//	}
//	return supervisor.Run(ctx, supervisor.Options{Bind: []string{":8000"}, Workers: 4})
//
// Run takes the settings and sockets from the master, starts the server, and tells the
// master that the worker is ready. When the worker is to leave, Run stops accepting,
// answers what the worker has accepted, and returns. docs/library.md has more examples.
package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/narwhal-server/narwhal/internal/board"
	"github.com/narwhal-server/narwhal/internal/gate"
	"github.com/narwhal-server/narwhal/internal/logevent"
	"github.com/narwhal-server/narwhal/internal/metrics"
	"github.com/narwhal-server/narwhal/internal/threads"
	"github.com/narwhal-server/narwhal/internal/wire"
	"github.com/narwhal-server/narwhal/limits"
)

// App is a server. A *fasthttp.Server is an App, HTTP makes an App of an *http.Server, and
// web.New returns one.
//
// Serve is called once, with a listener for the requests of all sockets. Each connection
// that the listener accepts carries one whole request. The worker tells the master that it
// is ready when it has called Serve, so an app loads its data before that. Serve may return
// only when Accept has failed with net.ErrClosed.
type App interface {
	Serve(ln net.Listener) error
}

// Env is what a worker tells its app when it starts.
type Env struct {
	Slot       int             // 1 to the number of workers; a worker that replaces another has its slot
	Generation int             // of the settings: each reload that succeeds makes the next one
	Age        int             // serial number of the worker, counted by the master
	Limits     limits.Limits   // of supervisor.Options, with their defaults; Threads may be 0
	Settings   json.RawMessage // supervisor.Options.Settings as JSON

	// Metrics returns the metrics of the whole service, in a format of Prometheus that accept,
	// a field Accept of HTTP, allows. The master writes them. Metrics fails if the master has
	// not answered when ctx ends.
	Metrics func(ctx context.Context, accept string) (contentType string, text []byte, err error) `json:"-"`

	// CountLog returns a handler that passes messages on to h, and counts warnings and errors
	// for the master's metrics. The app may use it for its log.
	CountLog func(h slog.Handler) slog.Handler `json:"-"`

	// App takes what the app wants to say besides Serve. The app may set its fields
	// until start returns.
	App *Extras
}

// Extras are what an app may set besides Serve.
type Extras struct {
	Note   string // one line for supervisor.Options.Started, such as the name of the model
	Model  string // name and version of the model, for the master's metrics; may be empty
	Reopen func() // called when the app should open its log files again; may be nil
}

// Spawned reports whether a master started this process. It returns false after Run was
// called.
func Spawned() bool { return os.Getenv(wire.Env) != "" }

// spareThreads is how many threads a worker starts beyond GOMAXPROCS. Logs need them, and
// writes and reads for which the kernel needs long.
const spareThreads = 16

// beatEvery is how often a worker shows life on the scoreboard.
const beatEvery = 500 * time.Millisecond

// ErrFailed is returned by Run, with the reason, when the worker could not start. The
// master has been told the reason and logs it. The process should exit with a status other
// than 0, and need not print the error.
var ErrFailed = errors.New("the worker could not start")

// worker is this process, in the state between join and the return of Run.
type worker struct {
	ctl   *wire.Conn
	hello *wire.HelloMessage
	board *board.Board
	line  *board.Line
	page  *metrics.Page
	gate  *gate.Gate
	files []*os.File // listening sockets

	// Two descriptors of the workers' end of the pair of package park. Idle connections
	// go to the master on park, and come back on unpark. The gate closes unpark when it
	// takes no more.
	park, unpark *os.File
	give, take   *os.File // the two ends of the pair on which workers give requests to each other
	asking       asking
	log          *slog.Logger
	env          Env
}

// Run runs a worker. It calls start to make the app, and serves until the worker has to
// leave. It returns nil when the worker was told to leave, or its master has died, and all
// that it had accepted is answered. It returns an error if no master has started this
// process, if the worker could not start (ErrFailed), if Serve returned too early, or if
// requests were left after the graceful timeout.
func Run(start func(Env) (App, error)) error {
	// Before anything else: the default action of these signals would end the process.
	signals := make(chan os.Signal, 8) // room for several at once: Notify drops what does not fit
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGUSR1)
	signal.Ignore(syscall.SIGINT, syscall.SIGHUP) // only the master acts on Ctrl-C and a lost terminal
	signal.Ignore(syscall.SIGPIPE)                // comes when the reader of a log has gone
	threads.Reserve(spareThreads)

	w, err := join()
	if err != nil {
		return err
	}
	app, err := w.start(start)
	if err != nil {
		_ = w.ctl.Send(wire.Message{Kind: wire.Failed, Error: err.Error()}) // an error: there is no master to tell
		return fmt.Errorf("%w: %w", ErrFailed, err)
	}
	served, err := w.serve(app)
	if err != nil {
		_ = w.ctl.Send(wire.Message{Kind: wire.Failed, Error: err.Error()})
		return fmt.Errorf("%w: %w", ErrFailed, err)
	}
	w.line.State(board.Serving)
	if err := w.ctl.Send(wire.Message{Kind: wire.Ready, Note: w.env.App.Note, Model: w.env.App.Model}); err != nil {
		logevent.MasterDeaf.Log(w.log, "cannot send a message to the master", "error", err)
	}
	return w.loop(signals, served)
}

// beat writes a beat on the scoreboard every beatEvery until stop is called. Each time it
// also sets O_NONBLOCK again, which another process may have cleared.
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

// serve adds the sockets to the gate and calls the app's Serve in a goroutine. The channel
// gets what Serve returns.
func (w *worker) serve(app App) (<-chan error, error) {
	for _, f := range w.files {
		if err := w.gate.Listen(f); err != nil {
			return nil, err
		}
	}
	// Even if this worker parks nothing: after a reload that changes the setting,
	// connections that older workers have parked still have to be served.
	if err := w.gate.Unpark(w.unpark); err != nil {
		return nil, err
	}
	if err := w.gate.Share(w.board, w.give, w.take); err != nil {
		return nil, err
	}
	served := make(chan error, 1)
	go func() { served <- app.Serve(w.gate) }()
	return served, nil
}

// worn asks the master to replace this worker. The master sends Drain when the new worker
// is ready, so the slot is never empty.
func (w *worker) worn(why string) {
	if err := w.ctl.Send(wire.Message{Kind: wire.Worn, Error: why}); err != nil {
		logevent.MasterDeaf.Log(w.log, "cannot ask to be replaced", "error", err)
	}
}

// loop follows the master's messages and signals until the worker has left or the server
// has ended.
func (w *worker) loop(signals <-chan os.Signal, served <-chan error) error {
	orders := make(chan wire.Message)
	go func() {
		defer close(orders) // Recv has returned io.EOF: the master is dead
		for {
			m, err := w.ctl.Recv()
			if err != nil {
				return
			}
			if m.Kind == wire.Metrics {
				w.asking.answered(m)
				continue
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
				logevent.MasterDied.Log(w.log, "the master has died; answering the clients that are connected, then leaving")
				w.refuse()
				if w.alone() {
					w.gate.Last()
				}
				return w.drain(orders, gate.Departure{Queue: w.owns()}, w.hello.Worker.Limits.GracefulTimeout)
			case m.Kind == wire.Drain:
				if m.Last {
					w.last()
				}
				return w.drain(orders, gate.Departure{Queue: m.Queue}, m.Grace)
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
			case asked: // the second SIGTERM: leave although no new worker is ready
				return w.drain(orders, gate.Departure{}, w.hello.Worker.Limits.GracefulTimeout)
			default:
				asked = true
				w.worn("SIGTERM")
			}
		case err := <-served:
			return fmt.Errorf("the server ended without being told to: %w", err)
		}
	}
}

// reopen tells the app to open its log files again.
func (w *worker) reopen() {
	if f := w.env.App.Reopen; f != nil {
		f()
	}
}

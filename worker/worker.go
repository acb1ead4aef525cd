// Package worker is what a spawned process does. It is a library: any HTTP/1 server
// with Serve(net.Listener) can be run by package supervisor and this one. The server
// sees each request as a connection of its own, whole and checked.
//
//	if worker.Spawned() {
//		return worker.Run(func(worker.Env) (worker.App, error) { return worker.HTTP(&http.Server{Handler: mux}), nil })
//	}
//	return supervisor.Run(ctx, supervisor.Options{Bind: []string{":8000"}, Workers: 4})
//
// Run takes the master's settings and sockets, starts the server, tells the master
// that the worker is ready, and, when the worker is to leave, stops accepting,
// answers what it has accepted and returns. docs/library.md has more examples.
package worker

import (
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
	"github.com/narwhal-server/narwhal/internal/threads"
	"github.com/narwhal-server/narwhal/internal/wire"
	"github.com/narwhal-server/narwhal/limits"
)

// App is a server. A *fasthttp.Server is one, HTTP makes one of an *http.Server, and
// web.New returns one.
//
// Serve is called once, with a listener for the requests of all sockets. Each
// connection that the listener accepts carries one whole request. The worker tells
// its master that it is ready when it has called Serve.
type App interface {
	Serve(ln net.Listener) error
}

// Env is what a worker knows of itself.
type Env struct {
	Slot       int             // 1…N: the «worker 3» an operator sees
	Generation int             // of the configuration, counted by reloads
	Age        int             // serial number of the spawn
	Limits     limits.Limits   // those of supervisor.Options, with their defaults
	Settings   json.RawMessage // Options.Settings of the master

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

// spareThreads are for logs, and for writes and reads that take the kernel longer
// than a moment.
const spareThreads = 16

// beatEvery is how often a worker shows life on the scoreboard.
const beatEvery = 500 * time.Millisecond

// ErrFailed is returned by Run when start failed. The master has been told why
// and logs it; the process should exit non-zero and need not say more.
var ErrFailed = errors.New("the worker could not start")

type worker struct {
	ctl   *wire.Conn
	hello *wire.HelloMessage
	board *board.Board
	line  *board.Line
	gate  *gate.Gate
	files []*os.File // listening sockets

	// Where idle connections go, and where they come from: one socket, but the
	// gate closes the latter when it takes no more.
	park, unpark *os.File
	give, take   *os.File // where requests go to siblings, and come from them
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
	threads.Reserve(spareThreads)

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
	w.line.State(board.Serving)
	if err := w.ctl.Send(wire.Message{Kind: wire.Ready, Note: w.env.App.Note}); err != nil {
		w.log.Warn("cannot tell the master", "error", err)
	}
	return w.loop(signals, served)
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

// serve starts the app; the channel gets what its Serve returns.
func (w *worker) serve(app App) (<-chan error, error) {
	for _, f := range w.files {
		if err := w.gate.Listen(f); err != nil {
			return nil, err
		}
	}
	// Also where nothing is parked any more: after a change of settings, what
	// others have parked still has to be served.
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
				return w.drain(gate.Departure{Queue: w.owns(), Last: w.alone()}, w.hello.Worker.Limits.GracefulTimeout)
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
				return w.drain(gate.Departure{}, w.hello.Worker.Limits.GracefulTimeout)
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

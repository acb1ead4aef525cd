package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/narwhal-server/narwhal/internal/board"
	"github.com/narwhal-server/narwhal/internal/gate"
	"github.com/narwhal-server/narwhal/internal/logevent"
	"github.com/narwhal-server/narwhal/internal/park"
	"github.com/narwhal-server/narwhal/internal/sock"
	"github.com/narwhal-server/narwhal/internal/wire"
)

// owns reports whether some listening socket was created by the master itself. Then no
// process serves its queue after this master's workers, so they empty it. Otherwise, as
// after an upgrade that failed, another process goes on with the queue, and it might never
// become empty.
func (w *worker) owns() bool {
	return slices.ContainsFunc(w.hello.Listeners, func(l wire.Listener) bool { return l.Ours })
}

// alone reports whether no other master is left to park connections with. After an
// upgrade that failed there is one: it shares the pair of parked connections.
func (w *worker) alone() bool {
	alone := true
	if rc, err := w.park.SyscallConn(); err == nil {
		_ = rc.Control(func(fd uintptr) { alone = park.Alone(int(fd)) })
	}
	return alone
}

// refuse refuses new clients on the sockets that were created by the master itself. It
// logs what fails.
func (w *worker) refuse() {
	for i, l := range w.hello.Listeners {
		a, err := sock.Parse(l.Addr, "")
		if err != nil || !l.Ours {
			continue
		}
		refuse := sock.RefuseTCP
		if a.Network == "unix" {
			refuse = sock.RefuseUnix
		}
		var refused error
		rc, err := w.files[i].SyscallConn()
		if err == nil {
			err = rc.Control(func(fd uintptr) { refused = refuse(fd) })
		}
		if err := errors.Join(err, refused); err != nil {
			logevent.RefuseFailed.Log(w.log, "cannot refuse new connections", "address", l.Addr, "error", err)
		}
	}
}

// last makes the worker park no connection any more, and tells the master so. Then the
// master knows that it has all connections that are parked.
func (w *worker) last() {
	w.gate.Last()
	_ = w.ctl.Send(wire.Message{Kind: wire.Settled}) // an error means that the master is dead
}

// drain answers what the worker has, for at most grace. Idle connections may be used for
// the linger, at most half of grace. It fails if requests are left when grace is over.
// Meanwhile it follows one order: that the service ends.
func (w *worker) drain(orders <-chan wire.Message, d gate.Departure, grace time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	go func() {
		for {
			select {
			case m, ok := <-orders:
				if !ok {
					return
				}
				if m.Kind == wire.Drain && m.Last {
					w.last()
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	w.line.State(board.Leaving)
	d.Linger = min(w.hello.Worker.Linger, grace/2)
	if err := w.gate.Drain(ctx, d); err != nil {
		return fmt.Errorf("graceful timeout of %v is over: %d requests are lost", grace, w.gate.InFlight())
	}
	return nil
}

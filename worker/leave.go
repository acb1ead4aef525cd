package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/narwhal-server/narwhal/internal/board"
	"github.com/narwhal-server/narwhal/internal/gate"
	"github.com/narwhal-server/narwhal/internal/park"
	"github.com/narwhal-server/narwhal/internal/sock"
	"github.com/narwhal-server/narwhal/internal/wire"
)

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
			w.log.Warn("cannot refuse new connections", "address", l.Addr, "error", err)
		}
	}
}

func (w *worker) drain(d gate.Departure, grace time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	w.line.State(board.Leaving)
	d.Linger = min(w.hello.Worker.Linger, grace/2)
	if err := w.gate.Drain(ctx, d); err != nil {
		return fmt.Errorf("graceful timeout of %v is over: %d requests are lost", grace, w.gate.InFlight())
	}
	return nil
}

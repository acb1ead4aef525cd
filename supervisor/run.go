package supervisor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os/signal"
	"sync/atomic"
	"syscall"

	"github.com/narwhal-server/narwhal/internal/logevent"
	"github.com/narwhal-server/narwhal/internal/sock"
	"github.com/narwhal-server/narwhal/internal/threads"
)

// Run runs a master. It returns when the last worker has gone after ctx has ended
// or a signal has told it to stop. The error is a *BootError if no worker ever
// became ready.
func Run(ctx context.Context, o Options) (err error) {
	var signals signals
	defer signals.listen()()       // first, so that no signal meets its default action
	signal.Ignore(syscall.SIGPIPE) // of a log whose reader has gone: the service goes on
	threads.Reserve(spareThreads)
	bindGiven := len(o.Bind) > 0
	o.setDefaults()
	events := new(recent)
	o.Log = slog.New(logevent.Hear(o.Log.Handler(), slog.LevelInfo, events.note))
	if o.access, err = sock.ParseAccess(o.SocketMode); err != nil {
		return fmt.Errorf("socket mode: %w", err)
	}
	messages := new(logged)
	o.Log = slog.New(logevent.Hear(o.Log.Handler(), slog.LevelWarn, messages.add))
	old, err := receiveOldMaster()
	if err != nil {
		return err
	}
	if old != nil {
		defer func() { old.end(err) }()
		logevent.UpgradeJoined.Log(o.Log, "upgrade: this is the new master", "old_pid", old.pid)
		if err := old.begin(o.BootTimeout); err != nil {
			return err
		}
	}
	if err := checkNeeds(); err != nil {
		return err
	}
	var ready atomic.Bool
	in := newInbox(signals)
	sys, err := newMachine(ctx, o, bindGiven, old, in, &ready, events)
	if errors.Is(err, errStopped) {
		logevent.Stopped.Log(o.Log, "stopped")
		return nil
	}
	if err != nil {
		return err
	}
	defer sys.close()
	m, err := newMaster(o, sys, sys.listening(), in, &ready)
	if err != nil {
		return err
	}
	m.recent, m.logged = events, messages
	push, err := startPusher(o, in)
	if err != nil {
		return fmt.Errorf("statsd: %w", err)
	}
	err = m.run(ctx)
	push.wait()
	if m.upgrade.handedOver {
		<-sys.lot.Done() // the new master has the connections of idle clients
	}
	logevent.Stopped.Log(o.Log, "stopped")
	return err
}

// spareThreads are for the goroutines that can wait in the kernel at the same
// time: for logs, the start of a worker, and the end of others.
const spareThreads = 8

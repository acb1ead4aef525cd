package supervisor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/narwhal-server/narwhal/internal/control"
	"github.com/narwhal-server/narwhal/internal/sdnotify"
	"github.com/narwhal-server/narwhal/internal/sock"
	"github.com/narwhal-server/narwhal/internal/threads"
	"github.com/narwhal-server/narwhal/internal/wire"
)

// Run is the life of a master: it returns when ctx ends or a signal has told it
// to stop and the last worker has gone. The error is a *BootError if no worker
// ever became ready.
func Run(ctx context.Context, o Options) (err error) {
	var signals signals
	defer signals.listen()()       // first of all, so that no signal finds its default action
	signal.Ignore(syscall.SIGPIPE) // of a log whose reader has gone; the service goes on
	threads.Reserve(spareThreads)
	given := len(o.Bind) > 0
	o.setDefaults()
	if o.access, err = sock.ParseAccess(o.SocketMode); err != nil {
		return fmt.Errorf("socket mode: %w", err)
	}
	old, err := receiveEstate()
	if err != nil {
		return err
	}
	if old != nil {
		defer func() { old.end(err) }()
		o.Log.Info("upgrade: this is the new master", "old_pid", old.pid)
		if err := old.begin(o.BootTimeout); err != nil {
			return err
		}
	}
	if err := checkNeeds(); err != nil {
		return err
	}

	pid, err := takePid(o.Pid, old, o.Log)
	if err != nil {
		return err
	}
	defer pid.Remove()
	sd, err := sdnotify.Open()
	if err != nil {
		o.Log.Warn("systemd is not told anything", "error", err)
	}
	defer sd.Close()
	sockets, err := bindAll(ctx, o, given, inherit(sd, o.Log), old, signals.stop)
	defer func() {
		for _, s := range sockets {
			s.Unlink()
			s.Close()
		}
	}()
	if errors.Is(err, errStopped) {
		o.Log.Info("stopped")
		return nil
	}
	if err != nil {
		return err
	}
	if old == nil {
		store(sd, sockets, o.Log)
	}
	room := divide(openFiles(), o.Workers)
	lot, err := openLot(old, room.parked, o.Log)
	if err != nil {
		return err
	}
	defer lot.Close()
	sys, err := newMachine(sockets, lot, o.Stdout, o.Log)
	if err != nil {
		return err
	}
	defer sys.board.Close()
	defer sys.shared.close()
	sys.old, sys.sd, sys.backlog, sys.pid, sys.dir = old, sd, o.Backlog, pid, o.Dir
	if sys.dir == "" {
		if sys.dir, err = os.Getwd(); err != nil {
			return fmt.Errorf("find the working directory: %w", err)
		}
	}
	sys.program = program(sys.dir)

	var ready atomic.Bool
	if o.Admin != "" {
		s, err := bindOne(ctx, o.Admin, adminBacklog, o.access, o.Log, old.opener(func(o *oldMaster) *[]*sock.Socket { return &o.admin }, sock.Open), signals.stop)
		if errors.Is(err, errStopped) {
			o.Log.Info("stopped")
			return nil
		}
		if err != nil {
			return fmt.Errorf("admin: %w", err)
		}
		sys.admin = newAdmin(s, room.admin, &ready, o.Log)
		defer sys.admin.close()
		if old == nil {
			if err := sys.admin.start(); err != nil {
				return err
			}
		}
	}
	var addr []wire.Listener
	for _, s := range sockets {
		addr = append(addr, wire.Listener{Addr: s.Addr.String(), Ours: s.Ours()})
		o.Log.Info("listening", "address", s.Addr.String())
	}
	m, err := newMaster(o, sys, addr, signals, &ready)
	if err != nil {
		return err
	}
	var ctl *control.Server
	defer func() { // last of all to be opened, first to go
		if ctl != nil {
			ctl.Close()
		}
	}()
	sys.owned = func() {
		m.sd = newSystemd(sd, o.Log)
		if o.Control != "" {
			ctl = startControl(o.Control, m, room.control)
		}
	}
	if old == nil {
		sys.startParking()
		sys.owned()
	} else {
		m.old = old.ctl
		go old.watch(m.events)
	}
	err = m.run(ctx)
	if m.handedOver {
		<-lot.Done() // the connections of idle clients are with the new master
	}
	o.Log.Info("stopped")
	return err
}

// spareThreads are for what can wait in the kernel at the same time: logs, the
// start of a worker, and the end of some.
const spareThreads = 8

// bindTries is how often an address in use is tried, a second apart: the
// workers of a master that was killed leave within that time if they are idle.
const bindTries = 5

// errStopped says that a signal told the master to stop before it served.
var errStopped = errors.New("told to stop")

func bind(ctx context.Context, o Options, open opener, stop <-chan os.Signal) ([]*sock.Socket, error) {
	var sockets []*sock.Socket
	for _, b := range o.Bind {
		s, err := bindOne(ctx, b, o.Backlog, o.access, o.Log, open, stop)
		if err != nil {
			return sockets, err
		}
		sockets = append(sockets, s)
	}
	if most := somaxconn(); most > 0 && o.Backlog > most {
		o.Log.Warn("the kernel cuts the backlog", "backlog", o.Backlog, "somaxconn", most,
			"hint", fmt.Sprintf("sysctl -w net.core.somaxconn=%d, or a smaller --backlog", o.Backlog))
	}
	return sockets, nil
}

// opener makes the listening socket of an address.
type opener func(a sock.Addr, backlog int, access sock.Access) (*sock.Socket, error)

// bindOne opens one address. It returns errStopped if a signal comes while it
// waits for the address.
func bindOne(ctx context.Context, text string, backlog int, access sock.Access, log *slog.Logger, open opener, stop <-chan os.Signal) (*sock.Socket, error) {
	a, err := sock.Parse(text, "")
	if err != nil {
		return nil, err
	}
	for try := 1; ; try++ {
		s, err := open(a, backlog, access)
		if err == nil || !errors.Is(err, sock.ErrInUse) || errors.Is(err, sock.ErrLocked) || try == bindTries {
			return s, err
		}
		log.Warn("address in use; trying again", "address", a.String(), "try", fmt.Sprintf("%d of %d", try, bindTries))
		select {
		case <-time.After(time.Second):
		case <-stop:
			return nil, errStopped
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// somaxconn is the kernel's limit for listen queues, 0 if it cannot be read.
func somaxconn() int {
	b, err := os.ReadFile("/proc/sys/net/core/somaxconn")
	if err != nil {
		return 0
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		return 0
	}
	return n
}

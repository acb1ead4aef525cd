package supervisor

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/narwhal-server/narwhal/internal/board"
	"github.com/narwhal-server/narwhal/internal/control"
	"github.com/narwhal-server/narwhal/internal/logevent"
	"github.com/narwhal-server/narwhal/internal/park"
	"github.com/narwhal-server/narwhal/internal/pidfile"
	"github.com/narwhal-server/narwhal/internal/sdnotify"
	"github.com/narwhal-server/narwhal/internal/sock"
	"github.com/narwhal-server/narwhal/internal/wire"
)

// machine is the system with real processes.
type machine struct {
	log     *slog.Logger
	room    descriptors
	sockets []*sock.Socket
	backlog int
	admin   *admin          // nil: none
	pid     *pidfile.File   // nil: none
	control *control.Server // nil: none, or this master has no service yet
	path    string          // of the control socket
	systemd *sdnotify.Socket
	lot     *park.Lot
	metrics http.Handler // of /metrics
	live    http.Handler // of /status
	parking bool         // the lot has been started
	old     *oldMaster   // nil: this is not the new master of an upgrade

	// Of workers.
	board  *board.Board
	lines  []int // free lines of the board
	shared shared
	pair   [2]*os.File // on which workers pass requests to each other

	// How an upgrade starts the next master. Workers have the same stdout.
	program string
	dir     string
	stdout  *os.File
}

// newMachine opens what a master has open: pid file, sockets, the place for parked
// connections, the scoreboard and the admin address, of which ready is the answer
// to /readyz. The page of the admin address shows events. The loop that reads in need not
// run yet. After an error nothing is open.
// The error is errStopped if a signal comes while an address is in use.
func newMachine(ctx context.Context, o Options, bindGiven bool, old *oldMaster, in inbox, ready *atomic.Bool, events *recent) (_ *machine, err error) {
	s := &machine{log: o.Log, room: divide(openFiles(), o.Workers), backlog: o.Backlog, path: o.Control, old: old, stdout: o.Stdout, dir: o.Dir,
		metrics: newExporter(in, o.Build).handler(), live: &live{ask: asker{in}, past: events, version: o.Build["version"]}}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if s.dir == "" {
		if s.dir, err = os.Getwd(); err != nil {
			return nil, fmt.Errorf("find the working directory: %w", err)
		}
	}
	s.program = program(s.dir)
	if s.pid, err = takePid(o.Pid, old, o.Log); err != nil {
		return nil, err
	}
	s.openSystemd()
	b := binder{access: o.access, log: o.Log, stop: in.signals.stop}
	if err = s.openSockets(ctx, b, o.Bind, bindGiven); err != nil {
		return nil, err
	}
	if s.lot, err = openLot(old, s.room.parked, o.Log); err != nil {
		return nil, err
	}
	if err = s.openForWorkers(); err != nil {
		return nil, err
	}
	if o.Admin != "" {
		if err = s.openAdmin(ctx, b, o.Admin, adminRoutes(ready, s.metrics, s.live)); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// openSystemd opens the line to systemd. A master without it serves as well.
func (s *machine) openSystemd() {
	var err error
	if s.systemd, err = sdnotify.Open(); err != nil {
		logevent.SystemdFailed.Log(s.log, "systemd gets no messages from narwhal", "error", err)
	}
}

// openSockets binds the addresses, or takes the sockets that the old master or
// systemd has passed.
func (s *machine) openSockets(ctx context.Context, b binder, bind []string, given bool) (err error) {
	passed := receiveSystemdSockets(s.systemd, s.log)
	bind = s.old.binds(passed.binds(bind, given), given)
	s.sockets, err = b.all(ctx, bind, s.backlog, s.old.socketOpener(passed.open))
	if err != nil {
		return err
	}
	passed.closeUnused(bind)
	if s.old == nil {
		store(s.systemd, s.sockets, s.log)
	}
	return nil
}

// openForWorkers makes what all workers share.
func (s *machine) openForWorkers() (err error) {
	if s.board, err = board.New(); err != nil {
		return err
	}
	for i := board.Lines - 1; i >= 0; i-- {
		s.lines = append(s.lines, i)
	}
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("make a socket pair for the workers: %w", err)
	}
	for i, fd := range fds {
		s.pair[i] = os.NewFile(uintptr(fd), "requests between workers")
	}
	return nil
}

// openAdmin opens the admin address. A new master answers there after the
// hand-over.
func (s *machine) openAdmin(ctx context.Context, b binder, address string, routes http.HandlerFunc) error {
	l, err := b.one(ctx, address, adminBacklog, s.old.adminOpener(sock.Open))
	if err != nil {
		return fmt.Errorf("admin: %w", err)
	}
	s.admin = newAdmin(l, s.room.admin, routes, s.log)
	if s.old == nil {
		return s.admin.start()
	}
	return nil
}

// listening lists the sockets, and logs their addresses.
func (s *machine) listening() []wire.Listener {
	var all []wire.Listener
	for _, l := range s.sockets {
		all = append(all, wire.Listener{Addr: l.Addr.String(), Ours: l.Ours()})
		logevent.Listening.Log(s.log, "listening", "address", l.Addr.String())
	}
	return all
}

// StartService opens what only the master that has the service has open.
func (s *machine) StartService(in inbox) systemd {
	s.startParking()
	told := newSystemd(s.systemd, s.log)
	if s.path != "" {
		s.openControl(asker{in})
	}
	return told
}

// openControl opens the control socket. A master without it serves as well, so an
// error is a warning.
func (s *machine) openControl(a asker) {
	c, err := control.Serve(s.path, a, s.room.control, s.log)
	if err != nil {
		logevent.ControlFailed.Log(s.log, "no control socket; narwhal status, reload, scale and stop cannot reach this master, signals can",
			"error", err, "hint", "name another place with --control-socket PATH, or say --control-socket off")
		return
	}
	s.control = c
	logevent.ControlListens.Log(s.log, "control socket", "path", c.Path)
}

// Refuse keeps new clients out while queued ones are answered.
func (s *machine) Refuse() {
	for _, l := range s.sockets {
		if err := l.Refuse(); err != nil {
			logevent.RefuseFailed.Log(s.log, "clients that connect during the stop may be reset", "address", l.Addr.String(), "error", err)
		}
	}
}

// close closes everything, also if only a part of it was opened.
func (s *machine) close() {
	if s.control != nil {
		s.control.Close()
	}
	if s.admin != nil {
		s.admin.close()
	}
	s.shared.close()
	if s.board != nil {
		s.board.Close()
	}
	if s.lot != nil {
		s.lot.Close()
	}
	for _, f := range s.pair {
		f.Close() // nil, if it was not opened, is an error that nobody needs
	}
	for _, l := range s.sockets {
		l.Unlink()
		l.Close()
	}
	s.systemd.Close()
	s.pid.Remove()
}

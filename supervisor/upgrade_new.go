package supervisor

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/narwhal-server/narwhal/internal/logevent"
	"github.com/narwhal-server/narwhal/internal/pidfile"
	"github.com/narwhal-server/narwhal/internal/sock"
	"github.com/narwhal-server/narwhal/internal/wire"
)

// The new master's side of an upgrade.

// upgradeEnv tells a new master that it is one. Its value is a handOver as JSON.
// It is not called LISTEN_PID, because the pid is not known before the start, and
// it does not begin with NARWHAL_, because those variables are settings.
const upgradeEnv = "_NARWHAL_UPGRADE"

// Upgraded reports whether this process is the new master of an upgrade. Call it
// before Run.
func Upgraded() bool { return os.Getenv(upgradeEnv) != "" }

// LogEnv is a variable that the caller may set in its own environment. It tells
// workers, and the new master of an upgrade, how to log before they have their
// settings. It does not begin with NARWHAL_ either.
const LogEnv = "_NARWHAL_LOG"

// upgradeFD is the new master's end of the socketpair between the two masters. The
// descriptors of handOver follow it.
const upgradeFD = 3

// handOver is what the old master passes to the new one. The two may be different
// versions of narwhal, so fields are only ever added.
type handOver struct {
	Pid     int             `json:"pid"`
	PidFile *pidfile.Passed `json:"pid_file,omitempty"`
	Sockets []sock.Passed   `json:"sockets"`
	Admin   *sock.Passed    `json:"admin,omitempty"`
	Park    []int           `json:"park,omitempty"` // the pair of package park: the master's end, the workers'
}

// oldMaster is the old master of an upgrade, in the new one. The nil *oldMaster is
// valid: this process is not the new master of an upgrade.
type oldMaster struct {
	ctl     *wire.Conn
	pid     int
	pidFile *pidfile.File  // nil once the new master uses it
	sockets []*sock.Socket // that the new master does not use
	admin   []*sock.Socket // likewise, at most one
	park    []int          // nil if the old master parks no connections
}

// receiveOldMaster reads upgradeEnv. It returns nil if it is not set.
func receiveOldMaster() (*oldMaster, error) {
	text, ok := os.LookupEnv(upgradeEnv)
	if !ok {
		return nil, nil
	}
	os.Unsetenv(upgradeEnv)
	ctl, err := wire.Inherited(upgradeFD)
	if err != nil {
		return nil, fmt.Errorf("%s is set, but only a narwhal master may set it: unset it: %w", upgradeEnv, err)
	}
	old := &oldMaster{ctl: ctl}
	var h handOver
	if err := json.Unmarshal([]byte(text), &h); err != nil {
		return nil, old.end(fmt.Errorf("%s cannot be read: %w", upgradeEnv, err))
	}
	if err := old.receive(h); err != nil {
		return nil, old.end(err)
	}
	return old, nil
}

// receive opens what was passed.
func (o *oldMaster) receive(h handOver) error {
	o.pid, o.pidFile = h.Pid, pidfile.Receive(h.PidFile)
	for _, p := range h.Sockets {
		s, err := sock.Receive(p)
		if err != nil {
			return err
		}
		o.sockets = append(o.sockets, s)
	}
	if h.Admin != nil {
		s, err := sock.Receive(*h.Admin)
		if err != nil {
			return err
		}
		o.admin = append(o.admin, s)
	}
	if len(h.Park) == 2 {
		o.park = h.Park
		for _, fd := range h.Park {
			unix.CloseOnExec(fd)
		}
	}
	return nil
}

// binds returns the addresses to serve: otherwise, unless the old master served
// those of a socket unit. systemd passes the sockets of a unit only to its own
// child, so the new master learns them from the old one.
func (o *oldMaster) binds(otherwise []string, given bool) []string {
	if o == nil || given {
		return otherwise
	}
	var units []string
	for _, s := range o.sockets {
		if !s.Due() && s.Asked().Network != "fd" {
			units = append(units, s.Asked().String())
		}
	}
	if len(units) == 0 {
		return otherwise
	}
	return units
}

// socketOpener takes the socket that the old master had for an address. It opens
// other addresses with open.
func (o *oldMaster) socketOpener(open opener) opener {
	if o == nil {
		return open
	}
	return takeFirst(&o.sockets, open)
}

// adminOpener does the same for the admin address.
func (o *oldMaster) adminOpener(open opener) opener {
	if o == nil {
		return open
	}
	return takeFirst(&o.admin, open)
}

// takeFirst takes the socket of an address out of a list, and opens those that are
// not there. The access is for the time after the hand-over.
func takeFirst(passed *[]*sock.Socket, open opener) opener {
	return func(a sock.Addr, backlog int, access sock.Access) (*sock.Socket, error) {
		if s := sock.Take(passed, a); s != nil {
			s.SetAccess(access)
			return s, nil
		}
		if a.Network == "fd" {
			return nil, fmt.Errorf("bind %s: the old master has no such socket, and an upgrade has no other parent: restart instead", a)
		}
		return open(a, backlog, access)
	}
}

// begin tells the old master that this program is a narwhal, and how long its
// workers may take to be ready.
func (o *oldMaster) begin(grace time.Duration) error {
	return o.ctl.Send(wire.Message{Kind: wire.Begin, Grace: grace})
}

// end tells the old master why the new one leaves. The old master reads it only
// before the hand-over, so Run may always call it at its end.
func (o *oldMaster) end(why error) error {
	if why == nil {
		why = errors.New("it was told to stop")
	}
	_ = o.ctl.Send(wire.Message{Kind: wire.Failed, Error: why.Error()}) // it fails if the old master has gone
	o.ctl.Close()
	return why
}

// watch reports what the old master says, and its end.
func (o *oldMaster) watch(events chan<- event) {
	defer o.ctl.Close()
	for {
		m, err := o.ctl.Recv()
		events <- event{from: fromOldMaster, msg: m, exited: err != nil}
		if err != nil {
			return
		}
	}
}

// OldMaster returns the master that this one replaces, nil if there is none.
func (s *machine) OldMaster(events chan<- event) oldMasterProcess {
	if s.old == nil {
		return nil
	}
	go s.old.watch(events)
	return s.old.ctl
}

// TakeOver takes over what the old master leaves. It closes the sockets of the old
// master that this one does not serve.
func (s *machine) TakeOver() (ours []bool) {
	for _, l := range s.sockets {
		s.checkTakeOver(l.Own(s.backlog))
		ours = append(ours, l.Ours())
	}
	if s.admin != nil {
		s.checkTakeOver(s.admin.sock.Own(adminBacklog))
		s.checkTakeOver(s.admin.start())
	}
	for _, l := range append(s.old.sockets, s.old.admin...) {
		s.closeOldSocket(l)
	}
	s.startParking()
	store(s.systemd, s.sockets, s.log) // store skips sockets that systemd already keeps
	s.old.sockets, s.old.admin = nil, nil
	s.checkTakeOver(s.pid.Write())
	s.old.pidFile.Own()
	s.old.pidFile.Remove()
	return ours
}

// closeOldSocket ends a socket of the old master for everybody.
func (s *machine) closeOldSocket(l *sock.Socket) {
	s.checkTakeOver(l.Own(1))
	logevent.AddressClosed.Log(s.log, "no longer listening", "address", l.Addr.String())
	if s.systemd != nil { // the old master may have stored it
		s.checkTakeOver(s.systemd.Forget(storeName(l.Addr)))
	}
	s.checkTakeOver(l.Refuse())
	l.Unlink()
	l.Close()
}

// checkTakeOver logs an error of the hand-over. There is no way back, so the new
// master goes on.
func (s *machine) checkTakeOver(err error) {
	if err != nil {
		logevent.UpgradeIncomplete.Log(s.log, "upgrade: the new master could not take over everything, and goes on", "error", err)
	}
}

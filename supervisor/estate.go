package supervisor

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/narwhal-server/narwhal/internal/pidfile"
	"github.com/narwhal-server/narwhal/internal/sock"
	"github.com/narwhal-server/narwhal/internal/wire"
)

// estateEnv tells a new master that it is one, and what it inherits: an estate
// as JSON. It is no LISTEN_PID, because the pid is not known before the start,
// and it does not begin with NARWHAL_, because those are settings.
const estateEnv = "_NARWHAL_UPGRADE"

// Upgraded reports whether this process is the new master of an upgrade. It must
// be asked before Run.
func Upgraded() bool { return os.Getenv(estateEnv) != "" }

// LogEnv is a variable that the caller may set in its own environment to tell
// workers, and the new master of an upgrade, how to log before they have their
// settings. It does not begin with NARWHAL_ either.
const LogEnv = "_NARWHAL_LOG"

// talkFD is the new master's end of the socketpair; the sockets follow it.
const talkFD = 3

// estate is what a master leaves to the next one. Masters of two versions read
// it, so fields are only ever added.
type estate struct {
	Pid     int             `json:"pid"`
	PidFile *pidfile.Passed `json:"pid_file,omitempty"`
	Sockets []sock.Passed   `json:"sockets"`
	Admin   *sock.Passed    `json:"admin,omitempty"`
	Park    []int           `json:"park,omitempty"` // the ends of the pair of package park: ours, the workers'
}

// Disown leaves sockets, pid file and admin address to the new master.
func (s *machine) Disown() {
	s.pid.Leave()
	for _, l := range s.sockets {
		l.Disown()
	}
	if s.admin != nil {
		s.admin.leave()
	}
	s.lot.Leave()
}

// oldMaster is the master we are to replace, seen from the new one.
type oldMaster struct {
	ctl     *wire.Conn
	pid     int
	pidFile *pidfile.File  // not taken yet
	sockets []*sock.Socket // not taken yet
	admin   []*sock.Socket // likewise: one or none
	park    []int          // nil if it parks nothing
}

// receiveEstate is what Run does first; it returns nil if this is no upgrade.
func receiveEstate() (*oldMaster, error) {
	text, ok := os.LookupEnv(estateEnv)
	if !ok {
		return nil, nil
	}
	os.Unsetenv(estateEnv)
	ctl, err := wire.Inherited(talkFD)
	if err != nil {
		return nil, fmt.Errorf("%s is set, but only a narwhal master may set it: unset it: %w", estateEnv, err)
	}
	old := &oldMaster{ctl: ctl}
	var e estate
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		return nil, old.end(fmt.Errorf("%s cannot be read: %w", estateEnv, err))
	}
	old.pid, old.pidFile = e.Pid, pidfile.Receive(e.PidFile)
	for _, p := range e.Sockets {
		s, err := sock.Receive(p)
		if err != nil {
			return nil, old.end(err)
		}
		old.sockets = append(old.sockets, s)
	}
	if e.Admin != nil {
		s, err := sock.Receive(*e.Admin)
		if err != nil {
			return nil, old.end(err)
		}
		old.admin = append(old.admin, s)
	}
	if len(e.Park) == 2 {
		old.park = e.Park
		for _, fd := range e.Park {
			unix.CloseOnExec(fd)
		}
	}
	return old, nil
}

// binds are the addresses to serve. Without --bind a socket unit's were served,
// and systemd passes those to nobody but its own child.
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

// opener takes the socket the old master had for an address, with access of our
// own for when we have taken over, and opens the
// others.
func (o *oldMaster) opener(of func(*oldMaster) *[]*sock.Socket, open opener) opener {
	if o == nil {
		return open
	}
	return func(a sock.Addr, backlog int, access sock.Access) (*sock.Socket, error) {
		if s := sock.Take(of(o), a); s != nil {
			s.SetAccess(access)
			return s, nil
		}
		if a.Network == "fd" {
			return nil, fmt.Errorf("bind %s: the old master has no such socket, and an upgrade has no other parent: restart instead", a)
		}
		return open(a, backlog, access)
	}
}

// begin says that this is a narwhal, and how long its workers may take.
func (o *oldMaster) begin(grace time.Duration) error {
	return o.ctl.Send(wire.Message{Kind: wire.Begin, Grace: grace})
}

// end tells why the new master leaves. It is heard only by one that waits for
// us, so it may be said whenever Run returns.
func (o *oldMaster) end(why error) error {
	if why == nil {
		why = errors.New("it was told to stop")
	}
	_ = o.ctl.Send(wire.Message{Kind: wire.Failed, Error: why.Error()}) // nobody else is there to be told
	o.ctl.Close()
	return why
}

// watch reports what the old master says, and its end before it has left us its
// sockets; later nobody needs to know.
func (o *oldMaster) watch(events chan<- event) {
	for {
		m, err := o.ctl.Recv()
		events <- event{from: fromOld, msg: m, exited: err != nil}
		if err != nil || m.Kind == wire.Own {
			return
		}
	}
}

// Own takes over what the old master leaves, and ends what it had and we do not.
func (s *machine) Own() []bool {
	var ours []bool
	check := func(err error) {
		if err != nil {
			s.log.Error("upgrade: something is not as it was", "error", err)
		}
	}
	for _, l := range s.sockets {
		check(l.Own(s.backlog))
		ours = append(ours, l.Ours())
	}
	if s.admin != nil {
		check(s.admin.sock.Own(adminBacklog))
		check(s.admin.start())
	}
	for _, l := range append(s.old.sockets, s.old.admin...) {
		check(l.Own(1))
		s.log.Info("no longer listening", "address", l.Addr.String())
		if s.sd != nil { // it may have been given to systemd to keep
			check(s.sd.Forget(storeName(l.Addr)))
		}
		check(l.Refuse())
		l.Unlink()
		l.Close()
	}
	s.startParking()
	store(s.sd, s.sockets, s.log) // what it has already is no second time kept
	s.old.sockets, s.old.admin = nil, nil
	s.old.ctl.Close()
	check(s.pid.Write())
	s.old.pidFile.Own()
	s.old.pidFile.Remove()
	if s.owned != nil {
		s.owned()
	}
	return ours
}

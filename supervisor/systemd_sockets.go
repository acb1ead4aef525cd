package supervisor

import (
	"log/slog"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/narwhal-server/narwhal/internal/logevent"
	"github.com/narwhal-server/narwhal/internal/sdnotify"
	"github.com/narwhal-server/narwhal/internal/sock"
)

// storePrefix begins the name of each socket that a master has given to systemd to
// keep. All other sockets that systemd passes are those of a socket unit.
const storePrefix = "narwhal@"

// storeName is a socket's name in systemd's store. It is for people: a master reads
// the address from the socket itself. systemd allows 255 ASCII characters, no
// colon.
func storeName(a sock.Addr) string {
	return storePrefix + strings.Map(func(r rune) rune {
		if r <= ' ' || r >= 127 || r == ':' {
			return '_'
		}
		return r
	}, a.Address)
}

// passed is a socket that systemd has passed to this process.
type passed struct {
	sdnotify.Passed
	addr  sock.Addr
	taken bool // it is used or closed
}

// stored reports whether the socket comes from systemd's store.
func (p *passed) stored() bool { return strings.HasPrefix(p.Name, storePrefix) }

// systemdSockets are all sockets that systemd has passed.
type systemdSockets struct {
	all    []*passed
	unused error // why sockets were passed to another process, nil if none were
	sd     *sdnotify.Socket
	log    *slog.Logger
}

func receiveSystemdSockets(sd *sdnotify.Socket, log *slog.Logger) *systemdSockets {
	h := &systemdSockets{sd: sd, log: log}
	all, err := sdnotify.Listen()
	for _, p := range all {
		h.all = append(h.all, &passed{Passed: p, addr: sock.Bound(p.FD)})
	}
	h.unused = err
	return h
}

// binds returns the addresses to serve: those of the socket unit, if there is one
// and --bind was not given, else bind.
func (h *systemdSockets) binds(bind []string, given bool) []string {
	var units []string
	for _, p := range h.all {
		if !p.stored() {
			units = append(units, p.addr.String())
		}
	}
	if given || len(units) == 0 {
		return bind
	}
	return units
}

// open takes the socket that was passed for an address, or binds a new one. If both
// a socket unit and the store have one, it takes that of the unit: the stored one
// is from the time before there was a unit.
func (h *systemdSockets) open(a sock.Addr, backlog int, access sock.Access) (*sock.Socket, error) {
	for _, wantStored := range []bool{false, true} {
		for _, p := range h.all {
			if a == (sock.Addr{Network: "fd", Address: strconv.Itoa(p.FD)}) {
				p.taken = true // sock.Open takes it by its number
				return sock.Open(a, backlog, access)
			}
			if p.taken || p.stored() != wantStored || !a.Takes(p.addr) {
				continue
			}
			p.taken = true
			if !wantStored {
				logevent.SocketTaken.Log(h.log, "using the socket of systemd's unit", "address", a.String(), "name", p.Name)
				return sock.Inherit(p.FD, a)
			}
			s, err := sock.TakeBack(p.FD, a, backlog, access)
			if err == nil {
				logevent.SocketTaken.Log(h.log, "using the socket that systemd kept", "address", a.String())
				return s, nil
			}
			logevent.StoredUnusable.Log(h.log, "cannot use the socket that systemd kept; binding the address again", "address", a.String(), "error", err)
			h.forget(p)
		}
	}
	return sock.Open(a, backlog, access)
}

// closeUnused closes the stored sockets that no address uses, and warns about the
// others.
func (h *systemdSockets) closeUnused(binds []string) {
	byNumber := slices.ContainsFunc(binds, func(b string) bool { return strings.HasPrefix(b, "fd://") })
	if h.unused != nil && !byNumber {
		logevent.PassedUnused.Log(h.log, "sockets that were passed are not used", "error", h.unused,
			"hint", "pass them to narwhal itself: systemd does so if ExecStart= names narwhal, and a script if it ends with exec narwhal …")
	}
	for _, p := range h.all {
		switch {
		case p.taken:
		case p.stored():
			logevent.StoredDropped.Log(h.log, "closing a socket that systemd kept: no --bind names its address now", "address", p.addr.String())
			h.forget(p)
		default:
			logevent.PassedUnbound.Log(h.log, "systemd passes a socket that no --bind names: clients that connect to it get no answer", "address", p.addr.String(),
				"name", p.Name, "hint", "leave --bind out to serve the sockets of the unit, or add this address to it")
		}
	}
}

// forget closes a socket and takes it out of systemd's store.
func (h *systemdSockets) forget(p *passed) {
	p.taken = true
	unix.Close(p.FD)
	if err := h.sd.Forget(p.Name); err != nil {
		logevent.StoreFailed.Log(h.log, "cannot take a socket out of systemd's store", "name", p.Name, "error", err)
	}
}

// store gives systemd copies of the sockets that this process has bound. So the
// addresses stay open while a master crashes or is restarted.
func store(sd *sdnotify.Socket, sockets []*sock.Socket, log *slog.Logger) {
	if sd == nil {
		return
	}
	room, told := sdnotify.StoreSize()
	for _, s := range sockets {
		if !s.Ours() || told && room == 0 {
			continue
		}
		if err := sd.Store(storeName(s.Addr), s.File); err != nil {
			logevent.StoreFailed.Log(log, "systemd cannot keep a socket: a crash of this process will close it", "address", s.Addr.String(), "error", err)
			continue
		}
		// Without the number it is not known whether systemd has a store.
		if told {
			s.Keep()
		}
	}
}

package supervisor

import (
	"context"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/narwhal-server/narwhal/internal/sdnotify"
	"github.com/narwhal-server/narwhal/internal/sock"
	"github.com/narwhal-server/narwhal/internal/wire"
)

// storePrefix marks the sockets that a master gave to systemd to keep. All
// others are of a socket unit.
const storePrefix = "narwhal@"

// storeName is a socket's name in the store: for people, since the address is
// read from the socket itself. systemd allows 255 ASCII characters, no colon.
func storeName(a sock.Addr) string {
	return storePrefix + strings.Map(func(r rune) rune {
		if r <= ' ' || r >= 127 || r == ':' {
			return '_'
		}
		return r
	}, a.Address)
}

// passed is a socket that systemd handed to this process.
type passed struct {
	sdnotify.Passed
	addr  sock.Addr // it is bound to
	taken bool
}

func (p *passed) stored() bool { return strings.HasPrefix(p.Name, storePrefix) }

// inheritance are all of them.
type inheritance struct {
	all    []*passed
	unused error // why sockets that were passed are not ours, nil if there are none
	sd     *sdnotify.Socket
	log    *slog.Logger
}

func inherit(sd *sdnotify.Socket, log *slog.Logger) *inheritance {
	h := &inheritance{sd: sd, log: log}
	all, err := sdnotify.Listen()
	for _, p := range all {
		h.all = append(h.all, &passed{Passed: p, addr: sock.Bound(p.FD)})
	}
	h.unused = err
	return h
}

// binds are the addresses to serve: those of --bind, or if it was not given,
// those of the socket unit if there is one.
func (h *inheritance) binds(o Options, given bool) []string {
	var units []string
	for _, p := range h.all {
		if !p.stored() {
			units = append(units, p.addr.String())
		}
	}
	if given || len(units) == 0 {
		return o.Bind
	}
	return units
}

// open makes the socket of an address, or takes the one that was passed for it.
// A socket unit's comes first: with both, the stored one is of a time before
// the unit.
func (h *inheritance) open(a sock.Addr, backlog int, access sock.Access) (*sock.Socket, error) {
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
				h.log.Info("using the socket of systemd's unit", "address", a.String(), "name", p.Name)
				return sock.Inherit(p.FD, a)
			}
			s, err := sock.TakeBack(p.FD, a, backlog, access)
			if err == nil {
				h.log.Info("taking the socket back that systemd kept", "address", a.String())
				return s, nil
			}
			h.log.Warn("cannot use the socket that systemd kept; binding anew", "address", a.String(), "error", err)
			h.forget(p)
		}
	}
	return sock.Open(a, backlog, access)
}

// rest deals with what no address wanted.
func (h *inheritance) rest(binds []string) {
	byNumber := slices.ContainsFunc(binds, func(b string) bool { return strings.HasPrefix(b, "fd://") })
	if h.unused != nil && !byNumber {
		h.log.Warn("sockets that were passed are not used", "error", h.unused,
			"hint", "pass them to narwhal itself: systemd does so if ExecStart= names narwhal, and a script if it ends with exec narwhal …")
	}
	for _, p := range h.all {
		switch {
		case p.taken:
		case p.stored():
			h.log.Info("giving up a socket that systemd kept: no --bind names it any more", "address", p.addr.String())
			h.forget(p)
		default:
			h.log.Warn("systemd passes a socket that no --bind names: who connects to it waits in vain", "address", p.addr.String(),
				"name", p.Name, "hint", "leave --bind out to serve the sockets of the unit, or add this address to it")
		}
	}
}

func (h *inheritance) forget(p *passed) {
	p.taken = true
	unix.Close(p.FD)
	if err := h.sd.Forget(p.Name); err != nil {
		h.log.Warn("cannot take a socket out of systemd's store", "name", p.Name, "error", err)
	}
}

// store gives copies of our own sockets to systemd, so that the addresses stay
// open while a master crashes or is restarted.
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
			log.Warn("systemd cannot keep a socket: a crash of this process will close it", "address", s.Addr.String(), "error", err)
			continue
		}
		// Without the number nobody knows whether there is a store at all.
		if told {
			s.Keep()
		}
	}
}

// queueEnds says whether what is queued must be answered before the stop. The
// queue of a socket that systemd holds waits for the next process; and nobody
// refuses newcomers there, so under load it would never be empty.
func (m *master) queueEnds() bool {
	return slices.ContainsFunc(m.addr, func(l wire.Listener) bool { return l.Ours })
}

// bindAll binds the addresses of the options, or takes what was passed, be it by
// the old master of an upgrade or by systemd.
func bindAll(ctx context.Context, o Options, given bool, h *inheritance, old *oldMaster, stop <-chan os.Signal) ([]*sock.Socket, error) {
	o.Bind = old.binds(h.binds(o, given), given)
	sockets, err := bind(ctx, o, old.opener(func(o *oldMaster) *[]*sock.Socket { return &o.sockets }, h.open), stop)
	if err == nil {
		h.rest(o.Bind)
	}
	return sockets, err
}

package supervisor

import (
	"errors"
	"syscall"
	"time"

	"github.com/narwhal-server/narwhal/internal/wire"
)

// The two masters of an upgrade, as fakes of a story.

func (st *stage) Disown()     { st.say("sockets are the new master's") }
func (st *stage) Own() []bool { st.say("sockets are ours"); return []bool{true} }

func (st *stage) Upgrade(events chan<- event) (heir, error) {
	if err := st.noUpgrade; err != nil {
		st.noUpgrade = nil
		return nil, err
	}
	st.say("exec new master")
	st.heir = &fakeHeir{st: st, events: events}
	return st.heir, nil
}

// fakeHeir is the new master of a story.
type fakeHeir struct {
	st     *stage
	events chan<- event
	deaf   bool
	gone   bool
}

func (h *fakeHeir) do(verb, rest string) {
	e := event{from: fromHeir}
	switch verb {
	case "begins":
		d, _ := time.ParseDuration(rest)
		e.msg = wire.Message{Kind: wire.Begin, Grace: d}
	case "ready":
		e.msg = wire.Message{Kind: wire.Ready}
	case "fails":
		h.events <- event{from: fromHeir, msg: wire.Message{Kind: wire.Failed, Error: rest}}
		e.exited, h.gone = true, true
	case "ends":
		e.exited, h.gone = true, true
	case "deaf":
		h.deaf = true
		return
	default:
		h.st.t.Fatalf("a new master cannot %q", verb)
	}
	h.events <- e
}

func (h *fakeHeir) Pid() int { return 99 }
func (h *fakeHeir) Release() {}

func (h *fakeHeir) Send(m wire.Message) error {
	if h.deaf {
		return errors.New("broken pipe")
	}
	h.st.say("new master <- %s", m.Kind)
	return nil
}

func (h *fakeHeir) Signal(s syscall.Signal) error {
	h.st.say("kill new master %s", signalName(s))
	return nil
}

// fakeOld is the old master, where the story is the new one's.
type fakeOld struct{ st *stage }

func (o fakeOld) Send(m wire.Message) error {
	o.st.say("old master <- %s", m.Kind)
	return nil
}

package supervisor

import (
	"errors"
	"syscall"
	"time"

	"github.com/narwhal-server/narwhal/internal/wire"
)

// Fakes for stories about upgrades: the old master and the new one.

func (st *stage) HandOver()        { st.say("sockets are the new master's") }
func (st *stage) TakeOver() []bool { st.say("sockets are ours"); return []bool{true} }

func (st *stage) Upgrade(events chan<- event) (newMasterProcess, error) {
	if err := st.noUpgrade; err != nil {
		st.noUpgrade = nil
		return nil, err
	}
	st.say("exec new master")
	st.newMaster = &fakeNewMaster{st: st, events: events}
	return st.newMaster, nil
}

// fakeNewMaster is the new master of a story.
type fakeNewMaster struct {
	st     *stage
	events chan<- event
	deaf   bool
	gone   bool
}

func (n *fakeNewMaster) do(verb, rest string) {
	e := event{from: fromNewMaster}
	switch verb {
	case "begins":
		d, _ := time.ParseDuration(rest)
		e.msg = wire.Message{Kind: wire.Begin, Grace: d}
	case "ready":
		e.msg = wire.Message{Kind: wire.Ready}
	case "fails":
		n.events <- event{from: fromNewMaster, msg: wire.Message{Kind: wire.Failed, Error: rest}}
		e.exited, n.gone = true, true
	case "ends":
		e.exited, n.gone = true, true
	case "deaf":
		n.deaf = true
		return
	default:
		n.st.t.Fatalf("a new master cannot %q", verb)
	}
	n.events <- e
}

func (n *fakeNewMaster) Pid() int { return 99 }
func (n *fakeNewMaster) Release() {}

func (n *fakeNewMaster) Send(m wire.Message) error {
	if n.deaf {
		return errors.New("broken pipe")
	}
	if m.Kind != wire.Totals && m.Kind != wire.Events { // totals come in every second after the hand-over
		n.st.say("new master <- %s", m.Kind)
	}
	return nil
}

func (n *fakeNewMaster) Signal(s syscall.Signal) error {
	n.st.say("kill new master %s", signalName(s))
	return nil
}

// fakeOldMaster is the old master in a story about the new one.
type fakeOldMaster struct{ st *stage }

func (o fakeOldMaster) Send(m wire.Message) error {
	o.st.say("old master <- %s", m.Kind)
	return nil
}

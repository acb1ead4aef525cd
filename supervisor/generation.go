package supervisor

import (
	"encoding/json"
	"fmt"

	"github.com/narwhal-server/narwhal/internal/cgroup"
	"github.com/narwhal-server/narwhal/internal/wire"
)

// generation is one reading of the configuration.
type generation struct {
	n        int // from 1
	o        Options
	settings json.RawMessage // o.Settings, as workers get them
	cores    int             // o.Cores or its default
	kept     []string        // settings that were changed, and that a reload does not change
}

// newGeneration checks options and gives them the next number. The number is
// used up even if the reload fails later.
func (m *master) newGeneration(o Options) (*generation, error) {
	if o.Workers < 1 || o.Workers > mostWorkers {
		return nil, fmt.Errorf("%d workers: want 1 to %d", o.Workers, mostWorkers)
	}
	b, err := json.Marshal(o.Settings)
	if err != nil {
		return nil, fmt.Errorf("settings: %w", err)
	}
	cores := o.Cores
	if cores == 0 {
		given, _ := cgroup.Read() // what cannot be read limits nothing
		cores = given.Cores()
	}
	m.lastGen++
	return &generation{n: m.lastGen, o: o, settings: b, cores: cores}, nil
}

// adopt makes a generation the current one.
func (m *master) adopt(g *generation) {
	m.gen = g
	m.target = g.o.Workers
}

// hello is the first message to a worker: what it is and how it serves.
func (g *generation) hello(slot, age int, sockets []wire.Listener) wire.HelloMessage {
	o := g.o
	return wire.HelloMessage{
		Slot: slot, Generation: g.n, Age: age, Listeners: sockets, Settings: g.settings,
		Worker: wire.Worker{Limits: o.Limits, Sync: o.Sync, Linger: o.Linger, Park: o.Park},
	}
}

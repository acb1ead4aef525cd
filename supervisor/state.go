package supervisor

import "fmt"

// State of a worker, as drawn in doc.go.
type State int

// The states, in the order a life can take.
const (
	Starting State = iota
	Ready
	Draining
	Aborting
	Killed
	Gone
)

var stateNames = [...]string{"starting", "ready", "draining", "aborting", "killed", "gone"}

func (s State) String() string { return stateNames[s] }

// moves are the legal ones. Every state may end in Gone: a process can die at
// any moment.
var moves = map[State][]State{
	Starting: {Ready, Aborting, Killed, Gone},
	Ready:    {Draining, Aborting, Killed, Gone},
	Draining: {Aborting, Killed, Gone},
	Aborting: {Killed, Gone},
	Killed:   {Gone},
}

// moveError is a mistake of ours, not of the world.
type moveError struct {
	age      int
	from, to State
}

func (e *moveError) Error() string {
	return fmt.Sprintf("worker of age %d cannot go from %s to %s", e.age, e.from, e.to)
}

// move is the only place that changes a worker's state.
func (m *master) move(w *worker, to State) {
	for _, s := range moves[w.state] {
		if s == to {
			w.state = to
			w.since = m.now()
			return
		}
	}
	// A master must not die of bookkeeping; tests make this fatal.
	m.bug(&moveError{w.age, w.state, to})
}

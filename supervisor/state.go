package supervisor

import "fmt"

// State is what a worker is doing. doc.go has a drawing.
type State int

// The states, in the order in which a worker can have them.
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

// moves has the states that may follow each state. Gone may follow every one: a
// process can die at any moment.
var moves = map[State][]State{
	Starting: {Ready, Aborting, Killed, Gone},
	Ready:    {Draining, Aborting, Killed, Gone},
	Draining: {Aborting, Killed, Gone},
	Aborting: {Killed, Gone},
	Killed:   {Gone},
}

// moveError is a bug of this program.
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
	// The service must not end because of a wrong state. Tests make this fatal.
	m.bug(&moveError{w.age, w.state, to})
}

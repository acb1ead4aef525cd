//go:build race

package supervisor_test

// Under the race detector everything is ten times slower; fewer of the same
// events show the same races.
const (
	someEvents = 3
	reloads    = 30

	underRace = true
)

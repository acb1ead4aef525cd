//go:build race

package supervisor_test

// Under the race detector everything takes ten times as long. Fewer events show the
// same races.
const (
	someEvents = 3
	reloads    = 30

	underRace = true
)

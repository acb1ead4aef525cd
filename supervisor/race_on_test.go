//go:build race

package supervisor_test

// Under the race detector everything takes ten times as long. Fewer events show the
// same races.
const (
	someEvents = 2
	reloads    = 20

	underRace = true
)

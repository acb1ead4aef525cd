//go:build !race

package supervisor_test

const (
	events  = 20  // of each kind under load
	reloads = 200 // that must leave nothing behind

	underRace = false
)

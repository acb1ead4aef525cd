//go:build !race

package supervisor_test

const (
	someEvents = 8
	reloads    = 200 // that must leave nothing behind

	underRace = false
)

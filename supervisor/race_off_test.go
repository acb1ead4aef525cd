//go:build !race

package supervisor_test

const (
	someEvents = 8
	reloads    = 200 // of TestNoLeaks

	underRace = false
)

//go:build race

package main

// raceDetector says that the race detector is on. It makes prose take seconds to load, so
// tests then do not do what has no goroutines that could race.
const raceDetector = true

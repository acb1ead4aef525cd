//go:build race

package main

// Under the race detector prose takes seconds to load, and scripts without a
// server have no goroutines that could race.
const serversOnly = true

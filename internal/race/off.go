//go:build !race

// Package race tells tests whether the race detector is at work. It makes
// sync.Pool drop what it holds at random, so that allocations cannot be counted
// beside it.
package race

// Enabled tells that the program was built with -race.
const Enabled = false

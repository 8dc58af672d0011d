//go:build race

package race

// Enabled tells that the program was built with -race.
const Enabled = true

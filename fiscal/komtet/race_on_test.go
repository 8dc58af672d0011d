//go:build race

package komtet

// raceEnabled: the detector empties pools at random, so that allocations cannot
// be counted.
const raceEnabled = true

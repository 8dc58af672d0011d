//go:build !race

package komtet

const raceEnabled = false

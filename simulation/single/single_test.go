package single_test

import (
	"context"
	"flag"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/simulation/crm"
	"github.com/acquiring-go/acquiring/simulation/single"
	"github.com/acquiring-go/acquiring/simulation/world"
)

var (
	seed   = flag.Uint64("seed", 1, "the seed of the runs")
	orders = flag.Int("orders", 60, "orders in each run")
)

// today is where the clocks begin: a day on which all the library's rules hold.
var today = time.Date(2026, time.March, 2, 9, 0, 0, 0, time.UTC)

// play makes a run in time that does not cost any.
func play(t *testing.T, o single.Options) (out *single.Result) {
	t.Helper()
	o.Place = crm.SQLiteFile(filepath.Join(t.TempDir(), "crm.db"), "s_")
	db, err := o.Place.Open(1)
	require.NoError(t, err)
	require.NoError(t, o.Place.Migrate(t.Context(), db))
	require.NoError(t, db.Close())
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(today))
		out, err = single.Run(context.Background(), o)
		require.NoError(t, err)
	})
	return out
}

func TestSingle(t *testing.T) {
	for _, w := range world.Weathers() {
		t.Run(w.Name, func(t *testing.T) {
			r := play(t, single.Options{Seed: *seed, Orders: *orders, Weather: w, Lifetime: 150})
			assert.Empty(t, r.Faults)
			t.Logf("%d orders, %d paid, %d kills, %d callbacks, %d repeats, %d lost, %d forged, credited %s, debited %s, %d receipts, holds %d taken, %d in part, %d let go",
				r.Orders, r.Paid, r.Kills, r.Sent, r.Repeats, r.Lost, r.Forged, r.Credited, r.Debited, r.Printed, r.Taken, r.InPart, r.LetGo)
		})
	}
}

// One seed gives one run, to the line of its journal; another seed another.
func TestSeed(t *testing.T) {
	storm, err := world.WeatherNamed("storm")
	require.NoError(t, err)
	o := single.Options{Seed: *seed, Orders: *orders, Weather: storm, Lifetime: 100}
	first, second := play(t, o), play(t, o)
	require.Positive(t, first.Kills)
	for i := range min(len(first.Journal), len(second.Journal)) {
		require.Equal(t, first.Journal[i], second.Journal[i], "line %d, after %v", i, first.Journal[max(0, i-8):i])
	}
	require.Equal(t, first.Digest(), second.Digest())
	o.Seed++
	require.NotEqual(t, first.Digest(), play(t, o).Digest())
	t.Logf("seed %d: %d lines, %d kills, digest %s", *seed, len(first.Journal), first.Kills, first.Digest())
}

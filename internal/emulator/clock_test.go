package emulator

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var noon = time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)

func TestClockAdvanceRunsPlansInOrderAtTheirTime(t *testing.T) {
	c := NewClock(noon)
	var seen []string
	note := func(name string) func() {
		return func() { seen = append(seen, name+c.Now().Format(" 15:04:05")) }
	}
	c.AfterFunc(2*time.Minute, note("c"))
	c.AfterFunc(time.Minute, note("a"))
	c.AtFunc(noon.Add(time.Minute), note("b"))
	c.AfterFunc(time.Minute, func() { c.AfterFunc(30*time.Second, note("nested")) })
	stopped := c.AfterFunc(time.Second, note("never"))
	assert.True(t, stopped.Stop())
	assert.False(t, stopped.Stop())
	c.AfterFunc(time.Hour, note("later"))
	c.Advance(2 * time.Minute)
	assert.Equal(t, []string{"a 12:01:00", "b 12:01:00", "nested 12:01:30", "c 12:02:00"}, seen)
	assert.Equal(t, noon.Add(2*time.Minute), c.Now())
	assert.False(t, c.Advancing())
	c.Set(noon.Add(2 * time.Hour))
	assert.Equal(t, "later 13:00:00", seen[4])
	c.Set(noon)
	assert.Equal(t, noon, c.Now())
	assert.Len(t, seen, 5)
	var none *Timer
	assert.False(t, none.Stop())
}

func TestClockStopForgetsPlans(t *testing.T) {
	c := NewClock(noon)
	c.AfterFunc(time.Second, func() { t.Error("ran") })
	c.Stop()
	c.AfterFunc(time.Second, func() { t.Error("ran") })
	c.Advance(time.Hour)
	assert.Equal(t, noon.Add(time.Hour), c.Now())
}

func TestRunningClockIsCompressed(t *testing.T) {
	c := NewRunningClock(noon, 3600)
	defer c.Stop()
	require.True(t, c.Running())
	fired := make(chan time.Time, 2)
	c.AfterFunc(10*time.Minute, func() { fired <- c.Now() }) // a sixth of a second
	c.AfterFunc(time.Minute, func() { fired <- c.Now() })
	for _, want := range []time.Duration{time.Minute, 10 * time.Minute} {
		select {
		case at := <-fired:
			assert.False(t, at.Before(noon.Add(want)), "fired at %s", at)
		case <-time.After(10 * time.Second):
			t.Fatal("did not fire")
		}
	}
}

func TestRunningClockAdvances(t *testing.T) {
	c := NewRunningClock(noon, 0)
	defer c.Stop()
	var runs atomic.Int32
	c.AfterFunc(time.Hour, func() { runs.Add(1) })
	c.Advance(time.Hour)
	assert.EqualValues(t, 1, runs.Load())
	assert.False(t, c.Now().Before(noon.Add(time.Hour)))
}

func TestIDsRepeatWithTheSeed(t *testing.T) {
	a, b := NewIDs(7), NewIDs(7)
	for range 3 {
		assert.Equal(t, a.UUID(), b.UUID())
		assert.Equal(t, a.Hex(32), b.Hex(32))
		assert.Equal(t, a.Digits(12), b.Digits(12))
		assert.Equal(t, a.QR("AD"), b.QR("AD"))
		assert.Equal(t, a.Letters(6), b.Letters(6))
		assert.Equal(t, a.IntN(100), b.IntN(100))
	}
	assert.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, a.UUID())
	assert.Regexp(t, `^AB[A-Z0-9]{30}$`, a.QR("AB"))
	assert.Regexp(t, `^[1-9][0-9]{11}$`, a.Digits(12))
	assert.Empty(t, a.Digits(0))
	assert.NotEqual(t, NewIDs(0).UUID(), NewIDs(0).UUID(), "without a seed two emulators differ")
	assert.EqualValues(t, 7, a.Seed())
}

func TestBooksRefuseImpossibleMoves(t *testing.T) {
	b := NewBooks()
	b.Open(Order{ID: "id-1", Number: "A-7", Amount: 1000})
	b.Open(Order{ID: "id-2", Amount: 500})
	require.NoError(t, b.Move("id-1", Move{Time: noon, Kind: Authorized, Amount: 1000}))
	require.Error(t, b.Move("id-1", Move{Kind: Captured, Amount: 1001}))
	require.NoError(t, b.Move("id-1", Move{Kind: Captured, Amount: 600}))
	require.Error(t, b.Move("id-1", Move{Kind: Released, Amount: 401}))
	require.NoError(t, b.Move("id-1", Move{Kind: Released, Amount: 400}))
	require.Error(t, b.Move("id-1", Move{Kind: Refunded, Amount: 601}))
	require.NoError(t, b.Move("id-1", Move{Kind: Refunded, Amount: 100, Key: "r-1"}))
	require.Error(t, b.Move("id-1", Move{Kind: "stolen", Amount: 1}))
	require.Error(t, b.Move("id-1", Move{Kind: Refunded, Amount: -1}))
	require.Error(t, b.Move("nobody", Move{Kind: Authorized, Amount: 1}))
	b.State("id-1", "refunded")
	b.State("nobody", "x")
	o, ok := b.Order("A-7")
	require.True(t, ok)
	assert.EqualValues(t, 500, o.Net())
	assert.Equal(t, "refunded", o.State)
	assert.Len(t, o.Moves, 4)
	o.Moves[0].Amount = 1 // a copy
	o, _ = b.Order("id-1")
	assert.EqualValues(t, 1000, o.Moves[0].Amount)
	_, ok = b.Order("nobody")
	assert.False(t, ok)
	assert.Equal(t, Totals{Orders: 2, Authorized: 1000, Captured: 600, Released: 400, Refunded: 100}, b.Totals())
	assert.Len(t, b.Orders(), 2)
}

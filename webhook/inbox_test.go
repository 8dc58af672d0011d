package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/webhook"
)

func TestMemoryInboxOnce(t *testing.T) {
	inbox := webhook.NewMemoryInbox(0)
	runs := 0
	once := func(key string, err error) error {
		return inbox.Once(t.Context(), key, func(context.Context) error { runs++; return err })
	}
	no := errors.New("no")
	require.ErrorIs(t, once("a", no), no)
	require.ErrorIs(t, once("a", no), no)
	assert.Equal(t, 2, runs, "a failure leaves the key free")
	require.NoError(t, once("a", nil))
	require.NoError(t, once("a", no))
	assert.Equal(t, 3, runs)
	require.NoError(t, once("b", nil))
	assert.Equal(t, 4, runs)
}

func TestMemoryInboxForgetsTheOldest(t *testing.T) {
	inbox := webhook.NewMemoryInbox(2)
	ran := func(key string) (ran bool) {
		require.NoError(t, inbox.Once(t.Context(), key, func(context.Context) error { ran = true; return nil }))
		return ran
	}
	assert.True(t, ran("a"))
	assert.True(t, ran("b"))
	assert.False(t, ran("a"), "asked for again: now b is the oldest")
	assert.True(t, ran("c"))
	assert.False(t, ran("a"))
	assert.True(t, ran("b"), "forgotten")
}

func TestMemoryInboxNeverForgetsWhatIsInFlight(t *testing.T) {
	inbox := webhook.NewMemoryInbox(1)
	err := inbox.Once(t.Context(), "long", func(ctx context.Context) error {
		for i := range 10 {
			if err := inbox.Once(ctx, fmt.Sprint(i), func(context.Context) error { return nil }); err != nil {
				return err
			}
		}
		ctx, cancel := context.WithCancel(ctx)
		cancel()
		again := inbox.Once(ctx, "long", func(context.Context) error { return errors.New("ran twice at once") })
		assert.ErrorIs(t, again, webhook.ErrInFlight)
		assert.ErrorIs(t, again, context.Canceled)
		return nil
	})
	require.NoError(t, err)
}

func TestMemoryInboxSecondWaitsForTheFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inbox := webhook.NewMemoryInbox(0)
		var runs, at atomic.Int32
		var wg sync.WaitGroup
		for i := range 10 {
			wg.Go(func() {
				err := inbox.Once(t.Context(), "k", func(context.Context) error {
					assert.EqualValues(t, 1, at.Add(1), "one at a time")
					time.Sleep(time.Second)
					at.Add(-1)
					if runs.Add(1) < 3 {
						return errors.New("not yet")
					}
					return nil
				})
				_ = i
				if err != nil {
					assert.ErrorContains(t, err, "not yet")
				}
			})
		}
		start := time.Now()
		wg.Wait()
		assert.EqualValues(t, 3, runs.Load(), "after a failure one of those who waited takes over; after the success nobody")
		assert.Equal(t, 3*time.Second, time.Since(start))
	})
}

func TestMemoryInboxFreesTheKeyWhateverHappens(t *testing.T) {
	inbox := webhook.NewMemoryInbox(0)
	assert.Panics(t, func() { _ = inbox.Once(t.Context(), "k", func(context.Context) error { panic("boom") }) })
	var wg sync.WaitGroup
	wg.Go(func() { _ = inbox.Once(t.Context(), "k", func(context.Context) error { runtime.Goexit(); return nil }) })
	wg.Wait()
	ran := false
	require.NoError(t, inbox.Once(t.Context(), "k", func(context.Context) error { ran = true; return nil }))
	assert.True(t, ran)
}

func TestMemoryInboxStress(t *testing.T) {
	inbox := webhook.NewMemoryInbox(1000)
	var credited [100]atomic.Int32
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 1000 {
				n := (i*7 + g) % 100
				_ = inbox.Once(t.Context(), fmt.Sprint(n), func(context.Context) error {
					if i%3 == 0 {
						return errors.New("this time not")
					}
					credited[n].Add(1)
					return nil
				})
			}
		})
	}
	wg.Wait()
	for n := range credited {
		assert.EqualValues(t, 1, credited[n].Load(), n)
	}
}

// The ring against the plainest model of the same.
func TestMemoryInboxAgainstAModel(t *testing.T) {
	for _, limit := range []int{1, 2, 3, 7} {
		inbox := webhook.NewMemoryInbox(limit)
		var recent []string // newest last
		random := rand.New(rand.NewPCG(1, uint64(limit)))
		for step := range 3000 {
			key := fmt.Sprint(random.IntN(10))
			fails := random.IntN(4) == 0
			ran := false
			err := inbox.Once(t.Context(), key, func(context.Context) error {
				ran = true
				if fails {
					return errors.New("no")
				}
				return nil
			})
			at := slices.Index(recent, key)
			require.Equal(t, at < 0, ran, "limit %d, step %d", limit, step)
			require.Equal(t, ran && fails, err != nil)
			if at >= 0 {
				recent = append(slices.Delete(recent, at, at+1), key)
			} else if !fails {
				recent = append(recent, key)
				recent = recent[max(0, len(recent)-limit):]
			}
		}
	}
}

func TestMemoryInboxStaysSmall(t *testing.T) {
	heap := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	nothing := func(context.Context) error { return nil }
	for limit, most := range map[int]int64{0: 12 << 20, 1000: 1 << 20} {
		inbox := webhook.NewMemoryInbox(limit)
		before := heap()
		for i := range 2 * webhook.DefaultMemory {
			if err := inbox.Once(t.Context(), fmt.Sprint("bank/school/", i, "/paid"), nothing); err != nil {
				t.Fatal(err)
			}
		}
		assert.Less(t, heap()-before, most, "with a limit of %d", limit)
		runtime.KeepAlive(inbox)
	}
}

func BenchmarkMemoryInbox(b *testing.B) {
	nothing := func(context.Context) error { return nil }
	b.Run("new", func(b *testing.B) {
		b.ReportAllocs()
		inbox, key := webhook.NewMemoryInbox(0), make([]byte, 0, 64)
		for i := 0; b.Loop(); i++ {
			key = strconv.AppendInt(append(key[:0], "bank/school/"...), int64(i), 10)
			_ = inbox.Once(b.Context(), string(key), nothing)
		}
	})
	b.Run("again", func(b *testing.B) {
		b.ReportAllocs()
		inbox := webhook.NewMemoryInbox(0)
		for b.Loop() {
			_ = inbox.Once(b.Context(), "bank/school/7f1a0f3c/paid", nothing)
		}
	})
}

package webhook

import (
	"context"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/acquiring-go/acquiring/internal/race"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type label struct{}

// The deadline is what package context would have made of it.
func TestDeadline(t *testing.T) {
	parent := func() (context.Context, context.CancelFunc) {
		values, hangUp := context.WithCancel(context.WithValue(context.Background(), label{}, "school"))
		return context.WithoutCancel(values), hangUp
	}
	t.Run("ends when the time is over, whether anybody waits or not", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			values, hangUp := parent()
			waited, asked := newDeadline(values, time.Second), newDeadline(values, time.Second)
			at, ok := waited.Deadline()
			assert.True(t, ok)
			assert.Equal(t, time.Now().Add(time.Second), at)
			child, stop := context.WithCancel(waited)
			defer stop()
			done := waited.Done()
			hangUp() // the sender: nobody's business
			time.Sleep(time.Second - 1)
			for _, ctx := range []context.Context{waited, asked, child} {
				require.NoError(t, ctx.Err())
				require.NoError(t, context.Cause(ctx))
				assert.Equal(t, "school", ctx.Value(label{}))
			}
			time.Sleep(2 * time.Nanosecond)
			<-done
			<-child.Done()
			for _, ctx := range []context.Context{waited, asked, child} {
				assert.Equal(t, context.DeadlineExceeded, ctx.Err())
				assert.Equal(t, context.DeadlineExceeded, context.Cause(ctx))
			}
			assert.Equal(t, "school", asked.Value(label{}))
			waited.end()
			asked.end()
			assert.Equal(t, context.DeadlineExceeded, waited.Err())
		})
	})
	t.Run("ends with the work", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			values, hangUp := parent()
			defer hangUp()
			waited, late := newDeadline(values, time.Hour), newDeadline(values, time.Hour)
			told := false
			context.AfterFunc(waited, func() { told = true })
			child, stop := context.WithTimeout(waited, time.Minute)
			defer stop()
			waited.end()
			late.end()
			synctest.Wait() // no goroutine and no timer is left
			assert.True(t, told)
			<-late.Done() // somebody kept it
			for _, ctx := range []context.Context{waited, child, late} {
				assert.Equal(t, context.Canceled, ctx.Err())
			}
		})
	})
	t.Run("children need no goroutine", func(t *testing.T) {
		d := newDeadline(context.Background(), time.Hour)
		defer d.end()
		before := runtime.NumGoroutine()
		for range 100 {
			child, stop := context.WithCancel(d)
			defer stop()
			require.NoError(t, child.Err())
		}
		assert.Less(t, runtime.NumGoroutine(), before+50)
	})
	t.Run("asked by many at once", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			d := newDeadline(context.Background(), time.Second)
			for range 8 {
				go func() {
					<-d.Done()
					assert.Error(t, d.Err())
					_ = d.Value(label{})
				}()
			}
			synctest.Wait()
			d.end()
			synctest.Wait()
		})
	})
}

func TestDeadlineIsCheap(t *testing.T) {
	if race.Enabled {
		t.Skip("allocations cannot be counted beside the race detector")
	}
	assert.LessOrEqual(t, testing.AllocsPerRun(100, func() {
		d := newDeadline(context.Background(), time.Second)
		_ = d.Err()
		d.end()
	}), 1.0)
}

package store_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/examples/crm/store"
	"github.com/acquiring-go/acquiring/examples/crm/store/storetest"
)

// TestAlone: who is alone stays so when the person who asked has left.
func TestAlone(t *testing.T) {
	s, err := store.Open(t.Context(), storetest.PostgreSQL(t))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	ctx, leave := context.WithCancel(t.Context())
	end, err := s.Alone(ctx, 7)
	require.NoError(t, err)
	leave()
	second := func(number int64, wait time.Duration) error {
		ctx, cancel := context.WithTimeout(t.Context(), wait)
		defer cancel()
		end, err := s.Alone(ctx, number)
		if err == nil {
			end()
		}
		return err
	}
	assert.Error(t, second(7, 300*time.Millisecond))
	assert.NoError(t, second(8, time.Minute))
	end()
	assert.NoError(t, second(7, time.Minute))
}

// The file is the one that was named, whatever its name has.
func TestFileOfTheDatabase(t *testing.T) {
	for _, name := range []string{"crm.db", "школа #1.db", "a?b=c.db", "100%25.db", "with space.db"} {
		dir := t.TempDir()
		s, err := store.Open(t.Context(), filepath.Join(dir, name))
		require.NoError(t, err, name)
		var mode string
		require.NoError(t, s.DB.QueryRow("PRAGMA journal_mode").Scan(&mode))
		assert.Equal(t, "wal", mode, name)
		var synchronous int
		require.NoError(t, s.DB.QueryRow("PRAGMA synchronous").Scan(&synchronous))
		assert.Equal(t, 2, synchronous, "FULL: a power failure takes back nothing that was committed")
		_, err = os.Stat(filepath.Join(dir, name))
		assert.NoError(t, err, name)
		require.NoError(t, s.Close())
	}
}

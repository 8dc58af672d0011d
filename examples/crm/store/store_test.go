package store_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/examples/crm/store"
)

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

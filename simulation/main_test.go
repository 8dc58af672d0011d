package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/simulation/world"
)

// The test binary is also the replica.
func TestMain(m *testing.M) {
	if told := os.Getenv(roleVariable); told != "" {
		if err := replica(told); err != nil {
			fmt.Fprintln(os.Stderr, "replica:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// TestKillNine is a small run of three processes over each database in the
// storm, which has all the faults. Each fault by itself is in the package
// single; the figures in docs/reliability.md are the command's.
func TestKillNine(t *testing.T) {
	for database, address := range map[string]string{"sqlite": "", "postgres": "ACQUIRING_POSTGRES_DSN", "mysql": "ACQUIRING_MYSQL_DSN"} {
		t.Run(database, func(t *testing.T) {
			if testing.Short() {
				t.Skip("takes half a minute")
			}
			if address != "" && os.Getenv(address) == "" {
				t.Skip(address + " is not set: " + database + " is not tried")
			}
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
			defer cancel()
			c := cell{fault: "storm", database: database, orders: 150, replicas: 3, customers: 8, seed: 1, kill: 700 * time.Millisecond, patience: time.Minute}
			o, err := c.run(ctx)
			require.NoError(t, err)
			assert.Empty(t, o.Faults)
			assert.GreaterOrEqual(t, o.kills, 3)
			assert.Equal(t, 150, o.Orders)
			assert.Positive(t, o.Forged)
			assert.Zero(t, o.ForgedAccepted)
			assert.Equal(t, o.Captured, o.Credited)
			assert.Equal(t, o.Refunded, o.Debited)
			t.Log(c.row(o))
		})
	}
}

func TestCommand(t *testing.T) {
	var out, progress bytes.Buffer
	ok, err := command(t.Context(), []string{"-orders", "20", "-fault", "clear,doubled", "-db", "sqlite", "-kill", "0", "-replicas", "2"}, &out, &progress)
	require.NoError(t, err)
	assert.True(t, ok, out.String())
	for _, name := range []string{"| clear | sqlite | 20 |", "| doubled | sqlite | 20 |", "-seed 1`"} {
		assert.Contains(t, out.String(), name)
	}
	_, err = command(t.Context(), []string{"-fault", "plague"}, &out, &progress)
	assert.ErrorContains(t, err, "plague")
	_, err = command(t.Context(), []string{"-db", "abacus"}, &out, &progress)
	assert.ErrorContains(t, err, "abacus")
}

// Each weather does what its name says.
func TestWeathers(t *testing.T) {
	names := map[string]bool{}
	for _, w := range world.Weathers() {
		assert.False(t, names[w.Name])
		names[w.Name] = true
	}
	for _, name := range []string{"clear", "lost", "delayed", "doubled", "reordered", "forged", "5xx", "cut", "timeout", "register", "storm"} {
		assert.True(t, names[name], name)
	}
}

package crm

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// errands are rows of a table that say what somebody wants done at a provider.
// A row whose state is 'wanted' belongs to the replica that moved its free_at
// into the future, until then.
type errands struct {
	*Shop
	table, key string
	// do carries out one row, whatever became of earlier tries, and changes its
	// state when it is done.
	do func(ctx context.Context, key string) error
}

func (s *Shop) allErrands() []errands {
	return []errands{{s, "{refunds}", "refund_key", s.refund}, {s, "{holds}", "hold_key", s.settleHold}}
}

// run carries out what is noted until ctx ends.
func (e errands) run(ctx context.Context) {
	var working sync.WaitGroup
	defer working.Wait()
	places := make(chan struct{}, e.conf.Pace.Parallel)
	for ctx.Err() == nil {
		due, err := e.due(ctx, 8*e.conf.Pace.Parallel)
		if err != nil && ctx.Err() == nil {
			e.log.ErrorContext(ctx, "the errands cannot be read", "table", e.table, "error", err)
		}
		rand.Shuffle(len(due), func(i, j int) { due[i], due[j] = due[j], due[i] })
		for _, key := range due {
			select {
			case places <- struct{}{}:
			case <-ctx.Done():
				return
			}
			working.Go(func() {
				defer func() { <-places }()
				e.try(ctx, key)
			})
		}
		select {
		case <-ctx.Done():
		case <-time.After(e.conf.Pace.ErrandEvery):
		}
	}
}

func (e errands) due(ctx context.Context, limit int) (keys []string, err error) {
	rows, err := e.db.QueryContext(ctx, e.sql("SELECT "+e.key+" FROM "+e.table+" WHERE state = 'wanted' AND free_at <= ? ORDER BY free_at, "+e.key+" LIMIT ?"), time.Now().UnixMilli(), limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var key string
		if err := rows.Scan(&key); err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, rows.Err()
}

// try tries one once, unless another replica is at it.
func (e errands) try(ctx context.Context, key string) {
	now := time.Now()
	result, err := e.db.ExecContext(ctx, e.sql("UPDATE "+e.table+" SET free_at = ?, tries = tries + 1 WHERE "+e.key+" = ? AND state = 'wanted' AND free_at <= ?"),
		now.Add(e.conf.Pace.ErrandLease).UnixMilli(), key, now.UnixMilli())
	if err != nil {
		return
	}
	if n, err := result.RowsAffected(); n == 0 || err != nil {
		return
	}
	if err = e.do(ctx, key); err == nil {
		return
	}
	e.log.WarnContext(ctx, "an errand is not done", "key", key, "error", err)
	_, _ = e.db.ExecContext(ctx, e.sql("UPDATE "+e.table+" SET free_at = ?, last_error = ? WHERE "+e.key+" = ? AND state = 'wanted'"),
		time.Now().Add(e.conf.Pace.ErrandAgain).UnixMilli(), err.Error(), key)
}

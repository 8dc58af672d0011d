package shops

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strconv"
	"sync"

	"golang.org/x/oauth2"

	"github.com/acquiring-go/acquiring/examples/crm/secret"
	"github.com/acquiring-go/acquiring/examples/crm/store"
	"github.com/acquiring-go/acquiring/tochka"
	"github.com/acquiring-go/acquiring/tochka/sqlledger"
)

// keeper is a shop's part of the table in which clients keep what their
// provider does not remember.
type keeper struct {
	store *store.Store
	box   *secret.Box
	shop  int64
	locks *sync.Map // of a shop's tokens, by number
}

// paykeeperStore is a paykeeper.Store.
type paykeeperStore struct{ k keeper }

func (s paykeeperStore) Get(ctx context.Context, key string) ([]byte, error) {
	value, err := s.k.store.Kept(ctx, s.k.store.DB, s.k.shop, "paykeeper", key)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return value, err
}

func (s paykeeperStore) Add(ctx context.Context, key string, value []byte) (bool, error) {
	return s.k.store.Keep(ctx, s.k.store.DB, s.k.shop, "paykeeper", key, value, true)
}

func (s paykeeperStore) Set(ctx context.Context, key string, value []byte) error {
	_, err := s.k.store.Keep(ctx, s.k.store.DB, s.k.shop, "paykeeper", key, value, false)
	return err
}

// ledger remembers the keys of Tochka's refunds and charges, which the bank does
// not: its shops are told apart by their labels.
func ledger(s *store.Store) (*sqlledger.Ledger, error) {
	return sqlledger.New(s.DB, s.Dialect, sqlledger.Table("crm_tochka_ledger"))
}

// Migrate makes the tables of what clients keep.
func Migrate(ctx context.Context, s *store.Store) error {
	l, err := ledger(s)
	if err != nil {
		return err
	}
	return l.Migrate(ctx)
}

// tokens is a tochka.TokenStore: sealed, and one refresh at a time. Over
// PostgreSQL the shop's row is locked meanwhile, for all copies of the program;
// over SQLite, where that would stop every writer, there is one copy and a lock
// in memory.
type tokens struct{ k keeper }

const tokenArea = "tochka-tokens"

func (t tokens) what() string { return "tokens of shop " + strconv.FormatInt(t.k.shop, 10) }

func (t tokens) Load(ctx context.Context, name string) (*oauth2.Token, error) {
	return t.load(ctx, t.k.store.DB, name)
}

func (t tokens) load(ctx context.Context, db store.DB, name string) (*oauth2.Token, error) {
	sealed, err := t.k.store.Kept(ctx, db, t.k.shop, tokenArea, name)
	if errors.Is(err, store.ErrNotFound) {
		return nil, tochka.ErrNoTokens
	}
	if err != nil {
		return nil, err
	}
	plain, err := t.k.box.Open(t.what(), sealed)
	if err != nil {
		return nil, err
	}
	var token oauth2.Token
	return &token, json.Unmarshal(plain, &token)
}

func (t tokens) Update(ctx context.Context, name string, change func(*oauth2.Token) (*oauth2.Token, error)) (next *oauth2.Token, err error) {
	lock, _ := t.k.locks.LoadOrStore(t.k.shop, new(sync.Mutex))
	mu := lock.(*sync.Mutex)
	mu.Lock()
	defer mu.Unlock()
	// What the bank has issued must be stored, whatever became of the caller.
	ctx = context.WithoutCancel(ctx)
	if !t.k.store.LocksRows() {
		return t.update(ctx, t.k.store.DB, name, change)
	}
	err = t.k.store.InTx(ctx, func(tx *sql.Tx) error {
		if err := t.k.store.LockShop(ctx, tx, t.k.shop); err != nil {
			return err
		}
		next, err = t.update(ctx, tx, name, change)
		return err
	})
	return next, err
}

func (t tokens) update(ctx context.Context, db store.DB, name string, change func(*oauth2.Token) (*oauth2.Token, error)) (*oauth2.Token, error) {
	current, err := t.load(ctx, db, name)
	if err != nil && !errors.Is(err, tochka.ErrNoTokens) {
		return nil, err
	}
	next, err := change(current)
	if err != nil {
		return nil, err
	}
	if next == nil {
		return nil, t.k.store.Drop(ctx, db, t.k.shop, tokenArea, name)
	}
	plain, err := json.Marshal(next)
	if err != nil {
		return nil, err
	}
	_, err = t.k.store.Keep(ctx, db, t.k.shop, tokenArea, name, t.k.box.Seal(t.what(), plain), false)
	return next, err
}

package paykeeper

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"sync"
	"time"

	"github.com/acquiring-go/acquiring"
)

// Store remembers what PayKeeper cannot be asked: which refund, charge and
// receipt was sent under which key of the shop's, and which payments are held.
// It is a table of two columns, key and value; a few hundred bytes a row. A key
// is Config.Shop (or "paykeeper"), some 20 characters, and your own order number,
// refund key or receipt ID. An
// implementation is safe for concurrent use; over a database it outlives the
// process and is shared by its copies, whose clocks must agree to the minute. A
// call that is made again after a crash adds a row of its own, so that one copy
// makes it.
type Store interface {
	// Get gives the value; nil without an error when there is none.
	Get(ctx context.Context, key string) ([]byte, error)
	// Add stores the value unless the key is there already, and says whether
	// it did: INSERT … ON CONFLICT DO NOTHING.
	Add(ctx context.Context, key string, value []byte) (added bool, err error)
	// Set stores the value, whatever was there. What it was is needed no more.
	Set(ctx context.Context, key string, value []byte) error
}

// memoryLimit is how many keys a MemoryStore holds when not told.
const memoryLimit = 100_000

// MemoryStore is a Store in the memory of the process. When it is full it
// forgets the oldest key.
type MemoryStore struct {
	mu     sync.Mutex
	values map[string][]byte
	order  []string // ring of the keys, oldest at next
	next   int
	limit  int
}

// NewMemoryStore makes a store of at most so many keys; 0: 100,000.
func NewMemoryStore(limit int) *MemoryStore {
	if limit <= 0 {
		limit = memoryLimit
	}
	return &MemoryStore{values: make(map[string][]byte), limit: limit}
}

// Get gives the value, nil when there is none.
func (s *MemoryStore) Get(_ context.Context, key string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.values[key], nil
}

// Add stores the value unless the key is there already.
func (s *MemoryStore) Add(_ context.Context, key string, value []byte) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, there := s.values[key]; there {
		return false, nil
	}
	s.put(key, value)
	return true, nil
}

// Set stores the value, whatever was there.
func (s *MemoryStore) Set(_ context.Context, key string, value []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put(key, value)
	return nil
}

func (s *MemoryStore) put(key string, value []byte) {
	if _, there := s.values[key]; !there {
		if len(s.order) < s.limit {
			s.order = append(s.order, key)
		} else {
			delete(s.values, s.order[s.next])
			s.order[s.next] = key
			s.next = (s.next + 1) % s.limit
		}
	}
	s.values[key] = append([]byte(nil), value...)
}

// inFlight is how long a call may be under way in another process: longer than
// any call lasts. An intent that is older was left by a process that died.
const inFlight = 2 * time.Minute

// intent says that a call is about to be made, before it is made: whoever finds
// it later knows that it may have been carried out. The zero value says that
// nothing was sent.
type intent struct {
	At      time.Time `json:"at,omitzero"`
	By      string    `json:"by,omitempty"` // the client that made the call
	No      uint64    `json:"no,omitempty"` // its own count
	Refused bool      `json:"refused,omitempty"`
}

// open says whether the call may have been carried out.
func (i intent) open() bool { return !i.At.IsZero() && !i.Refused }

// refused is the intent of a call that the service refused: nothing was done,
// and the next attempt is another.
func (i intent) refused() intent {
	i.Refused = true
	return i
}

func (i intent) is(other intent) bool {
	return i.By == other.By && i.No == other.No && i.At.Equal(other.At)
}

func (c *Client) intend() intent {
	return intent{At: c.now().UTC(), By: c.self, No: c.intents.Add(1)}
}

// busy says whether another process may be making the call right now.
func (c *Client) busy(i intent) bool {
	return i.open() && i.By != c.self && c.now().Sub(i.At) < inFlight
}

// announce notes the intent in the store before the call is made. there says
// that the key is in the store already, was what intent it holds: of a process
// that died, of a lost answer, or of a refusal. Several may find it at once, and
// the call is made by one of them.
func (c *Client) announce(ctx context.Context, op, key string, there bool, was, now intent, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return c.storeFailed(op, err, acquiring.OutcomeNotSent)
	}
	if there {
		if err := c.takeOver(ctx, op, key, was, now); err != nil {
			return err
		}
		err = c.store.Set(ctx, key, data)
	} else {
		var added bool
		if added, err = c.store.Add(ctx, key, data); err == nil && !added {
			return c.underWay(op)
		}
	}
	if err != nil {
		return c.storeFailed(op, err, acquiring.OutcomeNotSent)
	}
	return nil
}

// takeOver makes the key this call's own: of several that found the same intent,
// who notes first that he follows it. One who noted it and died is followed in
// his turn.
func (c *Client) takeOver(ctx context.Context, op, key string, was, now intent) error {
	data, err := json.Marshal(now)
	if err != nil {
		return c.storeFailed(op, err, acquiring.OutcomeNotSent)
	}
	for last := was; ; {
		// A digest, so that a long key stays within the store's column.
		digest := sha256.Sum256([]byte(key + "\n" + last.By + "\n" + strconv.FormatUint(last.No, 10)))
		mark := c.label() + "/after/" + hex.EncodeToString(digest[:16])
		added, err := c.store.Add(ctx, mark, data)
		if err != nil {
			return c.storeFailed(op, err, acquiring.OutcomeNotSent)
		}
		if added {
			break
		}
		var next intent
		if there, err := c.recall(ctx, op, mark, &next); err != nil {
			return err
		} else if !there || c.busy(next) || next.is(last) {
			return c.underWay(op)
		}
		last = next
	}
	// Somebody may have taken it over and finished since it was read.
	var there intent
	if _, err := c.recall(ctx, op, key, &there); err != nil {
		return err
	}
	if !there.is(was) {
		return c.underWay(op)
	}
	return nil
}

// recall reads what the store has under the key into v; false: nothing.
func (c *Client) recall(ctx context.Context, op, key string, v any) (there bool, err error) {
	data, err := c.store.Get(ctx, key)
	if err == nil && data != nil {
		err = json.Unmarshal(data, v)
	}
	if err != nil {
		return false, c.storeFailed(op, err, acquiring.OutcomeNotSent)
	}
	return data != nil, nil
}

// keep stores v, also when the context has ended: what was done must be noted.
func (c *Client) keep(ctx context.Context, key string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return c.store.Set(context.WithoutCancel(ctx), key, data)
}

// underWay is the error for a key that another process is working on.
func (c *Client) underWay(op string) error {
	return &acquiring.Error{Provider: provider, Op: op, Kind: acquiring.ErrConflict, Outcome: acquiring.OutcomeUnknown,
		Message: "another call with the same key is under way", Hint: "make the same call again in two minutes"}
}

// keyedLocks serialise what concerns one payment or one key within the
// process: the comparison of refunds before and after must not see another's.
type keyedLocks struct {
	mu    sync.Mutex
	locks map[string]*keyedLock
}

type keyedLock struct {
	slot  chan struct{}
	users int
}

func newKeyedLocks() *keyedLocks { return &keyedLocks{locks: make(map[string]*keyedLock)} }

// lock waits for the key, or for the end of the context.
func (k *keyedLocks) lock(ctx context.Context, key string) (unlock func(), err error) {
	k.mu.Lock()
	l := k.locks[key]
	if l == nil {
		l = &keyedLock{slot: make(chan struct{}, 1)}
		k.locks[key] = l
	}
	l.users++
	k.mu.Unlock()
	leave := func() {
		k.mu.Lock()
		if l.users--; l.users == 0 {
			delete(k.locks, key)
		}
		k.mu.Unlock()
	}
	select {
	case l.slot <- struct{}{}:
		return func() { <-l.slot; leave() }, nil
	case <-ctx.Done():
		leave()
		return nil, ctx.Err()
	}
}

package tochka

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"
)

// ErrNoTokens is what a TokenStore says when it has no tokens of the account.
var ErrNoTokens = errors.New("no tokens of this account; the customer has to confirm the consent")

// TokenStore keeps the OAuth tokens of the shops, each under the account name
// that the program gave it. A refresh token is good for one use: the new pair
// must be stored before it is used, and nobody else may refresh meanwhile.
// So a store has one way to write, Update, under a lock that holds for all
// processes: in a database SELECT … FOR UPDATE inside a transaction.
//
// The tokens are as good as the customer's password for what he has allowed:
// encrypt them.
type TokenStore interface {
	// Load reads the tokens; ErrNoTokens when there are none.
	Load(ctx context.Context, account string) (*oauth2.Token, error)
	// Update calls change with the tokens stored (nil: none) and stores what it
	// returns, while nobody else is in Update for the account. The tokens
	// stored are returned. change may call the bank and take as long as that
	// does. When change returns an error, nothing is stored and the error is
	// returned. When change returns nil, the tokens are removed.
	Update(ctx context.Context, account string, change func(current *oauth2.Token) (*oauth2.Token, error)) (*oauth2.Token, error)
}

// NewMemoryStore is a TokenStore that forgets everything with the process: for
// tests, and for a program that asks the customer at each start.
func NewMemoryStore() TokenStore { return &memoryStore{tokens: map[string]oauth2.Token{}} }

type memoryStore struct {
	locks  keyedLocks
	mu     sync.Mutex
	tokens map[string]oauth2.Token
}

func (m *memoryStore) Load(_ context.Context, account string) (*oauth2.Token, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t, ok := m.tokens[account]
	if !ok {
		return nil, ErrNoTokens
	}
	return &t, nil
}

func (m *memoryStore) Update(ctx context.Context, account string, change func(*oauth2.Token) (*oauth2.Token, error)) (*oauth2.Token, error) {
	unlock, err := m.locks.lock(ctx, account)
	if err != nil {
		return nil, err
	}
	defer unlock()
	current, _ := m.Load(ctx, account)
	next, err := change(current)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if next == nil {
		delete(m.tokens, account)
		return nil, nil
	}
	m.tokens[account] = *next
	return next, nil
}

// NewFileStore is a TokenStore of one file for each account, readable by the
// owner only, in a directory that it makes. Several processes of one machine
// may share it. Account names become file names; other characters than
// letters, digits, - and _ are escaped. Its errors are of no kind.
func NewFileStore(dir string) (TokenStore, error) {
	if dir == "" {
		return nil, errors.New("tochka: the directory of the token store is empty")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	return &fileStore{dir: dir}, nil
}

type fileStore struct {
	dir   string
	locks keyedLocks // a file lock does not hold within a process everywhere
}

// fileTokens is what is in a file.
type fileTokens struct {
	AccessToken  string    `json:"access_token"`
	RefreshToken string    `json:"refresh_token,omitempty"`
	TokenType    string    `json:"token_type,omitempty"`
	Expiry       time.Time `json:"expiry,omitzero"`
}

func (f *fileStore) path(account string) string {
	var b strings.Builder
	const hex = "0123456789abcdef"
	for i := range len(account) {
		c := account[i]
		// A capital letter is escaped too: some file systems take it for the
		// small one.
		if (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' {
			b.WriteByte(c)
		} else {
			b.WriteString("%" + string(hex[c>>4]) + string(hex[c&15]))
		}
	}
	return filepath.Join(f.dir, "account-"+b.String()+".json")
}

func (f *fileStore) Load(_ context.Context, account string) (*oauth2.Token, error) {
	data, err := os.ReadFile(f.path(account))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNoTokens
	}
	if err != nil {
		return nil, err
	}
	var t fileTokens
	if err := json.Unmarshal(data, &t); err != nil {
		return nil, errors.New("tochka: the token file is damaged: " + f.path(account))
	}
	return &oauth2.Token{AccessToken: t.AccessToken, RefreshToken: t.RefreshToken, TokenType: t.TokenType, Expiry: t.Expiry}, nil
}

func (f *fileStore) Update(ctx context.Context, account string, change func(*oauth2.Token) (*oauth2.Token, error)) (*oauth2.Token, error) {
	unlock, err := f.locks.lock(ctx, account)
	if err != nil {
		return nil, err
	}
	defer unlock()
	path := f.path(account)
	release, err := lockFile(ctx, path+".lock")
	if err != nil {
		return nil, err
	}
	defer release()
	current, err := f.Load(ctx, account)
	if err != nil && !errors.Is(err, ErrNoTokens) {
		return nil, err
	}
	next, err := change(current)
	if err != nil {
		return nil, err
	}
	if next == nil {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		return nil, nil
	}
	data, err := json.Marshal(fileTokens{next.AccessToken, next.RefreshToken, next.TokenType, next.Expiry})
	if err != nil {
		return nil, err
	}
	if err := replaceFile(path, data); err != nil {
		return nil, err
	}
	return next, nil
}

// replaceFile writes a file so that it is either the old one or the new one,
// also after a crash.
func replaceFile(path string, data []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".token-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(data)
	if err == nil {
		err = tmp.Sync()
	}
	if closeErr := tmp.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}

package store

import (
	"context"
	"time"
)

// User is a member of the staff.
type User struct {
	ID           int64
	Login, Name  string
	PasswordHash string
}

func readUser(r scanner) (User, error) {
	var u User
	err := r.Scan(&u.ID, &u.Login, &u.Name, &u.PasswordHash)
	return u, err
}

// AddUser stores a user; PasswordHash is never the password itself.
func (s *Store) AddUser(ctx context.Context, db DB, u User) (int64, error) {
	return added(ctx, db, `INSERT INTO users (login, name, password_hash, created_at) VALUES ($1, $2, $3, $4) RETURNING id`,
		u.Login, u.Name, u.PasswordHash, millis(s.Now()))
}

// UserByLogin finds a user.
func (s *Store) UserByLogin(ctx context.Context, db DB, login string) (User, error) {
	return one(ctx, db, readUser, `SELECT id, login, name, password_hash FROM users WHERE login = $1`, login)
}

// CountUsers says how many users there are.
func (s *Store) CountUsers(ctx context.Context, db DB) (n int, err error) {
	err = db.QueryRowContext(ctx, `SELECT COUNT(*) FROM users`).Scan(&n)
	return n, err
}

// Session is a login that lasts.
type Session struct {
	TokenHash  string // of the cookie's value
	CSRF       string
	OAuthState string // of Tochka's consent under way, and the shop it is for
	OAuthShop  int64
	SeenAt     time.Time
	CreatedAt  time.Time
	User       User
}

// AddSession stores a session.
func (s *Store) AddSession(ctx context.Context, db DB, x Session) error {
	now := millis(s.Now())
	_, err := db.ExecContext(ctx, `INSERT INTO sessions (token_hash, user_id, csrf, created_at, seen_at) VALUES ($1, $2, $3, $4, $4)`,
		x.TokenHash, x.User.ID, x.CSRF, now)
	return err
}

// SessionByHash finds a session by the hash of its cookie.
func (s *Store) SessionByHash(ctx context.Context, db DB, hash string) (Session, error) {
	return one(ctx, db, func(r scanner) (Session, error) {
		x := Session{TokenHash: hash}
		var seen, created int64
		err := r.Scan(&x.CSRF, &x.OAuthState, &x.OAuthShop, &seen, &created, &x.User.ID, &x.User.Login, &x.User.Name)
		x.SeenAt, x.CreatedAt = moment(seen), moment(created)
		return x, err
	}, `SELECT s.csrf, s.oauth_state, s.oauth_shop, s.seen_at, s.created_at, u.id, u.login, u.name
		FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.token_hash = $1`, hash)
}

// TouchSession says that the session was used now.
func (s *Store) TouchSession(ctx context.Context, db DB, hash string) error {
	_, err := db.ExecContext(ctx, `UPDATE sessions SET seen_at = $1 WHERE token_hash = $2`, millis(s.Now()), hash)
	return err
}

// SetFlash leaves a message for the next page of the session.
func (s *Store) SetFlash(ctx context.Context, db DB, hash, message string) error {
	_, err := db.ExecContext(ctx, `UPDATE sessions SET flash = $1 WHERE token_hash = $2`, message, hash)
	return err
}

// TakeFlash reads the message and removes it.
func (s *Store) TakeFlash(ctx context.Context, db DB, hash string) (message string, err error) {
	if err = db.QueryRowContext(ctx, `SELECT flash FROM sessions WHERE token_hash = $1`, hash).Scan(&message); err != nil || message == "" {
		return "", err
	}
	return message, s.SetFlash(ctx, db, hash, "")
}

// SetOAuth remembers the consent that the session's user was sent to confirm.
func (s *Store) SetOAuth(ctx context.Context, db DB, hash, state string, shop int64) error {
	_, err := db.ExecContext(ctx, `UPDATE sessions SET oauth_state = $1, oauth_shop = $2 WHERE token_hash = $3`, state, shop, hash)
	return err
}

// DeleteSession ends a session.
func (s *Store) DeleteSession(ctx context.Context, db DB, hash string) error {
	_, err := db.ExecContext(ctx, `DELETE FROM sessions WHERE token_hash = $1`, hash)
	return err
}

// DeleteOldSessions removes those not used since a moment.
func (s *Store) DeleteOldSessions(ctx context.Context, db DB, seenBefore time.Time) error {
	_, err := db.ExecContext(ctx, `DELETE FROM sessions WHERE seen_at < $1`, millis(seenBefore))
	return err
}

// AddLoginFailure remembers a login that failed, or that has not succeeded yet.
func (s *Store) AddLoginFailure(ctx context.Context, db DB, login, address string) (int64, error) {
	return added(ctx, db, `INSERT INTO login_failures (login, address, at) VALUES ($1, $2, $3) RETURNING id`, login, address, millis(s.Now()))
}

// DropLoginFailure removes one: the password was not looked at.
func (s *Store) DropLoginFailure(ctx context.Context, db DB, id int64) error {
	_, err := db.ExecContext(ctx, `DELETE FROM login_failures WHERE id = $1`, id)
	return err
}

// LoginFailures counts the failures since a moment, of a login and of an
// address.
func (s *Store) LoginFailures(ctx context.Context, db DB, login, address string, since time.Time) (ofLogin, ofAddress int, err error) {
	err = db.QueryRowContext(ctx, `SELECT
		(SELECT COUNT(*) FROM login_failures WHERE at >= $1 AND login = $2),
		(SELECT COUNT(*) FROM login_failures WHERE at >= $1 AND address = $3)`, millis(since), login, address).Scan(&ofLogin, &ofAddress)
	return ofLogin, ofAddress, err
}

// ForgetLoginFailures removes those of a login that succeeded, and old ones.
func (s *Store) ForgetLoginFailures(ctx context.Context, db DB, login string, before time.Time) error {
	_, err := db.ExecContext(ctx, `DELETE FROM login_failures WHERE login = $1 OR at < $2`, login, millis(before))
	return err
}

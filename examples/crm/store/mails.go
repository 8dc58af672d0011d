package store

import (
	"context"
	"time"
)

// Mail is a letter to be sent.
type Mail struct {
	ID        int64
	To        string
	Subject   string
	Text      string
	State     string // waiting, sent, failed
	Tries     int
	CreatedAt time.Time
}

// AddMail stores a letter.
func (s *Store) AddMail(ctx context.Context, db DB, m Mail) error {
	_, err := db.ExecContext(ctx, `INSERT INTO mails (recipient, subject, body, state, created_at) VALUES ($1, $2, $3, 'waiting', $4)`, m.To, m.Subject, m.Text, millis(s.Now()))
	return err
}

// Mails lists the letters of a state, oldest first.
func (s *Store) Mails(ctx context.Context, db DB, state string, limit int) ([]Mail, error) {
	return list(ctx, db, func(r scanner) (Mail, error) {
		var m Mail
		var created int64
		err := r.Scan(&m.ID, &m.To, &m.Subject, &m.Text, &m.State, &m.Tries, &created)
		m.CreatedAt = moment(created)
		return m, err
	}, `SELECT id, recipient, subject, body, state, tries, created_at FROM mails WHERE state = $1 ORDER BY id LIMIT $2`, state, limit)
}

// SaveMail stores what became of a letter.
func (s *Store) SaveMail(ctx context.Context, db DB, m Mail) error {
	_, err := db.ExecContext(ctx, `UPDATE mails SET state = $1, tries = $2 WHERE id = $3`, m.State, m.Tries, m.ID)
	return err
}

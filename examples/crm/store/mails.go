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
	_, err := db.ExecContext(ctx, `INSERT INTO mails (recipient, subject, body, state, created_at) VALUES ($1, $2, $3, 'waiting', $4)`, m.To, clean(m.Subject), clean(m.Text), millis(s.Now()))
	return err
}

const mailColumns = `id, recipient, subject, body, state, tries, created_at FROM mails`

func readMail(r scanner) (Mail, error) {
	var m Mail
	var created int64
	err := r.Scan(&m.ID, &m.To, &m.Subject, &m.Text, &m.State, &m.Tries, &created)
	m.CreatedAt = moment(created)
	return m, err
}

// Mails lists the letters of a state, oldest first.
func (s *Store) Mails(ctx context.Context, db DB, state string, limit int) ([]Mail, error) {
	return list(ctx, db, readMail, `SELECT `+mailColumns+` WHERE state = $1 ORDER BY id LIMIT $2`, state, limit)
}

// MailsDue lists the letters to be sent now, oldest first. The more often one was
// tried, the longer it waits: after its first try till it is 5 seconds old, then
// 40, 2 minutes, 5 and so on.
func (s *Store) MailsDue(ctx context.Context, db DB, limit int) ([]Mail, error) {
	return list(ctx, db, readMail, `SELECT `+mailColumns+` WHERE state = 'waiting' AND created_at + 5000 * tries * tries * tries <= $1 ORDER BY id LIMIT $2`, millis(s.Now()), limit)
}

// TryMail counts a try before it is made; false: another copy of the program is
// making it.
func (s *Store) TryMail(ctx context.Context, db DB, m Mail) (bool, error) {
	result, err := db.ExecContext(ctx, `UPDATE mails SET tries = tries + 1 WHERE id = $1 AND tries = $2 AND state = 'waiting'`, m.ID, m.Tries)
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n > 0, err
}

// EndMail stores that a letter was sent, or given up.
func (s *Store) EndMail(ctx context.Context, db DB, id int64, state string) error {
	_, err := db.ExecContext(ctx, `UPDATE mails SET state = $1 WHERE id = $2`, state, id)
	return err
}

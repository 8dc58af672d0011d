package billing

import (
	"context"
	"database/sql"
	"encoding/base64"
	"mime"
	"net"
	"net/smtp"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring/examples/crm/store"
)

// notify tells the shop's address of a payment. It is written in the
// transaction of the posting, so it is told if and only if that is stored.
func (b *Service) notify(ctx context.Context, tx *sql.Tx, shop store.Shop, subject, text string) error {
	if shop.Settings.NotifyEmail == "" {
		return nil
	}
	return b.Store.AddMail(ctx, tx, store.Mail{To: shop.Settings.NotifyEmail, Subject: subject, Text: text})
}

// mailTries is how often a letter is tried before it is given up.
const mailTries = 10

// SendMails sends the letters that wait, through a mail server that takes them
// from this machine, until the context ends. Without a server they wait.
func (b *Service) SendMails(ctx context.Context, server, from string) {
	if server == "" {
		return
	}
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	for {
		mails, err := b.Store.Mails(ctx, b.Store.DB, "waiting", 20)
		if err != nil && ctx.Err() == nil {
			b.Logger.Error("letters", "error", err)
		}
		for _, m := range mails {
			m.Tries++
			if err := send(server, from, m); err == nil {
				m.State = "sent"
			} else if b.Logger.Warn("letter", "error", err); m.Tries >= mailTries {
				m.State = "failed"
			}
			if err := b.Store.SaveMail(ctx, b.Store.DB, m); err != nil {
				b.Logger.Error("letters", "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// send hands one letter over, with STARTTLS where the server has it.
func send(server, from string, m store.Mail) error {
	if _, _, err := net.SplitHostPort(server); err != nil {
		return err
	}
	text := "From: " + from + "\r\nTo: " + m.To + "\r\nSubject: " + mime.BEncoding.Encode("utf-8", m.Subject) +
		"\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
	body := base64.StdEncoding.EncodeToString([]byte(m.Text))
	for len(body) > 76 {
		text, body = text+body[:76]+"\r\n", body[76:]
	}
	return smtp.SendMail(server, nil, from, []string{strings.TrimSpace(m.To)}, []byte(text+body+"\r\n"))
}

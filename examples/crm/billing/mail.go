package billing

import (
	"context"
	"crypto/tls"
	"database/sql"
	"encoding/base64"
	"io"
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

const (
	mailTries = 20 // then a letter is given up, after half a day
	mailTime  = 30 * time.Second
)

// SendMails sends the letters that wait, through a mail server that takes them
// from this machine, until the context ends. Without a server they wait.
func (b *Service) SendMails(ctx context.Context, server, from string) {
	if server == "" {
		return
	}
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	for {
		if err := b.sendDue(ctx, server, from); err != nil && ctx.Err() == nil {
			b.Logger.Error("letters", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// sendDue tries the letters that are due, each by one copy of the program.
func (b *Service) sendDue(ctx context.Context, server, from string) error {
	mails, err := b.Store.MailsDue(ctx, b.Store.DB, 20)
	if err != nil {
		return err
	}
	for _, m := range mails {
		if mine, err := b.Store.TryMail(ctx, b.Store.DB, m); err != nil || !mine {
			return err
		}
		err := send(ctx, server, from, m)
		switch {
		case err == nil:
			err = b.Store.EndMail(context.WithoutCancel(ctx), b.Store.DB, m.ID, "sent")
		case m.Tries+1 >= mailTries:
			b.Logger.Error("a letter is given up", "letter", m.ID, "error", err)
			err = b.Store.EndMail(ctx, b.Store.DB, m.ID, "failed")
		default:
			b.Logger.Warn("letter", "error", err)
			return nil // the next ones would hear the same
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// send hands one letter over, with STARTTLS where the server has it.
func send(ctx context.Context, server, from string, m store.Mail) error {
	host, _, err := net.SplitHostPort(server)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, mailTime)
	defer cancel()
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", server)
	if err != nil {
		return err
	}
	defer conn.Close()
	// A server that says nothing is left when the time, or the program, ends.
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	c, err := smtp.NewClient(conn, host)
	if err != nil {
		return err
	}
	if ok, _ := c.Extension("STARTTLS"); ok {
		if err := c.StartTLS(&tls.Config{ServerName: host}); err != nil {
			return err
		}
	}
	if err := c.Mail(from); err != nil {
		return err
	}
	if err := c.Rcpt(strings.TrimSpace(m.To)); err != nil {
		return err
	}
	text := "From: " + from + "\r\nTo: " + m.To + "\r\nSubject: " + mime.BEncoding.Encode("utf-8", m.Subject) +
		"\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
	body := base64.StdEncoding.EncodeToString([]byte(m.Text))
	for len(body) > 76 {
		text, body = text+body[:76]+"\r\n", body[76:]
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := io.WriteString(w, text+body+"\r\n"); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	_ = c.Quit() // the letter is taken, whatever it answers
	return nil
}

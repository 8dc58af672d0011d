package main

import (
	"bytes"
	"context"
	"net"
	"net/textproto"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/examples/crm/store"
)

// TestRun: the program as it is started on a fresh machine fills itself with
// the demonstration, and at the second start goes on with it.
func TestRun(t *testing.T) {
	t.Parallel()
	db := filepath.Join(t.TempDir(), "data", "crm.db")
	args := []string{"-addr", "127.0.0.1:0", "-sandbox-addr", "127.0.0.1:0", "-db", db}
	once := func(look func(v *visitor)) string {
		var out, logs logged
		ctx, cancel := context.WithCancel(t.Context())
		ready, done := make(chan string, 1), make(chan error, 1)
		go func() { done <- run(ctx, args, func(string) string { return "" }, &out, &logs, ready) }()
		select {
		case base := <-ready:
			v := newVisitor(t, base)
			v.login()
			look(v)
		case err := <-done:
			require.NoError(t, err, logs.String())
		}
		cancel()
		require.NoError(t, <-done)
		require.Empty(t, logs.String(), "the demonstration runs without a word")
		return out.String()
	}
	out := once(func(v *visitor) {
		page := plain(v.get("/"))
		require.Contains(t, page, "Ольга Кузнецова")
		require.Contains(t, page, "+24\u202f900\u00a0₽")
		require.Contains(t, page, "Тимур Ахметов", "a hold waits")
		require.Contains(t, plain(v.get("/shops")), "работает")
		// The emulated cash register forgets everything at the end: what it has
		// not printed by then, a person would have to look at.
		kept, err := store.Open(t.Context(), db)
		require.NoError(t, err)
		defer kept.DB.Close()
		require.Eventually(t, func() bool {
			var open int
			err := kept.DB.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM crm_receipts WHERE state IN ('queued', 'sent')").Scan(&open)
			return err == nil && open == 0
		}, time.Minute, 50*time.Millisecond)
	})
	require.Contains(t, out, "CRM:        http://127.0.0.1:")
	require.Contains(t, out, "логин demo")
	once(func(v *visitor) {
		require.Contains(t, plain(v.get("/invoices")), "возвращён частично")
	})
}

// TestRunWithBanks: without the sandbox the program makes an administrator and
// no shops.
func TestRunWithBanks(t *testing.T) {
	t.Parallel()
	var out, logs logged
	ctx, cancel := context.WithCancel(t.Context())
	ready, done := make(chan string, 1), make(chan error, 1)
	env := map[string]string{"CRM_SANDBOX": "off", "CRM_ADDR": "127.0.0.1:0", "CRM_DB": filepath.Join(t.TempDir(), "crm.db")}
	go func() { done <- run(ctx, nil, func(name string) string { return env[name] }, &out, &logs, ready) }()
	base := <-ready
	password := regexp.MustCompile(`пароль (\S+)`).FindStringSubmatch(out.String())
	require.NotNil(t, password, out.String())
	v := newVisitor(t, base)
	require.Equal(t, "/", v.must("/login", "/login", map[string][]string{"login": {"admin"}, "password": {password[1]}}))
	require.Contains(t, plain(v.get("/shops")), "Магазинов пока нет")
	require.NotContains(t, v.get("/"), "sandbox-link")
	cancel()
	require.NoError(t, <-done)
}

// TestLetters: a payment is told to the shop's address through the mail
// server.
func TestLetters(t *testing.T) {
	t.Parallel()
	w := newWorld(t, time.Hour)
	shop, client := w.shop("sberbank"), w.client("Мария Воронова")
	i := w.invoice(client, shop, "1500")
	w.pay(i, shop)
	w.until(i.ID, "paid")
	server := listen(t, "127.0.0.1:0")
	letters := make(chan string, 4)
	go mailServer(server, letters)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go w.billing.SendMails(ctx, server.Addr().String(), "crm@school.example")
	select {
	case letter := <-letters:
		require.Contains(t, letter, "To: "+shop.Settings.NotifyEmail)
		require.Contains(t, letter, "Subject: =?utf-8?")
	case <-time.After(20 * time.Second):
		require.Fail(t, "no letter came", w.log.String())
	}
	require.Eventually(t, func() bool {
		sent, err := w.store.Mails(t.Context(), w.store.DB, "sent", 10)
		return err == nil && len(sent) == 1
	}, 10*time.Second, 20*time.Millisecond)
	var none []store.Mail
	waiting, err := w.store.Mails(t.Context(), w.store.DB, "waiting", 10)
	require.NoError(t, err)
	require.Equal(t, none, waiting)
}

// mailServer takes letters as a mail server does, and keeps their text.
func mailServer(l net.Listener, letters chan<- string) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		c := textproto.NewConn(conn)
		_ = c.PrintfLine("220 mail.example")
		for {
			line, err := c.ReadLine()
			if err != nil {
				break
			}
			switch verb, _, _ := strings.Cut(strings.ToUpper(line), " "); verb {
			case "DATA":
				_ = c.PrintfLine("354 go on")
				text, _ := c.ReadDotBytes()
				letters <- string(bytes.TrimSpace(text))
				_ = c.PrintfLine("250 taken")
			case "QUIT":
				_ = c.PrintfLine("221 bye")
			default:
				_ = c.PrintfLine("250 mail.example")
			}
		}
		_ = c.Close()
	}
}

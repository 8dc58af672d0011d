package billing

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/examples/crm/store"
)

// letter is the state of the only letter, of a payment.
func (b *books) letter() (state string, tries int) {
	b.t.Helper()
	require.NoError(b.t, b.Store.DB.QueryRow("SELECT state, tries FROM mails").Scan(&state, &tries))
	return state, tries
}

// A mail server that is away for an hour loses no letter, and one that comes
// back late is not knocked at every few seconds.
func TestLettersWaitForTheServer(t *testing.T) {
	eachDatabase(t, func(t *testing.T, b *books) {
		require.NoError(t, b.answered("next"))
		b.news("next", acquiring.StatusPaid, false)
		now := time.Now()
		b.Store.Now = func() time.Time { return now }
		for range 12 * 60 {
			require.NoError(t, b.sendDue(t.Context(), "127.0.0.1:1", "crm@school.example"))
			now = now.Add(5 * time.Second)
		}
		state, tries := b.letter()
		assert.Equal(t, "waiting", state)
		assert.Less(t, tries, 12)
		for range 24 * 60 {
			require.NoError(t, b.sendDue(t.Context(), "127.0.0.1:1", "crm@school.example"))
			now = now.Add(time.Minute)
		}
		state, _ = b.letter()
		assert.Equal(t, "failed", state)
	})
}

// Two copies of the program see the same letter, and one of them sends it.
func TestLetterIsSentByOneCopy(t *testing.T) {
	eachDatabase(t, func(t *testing.T, b *books) {
		require.NoError(t, b.Store.AddMail(t.Context(), b.Store.DB, store.Mail{To: "buh@school.example", Subject: "x", Text: "y"}))
		due, err := b.Store.MailsDue(t.Context(), b.Store.DB, 10)
		require.NoError(t, err)
		require.Len(t, due, 1)
		mine, err := b.Store.TryMail(t.Context(), b.Store.DB, due[0])
		require.NoError(t, err)
		assert.True(t, mine)
		mine, err = b.Store.TryMail(t.Context(), b.Store.DB, due[0])
		require.NoError(t, err)
		assert.False(t, mine)
	})
}

// A mail server that takes the connection and says nothing does not hold the
// letters up for ever.
func TestSilentMailServer(t *testing.T) {
	eachDatabase(t, func(t *testing.T, b *books) {
		require.NoError(t, b.Store.AddMail(t.Context(), b.Store.DB, store.Mail{To: "buh@school.example", Subject: "x", Text: "y"}))
		silent, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer silent.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		done := make(chan struct{})
		go func() { b.SendMails(ctx, silent.Addr().String(), "crm@school.example"); close(done) }()
		select {
		case <-done:
		case <-time.After(5 * time.Second):
			assert.Fail(t, "it still waits for the server")
		}
	})
}

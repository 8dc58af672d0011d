package dbtest

import (
	"context"
	"database/sql"
	"errors"
	"iter"
	"net/http/httptest"
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/sberbank"
	"github.com/acquiring-go/acquiring/sberbank/sberbanktest"
	"github.com/acquiring-go/acquiring/webhook"
	"github.com/acquiring-go/acquiring/webhook/sqlinbox"
)

// guide are the SQL statements of docs/guide.md, in their order.
func guide(t *testing.T) (table, add, issued, paid, expected, pending string) {
	t.Helper()
	page, err := os.ReadFile("../../../docs/guide.md")
	require.NoError(t, err)
	block := regexp.MustCompile("(?s)```sql\n(.*?)```").FindSubmatch(page)
	require.NotNil(t, block, "the guide has no table")
	var statements []string
	for _, m := range regexp.MustCompile(`"((?:INSERT|UPDATE|SELECT) [^"]*attempts[^"]*)"`).FindAllStringSubmatch(string(page), -1) {
		statements = append(statements, m[1])
	}
	require.Len(t, statements, 5)
	return string(block[1]), statements[0], statements[1], statements[2], statements[3], statements[4]
}

// The guide's table and statements, over the emulator: whatever was lost, and
// whatever comes first, each attempt that was paid is credited once.
func TestGuideCreditsEachAttemptOnce(t *testing.T) {
	table, add, issued, paid, expected, pending := guide(t)
	// As the guide says to open it.
	db, err := sql.Open("sqlite", "file:"+t.TempDir()+"/shop.db?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)&_txlock=immediate")
	require.NoError(t, err)
	defer db.Close()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	_, err = db.ExecContext(ctx, table)
	require.NoError(t, err)
	inbox, err := sqlinbox.New(db, sqlinbox.SQLite, sqlinbox.Logger(quiet))
	require.NoError(t, err)
	require.NoError(t, inbox.Migrate(ctx))

	expect := func(ctx context.Context, number string) (money.Amount, string, error) {
		var kopecks int64
		err := db.QueryRowContext(ctx, expected, number).Scan(&kopecks)
		return money.Amount(kopecks), "RUB", err
	}
	process := func(ctx context.Context, e webhook.Event) error {
		p := e.Payment
		if !p.Status.Succeeded() {
			return nil
		}
		row, err := sqlinbox.Tx(ctx).ExecContext(ctx, paid, int64(p.Captured), int64(p.Refunded), p.OrderID)
		if err != nil {
			return err
		}
		if n, err := row.RowsAffected(); err != nil || n == 0 {
			return errors.Join(errors.New("there is no attempt "+p.OrderID), err)
		}
		return nil
	}
	bank := sberbanktest.NewServer()
	defer bank.Close()
	client, err := sberbank.New(bank.Config())
	require.NoError(t, err)
	shop := httptest.NewServer(webhook.Handler(client, process, webhook.WithInbox(inbox), webhook.Expect(expect), webhook.Logger(quiet)))
	defer shop.Close()

	const sum = money.Amount(149990)
	number := func(order string, n int) string {
		number := acquiring.Attempt(order, n)
		_, err := db.ExecContext(ctx, add, number, order, int64(sum), time.Now())
		require.NoError(t, err)
		return number
	}
	issue := func(number string) acquiring.PaymentID {
		invoice, err := client.CreateInvoice(ctx, acquiring.InvoiceRequest{OrderID: number, Amount: sum, ReturnURL: "https://school.example/thanks"})
		require.NoError(t, err)
		return invoice.ID
	}
	store := func(id acquiring.PaymentID, number string) {
		_, err := db.ExecContext(ctx, issued, string(id), "https://bank.example/pay", number)
		require.NoError(t, err)
	}
	back := func(id acquiring.PaymentID, key string) {
		_, err := client.Refund(ctx, acquiring.RefundRequest{ID: id, Key: key, Amount: 50000})
		require.NoError(t, err)
		bank.Deliver()
	}
	is := func(number string, taken, returned int64) bool {
		var a, b int64
		var status string
		err := db.QueryRowContext(ctx, "SELECT status, taken, returned FROM attempts WHERE number = $1", number).Scan(&status, &a, &b)
		return err == nil && status == "paid" && a == taken && b == returned
	}

	// The bank refused the first attempt of A-0: its row stays without a
	// payment, before all others.
	number("A-0", 1)

	// The callback comes, and that of a refund after it.
	bank.SetCallbackURL(shop.URL)
	heard := number("A-1", 1)
	id := issue(heard)
	store(id, heard)
	require.NoError(t, bank.Pay(heard))
	bank.Deliver()
	require.Eventually(t, func() bool { return is(heard, 149990, 0) }, 10*time.Second, 5*time.Millisecond)
	back(id, "A-1-refund")
	require.Eventually(t, func() bool { return is(heard, 149990, 50000) }, 10*time.Second, 5*time.Millisecond, "a refund is not credited again")

	// None comes: of a second attempt, of one whose answer was not stored, and of
	// one of which a part was given back before anybody heard of it.
	bank.SetCallbackURL("")
	number("A-2", 1)
	second := number("A-2", 2)
	store(issue(second), second)
	killed := number("A-3", 1)
	issue(killed)
	given := number("A-4", 1)
	store(issue(given), given)
	for _, number := range []string{second, killed, given} {
		require.NoError(t, bank.Pay(number))
	}
	order, _ := bank.Order(given)
	back(acquiring.PaymentID(order.ID), "A-4-refund")

	poller := &webhook.Poller{Inbox: inbox, Process: process, Expect: expect, Logger: quiet, Every: 10 * time.Millisecond, First: time.Millisecond, Gap: time.Millisecond,
		Pending: func(ctx context.Context) iter.Seq2[webhook.Pending, error] {
			return func(yield func(webhook.Pending, error) bool) {
				rows, err := db.QueryContext(ctx, pending)
				if err != nil {
					yield(webhook.Pending{}, err)
					return
				}
				defer rows.Close()
				for rows.Next() {
					var id, number string
					var since time.Time
					err := rows.Scan(&id, &number, &since)
					if !yield(webhook.Pending{Acquirer: client, ID: acquiring.PaymentID(id), OrderID: number, Status: acquiring.StatusPending, Since: since}, err) {
						return
					}
				}
				if err := rows.Err(); err != nil {
					yield(webhook.Pending{}, err)
				}
			}
		}}
	done := make(chan error, 1)
	go func() { done <- poller.Run(ctx) }()
	for number, returned := range map[string]int64{second: 0, killed: 0, given: 50000} {
		assert.Eventually(t, func() bool { return is(number, 149990, returned) }, 10*time.Second, 5*time.Millisecond, number)
	}
	stop()
	require.NoError(t, <-done)
}

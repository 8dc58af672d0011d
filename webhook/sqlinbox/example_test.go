package sqlinbox_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/acquiring-go/acquiring/webhook/sqlinbox"
)

// The same news comes twice, and the first time the program fails after it has
// credited: the credit and the mark are stored together, or not at all.
func Example() {
	ctx := context.Background()
	shop := newDatabase()
	db := shop.pool() // in your program: sql.Open("pgx", dsn)
	defer db.Close()

	inbox, err := sqlinbox.New(db, sqlinbox.PostgreSQL)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := inbox.Migrate(ctx); err != nil {
		fmt.Println(err)
		return
	}
	// In your program the Handler and the Poller call Once; process is theirs.
	for _, mail := range []error{errors.New("the mail server is down"), nil, nil} {
		err := inbox.Once(ctx, "sberbank/school/7f1a/paid", func(ctx context.Context) error {
			_, err := sqlinbox.Tx(ctx).ExecContext(ctx, "INSERT INTO ledger (order_id, kopecks) VALUES ($1, $2)", "A-7", 149990)
			if err != nil {
				return err
			}
			fmt.Println("credited A-7")
			return mail
		})
		fmt.Println("error:", err, "stored:", len(shop.credits))
	}
	// Output:
	// credited A-7
	// error: the mail server is down stored: 0
	// credited A-7
	// error: <nil> stored: 1
	// error: <nil> stored: 1
}

// Once a day, in any replica.
func ExampleInbox_Cleanup() {
	db := newDatabase().pool()
	defer db.Close()
	inbox, err := sqlinbox.New(db, sqlinbox.PostgreSQL)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = inbox.Cleanup(context.Background(), 90*24*time.Hour)
	fmt.Println(err)
	_, err = inbox.Cleanup(context.Background(), time.Hour)
	fmt.Println(err)
	// Output:
	// <nil>
	// sqlinbox.Cleanup: olderThan is 1h0m0s, and must be at least 24h0m0s: news that comes again would be processed again
}

// The SQL, for your own migrations.
func ExampleSchema() {
	fmt.Print(sqlinbox.Schema(sqlinbox.SQLite))
	// Output:
	// CREATE TABLE IF NOT EXISTS "acquiring_inbox" (
	//   news_key TEXT NOT NULL, -- long ones end with ~ and their SHA-256
	//   done_at BIGINT NOT NULL, -- Unix milliseconds
	//   PRIMARY KEY (news_key)
	// );
	// CREATE INDEX IF NOT EXISTS "acquiring_inbox_done_at" ON "acquiring_inbox" (done_at);
}

package queue_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/fiscal/queue"
	"github.com/acquiring-go/acquiring/money"
)

var quiet = slog.New(slog.DiscardHandler)

// register loses its first answer; in your program it is komtet.New(…) or
// another Register.
type register struct {
	fiscal.Register
	submitted int
}

func (r *register) Submit(_ context.Context, receipt fiscal.Receipt) (*fiscal.Document, error) {
	r.submitted++
	fmt.Println("submitted", receipt.ID)
	if r.submitted == 1 {
		return nil, context.DeadlineExceeded
	}
	return &fiscal.Document{ID: "9001", ReceiptID: receipt.ID, Status: fiscal.DocumentPrinted, Existed: true,
		Fiscal: &fiscal.FiscalData{FP: "2718281828", Total: receipt.Total()}}, nil
}

// A receipt is put into the queue with the payment, and is printed once, whatever
// becomes of the answers.
func Example() {
	db, _ := queue.NewDatabase() // in your program: sql.Open("pgx", dsn)
	defer db.Close()
	ctx, stop := context.WithCancel(context.Background())
	defer stop()

	receipts, err := queue.New(db, queue.PostgreSQL, queue.Register("kassa", &register{}), queue.Logger(quiet),
		queue.Every(time.Millisecond), queue.Backoff(time.Millisecond, time.Second),
		queue.Report(func(ctx context.Context, tx *sql.Tx, it queue.Item) error {
			defer stop()
			fmt.Println(it.Receipt.ID, it.State, it.Document.Fiscal.FP)
			_, err := tx.ExecContext(ctx, "UPDATE orders SET receipt = $1 WHERE id = $2", it.Document.Fiscal.FP, it.Receipt.ID)
			return err
		}))
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := receipts.Migrate(ctx); err != nil {
		fmt.Println(err)
		return
	}
	// In webhook's process, with sqlinbox.Tx(ctx) for tx.
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	err = receipts.Enqueue(ctx, tx, "kassa", fiscal.NewSale("A-7", fiscal.Contact{Email: "buyer@lavka.example"},
		fiscal.GoodsLine("Чайник", money.RUB(1499, 90), fiscal.Pieces(1), fiscal.VATNone)))
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := tx.Commit(); err != nil {
		fmt.Println(err)
		return
	}
	if err := receipts.Run(ctx); err != nil {
		fmt.Println(err)
	}
	// Output:
	// submitted A-7
	// submitted A-7
	// A-7 printed 2718281828
}

// What a person must look at, for a page of the back office.
func ExampleQueue_NeedsAttention() {
	db, _ := queue.NewDatabase()
	defer db.Close()
	ctx := context.Background()
	receipts, err := queue.New(db, queue.PostgreSQL, queue.Logger(quiet))
	if err != nil {
		fmt.Println(err)
		return
	}
	err = receipts.Enqueue(ctx, nil, "kassa", fiscal.NewSale("A-7", fiscal.Contact{Email: "buyer@lavka.example"},
		fiscal.GoodsLine("Чайник", money.RUB(1499, 90), fiscal.Pieces(1), fiscal.VATNone)))
	if err != nil {
		fmt.Println(err)
		return
	}
	// The service notifies that it could not print it.
	err = receipts.Update(ctx, "kassa", &fiscal.Document{ID: "9001", ReceiptID: "A-7", Status: fiscal.DocumentFailed,
		Failure: &fiscal.DocumentFailure{Message: "превышена длительность смены"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for it, err := range receipts.NeedsAttention(ctx) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(it.Receipt.ID, it.State)
		fmt.Println(it.Attention)
	}
	// Output:
	// A-7 failed
	// the register did not print it: превышена длительность смены; make sure that it is not printed, then enqueue it under another ID
}

// The service's notifications are quicker than looking.
func ExampleQueue_Handler() {
	db, _ := queue.NewDatabase()
	defer db.Close()
	receipts, err := queue.New(db, queue.PostgreSQL, queue.Register("kassa", &register{}))
	if err != nil {
		fmt.Println(err)
		return
	}
	http.NewServeMux().Handle("POST /hooks/kassa", receipts.Handler("kassa"))
	// Output:
}

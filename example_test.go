package acquiring_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/acquiringtest"
	"github.com/acquiring-go/acquiring/money"
)

// shop is the client of a bank; in a program it comes from sberbank.New or
// another provider's constructor. Here it is a double without a bank.
var shop = acquiringtest.NewMemory(acquiringtest.MemoryOptions{Shop: "main"})

func Example() {
	ctx := context.Background()
	inv, err := shop.CreateInvoice(ctx, acquiring.InvoiceRequest{
		OrderID: "A-7", Amount: money.RUB(1499, 90), Description: "Чайник",
		ReturnURL: "https://shop.example/paid", CallbackURL: "https://shop.example/callback",
	})
	if err != nil {
		log.Fatal(err)
	}
	// The customer goes to inv.PayURL and pays.
	_ = shop.Pay(inv.ID)

	p, err := shop.GetStatus(ctx, inv.ID)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(p.OrderID, p.Status, p.Captured)

	r, err := shop.Refund(ctx, acquiring.RefundRequest{ID: inv.ID, Key: "A-7-r1", Amount: money.RUB(499, 90)})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("given back", r.Amount, r.Status)
	// Output:
	// A-7 paid 1499.90
	// given back 499.90 done
}

// A capability is asked for with a type assertion.
func ExampleCapturer() {
	ctx := context.Background()
	var a acquiring.Acquirer = shop
	c, ok := a.(acquiring.Capturer)
	if !ok {
		log.Fatal("this provider has no two-stage payments")
	}
	inv, err := a.CreateInvoice(ctx, acquiring.InvoiceRequest{OrderID: "A-8", Amount: money.RUB(3000, 0), Hold: true})
	if err != nil {
		log.Fatal(err)
	}
	_ = shop.Pay(inv.ID) // the customer pays, the money is held
	p, err := c.Capture(ctx, acquiring.CaptureRequest{ID: inv.ID, Amount: money.RUB(2500, 0)})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(p.Status, p.Captured, "of", p.Amount)
	// Output: paid 2500.00 of 3000.00
}

// An error says what happened, whose fault it is, and whether the money may
// have moved.
func ExampleError() {
	_, err := shop.CreateInvoice(context.Background(), acquiring.InvoiceRequest{OrderID: "A-9"})
	var e *acquiring.Error
	if errors.As(err, &e) {
		fmt.Println(errors.Is(err, acquiring.ErrInvalid), e.Field, e.Outcome)
	}
	fmt.Println(err)
	// Output:
	// true Amount not sent
	// memory: CreateInvoice: Amount is 0.00; it must be more than zero
}

// An order number is burnt by its first invoice, even by one that expired: the
// next attempt has its own.
func ExampleAttempt() {
	number := acquiring.Attempt("A-7", 2)
	order, n := acquiring.SplitAttempt(number)
	fmt.Println(number, order, n)
	// Output: A-7_2 A-7 2
}

// News that come late or again move nothing back.
func ExampleStatus_CanBecome() {
	now := acquiring.StatusPending
	for _, news := range []acquiring.Status{acquiring.StatusPaid, acquiring.StatusPending, acquiring.StatusPaid, acquiring.StatusDeclined} {
		fmt.Println(now, "to", news, now.CanBecome(news))
		if now.CanBecome(news) {
			now = news
		}
	}
	// Output:
	// pending to paid true
	// paid to pending false
	// paid to paid false
	// paid to declined false
}

func ExampleWait() {
	ctx := context.Background()
	inv, err := shop.CreateInvoice(ctx, acquiring.InvoiceRequest{OrderID: "A-10", Amount: money.RUB(10, 0)})
	if err != nil {
		log.Fatal(err)
	}
	_ = shop.Decline(inv.ID)
	p, err := acquiring.Wait(ctx, shop, inv.ID, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(p.Status, p.Failure.Message)
	// Output: declined not enough money
}

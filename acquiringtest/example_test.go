package acquiringtest_test

import (
	"context"
	"fmt"
	"log"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/acquiringtest"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
)

// A program's own unit test: the customer pays, and the program's handler gets
// the notification.
func ExampleMemory() {
	ctx := context.Background()
	shop := acquiringtest.NewMemory(acquiringtest.MemoryOptions{Shop: "main"})
	inv, err := shop.CreateInvoice(ctx, acquiring.InvoiceRequest{OrderID: "A-7", Amount: money.RUB(1499, 90)})
	if err != nil {
		log.Fatal(err)
	}
	if err := shop.Pay(inv.ID); err != nil {
		log.Fatal(err)
	}
	for _, r := range shop.Callbacks(inv.ID) {
		cb, err := shop.VerifyCallback(ctx, r) // or your own handler's ServeHTTP
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(cb.OrderID, cb.Status, cb.Amount)
	}
	// Output: A-7 paid 1499.90
}

// What the program does when an answer is lost on the way.
func ExampleMemory_Fail() {
	ctx := context.Background()
	shop := acquiringtest.NewMemory(acquiringtest.MemoryOptions{})
	inv, err := shop.CreateInvoice(ctx, acquiring.InvoiceRequest{OrderID: "A-8", Amount: money.RUB(100, 0)})
	if err != nil {
		log.Fatal(err)
	}
	_ = shop.Pay(inv.ID)
	shop.Fail(acquiringtest.Fault{Op: acquiringtest.OpRefund, Kind: acquiringtest.LostAnswer, Times: acquiringtest.Always})
	refund := acquiring.RefundRequest{ID: inv.ID, Key: "r-1"}
	_, err = shop.Refund(ctx, refund)
	fmt.Println(acquiring.OutcomeOf(err))
	books, _ := shop.Books(inv.ID)
	fmt.Println("given back all the same:", books.Refunded, "once:", books.Refunds == 1)
	// Output:
	// unknown
	// given back all the same: 100.00 once: true
}

func ExampleMemoryRegister() {
	ctx := context.Background()
	kassa := acquiringtest.NewMemoryRegister(acquiringtest.MemoryRegisterOptions{PrintAtOnce: true})
	receipt := fiscal.Receipt{
		ID: "A-7-sale", Type: fiscal.Sale, TaxSystem: fiscal.TaxSimplifiedIncome, Contact: fiscal.Contact{Email: "buyer@example.com"},
		Lines: []fiscal.Line{{
			Name: "Чайник", Price: money.RUB(1499, 90), Quantity: fiscal.Pieces(1), VAT: fiscal.VATNone,
			Method: fiscal.FullPayment, Subject: fiscal.Goods,
		}},
	}
	for range 2 { // the second time finds the first document
		d, err := kassa.Submit(ctx, receipt)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(d.Status, d.Fiscal.Total, d.Existed)
	}
	// Output:
	// printed 1499.90 false
	// printed 1499.90 true
}

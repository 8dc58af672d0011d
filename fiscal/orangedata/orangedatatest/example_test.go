package orangedatatest_test

import (
	"context"
	"fmt"
	"time"

	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/fiscal/orangedata"
	"github.com/acquiring-go/acquiring/fiscal/orangedata/orangedatatest"
	"github.com/acquiring-go/acquiring/money"
)

// The service with mutual TLS on this machine: Config holds the certificate,
// the signing key and the root. A receipt waits in the queue until a register
// prints it.
func Example() {
	srv := orangedatatest.NewServer(orangedatatest.WithClock(orangedatatest.NewClock(time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC))))
	defer srv.Close()
	conf := srv.Config()
	conf.TaxSystem = fiscal.TaxSimplifiedIncome
	kassa, err := orangedata.New(conf)
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	receipt := fiscal.NewSale("A-7", fiscal.Contact{Email: "buyer@example.org"},
		fiscal.ServiceLine("Course", money.RUB(1499, 90), fiscal.Pieces(1), fiscal.VATNone))
	document, err := kassa.Submit(ctx, receipt)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(document.ID, document.Status)
	if err := srv.Print(document.ID); err != nil {
		fmt.Println(err)
		return
	}
	again, err := kassa.Submit(ctx, receipt) // prints nothing twice
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(again.ID, again.Status, again.Existed, len(srv.Documents()))
	// Output:
	// A-7 queued
	// A-7 printed true 1
}

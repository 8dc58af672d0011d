// Receipt prints the same sale, its partial return and a correction on three
// cash-register services side by side: Komtet Kassa, OrangeData and PayKeeper.
// A service whose variables are in the environment is the real one; the others
// are emulated in this process.
//
//	go run ./examples/receipt
//
// The doctor lists the variables: go run ./examples/doctor.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/examples/internal/environ"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/fiscal/komtet"
	"github.com/acquiring-go/acquiring/fiscal/komtet/komtettest"
	"github.com/acquiring-go/acquiring/fiscal/orangedata"
	"github.com/acquiring-go/acquiring/fiscal/orangedata/orangedatatest"
	"github.com/acquiring-go/acquiring/fiscal/paykeeper"
	"github.com/acquiring-go/acquiring/fiscal/paykeeper/paykeepertest"
	"github.com/acquiring-go/acquiring/money"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := environ.NoArguments(os.Args[1:])
	if err == nil {
		err = run(ctx, os.Getenv, os.Stdout)
	}
	if err != nil {
		log.Fatal(err)
	}
}

// register is one service of the show.
type register struct {
	name     string
	register fiscal.Register
	close    func()
}

func run(ctx context.Context, get environ.Getenv, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	registers, err := open(get, out)
	if err != nil {
		return err
	}
	defer func() {
		for _, r := range registers {
			r.close()
		}
	}()

	number := time.Now().Format("20060102-150405.000")
	sale, back, missing, err := receipts(number, time.Now())
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%s\n", sale.Text(nil))
	for _, doc := range []struct {
		name    string
		receipt fiscal.Receipt
	}{{"The sale", sale}, {"The return of the delivery and one kettle", back}, {"A correction of yesterday's sale that no register saw", missing}} {
		fmt.Fprintf(out, "%s, %s rubles\n", doc.name, doc.receipt.Total())
		for _, r := range registers {
			fmt.Fprintf(out, "  %-12s %s\n", r.name, printed(ctx, r.register, doc.receipt))
		}
	}
	return nil
}

// receipts are the three documents: two kettles with a discount on the whole
// order and their delivery, a part of it given back, and a correction.
func receipts(number string, now time.Time) (sale, back, missing fiscal.Receipt, err error) {
	lines, err := fiscal.Spread([]fiscal.Line{
		fiscal.GoodsLine("Чайник «Гжель», 1,7 л", money.RUB(2499, 50), fiscal.Pieces(2), fiscal.VAT22),
		fiscal.ServiceLine("Доставка", money.RUB(350, 0), fiscal.Pieces(1), fiscal.VAT22),
	}, money.RUB(5000, 0)) // the customer's price: 349 rubles less, to the kopeck
	if err != nil {
		return
	}
	contact := fiscal.Contact{Email: "ivan@example.com"}
	sale = fiscal.NewSale(number+"-sale", contact, lines...)
	sale.FFD, sale.TaxSystem = fiscal.FFD12, fiscal.TaxGeneral
	back, err = fiscal.Return(sale, fiscal.Selection{ID: number + "-return", Items: []fiscal.SelectedItem{{Line: 0, Quantity: fiscal.Pieces(1)}, {Line: len(lines) - 1}}})
	if err != nil {
		return
	}
	unseen := fiscal.NewSale(number+"-correction", contact, fiscal.GoodsLine("Плед", money.RUB(500, 0), fiscal.Pieces(1), fiscal.VAT22))
	unseen.FFD, unseen.TaxSystem = fiscal.FFD12, fiscal.TaxGeneral
	missing, err = fiscal.CorrectMissing(unseen, fiscal.Correction{Kind: fiscal.CorrectionOwn, Date: now.AddDate(0, 0, -1)})
	return
}

// printed submits a receipt, twice, and waits until it is printed; it says
// what came of it.
func printed(ctx context.Context, r fiscal.Register, receipt fiscal.Receipt) string {
	doc, err := r.Submit(ctx, receipt)
	var e *acquiring.Error
	switch {
	case errors.Is(err, acquiring.ErrUnsupported) && errors.As(err, &e):
		return "cannot: " + e.Message
	case err != nil:
		return "failed: " + err.Error()
	}
	again, err := r.Submit(ctx, receipt)
	if err != nil || again.ID != doc.ID {
		return fmt.Sprintf("submitted again, it is not the same document: %v", err)
	}
	for !doc.Status.Final() {
		select {
		case <-ctx.Done():
			return "not printed in time, document " + doc.ID
		case <-time.After(200 * time.Millisecond):
		}
		if doc, err = r.GetDocument(ctx, doc.ID); err != nil {
			return "failed: " + err.Error()
		}
	}
	if doc.Status == fiscal.DocumentFailed {
		return "refused by the register: " + doc.Failure.Message
	}
	return fmt.Sprintf("document %s of storage %s, sign %s\n               %s", doc.Fiscal.FD, doc.Fiscal.FN, doc.Fiscal.FP, doc.Fiscal.QR())
}

// open makes the three clients: of the real service where its variables are
// set, of an emulator in this process elsewhere.
func open(get environ.Getenv, out io.Writer) ([]register, error) {
	var all []register
	add := func(name string, r fiscal.Register, err error, stop func()) error {
		if err != nil {
			stop()
			return err
		}
		all = append(all, register{name, r, stop})
		return nil
	}
	nothing := func() {}
	fast := func() *komtettest.Clock { return komtettest.NewRunningClock(time.Now(), 20) } // twenty times as fast as life

	if environ.None(environ.KomtetVariables, get) {
		srv := komtettest.NewServer(komtettest.WithClock(fast()))
		c := srv.Config()
		c.TaxSystem = fiscal.TaxGeneral
		r, err := komtet.New(c)
		if err := add("Komtet", r, err, srv.Close); err != nil {
			return nil, err
		}
		fmt.Fprintln(out, "Komtet Kassa is emulated.")
	} else if err := environ.Complete(environ.KomtetVariables, get); err != nil {
		return nil, err
	} else if c, err := environ.Komtet(get); err != nil {
		return nil, err
	} else if r, err := komtet.New(c); add("Komtet", r, err, nothing) != nil {
		return nil, err
	}

	if environ.None(environ.OrangeDataVariables, get) {
		srv := orangedatatest.NewServer(orangedatatest.WithClock(fast()))
		r, err := orangedata.New(srv.Config())
		if err := add("OrangeData", r, err, srv.Close); err != nil {
			return nil, err
		}
		fmt.Fprintln(out, "OrangeData is emulated, with mutual TLS.")
	} else if err := environ.Complete(environ.OrangeDataVariables, get); err != nil {
		return nil, err
	} else if c, err := environ.OrangeData(get); err != nil {
		return nil, err
	} else if r, err := orangedata.New(c); add("OrangeData", r, err, nothing) != nil {
		return nil, err
	}

	if environ.None(environ.PayKeeperVariables, get) {
		srv := paykeepertest.NewServer(paykeepertest.WithClock(fast()))
		r, err := paykeeper.New(srv.Config())
		if err := add("PayKeeper", r, err, srv.Close); err != nil {
			return nil, err
		}
		fmt.Fprintln(out, "PayKeeper is emulated.")
	} else if err := environ.Complete(environ.PayKeeperVariables, get); err != nil {
		return nil, err
	} else if c, err := environ.PayKeeper(get); err != nil {
		return nil, err
	} else if r, err := paykeeper.New(c); add("PayKeeper", r, err, nothing) != nil {
		return nil, err
	}
	return all, nil
}

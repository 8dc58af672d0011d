// Package story is what the providers' examples tell: an invoice, its payment,
// a partial refund. It knows no provider.
package story

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/webhook"
)

// Shop is where the story plays.
type Shop struct {
	// Hook is the address of the shop's callbacks on this machine.
	Hook string

	out      io.Writer
	listener net.Listener
	news     chan webhook.Event
}

// Open listens for callbacks on address; "" is a free port of this machine.
func Open(out io.Writer, address string) (*Shop, error) {
	if address == "" {
		address = "127.0.0.1:0"
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	return &Shop{Hook: "http://" + l.Addr().String() + "/hooks", out: out, listener: l, news: make(chan webhook.Event, 16)}, nil
}

// Plot is what happens.
type Plot struct {
	Order acquiring.InvoiceRequest
	// Pay is the customer; nil: a person opens the link.
	Pay func(*acquiring.Invoice) error
	// Back is what is given back; 0: nothing.
	Back money.Amount
	// Execute lets the provider execute the refunds it accepted; nil: it does
	// by itself.
	Execute func()
	// Patience is how long the customer may take; 0: ten minutes.
	Patience time.Duration
}

// Close leaves the address to another Shop.
func (s *Shop) Close() { _ = s.listener.Close() }

// Say prints a line.
func (s *Shop) Say(format string, args ...any) { fmt.Fprintf(s.out, format+"\n", args...) }

// Tell lets the plot happen. The callback and a look at the status every few
// seconds both bring the news: whichever comes first.
func (s *Shop) Tell(ctx context.Context, a acquiring.Acquirer, p Plot) error {
	defer s.listener.Close()
	server := &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: webhook.Handler(a,
		func(_ context.Context, e webhook.Event) error { s.news <- e; return nil }, webhook.Logger(slog.New(slog.DiscardHandler)))}
	go func() { _ = server.Serve(s.listener) }()
	defer server.Close()

	invoice, err := a.CreateInvoice(ctx, p.Order)
	if err != nil {
		return err
	}
	s.Say("Invoice %s for %s is issued; the payment is %s.", invoice.OrderID, invoice.Amount, invoice.ID)
	if invoice.PayURL != "" {
		s.Say("The customer's link: %s", invoice.PayURL)
	}
	if invoice.QR != nil {
		s.Say("The SBP code: %s", invoice.QR.Payload)
	}
	if p.Pay != nil {
		if err := p.Pay(invoice); err != nil {
			return err
		}
	} else {
		s.Say("Open it and pay with a test card; the program waits.")
	}
	payment, err := s.paid(ctx, a, invoice.ID, p.Patience)
	if err != nil {
		return err
	}
	s.Say("The payment is %s: ordered %s, taken %s%s.", payment.Status, payment.Amount, payment.Captured, card(payment))
	if p.Back == 0 || !payment.Status.Succeeded() {
		return nil
	}
	refund, err := a.Refund(ctx, acquiring.RefundRequest{ID: invoice.ID, Key: "back-" + invoice.OrderID, Amount: p.Back, Reason: "example"})
	if err != nil {
		return err
	}
	s.Say("The refund of %s is %s.", refund.Amount, refund.Status)
	if p.Execute != nil {
		p.Execute()
	}
	payment, err = acquiring.Wait(ctx, a, invoice.ID, func(p *acquiring.Payment) bool { return p.Refunded >= refund.Amount })
	if err != nil {
		return err
	}
	s.Say("At the end the payment is %s: taken %s, given back %s.", payment.Status, payment.Captured, payment.Refunded)
	return nil
}

func card(p *acquiring.Payment) string {
	if p.Card == nil {
		return ""
	}
	return ", card " + p.Card.Masked
}

// paid waits for the end of the payment: for the callback, or until the status
// says so.
func (s *Shop) paid(ctx context.Context, a acquiring.Acquirer, id acquiring.PaymentID, patience time.Duration) (*acquiring.Payment, error) {
	if patience == 0 {
		patience = 10 * time.Minute
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	looked := make(chan *acquiring.Payment, 1)
	failed := make(chan error, 1)
	go func() {
		select { // the callback is ordinarily sooner
		case <-ctx.Done():
		case <-time.After(2 * time.Second):
		}
		p, err := acquiring.Wait(ctx, a, id, nil)
		if err != nil {
			failed <- err
			return
		}
		looked <- p
	}()
	for {
		select {
		case e := <-s.news:
			s.Say("A callback came: %s is %s.", e.Payment.OrderID, e.Payment.Status)
			if e.Payment.ID == id && e.Payment.Status.Final() {
				return e.Payment, nil
			}
		case p := <-looked:
			return p, nil
		case err := <-failed:
			if errors.Is(err, context.DeadlineExceeded) {
				return nil, fmt.Errorf("the customer did not pay in time: %w", err)
			}
			return nil, err
		}
	}
}

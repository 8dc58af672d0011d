package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/examples/bridges/alfacrm/api"
	"github.com/acquiring-go/acquiring/examples/internal/bridge"
	"github.com/acquiring-go/acquiring/examples/internal/outbox"
)

// The ways to post a refund.
const (
	refundExpenditure = "expenditure"
	refundIncome      = "income"
	refundPerson      = "person"
)

// poster posts payments to AlfaCRM.
type poster struct {
	settings
	api    *api.Client
	zone   *time.Location
	places map[string]place // by shop
	log    *slog.Logger
}

// Name is the lane of the outbox.
func (p *poster) Name() string { return "alfacrm" }

// customer reads the number of a client.
func customer(ref string) (int, error) {
	n, err := strconv.Atoi(ref)
	if err != nil || n <= 0 {
		return 0, acquiring.Invalid("ref", fmt.Sprintf("is %q; it must be the number of a client in AlfaCRM", ref))
	}
	return n, nil
}

// Prepare looks the client up, so that no link is made for a mistyped number.
func (p *poster) Prepare(ctx context.Context, o *bridge.Order) error {
	id, err := customer(o.Ref)
	if err != nil {
		return err
	}
	o.Ref = strconv.Itoa(id) // 007 is 7
	if p.TrustRef {
		return nil
	}
	c, err := p.api.Customer(ctx, p.places[o.Shop].BranchID, id, p.CustomerFilter)
	if err != nil {
		return err
	}
	if o.Payer == "" {
		o.Payer = c.Name
	}
	return nil
}

// Post posts one movement of money, unless AlfaCRM has it already.
func (p *poster) Post(ctx context.Context, n bridge.News) (string, error) {
	id, err := customer(n.Ref)
	if err != nil {
		return "", outbox.NeedsPerson(err)
	}
	to, ok := p.places[n.Shop]
	if !ok {
		return "", outbox.NeedsPerson(fmt.Errorf("the configuration has no shop %q any more", n.Shop))
	}
	want := p.pay(n, id, to)
	// AlfaCRM has no idempotency key: what was posted is found by the bank's
	// number in its note. The search comes first, always: an earlier attempt
	// may have been carried out though its answer never came.
	all, err := p.api.PayIndex(ctx, to.BranchID, id, p.PayFilter)
	if err != nil {
		return "", fmt.Errorf("looking for the payment before posting it: %w", err)
	}
	for _, old := range all {
		if !p.same(old, want, n) {
			continue
		}
		if old.Income != want.Income || old.Expenditure != want.Expenditure {
			return "", outbox.NeedsPerson(fmt.Errorf("payment %d of client %d has the bank's number %s and another sum: %s and not %s",
				old.ID, id, n.PaymentID, old.Income+old.Expenditure, n.Amount))
		}
		return strconv.Itoa(old.ID), nil
	}
	if n.Kind == bridge.Refund && n.Again && !p.posted(all, n, id, to) {
		// Of a second payment a person decides whether it is posted at all.
		return "", outbox.NeedsPerson(fmt.Errorf("%s of payment %s was given back (order %s), and AlfaCRM has no income with its number at client %d: if the income was posted without the number, post the refund by hand; then mark it with resolve",
			n.Amount, n.PaymentID, n.OrderID, id))
	}
	if n.Kind == bridge.Refund && p.Refund.Mode == refundPerson {
		return "", outbox.NeedsPerson(fmt.Errorf("post the refund of %s to client %d by hand, with the note %q, then press retry", n.Amount, id, want.Note))
	}
	made, err := p.api.PayCreate(ctx, want)
	switch {
	case err == nil:
	case errors.Is(err, acquiring.ErrInvalid):
		return "", outbox.NeedsPerson(err) // it will not get better by itself
	default:
		return "", err
	}
	if made.Income != want.Income || made.Expenditure != want.Expenditure {
		return "", outbox.NeedsPerson(fmt.Errorf("payment %d was posted with another sum: %s and not %s", made.ID, made.Income+made.Expenditure, n.Amount))
	}
	return strconv.Itoa(made.ID), nil
}

// mark is what a note says of a movement, and nothing else says: the provider
// and its number of the payment; of a refund, also what was given back in all.
func mark(n bridge.News) string {
	if n.Kind == bridge.Refund {
		return fmt.Sprintf("%s, возврат %s/%s", n.Provider, n.PaymentID, n.Refunded.Minor())
	}
	return fmt.Sprintf("%s, платёж %s", n.Provider, n.PaymentID)
}

// pay is the payment as it is to be posted.
func (p *poster) pay(n bridge.News, customer int, to place) api.Pay {
	out := api.Pay{BranchID: to.BranchID, CustomerID: customer, PayTypeID: api.PayIncome, PayAccountID: to.PayAccountID, PayItemID: to.PayItemID,
		LocationID: to.LocationID, DocumentDate: api.Date(n.At.In(p.zone)), PayerName: n.Payer, Confirmed: !p.Unconfirmed, Custom: map[string]string{}}
	if p.CustomField != "" {
		out.Custom[p.CustomField] = string(n.PaymentID)
	}
	words := "Оплата онлайн"
	if n.Kind == bridge.Refund {
		words = "Возврат оплаты онлайн"
		out.PayTypeID = p.Refund.PayTypeID
		if p.Refund.PayItemID != 0 {
			out.PayItemID = p.Refund.PayItemID
		}
		if p.Refund.Mode == refundIncome {
			out.Income = n.Amount
		} else {
			out.Expenditure = n.Amount
		}
	} else {
		out.Income = n.Amount
	}
	if n.Test {
		words = "ТЕСТ, денег нет. " + words
	}
	if n.Card != "" {
		words += ", карта " + n.Card
	}
	out.Note = fmt.Sprintf("%s, заказ %s, %s", words, n.OrderID, mark(n))
	return out
}

// long is a number of a bank's that cannot stand in a note by chance. mdOrder
// of Sberbank and Alfa-Bank has 36 characters; a short one, as PayMaster's,
// could be anything: the number of a contract, of a group.
const long = 16

// same says whether a payment of AlfaCRM's is the movement. Income that was
// posted by hand counts too, if the bank's long number stands in its note, or
// any in the field for it.
func (p *poster) same(old, want api.Pay, n bridge.News) bool {
	if old.PayTypeID != want.PayTypeID {
		return false
	}
	if n.Kind == bridge.Refund || hasWord(old.Note, mark(n)) {
		return hasWord(old.Note, mark(n))
	}
	return len(n.PaymentID) >= long && hasWord(old.Note, string(n.PaymentID)) || p.CustomField != "" && old.Custom[p.CustomField] == string(n.PaymentID)
}

// posted says whether the income of a refund's payment is among AlfaCRM's.
func (p *poster) posted(all []api.Pay, refund bridge.News, customer int, to place) bool {
	income := refund
	income.Kind, income.Amount, income.Refunded = bridge.Income, refund.Taken, 0
	want := p.pay(income, customer, to)
	return slices.ContainsFunc(all, func(old api.Pay) bool { return p.same(old, want, income) })
}

// hasWord says whether the text has the word, whole: 123 is not in 1234.
func hasWord(text, word string) bool {
	part := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' || r == '/' }
	for rest := text; word != ""; {
		at := strings.Index(rest, word)
		if at < 0 {
			return false
		}
		before, after := []rune(rest[:at]), []rune(rest[at+len(word):])
		if (len(before) == 0 || !part(before[len(before)-1])) && (len(after) == 0 || !part(after[0])) {
			return true
		}
		rest = rest[at+len(word):]
	}
	return false
}

// Check logs in, shows what the settings need, and looks whether they name what
// there is: a wrong cash desk would be noticed by the first payment.
func (p *poster) Check(ctx context.Context, say func(string, ...any)) error {
	var faults []error
	known := map[string][]api.Entry{} // by branch and dictionary
	for _, shop := range slices.Sorted(maps.Keys(p.places)) {
		to := p.places[shop]
		for _, d := range []struct {
			name, setting string
			id            int
		}{{"pay-account", "pay_account_id", to.PayAccountID}, {"pay-item", "pay_item_id", to.PayItemID}} {
			at := fmt.Sprintf("%d/%s", to.BranchID, d.name)
			all, seen := known[at]
			if !seen {
				var err error
				if all, err = p.api.Dictionary(ctx, to.BranchID, d.name); err != nil {
					return err
				}
				known[at] = all
				say("AlfaCRM, branch %d, %s:", to.BranchID, d.name)
				for _, e := range all {
					say("  %s %d: %s", d.setting, e.ID, e.Name)
				}
			}
			if d.id != 0 && !slices.ContainsFunc(all, func(e api.Entry) bool { return e.ID == d.id }) {
				faults = append(faults, fmt.Errorf("shop %s: branch %d of AlfaCRM has no %s %d", shop, to.BranchID, d.setting, d.id))
			}
		}
	}
	return errors.Join(faults...)
}

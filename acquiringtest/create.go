package acquiringtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
)

var configBehaviours = []behaviour{
	{"Config/BadRefused", configBadRefused},
	{"Config/HidesSecrets", configHidesSecrets},
	{"Config/Named", configNamed},
}

var createBehaviours = []behaviour{
	{"Create/Unicode", createUnicode},
	{"Create/Amounts", createAmounts},
	{"Create/InvalidRefusedBeforeSending", createInvalid},
	{"Create/OrderIDTooLong", createOrderTooLong},
	{"Create/ForeignCurrency", createForeignCurrency},
	{"Create/RequestShared", createRequestShared},
	{"Create/Repeated", createRepeated},
	{"Create/RepeatedWithAnotherSum", createRepeatedOtherSum},
	{"Create/RepeatedConcurrently", createRepeatedConcurrently},
	{"Create/WrongCredentials", createWrongCredentials},
	{"Create/Concurrent", createConcurrent},
	{"Create/Receipt", createReceipt},
	{"Create/ReceiptOfAnotherTotal", createReceiptTotal},
	{"Create/HoldDiffers", createHoldDiffers},
	{"Create/ExpiryIsInTheFuture", createExpiry},
}

func configBadRefused(e *env) {
	if len(e.h.BadConfigs) == 0 {
		e.Fatal("Harness.BadConfigs is empty; an empty secret and an unset Environment must be refused by the constructor")
	}
	for field, construct := range e.h.BadConfigs {
		err := construct()
		if err == nil {
			e.Errorf("the constructor accepts a bad %s", field)
			continue
		}
		e.refused("the constructor with a bad "+field, err, acquiring.ErrInvalid)
		var ae *acquiring.Error
		if !errors.As(err, &ae) || ae.Field != field {
			e.Errorf("the constructor with a bad %s names another field, or none: %v", field, err)
		}
	}
}

func configHidesSecrets(e *env) {
	e.require("Shop.Config", e.shop.Config != nil)
	e.require("Shop.Secrets", len(e.shop.Secrets) > 0)
	c := e.shop.Config
	for _, form := range []string{"%v", "%+v", "%#v", "%s"} {
		if leaked(fmt.Sprintf(form, c), e.shop.Secrets) >= 0 {
			e.Errorf("the Config shows a secret under %s", form)
		}
	}
	for _, form := range []string{"%v", "%+v", "%#v", "%s"} {
		if leaked(fmt.Sprintf(form, e.shop.Acquirer), e.shop.Secrets) >= 0 {
			e.Errorf("the client shows a secret under %s", form)
		}
	}
	log, text := loggers()
	for _, l := range log {
		l.Info("configured", "config", c)
	}
	if leaked(text.String(), e.shop.Secrets) >= 0 {
		e.Error("the Config shows a secret when it is logged with slog")
	}
}

// configNamed: logs and keys need to tell two shops of one provider apart.
func configNamed(e *env) {
	n, ok := e.a.a.(acquiring.Named)
	if !ok {
		e.Skip("the client is no Named")
	}
	other := e.open(2)
	defer other.finish()
	provider, shop := n.Name()
	_, second := other.a.a.(acquiring.Named).Name()
	if provider != e.h.Provider || shop != "shop1" || second != "shop2" {
		e.Errorf("Name is %q, %q, and %q for the second shop; want %q and the labels", provider, shop, second, e.h.Provider)
	}
}

func createUnicode(e *env) {
	inv := e.create(e.request(func(r *acquiring.InvoiceRequest) {
		r.Description = "Ёлка «Сёмга» & Co + 100 % = 1;<b>\"quoted\"</b> 🎄 日本"
		r.Customer.Name = "Фёдор Щукин-Ёжиков"
		r.Metadata = map[string]string{"crm": "сделка №7 & co"}
	}))
	e.pay(inv.ID)
	p := e.is(inv.ID, acquiring.StatusPaid)
	for k, v := range p.Metadata {
		if k == "crm" && v != "сделка №7 & co" {
			e.Errorf("Metadata came back as %q", v)
		}
	}
	e.announced(inv.ID, acquiring.StatusPaid)
}

func createAmounts(e *env) {
	// Sums that binary fractions, or printers of them, get wrong.
	for _, a := range []money.Amount{10001, 11009, 100000, 20000001, 123456789, 100000000} {
		inv := e.paid(sum(a))
		p := e.is(inv.ID, acquiring.StatusPaid)
		if p.Amount != a || p.Captured != a {
			e.Errorf("%s came back as %s, captured %s", a, p.Amount, p.Captured)
		}
		if b := e.books(inv.ID); b.Captured != a {
			e.Errorf("%s was taken as %s", a, b.Captured)
		}
		if cb := e.announced(inv.ID, acquiring.StatusPaid); cb != nil && cb.Amount != 0 && cb.Amount != a {
			e.Errorf("%s was announced as %s", a, cb.Amount)
		}
	}
}

func createInvalid(e *env) {
	type change = func(*acquiring.InvoiceRequest)
	cases := []struct {
		name, field string
		change      change
	}{
		{"an empty order number", "OrderID", func(r *acquiring.InvoiceRequest) { r.OrderID = "" }},
		{"an order number of spaces", "OrderID", func(r *acquiring.InvoiceRequest) { r.OrderID = "  " }},
		{"an order number with a line break", "OrderID", func(r *acquiring.InvoiceRequest) { r.OrderID = "A-1\nB" }},
		{"an order number with a zero byte", "OrderID", func(r *acquiring.InvoiceRequest) { r.OrderID = "A-1\x00" }},
		{"an order number that is not UTF-8", "OrderID", func(r *acquiring.InvoiceRequest) { r.OrderID = "A-\xff" }},
		{"no sum", "Amount", sum(0)},
		{"a negative sum", "Amount", sum(-1)},
		{"a return address without host", "ReturnURL", func(r *acquiring.InvoiceRequest) { r.ReturnURL = "/paid" }},
		{"a return address with a foreign scheme", "ReturnURL", func(r *acquiring.InvoiceRequest) { r.ReturnURL = "javascript:alert(1)" }},
		{"a fail address that is no address", "FailURL", func(r *acquiring.InvoiceRequest) { r.FailURL = "https://%zz" }},
		{"a callback address without scheme", "CallbackURL", func(r *acquiring.InvoiceRequest) { r.CallbackURL = "shop.example/callback" }},
		{"a currency that is none", "Currency", func(r *acquiring.InvoiceRequest) { r.Currency = "roubles" }},
		{"a negative lifetime", "TTL", func(r *acquiring.InvoiceRequest) { r.TTL = -time.Minute }},
		{"a description that is not UTF-8", "Description", func(r *acquiring.InvoiceRequest) { r.Description = "\xc3\x28" }},
	}
	e.nothingSent(func() {
		for _, c := range cases {
			inv, err := e.a.CreateInvoice(e.ctx, e.request(c.change))
			if err == nil {
				e.Errorf("%s is accepted: %+v", c.name, inv)
				continue
			}
			e.field(c.name, err, c.field)
		}
		if _, err := e.a.GetStatus(e.ctx, ""); err == nil {
			e.Error("GetStatus of an empty ID succeeds")
		}
	})
}

// field says that the call must have been refused before it was sent, and the
// field named.
func (e *env) field(what string, err error, field string) {
	e.Helper()
	e.refused(what, err, acquiring.ErrInvalid)
	outcome(e, what, err, acquiring.OutcomeNotSent)
	var ae *acquiring.Error
	if err != nil && (!errors.As(err, &ae) || !strings.HasPrefix(ae.Field, field)) {
		e.Errorf("%s: the error names the field %q; want %s: %v", what, ae.Field, field, err)
	}
}

func createOrderTooLong(e *env) {
	most := e.h.Quirks.MaxOrderID
	if most == 0 {
		e.Skip("Quirks.MaxOrderID is not set: this provider has no known limit")
	}
	long := func(n int) func(*acquiring.InvoiceRequest) {
		return func(r *acquiring.InvoiceRequest) { r.OrderID = strings.Repeat("7", n) }
	}
	e.paid(long(most))
	e.nothingSent(func() {
		_, err := e.a.CreateInvoice(e.ctx, e.request(long(most+1)))
		e.field(fmt.Sprintf("an order number of %d characters", most+1), err, "OrderID")
	})
}

func createForeignCurrency(e *env) {
	in := func(c string) acquiring.InvoiceRequest {
		return e.request(func(r *acquiring.InvoiceRequest) { r.Currency = c })
	}
	for _, c := range append([]string{"RUB", "rub"}, e.h.Quirks.Currencies...) {
		e.create(in(c))
	}
	e.nothingSent(func() {
		for _, c := range []string{"USD", "XTS", "JPY"} {
			if slices.Contains(e.h.Quirks.Currencies, c) {
				continue
			}
			_, err := e.a.CreateInvoice(e.ctx, in(c))
			e.refused("a sum in "+c, err, acquiring.ErrInvalid, acquiring.ErrUnsupported)
			outcome(e, "a sum in "+c, err, acquiring.OutcomeNotSent)
			if errors.Is(err, acquiring.ErrInvalid) {
				e.field("a sum in "+c, err, "Currency")
			}
		}
	})
}

// createRequestShared hands the same maps and slices to calls at the same
// time: the race detector sees who writes to them.
func createRequestShared(e *env) {
	shared := e.request(func(r *acquiring.InvoiceRequest) {
		r.Metadata = map[string]string{"crm": "17"}
		r.Methods = []acquiring.Method{acquiring.MethodCard}
		if !e.h.Quirks.NoReceipt {
			r.Receipt = e.receipt(r.Amount)
		}
	})
	e.together(4, func(i int) {
		r := shared
		r.OrderID = e.orderID()
		if _, err := e.a.CreateInvoice(e.ctx, r); err != nil && !errors.Is(err, acquiring.ErrUnsupported) {
			e.Errorf("CreateInvoice: %v", err)
		}
	})
}

// together runs f n times at once and waits.
func (e *env) together(n int, f func(i int)) { together(n, f) }

func together(n int, f func(i int)) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Add(1)
		go func() {
			defer wg.Done()
			<-start
			f(i)
		}()
	}
	close(start)
	wg.Wait()
}

func createRepeated(e *env) {
	r := e.request()
	first := e.create(r)
	second, err := e.a.CreateInvoice(e.ctx, r)
	e.sameOrDuplicate(first, second, err)
	e.payable(r.OrderID)

	e.pay(first.ID)
	third, err := e.a.CreateInvoice(e.ctx, r)
	e.sameOrDuplicate(first, third, err)
	if ids := e.payable(r.OrderID); len(ids) == 1 && ids[0] != first.ID {
		e.Errorf("after the repeats the order's payment is %s, not %s that was paid", ids[0], first.ID)
	}
}

// sameOrDuplicate: repeating the request gives the first invoice, or
// ErrDuplicate with a hint.
func (e *env) sameOrDuplicate(first, again *acquiring.Invoice, err error) {
	e.Helper()
	if err == nil {
		if again.ID != first.ID {
			e.Errorf("the repeated request made another invoice: %s beside %s", again.ID, first.ID)
		}
		return
	}
	e.refused("the repeated request", err, acquiring.ErrDuplicate)
	var ae *acquiring.Error
	if errors.As(err, &ae) && ae.Hint == "" {
		e.Errorf("ErrDuplicate does not say what to do next (Hint): %v", err)
	}
}

func createRepeatedOtherSum(e *env) {
	r := e.request()
	first := e.create(r)
	r.Amount += 100
	if again, err := e.a.CreateInvoice(e.ctx, r); err == nil {
		e.Errorf("the same order number with another sum gives invoice %s of %s, where %s of %s was issued", again.ID, again.Amount, first.ID, first.Amount)
	} else {
		e.refused("the same order number with another sum", err, acquiring.ErrDuplicate, acquiring.ErrConflict)
	}
	e.payable(r.OrderID)
	if p := e.status(first.ID); p.Amount != r.Amount-100 {
		e.Errorf("the first invoice is now of %s", p.Amount)
	}
}

func createRepeatedConcurrently(e *env) {
	r := e.request()
	var mu sync.Mutex
	ids := map[acquiring.PaymentID]bool{}
	e.together(4, func(int) {
		inv, err := e.a.CreateInvoice(e.ctx, r)
		mu.Lock()
		defer mu.Unlock()
		if err == nil {
			ids[inv.ID] = true
		} else {
			e.refused("the same request at the same time", err, acquiring.ErrDuplicate)
		}
	})
	if len(ids) != 1 {
		e.Errorf("the same request, sent at the same time, made %d invoices; want 1", len(ids))
	}
	e.payable(r.OrderID)
}

func createWrongCredentials(e *env) {
	e.require("Shop.Wrong", e.shop.Wrong != nil)
	inv := e.paid()
	w := e.watch(e.shop.Wrong())
	r := e.request()
	_, err := w.CreateInvoice(e.ctx, r)
	e.refused("CreateInvoice with wrong credentials", err, acquiring.ErrUnauthorized)
	outcome(e, "CreateInvoice with wrong credentials", err, acquiring.OutcomeRejected)
	_, err = w.GetStatus(e.ctx, inv.ID)
	e.refused("GetStatus with wrong credentials", err, acquiring.ErrUnauthorized)
	_, err = w.Refund(e.ctx, acquiring.RefundRequest{ID: inv.ID, Key: "wrong-1", Amount: 100})
	e.refused("Refund with wrong credentials", err, acquiring.ErrUnauthorized)
	if got := e.payable(r.OrderID); len(got) != 0 {
		e.Errorf("wrong credentials issued %v", got)
	}
	e.inBooks(inv.ID, Books{Captured: ordinarySum})
}

func createConcurrent(e *env) {
	e.together(8, func(i int) {
		r := e.request(sum(ordinarySum + money.Amount(i)))
		inv, err := e.a.CreateInvoice(e.ctx, r)
		if err != nil {
			e.Errorf("CreateInvoice(%s): %v", r.OrderID, err)
			return
		}
		p, err := e.a.GetStatus(e.ctx, inv.ID)
		if err != nil {
			e.Errorf("GetStatus(%s): %v", inv.ID, err)
			return
		}
		if p.Amount != r.Amount || p.OrderID != r.OrderID {
			e.Errorf("asked for %s of %s, got the payment of %s of %s", r.OrderID, r.Amount, p.OrderID, p.Amount)
		}
	})
}

// receipt is an ordinary one of the invoice.
func (e *env) receipt(total money.Amount) *fiscal.Receipt {
	r := receipt(total)
	r.Seller = fiscal.Seller{Email: "shop@example.com", INN: "7707083893", Place: "https://shop.example"}
	if e.h.PrepareReceipt != nil {
		e.h.PrepareReceipt(r)
	}
	return r
}

// receipt is of two lines that come to the sum.
func receipt(total money.Amount) *fiscal.Receipt {
	return &fiscal.Receipt{
		Type: fiscal.Sale, TaxSystem: fiscal.TaxSimplifiedIncome,
		Contact: fiscal.Contact{Email: "buyer@example.com"},
		Lines: []fiscal.Line{
			{Name: "Абонемент «Май»", Price: total - 10000, Quantity: fiscal.Pieces(1), VAT: fiscal.VATNone, Method: fiscal.FullPayment, Subject: fiscal.Service},
			{Name: "Тетрадь", Price: 5000, Quantity: fiscal.Pieces(2), VAT: fiscal.VATNone, Method: fiscal.FullPayment, Subject: fiscal.Goods},
		},
	}
}

func createReceipt(e *env) {
	r := e.request(func(r *acquiring.InvoiceRequest) { r.Receipt = e.receipt(r.Amount) })
	inv, err := e.a.CreateInvoice(e.ctx, r)
	if e.h.Quirks.NoReceipt {
		e.refused("an invoice with a receipt", err, acquiring.ErrUnsupported)
		return
	}
	if err != nil {
		e.Fatalf("an invoice with a receipt: %v", err)
	}
	e.pay(inv.ID)
	e.is(inv.ID, acquiring.StatusPaid)
}

func createReceiptTotal(e *env) {
	e.nothingSent(func() {
		for name, change := range map[string]func(*fiscal.Receipt){
			"a receipt of one kopeck more": func(r *fiscal.Receipt) { r.Lines[0].Price++ },
			"a receipt of one kopeck less": func(r *fiscal.Receipt) { r.Lines[0].Price-- },
			"a receipt without lines":      func(r *fiscal.Receipt) { r.Lines = nil },
		} {
			_, err := e.a.CreateInvoice(e.ctx, e.request(func(r *acquiring.InvoiceRequest) {
				r.Receipt = e.receipt(r.Amount)
				change(r.Receipt)
			}))
			if e.h.Quirks.NoReceipt && errors.Is(err, acquiring.ErrUnsupported) {
				continue
			}
			e.field(name, err, "Receipt")
		}
	})
}

// createHoldDiffers: an ordinary invoice is taken at once, also when holds are
// issued beside it.
func createHoldDiffers(e *env) {
	capability[acquiring.Capturer](e.a, "Capturer")
	held, taken := e.paid(hold), e.paid()
	e.is(held.ID, acquiring.StatusAuthorized)
	e.is(taken.ID, acquiring.StatusPaid)
	e.inBooks(held.ID, Books{})
	e.inBooks(taken.ID, Books{Captured: ordinarySum})
}

func createExpiry(e *env) {
	inv := e.issue(func(r *acquiring.InvoiceRequest) { r.TTL = time.Hour })
	if inv.ExpiresAt.IsZero() {
		return
	}
	if left := inv.ExpiresAt.Sub(e.now()); left < 50*time.Minute || left > 70*time.Minute {
		e.Errorf("an invoice with TTL of an hour ends in %s", left)
	}
}

func (e *env) now() time.Time {
	if e.shop.Now != nil {
		return e.shop.Now()
	}
	return time.Now()
}

// names of parameters in a fixed order
func keys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("acquiringtest: " + err.Error())
	}
	return b
}

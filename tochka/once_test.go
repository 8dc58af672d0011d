package tochka

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
)

// till is a bank with one paid operation that can be refunded and charged, as
// often as it is asked: it has no keys.
type till struct {
	*bank
	mu       sync.Mutex
	amount   money.Amount
	orders   []string
	refunded money.Amount
	deeds    int
	onRefund bool
	// fault is what becomes of the next deed: "" done, "lost" done and not
	// answered, "drop" neither, "refuse" answered no, "slow" done and answered
	// late, "blind" done, not answered, and the operation cannot be read.
	fault []string
	blind bool
	slow  time.Duration
}

func newTill(t testing.TB) *till {
	b := &till{bank: newBank(t), amount: money.RUB(1490, 50)}
	b.orders = []string{movement("1", "approval", b.amount.String(), "2026-10-02T09:24:07+03:00")}
	b.always = b.handle
	return b
}

func (b *till) handle(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	path := strings.TrimPrefix(r.URL.Path, "/uapi/acquiring/v1.0/")
	switch {
	case r.Method == http.MethodGet && strings.HasPrefix(path, "payments/") && b.blind:
		w.WriteHeader(http.StatusInternalServerError)
	case r.Method == http.MethodGet && strings.HasPrefix(path, "payments/"):
		status := "APPROVED"
		switch {
		case b.onRefund:
			status = "ON-REFUND"
		case b.refunded >= b.amount:
			status = "REFUNDED"
		case b.refunded > 0:
			status = "REFUNDED_PARTIALLY"
		}
		_, _ = w.Write([]byte(operation(status, b.amount.String(), b.orders...)))
	case r.Method == http.MethodPost && (strings.HasSuffix(path, "/refund") || strings.HasSuffix(path, "/charge")):
		var body struct{ Data struct{ Amount Sum } }
		if json.NewDecoder(r.Body).Decode(&body) != nil || body.Data.Amount <= 0 {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		b.do(w, strings.HasSuffix(path, "/charge"), body.Data.Amount.Amount())
	default:
		w.WriteHeader(http.StatusNotImplemented)
	}
}

func (b *till) do(w http.ResponseWriter, charge bool, sum money.Amount) {
	fault := ""
	if len(b.fault) > 0 {
		fault, b.fault = b.fault[0], b.fault[1:]
	}
	if fault == "drop" {
		panic(http.ErrAbortHandler)
	}
	if fault == "refuse" {
		_, _ = w.Write([]byte(`{"Data":{"isRefund":false,"result":false,"operationId":"` + opID + `"}}`))
		return
	}
	b.deeds++
	id, kind := fmt.Sprint(100+b.deeds), "refund"
	if charge {
		kind = "approval"
	} else {
		b.refunded += sum
	}
	b.orders = append(b.orders, movement(id, kind, sum.String(), fmt.Sprintf("2026-11-02T09:24:%02d+03:00", b.deeds)))
	switch fault {
	case "lost":
		panic(http.ErrAbortHandler)
	case "blind":
		b.blind = true
		panic(http.ErrAbortHandler)
	case "slow":
		b.mu.Unlock()
		time.Sleep(b.slow)
		b.mu.Lock()
	}
	_, _ = fmt.Fprintf(w, `{"Data":{"isRefund":true,"result":true,"operationId":"%s","amount":%s,"date":"2026-10-05","orderId":%s}}`, opID, sum, id)
}

func (b *till) see(deeds int, refunded money.Amount) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	assert.Equal(b.t, deeds, b.deeds, "deeds")
	assert.Equal(b.t, refunded, b.refunded, "refunded")
}

func back(key string, sum money.Amount) acquiring.RefundRequest {
	return acquiring.RefundRequest{ID: opID, Key: key, Amount: sum}
}

func TestRefundIsAsInTheManual(t *testing.T) {
	b := newBank(t).on(read, operation("APPROVED", "1490.5", movement("71530001", "approval", "1490.5", "2026-10-02T09:24:07+03:00")), fixture(t, "operation.json")).
		on(refund, fixture(t, "refunded.json"))
	r, err := b.client().Refund(t.Context(), back("r-1", 49050))
	require.NoError(t, err)
	assert.Equal(t, `{"Data":{"amount":490.50}}`, b.last(refund).body)
	assert.Equal(t, "71530377", r.ID)
	assert.Equal(t, acquiring.RefundDone, r.Status)
	assert.Equal(t, money.Amount(49050), r.Amount)
}

func TestRefundOncePerKey(t *testing.T) {
	b := newTill(t)
	c := b.client()
	first, err := c.Refund(t.Context(), back("k", 30000))
	require.NoError(t, err)
	again, err := c.Refund(t.Context(), back("k", 30000))
	require.NoError(t, err)
	assert.Equal(t, first.ID, again.ID)
	assert.Equal(t, acquiring.RefundDone, again.Status)
	_, err = c.Refund(t.Context(), back("k", 0))
	require.NoError(t, err, "no sum is the sum of the first")
	_, err = c.Refund(t.Context(), back("k", 20000))
	require.ErrorIs(t, err, acquiring.ErrConflict)
	b.see(1, 30000)
	other, err := c.Refund(t.Context(), back("k2", 30000))
	require.NoError(t, err)
	assert.NotEqual(t, first.ID, other.ID)
	rest, err := c.Refund(t.Context(), back("k3", 0))
	require.NoError(t, err)
	assert.Equal(t, b.amount-60000, rest.Amount)
	_, err = c.Refund(t.Context(), back("k4", 1))
	require.ErrorIs(t, err, acquiring.ErrConflict)
	b.see(3, b.amount)
}

func TestRefundOncePerKeyAtTheSameTime(t *testing.T) {
	b := newTill(t)
	c := b.client()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			_, err := c.Refund(context.Background(), back("race", 100))
			assert.NoError(t, err)
		})
	}
	wg.Wait()
	b.see(1, 100)
}

func TestLostRefundIsFound(t *testing.T) {
	b := newTill(t)
	b.fault = []string{"", "lost"}
	c := b.client()
	_, err := c.Refund(t.Context(), back("before", 30000))
	require.NoError(t, err)
	r, err := c.Refund(t.Context(), back("lost", 30000))
	require.NoError(t, err, "the same sum twice: the second is another movement")
	assert.Equal(t, "102", r.ID)
	b.see(2, 60000)
}

func TestDroppedRefundIsReportedAndRepeatedByTheSameKey(t *testing.T) {
	b := newTill(t)
	b.fault = []string{"drop"}
	c := b.client()
	_, err := c.Refund(t.Context(), back("k", 30000))
	require.ErrorIs(t, err, acquiring.ErrUnavailable)
	e := asError(t, err)
	assert.Equal(t, acquiring.OutcomeUnknown, e.Outcome)
	assert.Contains(t, e.Hint, "same Key")
	b.see(0, 0)
	_, err = c.Refund(t.Context(), back("k", 30000))
	require.NoError(t, err)
	b.see(1, 30000)
}

func TestBlindRefund(t *testing.T) {
	b := newTill(t)
	b.fault = []string{"blind"}
	c := b.client()
	_, err := c.Refund(t.Context(), back("k", 30000))
	assert.True(t, unsure(err), err)
	_, err = c.Refund(t.Context(), back("k", 30000))
	assert.True(t, unsure(err), "the first may have been made: %v", err)
	b.mu.Lock()
	b.blind = false
	b.mu.Unlock()
	r, err := c.Refund(t.Context(), back("k", 30000))
	require.NoError(t, err)
	assert.Equal(t, "101", r.ID)
	b.see(1, 30000)

	// Blind before anything was asked: nothing was sent.
	b = newTill(t)
	b.blind = true
	_, err = b.client().Refund(t.Context(), back("k", 30000))
	assert.Equal(t, acquiring.OutcomeNotSent, asError(t, err).Outcome)
}

func TestSlowRefundBeyondTheDeadline(t *testing.T) {
	b := newTill(t)
	b.fault, b.slow = []string{"slow"}, 500*time.Millisecond
	c := b.client()
	ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
	defer cancel()
	_, err := c.Refund(ctx, back("k", 30000))
	assert.True(t, unsure(err), err)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	_, err = c.Refund(t.Context(), back("k", 30000))
	require.NoError(t, err)
	b.see(1, 30000)
}

func TestRefusedRefundMayBeAskedAgain(t *testing.T) {
	b := newTill(t)
	b.fault = []string{"refuse"}
	c := b.client()
	_, err := c.Refund(t.Context(), back("k", 30000))
	require.ErrorIs(t, err, acquiring.ErrDeclined, "isRefund false is no refund, although HTTP says 200")
	assert.Equal(t, acquiring.OutcomeRejected, asError(t, err).Outcome)
	_, err = c.Refund(t.Context(), back("k", 20000))
	require.NoError(t, err, "a refused key is free")
	b.see(1, 20000)
}

func TestRefundRefusedBeforeSending(t *testing.T) {
	b := newTill(t)
	c := b.client()
	_, err := c.Refund(t.Context(), back("k", b.amount+1))
	require.ErrorIs(t, err, acquiring.ErrConflict)
	_, err = c.Refund(t.Context(), acquiring.RefundRequest{ID: opID + ":71530001", Key: "k"})
	require.ErrorIs(t, err, acquiring.ErrUnsupported)
	_, err = c.Refund(t.Context(), acquiring.RefundRequest{ID: opID, Key: "k", Receipt: lesson().Receipt})
	require.Error(t, err)
	for status, kind := range map[string]error{"CREATED": acquiring.ErrConflict, "AUTHORIZED": acquiring.ErrConflict, "EXPIRED": acquiring.ErrConflict, "REFUNDED": acquiring.ErrConflict} {
		_, err = newBank(t).on(read, operation(status, "100")).client().Refund(t.Context(), back("k", 0))
		require.ErrorIs(t, err, kind, status)
		assert.Equal(t, acquiring.OutcomeRejected, asError(t, err).Outcome)
	}
	b.see(0, 0)
}

func TestRefundUnderWayIsWaitedFor(t *testing.T) {
	b := newTill(t)
	b.fault = []string{"drop"}
	c := b.client()
	_, err := c.Refund(t.Context(), back("k", 30000))
	require.Error(t, err)
	b.mu.Lock()
	b.onRefund = true
	b.mu.Unlock()
	_, err = c.Refund(t.Context(), back("k", 30000))
	assert.True(t, unsure(err), "it may be this very refund: %v", err)
	b.see(0, 0)
}

// Two programs over one Ledger: one of them works, the other is told so; one
// that crashed is taken over.
func TestRefundInTwoPrograms(t *testing.T) {
	shared := NewMemoryLedger(0)
	b := newTill(t)
	with := func(c *Config) { c.Ledger = shared }
	one, two := b.client(with), b.client(with)
	b.fault = []string{"drop"}
	_, err := one.Refund(t.Context(), back("k", 30000))
	require.Error(t, err)
	_, err = two.Refund(t.Context(), back("k", 30000))
	require.ErrorIs(t, err, acquiring.ErrConflict)
	two.now = func() time.Time { return time.Now().Add(otherBusy) }
	_, err = two.Refund(t.Context(), back("k", 30000))
	require.NoError(t, err)
	r, err := one.Refund(t.Context(), back("k", 30000))
	require.NoError(t, err)
	assert.Equal(t, "101", r.ID)
	b.see(1, 30000)
}

type brokenLedger struct {
	Ledger
	begin, save, of error
}

func (l brokenLedger) Begin(ctx context.Context, e LedgerEntry) (*LedgerEntry, error) {
	if l.begin != nil {
		return nil, l.begin
	}
	return l.Ledger.Begin(ctx, e)
}
func (l brokenLedger) Save(ctx context.Context, e LedgerEntry) error {
	if l.save != nil {
		return l.save
	}
	return l.Ledger.Save(ctx, e)
}
func (l brokenLedger) OfPayment(ctx context.Context, s, k, p string) ([]LedgerEntry, error) {
	if l.of != nil {
		return nil, l.of
	}
	return l.Ledger.OfPayment(ctx, s, k, p)
}

func TestBrokenLedgerStopsARefund(t *testing.T) {
	b := newTill(t)
	down := errors.New("database is down")
	for _, l := range []brokenLedger{{begin: down}, {of: down}} {
		l.Ledger = NewMemoryLedger(0)
		_, err := b.client(func(c *Config) { c.Ledger = l }).Refund(t.Context(), back("k", 1))
		require.ErrorIs(t, err, down)
		assert.Equal(t, acquiring.OutcomeNotSent, asError(t, err).Outcome)
	}
	b.see(0, 0)
	// After the deed it is no failure of the deed; the next call finds it.
	l := brokenLedger{Ledger: NewMemoryLedger(0), save: down}
	c := b.client(func(c *Config) { c.Ledger = l })
	_, err := c.Refund(t.Context(), back("k", 100))
	require.NoError(t, err)
	_, err = c.Refund(t.Context(), back("k", 100))
	require.NoError(t, err)
	b.see(1, 100)
}

func charge(order string, sum money.Amount) acquiring.ChargeRequest {
	return acquiring.ChargeRequest{OrderID: order, Token: opID, Amount: sum}
}

func TestChargeOncePerOrder(t *testing.T) {
	b := newTill(t)
	c := b.client()
	first, err := c.Charge(t.Context(), charge("month-1", 99000))
	require.NoError(t, err)
	assert.Equal(t, acquiring.PaymentID(opID+":101"), first.ID)
	assert.Equal(t, acquiring.StatusPaid, first.Status)
	assert.Equal(t, money.Amount(99000), first.Captured)
	assert.Equal(t, "month-1", first.OrderID)
	assert.Equal(t, `{"Data":{"amount":990.00}}`, b.last("POST acquiring/v1.0/subscriptions/"+opID+"/charge").body)
	again, err := c.Charge(t.Context(), charge("month-1", 99000))
	require.NoError(t, err)
	assert.Equal(t, first.ID, again.ID)
	_, err = c.Charge(t.Context(), charge("month-1", 99001))
	require.ErrorIs(t, err, acquiring.ErrConflict)
	second, err := c.Charge(t.Context(), charge("month-2", 99000))
	require.NoError(t, err)
	assert.NotEqual(t, first.ID, second.ID)
	b.see(2, 0)

	// Each is a payment of its own, and none is the first payment's.
	p, err := c.GetStatus(t.Context(), second.ID)
	require.NoError(t, err)
	assert.Equal(t, "month-2", p.OrderID)
	assert.Equal(t, money.Amount(99000), p.Captured)
	p, err = c.GetStatus(t.Context(), opID)
	require.NoError(t, err)
	assert.Equal(t, b.amount, p.Captured)
	assert.Equal(t, opID, p.Card.Token)
	_, err = c.GetStatus(t.Context(), opID+":999")
	require.ErrorIs(t, err, acquiring.ErrNotFound)
}

func TestLostChargeIsFound(t *testing.T) {
	b := newTill(t)
	b.fault = []string{"lost", "drop", "", "refuse"}
	c := b.client()
	_, err := c.Charge(t.Context(), charge("m-1", 500))
	require.NoError(t, err)
	b.see(1, 0)
	_, err = c.Charge(t.Context(), charge("m-2", 500))
	assert.True(t, unsure(err), err)
	_, err = c.Charge(t.Context(), charge("m-2", 500))
	require.NoError(t, err)
	b.see(2, 0)
	_, err = c.Charge(t.Context(), charge("m-3", 500))
	require.ErrorIs(t, err, acquiring.ErrDeclined)
	assert.Equal(t, acquiring.OutcomeRejected, asError(t, err).Outcome)
}

func TestChargeRefusedBeforeSending(t *testing.T) {
	b := newTill(t)
	c := b.client()
	for name, tt := range map[string]struct {
		change func(*acquiring.ChargeRequest)
		field  string
		kind   error
	}{
		"no token":      {func(r *acquiring.ChargeRequest) { r.Token = "" }, "Token", acquiring.ErrInvalid},
		"a long token":  {func(r *acquiring.ChargeRequest) { r.Token = strings.Repeat("x", 37) }, "Token", acquiring.ErrInvalid},
		"no order":      {func(r *acquiring.ChargeRequest) { r.OrderID = "" }, "OrderID", acquiring.ErrInvalid},
		"dollars":       {func(r *acquiring.ChargeRequest) { r.Currency = "USD" }, "Currency", acquiring.ErrInvalid},
		"further words": {func(r *acquiring.ChargeRequest) { r.Extra = map[string]string{"a": "b"} }, "Extra", acquiring.ErrInvalid},
		"a hold":        {func(r *acquiring.ChargeRequest) { r.Hold = true }, "", acquiring.ErrUnsupported},
		"a receipt": {func(r *acquiring.ChargeRequest) {
			r.Receipt, r.Amount = lesson().Receipt, money.RUB(3200, 0)
			own := *r.Receipt
			own.Contact.Email = "a@example.com"
			r.Receipt = &own
		}, "", acquiring.ErrUnsupported},
	} {
		r := charge("m", 500)
		tt.change(&r)
		_, err := c.Charge(t.Context(), r)
		require.ErrorIs(t, err, tt.kind, name)
		assert.Equal(t, tt.field, asError(t, err).Field, name)
	}
	_, err := newBank(t).on(read, operation("CREATED", "1")).client().Charge(t.Context(), charge("m", 1))
	require.ErrorIs(t, err, acquiring.ErrConflict, "no card is bound yet")
	b.see(0, 0)
}

func TestSaveCardMakesASubscription(t *testing.T) {
	b := school(t).on("POST acquiring/v1.0/subscriptions", fixture(t, "subscribed.json"))
	b.on("POST acquiring/v1.0/subscriptions_with_receipt", fixture(t, "subscribed.json"))
	c := b.client()
	r := acquiring.InvoiceRequest{OrderID: "sub-77", Amount: money.RUB(990, 0), Description: "Подписка на курс", ReturnURL: "https://school.example.com/ok",
		SaveCard: true, Customer: acquiring.Customer{ID: "u-1"}}
	inv, err := c.CreateInvoice(t.Context(), r)
	require.NoError(t, err)
	wantJSON(t, "subscription.json", b.last("POST acquiring/v1.0/subscriptions"))
	assert.Equal(t, acquiring.PaymentID("e7a1c0de-5b2f-4c3d-8e9f-0a1b2c3d4e5f"), inv.ID)
	sub := "GET acquiring/v1.0/payments/" + string(inv.ID)
	b.on(sub, strings.ReplaceAll(operation("APPROVED", "990", movement("1", "approval", "990", "")), opID, string(inv.ID)))
	p, err := c.GetStatus(t.Context(), inv.ID)
	require.NoError(t, err)
	assert.Equal(t, string(inv.ID), p.Card.Token)

	withReceipt := lesson()
	withReceipt.SaveCard, withReceipt.Customer.ID, withReceipt.Methods = true, "u-1", nil
	_, err = c.CreateInvoice(t.Context(), withReceipt)
	require.NoError(t, err)
	got := b.last("POST acquiring/v1.0/subscriptions_with_receipt").body
	assert.Contains(t, got, `"recurring":true`)
	assert.Contains(t, got, `"Client":{`)
	for _, no := range []string{"paymentMode", "ttl", "saveCard", "preAuthorization"} {
		assert.NotContains(t, got, no)
	}
	// Offering to save the card for the next visit is another thing.
	r.SaveCard, r.Extra = false, map[string]string{"saveCard": "true", "consumerId": "c-1"}
	b.on(create, fixture(t, "created.json"))
	_, err = c.CreateInvoice(t.Context(), r)
	require.NoError(t, err)
	assert.Contains(t, b.last(create).body, `"saveCard":true,"consumerId":"c-1"`)
}

func TestDeleteToken(t *testing.T) {
	const status = "POST acquiring/v1.0/subscriptions/" + opID + "/status"
	b := newBank(t).on(status, `{"Data":{"result":true}}`)
	require.NoError(t, b.client().DeleteToken(t.Context(), opID))
	assert.Equal(t, `{"Data":{"status":"Cancelled"}}`, b.last(status).body)
	b = newBank(t).answer(status, failure(424, "Subscription not found"))
	err := b.client().DeleteToken(t.Context(), opID)
	require.ErrorIs(t, err, acquiring.ErrUnsupported)
	assert.Contains(t, asError(t, err).Hint, "forget the token")
	assert.Equal(t, "token", asError(t, b.client().DeleteToken(t.Context(), "")).Field)
}

func TestMemoryLedgerForgetsTheOldest(t *testing.T) {
	ctx := t.Context()
	l := NewMemoryLedger(2)
	for i := range 3 {
		old, err := l.Begin(ctx, LedgerEntry{Kind: LedgerRefund, Payment: "p", Key: fmt.Sprint(i), ID: fmt.Sprint("id", i), Seen: []string{"a"}})
		require.NoError(t, err)
		require.Nil(t, old)
	}
	all, err := l.OfPayment(ctx, "", LedgerRefund, "p")
	require.NoError(t, err)
	require.Len(t, all, 2)
	assert.Equal(t, "1", all[0].Key)
	all[0].Seen[0] = "changed"
	old, err := l.Begin(ctx, LedgerEntry{Kind: LedgerRefund, Payment: "p", Key: "1"})
	require.NoError(t, err)
	assert.Equal(t, []string{"a"}, old.Seen, "nobody else's slice is stored")
	gone, err := l.ByID(ctx, "", LedgerRefund, "id0")
	require.NoError(t, err)
	assert.Nil(t, gone)
	require.NoError(t, l.Save(ctx, LedgerEntry{Kind: LedgerRefund, Payment: "p", Key: "1", ID: "new"}))
	gone, _ = l.ByID(ctx, "", LedgerRefund, "id1")
	assert.Nil(t, gone)
	found, _ := l.ByID(ctx, "", LedgerRefund, "new")
	assert.Equal(t, "1", found.Key)
	other, _ := l.ByID(ctx, "shop2", LedgerRefund, "new")
	assert.Nil(t, other, "shops are apart")
	require.NoError(t, l.Forget(ctx, *found))
	require.NoError(t, l.Forget(ctx, *found))
	require.NoError(t, l.Save(ctx, LedgerEntry{Kind: LedgerRefund, Payment: "q", Key: "9"}))
	all, _ = l.OfPayment(ctx, "", LedgerRefund, "p")
	assert.Len(t, all, 1)
}

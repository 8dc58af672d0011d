package paykeeper

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
)

func twoStage(c *Config) { c.TwoStage = true }

// hold makes a held payment whose notification has come.
func held(t *testing.T, f *fake, c *Client, order string, sum money.Amount) (*acquiring.Invoice, PaymentID) {
	t.Helper()
	inv := issue(t, c.Acquirer(), order, sum)
	id := f.Hold(inv.ID)
	cb, err := c.Acquirer().VerifyCallback(bg(t), notification(c, f.payment(id), "batch_date", "2026-11-28"))
	require.NoError(t, err)
	require.Equal(t, acquiring.StatusAuthorized, cb.Status)
	require.Zero(t, cb.Payment.Captured)
	return inv, id
}

func TestCaptureWhole(t *testing.T) {
	f := newFake(t)
	c := f.client(twoStage)
	a := c.Acquirer()
	inv, _ := held(t, f, c, "A-1", money.RUB(1000, 0))
	_, err := a.Refund(bg(t), refundOf(inv.ID, "k1", money.RUB(200, 0)))
	e := wantError(t, err, acquiring.ErrConflict, acquiring.OutcomeRejected)
	assert.Contains(t, e.Hint, "Void")
	p, err := a.Capture(bg(t), acquiring.CaptureRequest{ID: inv.ID})
	require.NoError(t, err)
	assert.Equal(t, acquiring.StatusPaid, p.Status)
	assert.Equal(t, money.RUB(1000, 0), p.Captured)
	assert.Empty(t, f.calls("/change/payment/reverse/"))
	_, err = a.Capture(bg(t), acquiring.CaptureRequest{ID: inv.ID})
	wantError(t, err, acquiring.ErrConflict, acquiring.OutcomeRejected)
	assert.Len(t, f.calls("/change/payment/capture/"), 1)
	_, err = a.Capture(bg(t), acquiring.CaptureRequest{ID: inv.ID, Amount: 100})
	wantError(t, err, acquiring.ErrConflict, acquiring.OutcomeRejected)
	_, err = a.Void(bg(t), inv.ID)
	wantError(t, err, acquiring.ErrConflict, acquiring.OutcomeRejected)
	_, err = a.Refund(bg(t), refundOf(inv.ID, "k1", money.RUB(200, 0)))
	require.NoError(t, err)
}

// The trap of the protocol: a part is taken by giving the rest back, so the
// call is never made where the hold is not known.
func TestCapturePart(t *testing.T) {
	f := newFake(t)
	c := f.client(twoStage)
	a := c.Acquirer()
	inv, id := held(t, f, c, "A-1", money.RUB(1000, 0))
	_, err := a.Capture(bg(t), acquiring.CaptureRequest{ID: inv.ID, Amount: money.RUB(1000, 1)})
	wantError(t, err, acquiring.ErrConflict, acquiring.OutcomeRejected)
	p, err := a.Capture(bg(t), acquiring.CaptureRequest{ID: inv.ID, Amount: money.RUB(700, 0)})
	require.NoError(t, err)
	form := f.calls("/change/payment/reverse/")[0].form
	assert.Equal(t, []string{string(id), "300.00", "true"}, []string{form.Get("id"), form.Get("amount"), form.Get("partial")})
	assert.Equal(t, acquiring.StatusPaid, p.Status)
	assert.Equal(t, money.RUB(700, 0), p.Captured)
	assert.Zero(t, p.Refunded, "what was released was never taken")
	_, err = a.Capture(bg(t), acquiring.CaptureRequest{ID: inv.ID, Amount: money.RUB(700, 0)})
	wantError(t, err, acquiring.ErrConflict, acquiring.OutcomeRejected)
	assert.Len(t, f.calls("/change/payment/reverse/"), 1, "never released twice")
	_, err = a.Refund(bg(t), refundOf(inv.ID, "k1", money.RUB(700, 1)))
	wantError(t, err, acquiring.ErrConflict, acquiring.OutcomeRejected)
	r, err := a.Refund(bg(t), refundOf(inv.ID, "k1", 0))
	require.NoError(t, err)
	assert.Equal(t, money.RUB(700, 0), r.Amount)
	p, err = a.GetStatus(bg(t), inv.ID)
	require.NoError(t, err)
	assert.Equal(t, acquiring.StatusRefunded, p.Status)

	// No notification, no store: assumed to be held, a part is not taken.
	other := f.client(twoStage).Acquirer()
	inv2 := issue(t, other, "A-2", money.RUB(1000, 0))
	f.Hold(inv2.ID)
	_, err = other.Capture(bg(t), acquiring.CaptureRequest{ID: inv2.ID, Amount: money.RUB(700, 0)})
	e := wantError(t, err, acquiring.ErrConflict, acquiring.OutcomeRejected)
	assert.Contains(t, e.Hint, "Store")
	assert.Len(t, f.calls("/change/payment/reverse/"), 2)
	_, err = other.Capture(bg(t), acquiring.CaptureRequest{ID: inv2.ID})
	require.NoError(t, err)
}

func TestCapturePartAfterLostAnswer(t *testing.T) {
	for _, ft := range []fault{lost, drop} {
		f := newFake(t)
		c := f.client(twoStage)
		a := c.Acquirer()
		inv, id := held(t, f, c, "A-1", money.RUB(1000, 0))
		f.fail("/change/payment/reverse/", ft)
		_, err := a.Capture(bg(t), acquiring.CaptureRequest{ID: inv.ID, Amount: money.RUB(700, 0)})
		if ft == drop {
			wantError(t, err, acquiring.ErrUnavailable, acquiring.OutcomeUnknown)
			_, err = a.Capture(bg(t), acquiring.CaptureRequest{ID: inv.ID, Amount: money.RUB(600, 0)})
			wantError(t, err, acquiring.ErrConflict, acquiring.OutcomeRejected)
			_, err = a.Capture(bg(t), acquiring.CaptureRequest{ID: inv.ID, Amount: money.RUB(700, 0)})
		}
		require.NoError(t, err)
		assert.Len(t, f.refunds, 1)
		assert.Equal(t, "300.00", f.payment(id)["refund_amount"])
	}
}

func TestCaptureWholeAfterLostAnswer(t *testing.T) {
	for _, ft := range []fault{lost, drop, broken} {
		f := newFake(t)
		c := f.client(twoStage)
		inv, id := held(t, f, c, "A-1", money.RUB(1000, 0))
		f.fail("/change/payment/capture/", ft)
		p, err := c.Acquirer().Capture(bg(t), acquiring.CaptureRequest{ID: inv.ID})
		require.NoError(t, err)
		assert.Equal(t, acquiring.StatusPaid, p.Status)
		assert.Equal(t, false, f.payment(id)["held"])
	}
	f := newFake(t)
	c := f.client(twoStage)
	inv, _ := held(t, f, c, "A-1", money.RUB(1000, 0))
	f.answers["/change/payment/capture/"] = `{"result":"fail","msg":"Сейчас нельзя"}`
	_, err := c.Acquirer().Capture(bg(t), acquiring.CaptureRequest{ID: inv.ID})
	wantError(t, err, acquiring.ErrConflict, acquiring.OutcomeRejected)
	delete(f.answers, "/change/payment/capture/")
	_, err = c.Acquirer().Capture(bg(t), acquiring.CaptureRequest{ID: inv.ID})
	require.NoError(t, err)
}

func TestVoid(t *testing.T) {
	for _, ft := range []fault{0, lost, drop} {
		f := newFake(t)
		c := f.client(twoStage)
		a := c.Acquirer()
		inv, _ := held(t, f, c, "A-1", money.RUB(1000, 0))
		f.fail("/change/payment/reverse/", ft)
		p, err := a.Void(bg(t), inv.ID)
		if ft == drop {
			wantError(t, err, acquiring.ErrUnavailable, acquiring.OutcomeUnknown)
			p, err = a.Void(bg(t), inv.ID)
		}
		require.NoError(t, err)
		assert.Equal(t, acquiring.StatusVoided, p.Status)
		assert.Zero(t, p.Captured)
		form := f.calls("/change/payment/reverse/")[0].form
		assert.Equal(t, []string{"1000.00", "false"}, []string{form.Get("amount"), form.Get("partial")})
		again, err := a.Void(bg(t), inv.ID)
		require.NoError(t, err)
		assert.Equal(t, acquiring.StatusVoided, again.Status)
		assert.Len(t, f.refunds, 1)
		_, err = a.Capture(bg(t), acquiring.CaptureRequest{ID: inv.ID})
		wantError(t, err, acquiring.ErrConflict, acquiring.OutcomeRejected)
	}
	f := newFake(t)
	a := f.client().Acquirer()
	inv := issue(t, a, "A-1", money.RUB(1000, 0))
	_, err := a.Void(bg(t), inv.ID)
	wantError(t, err, acquiring.ErrConflict, acquiring.OutcomeRejected)
	f.Pay(inv.ID)
	_, err = a.Void(bg(t), inv.ID)
	wantError(t, err, acquiring.ErrConflict, acquiring.OutcomeRejected)
	_, err = a.Capture(bg(t), acquiring.CaptureRequest{ID: inv.ID})
	wantError(t, err, acquiring.ErrConflict, acquiring.OutcomeRejected)
	_, err = a.Capture(bg(t), acquiring.CaptureRequest{ID: inv.ID, Receipt: &fiscal.Receipt{}})
	wantField(t, err, "Receipt")
	assert.Empty(t, f.refunds)
}

// The careful side of what the signature does not cover: a batch_date holds a
// payment back, its absence proves nothing in a two-stage account.
func TestBatchDateIsTheCarefulSide(t *testing.T) {
	f := newFake(t)
	one := f.client()
	inv := issue(t, one.Acquirer(), "A-1", money.RUB(1000, 0))
	id := f.Hold(inv.ID)
	cb, err := one.Acquirer().VerifyCallback(bg(t), notification(one, f.payment(id), "batch_date", "2026-11-28"))
	require.NoError(t, err)
	assert.Equal(t, acquiring.StatusAuthorized, cb.Status)
	_, err = one.Acquirer().Refund(bg(t), refundOf(inv.ID, "k1", money.RUB(1, 0)))
	wantError(t, err, acquiring.ErrConflict, acquiring.OutcomeRejected)

	two := f.client(twoStage)
	cb, err = two.Acquirer().VerifyCallback(bg(t), notification(two, f.payment(id)))
	require.NoError(t, err)
	assert.Equal(t, acquiring.StatusAuthorized, cb.Status)
}

func TestHoldEndsByItself(t *testing.T) {
	f := newFake(t)
	now := today
	c := f.client(twoStage, func(c *Config) { c.Now = func() time.Time { return now } })
	inv, _ := held(t, f, c, "A-1", money.RUB(1000, 0))
	now = time.Date(2026, 11, 29, 0, 0, 1, 0, moscow)
	p, err := c.Acquirer().GetStatus(bg(t), inv.ID)
	require.NoError(t, err)
	assert.Equal(t, acquiring.StatusPaid, p.Status, "the service takes the money on the day of batch_date")
}

// Where the installation has a word for holds, the word alone tells.
func TestHoldStatusWord(t *testing.T) {
	f := newFake(t)
	a := f.client(twoStage, func(c *Config) { c.HoldStatus = "authorized" }).Acquirer()
	inv := issue(t, a, "A-1", money.RUB(1000, 0))
	id := f.Hold(inv.ID)
	f.set(id, "status", "authorized")
	p, err := a.GetStatus(bg(t), inv.ID)
	require.NoError(t, err)
	assert.Equal(t, acquiring.StatusAuthorized, p.Status)
	f.set(id, "status", "success")
	p, err = a.GetStatus(bg(t), inv.ID)
	require.NoError(t, err)
	assert.Equal(t, acquiring.StatusPaid, p.Status)
	f.set(id, "status", "authorized")
	_, err = a.Capture(bg(t), acquiring.CaptureRequest{ID: inv.ID, Amount: money.RUB(700, 0)})
	require.NoError(t, err)
	assert.Len(t, f.refunds, 1)
}

func chargeRequest(order string) acquiring.ChargeRequest {
	return acquiring.ChargeRequest{OrderID: order, Token: "5f0c", Amount: money.RUB(250, 0), Customer: acquiring.Customer{ID: "user-9"}}
}

func TestCharge(t *testing.T) {
	f := newFake(t)
	a := f.client().Acquirer()
	p, err := a.Charge(bg(t), chargeRequest("SUB-3"))
	require.NoError(t, err)
	assert.Equal(t, acquiring.StatusPaid, p.Status)
	assert.Equal(t, money.RUB(250, 0), p.Captured)
	assert.Equal(t, golden(t, "binding.form"), f.calls("/change/binding/execute/")[0].body)
	again, err := a.Charge(bg(t), chargeRequest("SUB-3"))
	require.NoError(t, err)
	assert.Equal(t, p.ID, again.ID)
	_, err = f.client().Acquirer().Charge(bg(t), chargeRequest("SUB-3"))
	require.NoError(t, err, "also after a restart")
	other := chargeRequest("SUB-3")
	other.Amount = 1
	_, err = a.Charge(bg(t), other)
	wantError(t, err, acquiring.ErrDuplicate, acquiring.OutcomeRejected)
	assert.Len(t, f.calls("/change/binding/execute/"), 1)

	r := sale("")
	r.Lines[0].Price = money.RUB(250, 0)
	withCart := chargeRequest("SUB-4")
	withCart.Receipt, withCart.Description = &r, "Подписка"
	_, err = a.Charge(bg(t), withCart)
	require.NoError(t, err)
	form := f.calls("/change/binding/execute/")[1].form
	assert.Equal(t, "Подписка", form.Get("service_name"))
	assert.Contains(t, form.Get("cart"), "Kettle")

	withCart.OrderID, withCart.Customer.ID = "SUB-5", ""
	_, err = a.Charge(bg(t), withCart)
	wantField(t, err, "Customer.ID")
	withCart.Token = ""
	_, err = a.Charge(bg(t), withCart)
	wantField(t, err, "Token")
	wantField(t, a.DeleteToken(bg(t), ""), "token")
	require.ErrorIs(t, a.DeleteToken(bg(t), "5f0c"), acquiring.ErrUnsupported)
}

func TestChargeAfterLostAnswer(t *testing.T) {
	for _, ft := range []fault{lost, cut, drop, broken} {
		f := newFake(t)
		a := f.client().Acquirer()
		f.fail("/change/binding/execute/", ft)
		_, err := a.Charge(bg(t), chargeRequest("SUB-3"))
		if err != nil {
			wantError(t, err, errKind(err), acquiring.OutcomeUnknown)
			_, err = a.Charge(bg(t), chargeRequest("SUB-3"))
			require.NoError(t, err)
		}
		assert.Len(t, f.payments, 1)
	}
	f := newFake(t)
	a := f.client().Acquirer()
	f.answers["/change/binding/execute/"] = `{"result":"fail","msg":"Недостаточно средств"}`
	_, err := a.Charge(bg(t), chargeRequest("SUB-3"))
	wantError(t, err, acquiring.ErrDeclined, acquiring.OutcomeRejected)
}

// A charge that was accepted and is not shown yet is never sent again.
func TestChargeNotShownYet(t *testing.T) {
	f := newFake(t)
	a := f.client().Acquirer()
	f.answers["/change/binding/execute/"] = `{"result":"success"}`
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	_, err := a.Charge(ctx, chargeRequest("SUB-3"))
	e := wantError(t, err, acquiring.ErrUnavailable, acquiring.OutcomeUnknown)
	assert.Contains(t, e.Hint, "not charged twice")
	delete(f.answers, "/change/binding/execute/")
	_, err = a.Charge(bg(t), chargeRequest("SUB-3"))
	wantError(t, err, acquiring.ErrUnavailable, acquiring.OutcomeUnknown)
	assert.Len(t, f.calls("/change/binding/execute/"), 1)
	f.mu.Lock()
	f.pay("SUB-3", "250.00", "")
	f.mu.Unlock()
	p, err := a.Charge(bg(t), chargeRequest("SUB-3"))
	require.NoError(t, err)
	assert.Equal(t, acquiring.StatusPaid, p.Status)
	assert.Len(t, f.calls("/change/binding/execute/"), 1)
}

// brokenStore fails where it is told to.
type brokenStore struct {
	*MemoryStore
	get, add, set error
}

func (s *brokenStore) Get(ctx context.Context, key string) ([]byte, error) {
	if s.get != nil {
		return nil, s.get
	}
	return s.MemoryStore.Get(ctx, key)
}

func (s *brokenStore) Add(ctx context.Context, key string, v []byte) (bool, error) {
	if s.add != nil {
		return false, s.add
	}
	return s.MemoryStore.Add(ctx, key, v)
}

func (s *brokenStore) Set(ctx context.Context, key string, v []byte) error {
	if s.set != nil {
		return s.set
	}
	return s.MemoryStore.Set(ctx, key, v)
}

func TestBrokenStore(t *testing.T) {
	down := errors.New("database is down")
	for name, arm := range map[string]func(*brokenStore){
		"get": func(s *brokenStore) { s.get = down }, "add": func(s *brokenStore) { s.add = down }} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			s := &brokenStore{MemoryStore: NewMemoryStore(0)}
			c := f.client(func(c *Config) { c.Store = s })
			inv := issue(t, c.Acquirer(), "A-1", money.RUB(1000, 0))
			f.Pay(inv.ID)
			arm(s)
			_, err := c.Acquirer().Refund(bg(t), refundOf(inv.ID, "k1", 100))
			wantError(t, err, acquiring.ErrUnavailable, acquiring.OutcomeNotSent)
			require.ErrorIs(t, err, down)
			_, err = c.Submit(bg(t), sale("R-1"))
			wantError(t, err, acquiring.ErrUnavailable, acquiring.OutcomeNotSent)
			_, err = c.Acquirer().Charge(bg(t), chargeRequest("SUB-1"))
			wantError(t, err, acquiring.ErrUnavailable, acquiring.OutcomeNotSent)
			assert.Empty(t, f.refunds)
			assert.Empty(t, f.receipts)
		})
	}
	// What was done and could not be noted is found out the next time.
	f := newFake(t)
	s := &brokenStore{MemoryStore: NewMemoryStore(0)}
	c := f.client(func(c *Config) { c.Store = s })
	inv := issue(t, c.Acquirer(), "A-1", money.RUB(1000, 0))
	f.Pay(inv.ID)
	s.set = down
	_, err := c.Acquirer().Refund(bg(t), refundOf(inv.ID, "k1", 100))
	wantError(t, err, acquiring.ErrUnavailable, acquiring.OutcomeUnknown)
	_, err = c.Submit(bg(t), sale("R-1"))
	wantError(t, err, acquiring.ErrUnavailable, acquiring.OutcomeUnknown)
	s.set = nil
	_, err = c.Acquirer().Refund(bg(t), refundOf(inv.ID, "k1", 100))
	require.NoError(t, err)
	doc, err := c.Submit(bg(t), sale("R-1"))
	require.NoError(t, err)
	assert.True(t, doc.Existed)
	assert.Len(t, f.refunds, 1)
	assert.Len(t, f.receipts, 1)
}

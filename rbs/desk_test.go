package rbs

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
)

// reads is a desk whose reads give these orders one after another, the last
// one again and again; an error is given as it is.
func reads(t *testing.T, answers ...any) *Desk {
	t.Helper()
	next := func() (*Order, error) {
		a := answers[0]
		if len(answers) > 1 {
			answers = answers[1:]
		}
		if err, ok := a.(error); ok {
			return nil, err
		}
		return order(t, a.(string)), nil
	}
	return &Desk{Provider: "bank", RefundParams: []string{"externalRefundId", "refundedAmount"},
		Order: func(context.Context, acquiring.PaymentID) (*Order, error) { return next() },
		Find:  func(context.Context, string) (*Order, error) { return next() },
		Payment: func(id acquiring.PaymentID, o *Order, k money.Amount) *acquiring.Payment {
			return o.Payment(id, Reading{Captured: k})
		},
	}
}

func refusal(kind error, outcome acquiring.Outcome) *acquiring.Error {
	return &acquiring.Error{Provider: "bank", Op: "x.do", Kind: kind, Outcome: outcome, Message: "no"}
}

var (
	gone    = refusal(acquiring.ErrUnavailable, acquiring.OutcomeUnknown)
	missing = refusal(acquiring.ErrNotFound, acquiring.OutcomeRejected)
	state   = refusal(acquiring.ErrConflict, acquiring.OutcomeRejected)
	access  = refusal(acquiring.ErrUnauthorized, acquiring.OutcomeRejected)
)

const (
	oHeld     = `{"orderNumber":"N","orderStatus":1,"amount":1000,"paymentAmountInfo":{"approvedAmount":1000,"depositedAmount":0,"refundedAmount":0},"attributes":[{"name":"mdOrder","value":"md"}]}`
	oPaid     = `{"orderNumber":"N","orderStatus":2,"amount":1000,"paymentAmountInfo":{"approvedAmount":1000,"depositedAmount":1000,"refundedAmount":0},"attributes":[{"name":"mdOrder","value":"md"}]}`
	oPending  = `{"orderNumber":"N","orderStatus":0,"actionCode":-100,"amount":1000,"attributes":[{"name":"mdOrder","value":"md"}]}`
	oVoided   = `{"orderNumber":"N","orderStatus":3,"amount":1000}`
	oDeclined = `{"orderNumber":"N","orderStatus":6,"actionCode":101,"amount":1000}`
	oRefunded = `{"orderNumber":"N","orderStatus":4,"amount":1000,"paymentAmountInfo":{"approvedAmount":1000,"depositedAmount":1000,"refundedAmount":400},"operations":[{"type":"REFUND","amount":400,"externalRefundId":"k","actionCode":0}]}`
)

func TestDeskCaptures(t *testing.T) {
	ctx := context.Background()
	capture := func(d *Desk, sum money.Amount, answers ...error) (*acquiring.Payment, int, error) {
		calls := 0
		p, err := d.Capture(ctx, acquiring.CaptureRequest{ID: "md", Amount: sum}, func(o *Order, got money.Amount) error {
			calls++
			if sum != 0 {
				assert.Equal(t, sum, got)
			} else {
				assert.Equal(t, money.Amount(1000), got, "all that is held")
			}
			if len(answers) < calls {
				return nil
			}
			return answers[calls-1]
		})
		return p, calls, err
	}
	p, _, err := capture(reads(t, oHeld, oPaid), 0)
	require.NoError(t, err)
	assert.Equal(t, acquiring.StatusPaid, p.Status)
	p, calls, err := capture(reads(t, oHeld, oPaid), 700, gone)
	require.NoError(t, err)
	assert.Equal(t, 1, calls)
	assert.True(t, p.Status.Succeeded())
	_, calls, err = capture(reads(t, oHeld, oHeld, oPaid), 700, gone)
	require.NoError(t, err)
	assert.Equal(t, 2, calls, "still held: once more")
	p, _, err = capture(reads(t, oHeld, access), 700)
	require.NoError(t, err)
	assert.Equal(t, money.Amount(700), p.Captured)
	for _, tt := range []struct {
		desk *Desk
		sum  money.Amount
		err  error
		want error
	}{
		{reads(t, oPaid), 0, nil, acquiring.ErrConflict},
		{reads(t, oHeld), 2000, nil, acquiring.ErrInvalid},
		{reads(t, oHeld), -1, nil, acquiring.ErrInvalid},
		{reads(t, missing), 0, nil, acquiring.ErrNotFound},
		{reads(t, oHeld, access), 0, gone, acquiring.ErrUnavailable},
		{reads(t, oHeld), 0, state, acquiring.ErrConflict},
	} {
		_, _, err := capture(tt.desk, tt.sum, tt.err)
		assert.ErrorIs(t, err, tt.want)
	}
}

func TestDeskVoidsAndCancels(t *testing.T) {
	ctx := context.Background()
	void := func(d *Desk, answer error) (*acquiring.Payment, error) {
		return d.Void(ctx, "md", "refund it", func() error { return answer })
	}
	for _, d := range []*Desk{reads(t, oVoided), reads(t, oHeld, oVoided), reads(t, oHeld, access)} {
		p, err := void(d, nil)
		require.NoError(t, err)
		assert.Equal(t, acquiring.StatusVoided, p.Status)
	}
	_, err := void(reads(t, oHeld, oVoided), gone)
	require.NoError(t, err, "lost, and found to be done")
	_, err = void(reads(t, oHeld), gone)
	assert.ErrorIs(t, err, acquiring.ErrUnavailable)
	_, err = void(reads(t, oPaid), nil)
	assert.ErrorIs(t, err, acquiring.ErrConflict)
	assert.ErrorContains(t, err, "refund it")
	_, err = void(reads(t, missing), nil)
	assert.ErrorIs(t, err, acquiring.ErrNotFound)

	cancel := func(d *Desk, answer error) error { return d.Cancel(ctx, "md", func() error { return answer }) }
	require.NoError(t, cancel(reads(t, oPending), nil))
	require.NoError(t, cancel(reads(t, oDeclined), state), "over already")
	assert.ErrorIs(t, cancel(reads(t, oPaid), state), acquiring.ErrConflict)
	assert.ErrorIs(t, cancel(reads(t, oPending), gone), acquiring.ErrUnavailable)
	assert.ErrorIs(t, cancel(reads(t, access), gone), acquiring.ErrUnavailable)
	assert.ErrorIs(t, cancel(reads(t, oPaid), missing), acquiring.ErrNotFound)
	assert.ErrorIs(t, reads(t, oPaid).Cancel(ctx, "", nil), acquiring.ErrInvalid)
}

func TestDeskCharges(t *testing.T) {
	ctx := context.Background()
	r := acquiring.ChargeRequest{OrderID: "N", Amount: 1000}
	register := func(d *Desk, errs ...error) (acquiring.PaymentID, int, error) {
		calls := 0
		id, err := d.RegisterToCharge(ctx, r, "take another", func() (*Registered, error) {
			calls++
			if calls <= len(errs) && errs[calls-1] != nil {
				return nil, errs[calls-1]
			}
			return &Registered{OrderID: "new"}, nil
		})
		return id, calls, err
	}
	id, calls, err := register(reads(t, oPaid))
	require.NoError(t, err)
	assert.Equal(t, acquiring.PaymentID("new"), id)
	assert.Equal(t, 1, calls)
	id, calls, err = register(reads(t, oPending), gone)
	require.NoError(t, err)
	assert.Equal(t, acquiring.PaymentID("md"), id, "it had arrived")
	assert.Equal(t, 1, calls)
	_, calls, err = register(reads(t, missing), gone)
	require.NoError(t, err)
	assert.Equal(t, 2, calls, "it had not")
	_, calls, err = register(reads(t, oPaid), gone)
	assert.ErrorIs(t, err, acquiring.ErrUnavailable, "another order has the number")
	assert.Equal(t, 1, calls)
	_, _, err = register(reads(t, oPaid), access)
	assert.ErrorIs(t, err, acquiring.ErrUnauthorized)
	twice := refusal(acquiring.ErrDuplicate, acquiring.OutcomeRejected)
	_, _, err = register(reads(t, oPaid), twice)
	assert.ErrorIs(t, err, acquiring.ErrDuplicate)
	assert.ErrorContains(t, err, "payment md of 10.00, paid; take another")
	assert.Empty(t, twice.Hint, "the first error is not changed")
	id, _, err = register(reads(t, oPending), twice)
	require.NoError(t, err, "a charge that was cut short after it registered")
	assert.Equal(t, acquiring.PaymentID("md"), id)
	r.Amount = 999
	_, _, err = register(reads(t, oPending), twice)
	assert.ErrorIs(t, err, acquiring.ErrDuplicate, "of another sum")
	r.Amount = 1000
	assert.ErrorContains(t, reads(t, access).Duplicate(ctx, twice, "N", "take another"), "the number is taken; take another")
	assert.ErrorIs(t, reads(t, oPaid).Duplicate(ctx, context.Canceled, "N", ""), context.Canceled)

	p, err := reads(t, oPaid).PaidByBinding(ctx, "md", &Payment{}, nil)
	require.NoError(t, err)
	assert.Equal(t, acquiring.StatusPaid, p.Status)
	_, err = reads(t, oPaid).PaidByBinding(ctx, "md", nil, gone)
	require.NoError(t, err)
	_, err = reads(t, oPending).PaidByBinding(ctx, "md", nil, gone)
	assert.Equal(t, acquiring.OutcomeUnknown, acquiring.OutcomeOf(err))
	_, err = reads(t, oPending).PaidByBinding(ctx, "md", &Payment{ProcessingErrorType: "CLIENT_ERROR"}, nil)
	assert.ErrorIs(t, err, acquiring.ErrDeclined)
	_, err = reads(t, access).PaidByBinding(ctx, "md", &Payment{}, nil)
	assert.Equal(t, acquiring.OutcomeUnknown, acquiring.OutcomeOf(err))
	_, err = reads(t, oPending).PaidByBinding(ctx, "md", nil, state)
	assert.ErrorIs(t, err, acquiring.ErrConflict)
	_, err = reads(t, oDeclined).PaidByBinding(ctx, "md", &Payment{}, nil)
	assert.ErrorIs(t, err, acquiring.ErrDeclined)
	assert.ErrorContains(t, err, "DeleteToken")
	_, err = reads(t).Charged(&acquiring.Payment{Status: acquiring.StatusPending, Failure: &acquiring.Failure{Code: "1019"}})
	assert.Equal(t, acquiring.OutcomeUnknown, acquiring.OutcomeOf(err))
	assert.ErrorIs(t, ChargeUnknown(context.Canceled), context.Canceled)
}

// The answer of the first call is lost, the order does not show it yet, and the
// repeated call is refused because the first arrives just then.
func TestFirstCallThatArrivesLate(t *testing.T) {
	ctx := context.Background()
	locked := refusal(acquiring.ErrUnavailable, acquiring.OutcomeRejected)
	limited := refusal(acquiring.ErrRateLimited, acquiring.OutcomeRejected)
	capture := func(d *Desk, second error) (*acquiring.Payment, error) {
		answers := []error{gone, second}
		return d.Capture(ctx, acquiring.CaptureRequest{ID: "md", Amount: 1000}, func(*Order, money.Amount) error {
			err := answers[0]
			answers = answers[1:]
			return err
		})
	}
	p, err := capture(reads(t, oHeld, oHeld, oPaid), state)
	require.NoError(t, err)
	assert.Equal(t, money.Amount(1000), p.Captured)
	for _, second := range []error{locked, limited} {
		_, err = capture(reads(t, oHeld), second)
		assert.Equal(t, acquiring.OutcomeUnknown, acquiring.OutcomeOf(err), "what was refused is the second call, not the first")
	}
	_, err = capture(reads(t, oHeld), state)
	assert.ErrorIs(t, err, acquiring.ErrConflict)

	answers := []error{gone, refusal(acquiring.ErrDuplicate, acquiring.OutcomeRejected)}
	id, err := reads(t, missing, oPending).RegisterToCharge(ctx, acquiring.ChargeRequest{OrderID: "N", Amount: 1000}, "", func() (*Registered, error) {
		err := answers[0]
		answers = answers[1:]
		return nil, err
	})
	require.NoError(t, err)
	assert.Equal(t, acquiring.PaymentID("md"), id)
}

// An order that waits for its charge is refused if it was paid meanwhile: the
// charge is made, and must not be made again by another number.
func TestChargeOfAnOrderPaidMeanwhile(t *testing.T) {
	ctx := context.Background()
	locked := refusal(acquiring.ErrUnavailable, acquiring.OutcomeRejected)
	for _, err := range []error{state, locked} {
		p, err := reads(t, oPaid).PaidByBinding(ctx, "md", nil, err)
		require.NoError(t, err)
		assert.Equal(t, acquiring.StatusPaid, p.Status)
	}
	_, err := reads(t, oPending).PaidByBinding(ctx, "md", nil, locked)
	assert.Equal(t, acquiring.OutcomeUnknown, acquiring.OutcomeOf(err), "another call may be paying it")
}

func TestDeskRefunds(t *testing.T) {
	d, r := reads(t, oPaid), acquiring.RefundRequest{ID: "md", Key: "k", Amount: 400}
	o := order(t, oRefunded)
	done, err := d.Refunded(r, o.RefundByKey("k"))
	require.NoError(t, err)
	assert.Equal(t, acquiring.Refund{ID: "k", PaymentID: "md", Amount: 400, Status: acquiring.RefundDone}, *done)
	assert.Nil(t, o.RefundByKey("other"))
	other := Order{Refunds: []Operation{{Amount: Num(5), ExternalRefundID: "k", ActionCode: Num(ActionSBPPending)}}}
	r.Amount = 0
	done, err = d.Refunded(r, other.RefundByKey("k"))
	require.NoError(t, err)
	assert.Equal(t, acquiring.RefundPending, done.Status)
	done, err = d.Refunded(r, &Operation{ActionCode: Num(116)})
	require.NoError(t, err)
	assert.Equal(t, acquiring.RefundFailed, done.Status)
	r.Amount = 7
	_, err = d.Refunded(r, o.RefundByKey("k"))
	assert.ErrorIs(t, err, acquiring.ErrConflict)
	assert.Equal(t, acquiring.RefundPending, RefundAccepted(r, 7, &Head{ErrorMessage: "Запрос принят в обработку"}).Status)
	assert.Equal(t, acquiring.RefundDone, RefundAccepted(r, 7, &Head{}).Status)

	left, err := d.Left("Refund", o.Payment("md", Reading{}))
	require.NoError(t, err)
	assert.Equal(t, money.Amount(600), left)
	for _, s := range []string{oHeld, oPending} {
		_, err = d.Left("Refund", order(t, s).Payment("md", Reading{}))
		assert.ErrorIs(t, err, acquiring.ErrConflict)
	}
	_, err = d.Left("Refund", &acquiring.Payment{Status: acquiring.StatusRefunded})
	assert.ErrorIs(t, err, acquiring.ErrConflict)
	for _, bad := range []acquiring.RefundRequest{{}, {ID: "a", Key: "with space"}, {ID: "a", Key: "k", Amount: MaxAmount + 1}} {
		assert.ErrorIs(t, CheckRefund(bad), acquiring.ErrInvalid)
	}
	require.NoError(t, CheckRefund(acquiring.RefundRequest{ID: "a", Key: "k"}))
}

func TestDeskReadsCallbacks(t *testing.T) {
	ctx := context.Background()
	get := func(query string) *http.Request { return httptest.NewRequest(http.MethodGet, "/?"+query, nil) }
	base := "mdOrder=md&orderNumber=N&operation="
	signing, open := verifier(t, VerifierOptions{Key: demoKey}), verifier(t, VerifierOptions{})

	d := reads(t, oRefunded)
	d.Shop = "shop"
	cb, err := d.Callback(ctx, signing, get(sign(demoKey, base+"deposited&status=1&amount=1000")))
	require.NoError(t, err)
	assert.Equal(t, acquiring.Callback{Key: "shop:md:deposited:1:", PaymentID: "md", OrderID: "N", Status: acquiring.StatusPaid, Amount: 1000, Signed: true, Raw: cb.Raw}, *cb)
	cb, err = d.Callback(ctx, signing, get(sign(demoKey, base+"refunded&status=1&refundedAmount=400")))
	require.NoError(t, err)
	assert.Equal(t, "shop:md:refunded:1:400", cb.Key)
	assert.Nil(t, cb.Payment)
	cb, err = d.Callback(ctx, signing, get(sign(demoKey, base+"refunded&status=1")))
	require.NoError(t, err)
	assert.Equal(t, "shop:md:refunded:1:400", cb.Key, "the sum was read back")
	assert.NotNil(t, cb.Payment)
	cb, err = d.Callback(ctx, signing, get(sign(demoKey, base+"bindingCreated&status=1")))
	require.NoError(t, err)
	assert.Equal(t, acquiring.CallbackOther, cb.Kind)
	assert.Equal(t, acquiring.PaymentID("md"), cb.PaymentID)
	_, err = d.Callback(ctx, signing, get(base+"deposited&status=1"))
	assert.ErrorIs(t, err, acquiring.ErrSignature)

	cb, err = reads(t, oPaid).Callback(ctx, open, get(base+"refunded&status=1"))
	require.NoError(t, err)
	assert.Equal(t, "bank:md:paid:1000:0", cb.Key)
	assert.False(t, cb.Signed)
	byNumber := verifier(t, VerifierOptions{Optional: []string{ParamMdOrder}})
	cb, err = reads(t, oPaid).Callback(ctx, byNumber, get("orderNumber=N&operation=deposited&status=1"))
	require.NoError(t, err)
	assert.Equal(t, acquiring.PaymentID("md"), cb.PaymentID)
	cb, err = reads(t, `{"orderStatus":2,"amount":5}`).Callback(ctx, signing, get(sign(demoKey, base+"refunded&status=1")))
	require.NoError(t, err)
	assert.Equal(t, "N", cb.OrderID)
	cb, err = reads(t, `{"orderStatus":2,"amount":5}`).Callback(ctx, byNumber, get("orderNumber=N&operation=deposited&status=1"))
	require.NoError(t, err)
	assert.Equal(t, "N", cb.OrderID, "the bank was asked by it")
	for _, answer := range []any{missing, refusal(acquiring.ErrInvalid, acquiring.OutcomeRejected), `{"orderNumber":"other","orderStatus":2}`} {
		_, err = reads(t, answer).Callback(ctx, open, get(base+"deposited&status=1"))
		assert.ErrorIs(t, err, acquiring.ErrSignature)
	}
	_, err = reads(t, gone).Callback(ctx, open, get(base+"deposited&status=1"))
	assert.ErrorIs(t, err, acquiring.ErrUnavailable)
	_, err = reads(t, gone).Callback(ctx, signing, get(sign(demoKey, base+"refunded&status=1")))
	assert.ErrorIs(t, err, acquiring.ErrUnavailable)
	config := acquiring.Invalid("Config.UserName", "is empty")
	_, err = reads(t, config).Callback(ctx, open, get(base+"deposited&status=1"))
	assert.ErrorIs(t, err, acquiring.ErrInvalid)
	assert.NotErrorIs(t, err, acquiring.ErrSignature)
}

// A notice that is used again holds nothing of the one before.
func TestNoticesAreGivenBackEmpty(t *testing.T) {
	v := verifier(t, VerifierOptions{})
	n := v.borrow()
	require.NoError(t, v.read(n, httptest.NewRequest(http.MethodGet, "/?mdOrder=a&orderNumber=b&operation=deposited&status=1", nil)))
	params := n.Params
	v.giveBack(n)
	assert.Equal(t, Notice{Params: n.Params}, *n)
	assert.Empty(t, n.Params)
	assert.Empty(t, params[0].Value)
}

func TestDeskProbesAndLists(t *testing.T) {
	ctx := context.Background()
	require.NoError(t, reads(t, missing).Probe(ctx))
	require.NoError(t, reads(t, oPaid).Probe(ctx))
	assert.ErrorIs(t, reads(t, access).Probe(ctx), acquiring.ErrUnauthorized)
	_, err := reads(t, missing).ByNumber(ctx, "N")
	assert.ErrorIs(t, err, acquiring.ErrNotFound)

	now := time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)
	d := reads(t, oPaid)
	pages := []*Orders{
		{Orders: List[Order]{*order(t, oPaid), *order(t, oHeld)}, TotalCount: Num(3)},
		{Orders: List[Order]{*order(t, oPending)}, TotalCount: Num(3)},
	}
	list := func(f acquiring.Filter) (statuses []acquiring.Status, asked []OrdersQuery) {
		for p, err := range d.Payments(f, now, func(q OrdersQuery) (*Orders, error) { asked = append(asked, q); return pages[q.Page], nil }) {
			require.NoError(t, err)
			statuses = append(statuses, p.Status)
		}
		return statuses, asked
	}
	got, asked := list(acquiring.Filter{})
	assert.Equal(t, []acquiring.Status{acquiring.StatusPaid, acquiring.StatusAuthorized, acquiring.StatusPending}, got)
	assert.Len(t, asked, 2)
	assert.Equal(t, now.Add(-listFrom), asked[0].From)
	got, _ = list(acquiring.Filter{Limit: 1})
	assert.Len(t, got, 1)
	got, _ = list(acquiring.Filter{Statuses: []acquiring.Status{acquiring.StatusPending}})
	assert.Len(t, got, 1)
	for _, err := range d.Payments(acquiring.Filter{}, now, func(OrdersQuery) (*Orders, error) { return nil, access }) {
		assert.ErrorIs(t, err, acquiring.ErrUnauthorized)
	}
	for range d.Payments(acquiring.Filter{}, now, func(OrdersQuery) (*Orders, error) { return pages[0], nil }) {
		break
	}
}

func TestForms(t *testing.T) {
	v, err := OrdersQuery{Size: 50, States: []string{"DEPOSITED"}, Merchants: []string{"a", "b"}, Language: "en", ByCreated: true,
		From: time.Date(2026, 3, 1, 0, 0, 0, 0, Moscow), To: time.Date(2026, 3, 2, 0, 0, 0, 0, Moscow)}.Form()
	require.NoError(t, err)
	assert.Equal(t, "from=20260301000000&language=en&merchants=a%2Cb&page=0&searchByCreatedDate=true&size=50&to=20260302000000&transactionStates=DEPOSITED", v.Encode())
	v, err = OrdersQuery{Size: 1}.Form()
	require.NoError(t, err)
	assert.True(t, v.Has("merchants"), "demanded even where it is empty")
	_, err = OrdersQuery{}.Form()
	assert.ErrorIs(t, err, acquiring.ErrInvalid)
	require.NoError(t, CheckPAN("pan", "2202205000012424"))
	assert.ErrorIs(t, CheckPAN("pan", "22022050000124"+"x"), acquiring.ErrInvalid)
	require.NoError(t, OneOf("A", "B", "x", ""))
	assert.ErrorIs(t, OneOf("A", "B", "", ""), acquiring.ErrInvalid)
	assert.ErrorIs(t, OneOf("A", "B", "x", "y"), acquiring.ErrInvalid)
	old := OldOrder{Order: *order(t, oPaid), PAN: "1*", DepositedAmount: Num(5), ClientID: "u", BindingID: "b", RRN: "r"}
	n := old.AsOrder()
	assert.Equal(t, [4]string{"1*", "5", "b", "r"}, [4]string{string(n.CardAuth.PAN), n.DepositAmount.String(), string(n.Binding.BindingID), string(n.AuthRefNum)})
}

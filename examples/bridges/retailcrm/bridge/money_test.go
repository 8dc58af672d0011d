package bridge

import (
	"encoding/json"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"

	"github.com/acquiring-go/acquiring/examples/bridges/retailcrm/crm"
	"github.com/acquiring-go/acquiring/examples/bridges/retailcrm/retailcrmtest"
)

func table(t *testing.T, name string, into any) {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, into))
}

// TestStatusTable is the mapping of the protocol's description.
func TestStatusTable(t *testing.T) {
	var want map[string]string
	table(t, "statuses.json", &want)
	got := map[string]string{}
	for status, word := range DefaultStatuses() {
		got[status.String()] = word
	}
	assert.Equal(t, want, got)
}

// sent are the items of the cart in the bank's last request of that method.
func (w *world) sent(op, field string) (items []map[string]any) {
	w.t.Helper()
	for _, r := range w.alfa.Requests() {
		if r.Op != op {
			continue
		}
		form, err := url.ParseQuery(string(r.Body))
		require.NoError(w.t, err)
		var cart struct {
			CartItems struct{ Items []map[string]any } `json:"cartItems"`
			Items     []map[string]any                 `json:"items"`
		}
		if form.Get(field) == "" {
			items = nil
			continue
		}
		require.NoError(w.t, json.Unmarshal([]byte(form.Get(field)), &cart))
		items = append(cart.CartItems.Items, cart.Items...)
	}
	return items
}

// TestReceiptCodes: every name of the CRM becomes the bank's code of the
// protocol's table, on the wire.
func TestReceiptCodes(t *testing.T) {
	var want struct{ VAT, PaymentMethod, PaymentObject map[string]int }
	table(t, "alfa-codes.json", &want)
	w := open(t, nil)
	w.connect()
	send := func(item retailcrmtest.Item) map[string]any {
		item.Name, item.Price, item.Quantity, item.Unit = "Чай", money.RUB(10, 0), "1", "шт"
		order := w.crm.AddOrder(retailcrmtest.Order{Customer: ivan, Items: []retailcrmtest.Item{item}})
		p, err := w.crm.AddPayment(order.Number, code, "alfa", money.RUB(10, 0))
		require.NoError(t, err)
		inv, err := w.crm.CreateLink(p.ID)
		require.NoError(t, err, item)
		w.clock.Advance(time.Minute)
		w.b.visitors = newVisitors(1000, 1000)
		w.click(inv.Link)
		items := w.sent("register.do", "orderBundle")
		require.Len(t, items, 1)
		return items[0]
	}
	assert.Len(t, DefaultVAT(), len(want.VAT)+1, "and nothing for no name at all")
	for name, number := range want.VAT {
		if rate := DefaultVAT()[name]; !rate.ValidOn(time.Now()) {
			continue // 20 % is of the past: the bank is not sent such a sale
		}
		method := "full_payment"
		if DefaultVAT()[name].IsCalculated() {
			method = "full_prepayment"
		}
		tax := send(retailcrmtest.Item{VAT: name, PaymentMethod: method, PaymentObject: "commodity"})["tax"].(map[string]any)
		assert.EqualValues(t, number, tax["taxType"], name)
	}
	attributes := func(item map[string]any) map[string]any {
		out := map[string]any{}
		list := item["itemAttributes"].(map[string]any)["attributes"].([]any)
		for _, a := range list {
			pair := a.(map[string]any)
			out[pair["name"].(string)] = pair["value"]
		}
		return out
	}
	for name, number := range want.PaymentMethod {
		got := attributes(send(retailcrmtest.Item{VAT: "none", PaymentMethod: name, PaymentObject: "commodity"}))
		assert.EqualValues(t, number, asInt(got["paymentMethod"]), name)
	}
	for name, number := range want.PaymentObject {
		got := attributes(send(retailcrmtest.Item{VAT: "none", PaymentMethod: "full_payment", PaymentObject: name}))
		assert.EqualValues(t, number, asInt(got["paymentObject"]), name)
	}
}

func asInt(v any) int {
	b, _ := json.Marshal(v)
	var n json.Number
	_ = json.Unmarshal(b, &n)
	i, _ := n.Int64()
	return int(i)
}

// TestReceiptsOfPartialRefunds: each refund has its own lines, none comes back
// twice, and together they are the sale.
func TestReceiptsOfPartialRefunds(t *testing.T) {
	w := open(t, nil)
	w.connect()
	payment, inv := w.bill("alfa")
	o := w.pay("alfa", inv.Link)
	var total money.Amount
	for i, sum := range []money.Amount{money.RUB(100, 1), money.RUB(333, 33), money.RUB(0, 1), money.RUB(466, 66), 0} {
		w.clock.Advance(2 * time.Minute)
		r, err := w.crm.Refund(payment, sum)
		require.NoError(t, err, i)
		total += r.Amount
		var lines money.Amount
		for _, item := range w.sent("refund.do", "refundItems") {
			lines += money.Amount(asInt(item["itemAmount"]))
		}
		assert.Equal(t, r.Amount, lines, i)
	}
	w.work()
	assert.Equal(t, money.RUB(1299, 50), total)
	assert.Equal(t, money.RUB(1299, 50), w.books("alfa", o.ID).Refunded)
	assert.Equal(t, retailcrmtest.PaymentReturned, w.status(payment))
}

// TestTakeBack: whatever the sums, what is taken back in parts adds up, and no
// line gives more than it has. The parts are not less than a thousandth of a
// piece costs: banks know no finer ones.
func TestTakeBack(t *testing.T) {
	lines := []fiscal.Line{fiscal.GoodsLine("чай", money.RUB(333, 33), fiscal.Pieces(3), fiscal.VAT22),
		fiscal.GoodsLine("сахар", money.RUB(0, 7), fiscal.Pieces(50), fiscal.VAT10), fiscal.ServiceLine("доставка", money.RUB(1499, 99), fiscal.Pieces(1), fiscal.VATNone)}
	quantity, _ := fiscal.ParseQuantity("1.337")
	lines = append(lines, fiscal.GoodsLine("вес", money.RUB(89, 90), quantity, fiscal.VAT10))
	for seed := uint64(1); seed < 400; seed++ {
		left := make([]rest, len(lines))
		var total money.Amount
		for i, l := range lines {
			left[i] = rest{l, l.Quantity, l.Total()}
			total += l.Total()
		}
		state := seed
		for total > 0 {
			state = state*6364136223846793005 + 1442695040888963407
			part := min(money.Amount(state>>33)%(total/2+money.Amount(seed))+200, total)
			var got money.Amount
			for _, l := range takeBack(left, part) {
				got += l.Total()
				require.Positive(t, l.Quantity)
			}
			require.Equal(t, part, got, "seed %d, %s of what is left", seed, part)
			total -= part
		}
		for _, l := range left {
			require.Zero(t, l.sum)
			require.GreaterOrEqual(t, l.quantity, fiscal.Quantity(0))
		}
	}
}

// TestLatePaymentOfAnOldAttempt: the bank said that its time was over, a new
// page was made, and then the old one was paid after all.
func TestLatePaymentOfAnOldAttempt(t *testing.T) {
	w := open(t, nil)
	w.connect()
	payment, inv := w.bill("tochka")
	w.click(inv.Link)
	_, one := w.order("tochka")
	require.NoError(t, w.point.Pretend(one.ID, "EXPIRED"))
	w.clock.Advance(5 * time.Minute)
	w.click(inv.Link)
	_, two := w.order("tochka")
	require.NotEqual(t, one.ID, two.ID)
	require.NoError(t, w.point.Pretend(one.ID, "CREATED"))
	require.NoError(t, w.point.Pay(one.ID))
	w.work()
	assert.Equal(t, retailcrmtest.PaymentPaid, w.status(payment), "not lost")
	assert.Contains(t, w.noteTexts(), "оплачен по старой странице банка (попытка 1 из 2)")

	// The new page could not be withdrawn. Paid too, it goes back.
	require.NoError(t, w.point.Pay(two.ID))
	w.work()
	w.work()
	assert.Equal(t, money.RUB(1299, 50), w.books("tochka", two.ID).Refunded)
	assert.Equal(t, money.Amount(0), w.books("tochka", one.ID).Refunded)
	assert.Contains(t, w.noteTexts(), backDouble)
	assert.Equal(t, retailcrmtest.PaymentPaid, w.status(payment))
	assert.Empty(t, w.invoice(payment).Refunds, "the invoice itself was refunded nothing")
}

// TestRefundInTheCabinet: the CRM hears of what it did not ask for.
func TestRefundInTheCabinet(t *testing.T) {
	w := open(t, nil)
	w.connect()
	payment, inv := w.bill("sber")
	o := w.pay("sber", inv.Link)
	s := w.b.shop("sber")
	_, err := s.bank.Refund(w.ctx, acquiring.RefundRequest{ID: acquiring.PaymentID(o.ID), Key: "cabinet", Amount: money.RUB(99, 50)})
	require.NoError(t, err)
	w.work()
	got := w.invoice(payment)
	require.Len(t, got.Refunds, 1)
	assert.Equal(t, money.RUB(99, 50), got.Refunded())
	assert.Equal(t, "Возврат в кабинете банка", got.Refunds[0].Comment)
	assert.Equal(t, retailcrmtest.PaymentPaid, w.status(payment))
	_, err = w.crm.Refund(payment, 0)
	require.NoError(t, err)
	w.work()
	assert.Equal(t, retailcrmtest.PaymentReturned, w.status(payment))
	assert.Equal(t, money.RUB(1299, 50), w.books("sber", o.ID).Refunded)
}

// TestRefundInAnyCabinet: two of the banks announce no refunds, so they are
// asked, for as long as the settings say.
func TestRefundInAnyCabinet(t *testing.T) {
	for _, shop := range []string{"pm", "tochka"} {
		t.Run(shop, func(t *testing.T) {
			w := open(t, func(conf map[string]any, _ func(string) map[string]any) { conf["watch_refunds_days"] = 10 })
			w.connect()
			payment, inv := w.bill(shop)
			w.clock.Advance(20 * 24 * time.Hour) // a link is opened when the customer likes
			o := w.pay(shop, inv.Link)
			give := func(key string, sum money.Amount) {
				_, err := w.b.shop(shop).bank.Refund(w.ctx, acquiring.RefundRequest{ID: acquiring.PaymentID(o.ID), Key: key, Amount: sum})
				require.NoError(t, err)
				w.pm.ExecuteRefunds()
			}
			w.clock.Advance(9 * 24 * time.Hour)
			give("cabinet", money.RUB(99, 50))
			w.execute()
			assert.Equal(t, money.RUB(99, 50), w.invoice(payment).Refunded())
			w.clock.Advance(9 * 24 * time.Hour)
			give("cabinet again", money.RUB(100, 0))
			w.execute()
			assert.Equal(t, money.RUB(199, 50), w.invoice(payment).Refunded(), "a refund keeps it watched")

			w.clock.Advance(11 * 24 * time.Hour)
			give("much later", money.RUB(200, 0))
			w.execute()
			assert.Equal(t, money.RUB(199, 50), w.invoice(payment).Refunded(), "nobody watches for ever")
			_, err := w.crm.Status(payment)
			require.NoError(t, err)
			w.work()
			assert.Equal(t, money.RUB(399, 50), w.invoice(payment).Refunded(), "the button asks the bank")
		})
	}
}

// TestReversalOfWhatWasTaken: a bank of the RBS family gives a payment of the
// same day back as a whole, and calls it reversed.
func TestReversalOfWhatWasTaken(t *testing.T) {
	w := open(t, nil)
	w.connect()
	payment, inv := w.bill("alfa")
	o := w.pay("alfa", inv.Link)
	paymentID, n := w.findAttempt("alfa", acquiring.PaymentID(o.ID))
	for range 2 {
		_, err := w.b.learn(w.ctx, paymentID, n, &acquiring.Payment{ID: acquiring.PaymentID(o.ID), Status: acquiring.StatusVoided, Amount: money.RUB(1299, 50), Currency: "RUB"})
		require.NoError(t, err)
		w.work()
	}
	assert.Equal(t, retailcrmtest.PaymentReturned, w.status(payment))
	assert.Equal(t, money.RUB(1299, 50), w.invoice(payment).Refunded())
	assert.Len(t, w.invoice(payment).Refunds, 1)
}

// TestWrongSum: a payment of another sum is nobody's payment.
func TestWrongSum(t *testing.T) {
	w := open(t, nil)
	w.connect()
	payment, inv := w.bill("sber")
	w.click(inv.Link)
	_, o := w.order("sber")
	paymentID, n := w.findAttempt("sber", acquiring.PaymentID(o.ID))
	_, err := w.b.learn(w.ctx, paymentID, n, &acquiring.Payment{ID: acquiring.PaymentID(o.ID), Status: acquiring.StatusPaid, Amount: money.RUB(1, 0), Captured: money.RUB(1, 0), Currency: "RUB"})
	require.NoError(t, err)
	w.work()
	assert.Equal(t, retailcrmtest.PaymentInvoiced, w.status(payment))
	assert.Contains(t, w.noteTexts(), "1.00 RUB, а выставлено 1299.50 RUB")
}

// TestCRMIsDown: news waits in order, with growing pauses, and nothing is lost
// or told twice.
func TestCRMIsDown(t *testing.T) {
	w := open(t, func(_ map[string]any, shop func(string) map[string]any) { shop("alfa")["check"] = false })
	w.connect()
	payment, inv := w.bill("alfa")
	w.crm.Fail(retailcrmtest.Fault{Op: retailcrmtest.OpUpdateInvoice, Kind: retailcrmtest.ServerError, Status: 503, Times: 6})
	w.pay("alfa", inv.Link)
	for range 3 {
		_, err := w.crm.Refund(payment, money.RUB(100, 0))
		require.NoError(t, err)
		w.later(2 * time.Minute)
	}
	_, err := w.crm.Refund(payment, 0)
	require.NoError(t, err)
	for range 10 {
		w.later(6 * time.Minute)
	}
	assert.Equal(t, retailcrmtest.PaymentReturned, w.status(payment))
	got := w.invoice(payment)
	assert.Zero(t, got.Backward, "never back")
	tries := 0
	for _, r := range w.crm.Requests() {
		if r.Op == retailcrmtest.OpUpdateInvoice {
			tries++
		}
	}
	assert.LessOrEqual(t, tries, got.Updates+6)
	n, err := w.b.Waiting(w.ctx)
	require.NoError(t, err)
	assert.Zero(t, n)
}

// TestUpdateRefusedForGood is told to a person and does not hold up the rest.
func TestUpdateRefusedForGood(t *testing.T) {
	w := open(t, func(conf map[string]any, _ func(string) map[string]any) {
		conf["statuses"] = map[string]string{"authorized": "noSuchStatus"}
	})
	w.connect()
	payment, inv := w.bill("manual")
	w.pay("manual", inv.Link)
	assert.Contains(t, w.noteTexts(), "RetailCRM не принимает сообщение")
	require.NoError(t, w.crm.Approve(payment, 0))
	w.work()
	assert.Equal(t, retailcrmtest.PaymentPaid, w.status(payment))
}

func TestHas(t *testing.T) {
	sum := crm.Roubles(100)
	known := &crm.Invoice{Status: "succeeded", Amount: 100, Refunds: crm.List[crm.KnownRefund]{{ID: "7", ExternalID: "rf-1", Status: "succeeded"}}}
	assert.True(t, has(known, crm.Update{Status: "succeeded", Amount: &sum}))
	assert.False(t, has(known, crm.Update{Status: "canceled"}))
	assert.True(t, has(known, crm.Update{Status: "succeeded", Refund: &crm.Refund{ID: "rf-1", Status: "succeeded"}}))
	assert.False(t, has(known, crm.Update{Status: "succeeded", Refund: &crm.Refund{ID: "rf-1", Status: "canceled"}}))
	assert.False(t, has(known, crm.Update{Status: "succeeded", Refund: &crm.Refund{ID: "rf-2", Status: "succeeded"}}))
}

package bridge

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"

	"github.com/acquiring-go/acquiring/examples/bridges/retailcrm/crm"
	"github.com/acquiring-go/acquiring/examples/bridges/retailcrm/retailcrmtest"
)

// TestClientAtTheAccount makes every call of the client at the emulator, which
// another hand wrote from the same description.
func TestClientAtTheAccount(t *testing.T) {
	w := open(t, nil)
	w.connect()
	m, _ := w.crm.Module(code)
	key := w.crm.CreateKey()
	c, err := crm.New(crm.Config{SystemURL: w.crm.URL, APIKey: key, Rate: 1000})
	require.NoError(t, err)

	// A site or a bot asks for a link; the CRM asks the module for it.
	order := w.crm.AddOrder(retailcrmtest.Order{Customer: ivan, Items: tea})
	p, err := w.crm.AddPayment(order.Number, code, "sber", money.RUB(1299, 50))
	require.NoError(t, err)
	link, err := c.CreateInvoice(w.ctx, p.ID, "https://tea.example/thanks")
	require.NoError(t, err)
	assert.Contains(t, link, w.url+"/pay/")
	w.pay("sber", link)
	p, _ = w.crm.Payment(p.ID)
	assert.Equal(t, retailcrmtest.PaymentPaid, p.Status)
	inv, err := c.Invoice(w.ctx, p.InvoiceUUID)
	require.NoError(t, err)
	assert.Equal(t, crm.Roubles(129950), inv.Amount)
	assert.Equal(t, crm.Text("succeeded"), inv.Status)
	assert.Equal(t, crm.Text(link), inv.Link)
	assert.True(t, inv.Refundable.Value)

	// What was paid before the module came.
	old, err := w.crm.AddPayment(order.Number, code, "sber", money.RUB(66, 97))
	require.NoError(t, err)
	uuid, err := c.ImportInvoice(w.ctx, crm.Import{PaymentID: old.ID, ExternalID: "A-979", Amount: 6697, Currency: "RUB", Status: "succeeded",
		CreatedAt: "2025-07-08 00:00:00", PaidAt: "2025-07-08 00:10:00", Refundable: true})
	require.NoError(t, err)
	known, ok := w.crm.Invoice(uuid)
	require.True(t, ok)
	assert.True(t, known.Imported)

	module, err := c.Module(w.ctx, code)
	require.NoError(t, err)
	assert.Equal(t, m.ClientID, module.ClientID)
	module.Integrations.Payment.Shops[0].Name = "Новое имя"
	require.NoError(t, c.EditModule(w.ctx, *module))
	m, _ = w.crm.Module(code)
	assert.Equal(t, "Новое имя", m.Shops[0].Name)
	have, err := c.Credentials(w.ctx)
	require.NoError(t, err)
	assert.Empty(t, lacking(have, crm.Permissions()))
	_, err = c.SystemInfo(w.ctx)
	require.NoError(t, err)
	fresh, err := c.UpdateScopes(w.ctx, code, crm.Scopes())
	require.NoError(t, err)
	c, err = crm.New(crm.Config{SystemURL: w.crm.URL, APIKey: fresh, Rate: 1000}) // in place of the old one
	require.NoError(t, err)

	verdict, err := c.Check(w.ctx, "d2f0a6a4-0f2e-4d0b-8f0e-3b6b6d1c9e10", 100, "RUB")
	assert.True(t, err != nil || !verdict.OK, "an invoice that nobody issued")
	err = c.UpdateInvoice(w.ctx, crm.Update{InvoiceUUID: "d2f0a6a4-0f2e-4d0b-8f0e-3b6b6d1c9e10", Status: "succeeded"})
	assert.True(t, crm.Refused(err), err)
	for _, status := range []int{403, 404} {
		other := retailcrmtest.NewServer(retailcrmtest.WithWrongKeyStatus(status))
		defer other.Close()
		c, err := crm.New(crm.Config{SystemURL: other.URL, APIKey: "wrong"})
		require.NoError(t, err)
		_, err = c.Credentials(w.ctx)
		assert.ErrorIs(t, err, acquiring.ErrUnauthorized)
	}
}

// TestLimitIsKept: as fast as the client goes, the account never refuses.
func TestLimitIsKept(t *testing.T) {
	account := retailcrmtest.NewServer() // ten requests a second, by a clock that runs
	defer account.Close()
	c, err := crm.New(crm.Config{SystemURL: account.URL, APIKey: account.CreateKey()})
	require.NoError(t, err)
	start := time.Now()
	for range 14 {
		_, err := c.Credentials(t.Context())
		require.NoError(t, err)
	}
	assert.Greater(t, time.Since(start), time.Second)
}

// TestOddAccounts: what the CRM may do otherwise changes nothing.
func TestOddAccounts(t *testing.T) {
	for name, opts := range map[string][]retailcrmtest.Option{
		"text ids":       {retailcrmtest.WithTextIDs()},
		"forward only":   {retailcrmtest.WithForwardOnly()},
		"whole customer": {retailcrmtest.WithWholeCustomer()},
		"429":            {retailcrmtest.WithLimitStatus(429)},
		"repeats":        {retailcrmtest.WithRepeats(2)},
		"another zone":   {retailcrmtest.WithZone(time.FixedZone("", 7*3600))},
	} {
		t.Run(name, func(t *testing.T) {
			w := open(t, nil, opts...)
			w.connect()
			w.crm.AmountsAsText(true)
			payment, inv := w.bill("manual")
			w.crm.Fail(retailcrmtest.Fault{Op: retailcrmtest.OpUpdateInvoice, Kind: retailcrmtest.LostAnswer})
			o := w.pay("manual", inv.Link)
			w.later(time.Minute)
			require.NoError(t, w.crm.Approve(payment, 0))
			w.work()
			assert.Equal(t, retailcrmtest.PaymentPaid, w.status(payment))
			_, err := w.crm.Refund(payment, 0)
			require.NoError(t, err)
			w.work()
			assert.Equal(t, retailcrmtest.PaymentReturned, w.status(payment))
			assert.Equal(t, money.RUB(1299, 50), w.books("manual", o.ID).Refunded)
			assert.Zero(t, w.invoice(payment).Backward)
			assert.Equal(t, 3, w.invoice(payment).Updates, "each news once")
		})
	}
}

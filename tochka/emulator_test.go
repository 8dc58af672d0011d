package tochka_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/tochka"
	"github.com/acquiring-go/acquiring/tochka/tochkatest"
)

func quietBank(t *testing.T, opts ...tochkatest.Option) *tochkatest.Server {
	t.Helper()
	srv := tochkatest.NewServer(append([]tochkatest.Option{
		tochkatest.WithCallbackHandler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})), tochkatest.WithCardRefunds(0)}, opts...)...)
	t.Cleanup(srv.Close)
	return srv
}

// TestTypedAPIOverTheEmulator calls what the suite does not reach.
func TestTypedAPIOverTheEmulator(t *testing.T) {
	srv := quietBank(t)
	cfg := srv.Config()
	cfg.AccountID, cfg.SBPMerchantID = tochkatest.DefaultAccountID, tochkatest.DefaultSBPMerchantID
	c, ctx := openTochka(t, cfg), t.Context()
	today := tochka.DateOf(srv.Now())
	const account, merchant = tochkatest.DefaultAccountID, tochkatest.DefaultSBPMerchantID

	t.Run("accounts", func(t *testing.T) {
		all, err := c.Customers(ctx)
		require.NoError(t, err)
		require.Len(t, all, 2)
		one, err := c.Customer(ctx, tochkatest.DefaultCustomerCode)
		require.NoError(t, err)
		assert.Equal(t, all[0], *one)
		accounts, err := c.Accounts(ctx)
		require.NoError(t, err)
		require.Len(t, accounts, 1)
		assert.Equal(t, "40702810900000001234", accounts[0].Number())
		_, err = c.Account(ctx, account)
		require.NoError(t, err)
		balances, err := c.AccountBalances(ctx, account)
		require.NoError(t, err)
		assert.Len(t, balances, 4)
		_, err = c.Balances(ctx)
		require.NoError(t, err)
		_, err = c.AuthorizedCardTransactions(ctx, account)
		require.NoError(t, err)
	})
	t.Run("statement", func(t *testing.T) {
		require.NoError(t, srv.Incoming(tochkatest.Transfer{Amount: money.RUB(40, 50), Name: "ИП Тест", Purpose: "Тест"}))
		st, err := c.CreateStatement(ctx, account, today, today)
		require.NoError(t, err)
		for range 2 {
			st, err = c.Statement(ctx, account, string(st.StatementID))
			require.NoError(t, err)
		}
		require.Len(t, st.Transactions, 1)
		assert.Equal(t, money.RUB(40, 50), money.Amount(st.EndBalance)-money.Amount(st.StartBalance))
		list, err := c.Statements(ctx, 5)
		require.NoError(t, err)
		assert.Len(t, list, 1)
	})
	t.Run("transfers", func(t *testing.T) {
		made, err := c.CreateTransfer(ctx, tochka.TransferRequest{AccountCode: account[:20], BankCode: tochka.BankCode, CounterpartyBankBIC: "044525225",
			CounterpartyAccount: "40702810900000009999", CounterpartyName: "ООО Издатель", Amount: tochka.Sum(money.RUB(7, 5)), Date: today, Purpose: "Оплата"})
		require.NoError(t, err)
		list, err := c.Transfers(ctx)
		require.NoError(t, err)
		assert.Len(t, list, 1)
		require.NoError(t, srv.SignPayment(made.RequestID, true))
		_, err = c.TransferStatus(ctx, made.RequestID)
		require.NoError(t, err)
	})
	t.Run("registry and lists", func(t *testing.T) {
		inv, err := c.CreateInvoice(ctx, acquiring.InvoiceRequest{OrderID: "R-1", Amount: money.RUB(1490, 50)})
		require.NoError(t, err)
		require.NoError(t, srv.PayBy(string(inv.ID), "sbp"))
		rows, err := c.Registry(ctx, tochka.RegistryQuery{Date: today})
		require.NoError(t, err)
		assert.Len(t, rows, 1)
		n := 0
		for op, err := range c.Operations(ctx, tochka.OperationsQuery{From: today, PerPage: 1}) {
			require.NoError(t, err)
			assert.NotEmpty(t, op.PaymentLink)
			n++
		}
		assert.Equal(t, 1, n)
	})
	t.Run("subscriptions", func(t *testing.T) {
		op, err := c.CreateSubscription(ctx, tochka.SubscriptionRequest{Amount: tochka.Sum(money.RUB(990, 0)), Purpose: "Подписка", PaymentLinkID: "S-1",
			Options: &tochka.SubscriptionOptions{TrancheCount: 3, Period: "Day", DaysInPeriod: 1}})
		require.NoError(t, err)
		require.NoError(t, srv.Pay(op.OperationID))
		status, err := c.SubscriptionStatus(ctx, op.OperationID)
		require.NoError(t, err)
		assert.EqualValues(t, "Active", status)
		n := 0
		for _, err := range c.Subscriptions(ctx, false) {
			require.NoError(t, err)
			n++
		}
		assert.Equal(t, 1, n)
		require.NoError(t, c.CancelSubscription(ctx, op.OperationID))
		_, err = c.CreateSubscriptionWithReceipt(ctx, tochka.SubscriptionReceiptRequest{
			SubscriptionRequest: tochka.SubscriptionRequest{Amount: tochka.Sum(money.RUB(990, 0)), Purpose: "Подписка", Recurring: true},
			ReceiptFields:       tochka.ReceiptFields{Client: tochka.ReceiptClient{Email: "a@example.com"}, Items: []tochka.ReceiptItem{{Name: "Курс", Amount: tochka.Sum(money.RUB(990, 0)), Quantity: json.Number("1")}}}})
		require.NoError(t, err)
		onDemand, err := c.CreateSubscription(ctx, tochka.SubscriptionRequest{Amount: tochka.Sum(money.RUB(990, 0)), Purpose: "Подписка", Recurring: true})
		require.NoError(t, err)
		require.NoError(t, srv.Pay(onDemand.OperationID))
		require.NoError(t, c.ChargeSubscription(ctx, onDemand.OperationID, tochka.Sum(money.RUB(5, 0))))
		srv.Refusal(tochkatest.OpCharge, 1)
		require.ErrorIs(t, c.ChargeSubscription(ctx, onDemand.OperationID, tochka.Sum(money.RUB(5, 0))), acquiring.ErrDeclined)
	})
	t.Run("webhooks", func(t *testing.T) {
		_, err := c.SetWebhook(ctx, tochka.Webhook{Types: []tochka.WebhookType{tochka.WebhookAcquiring, "incomingPayment"}, URL: "https://shop.example/new"})
		require.NoError(t, err)
		w, err := c.Webhook(ctx)
		require.NoError(t, err)
		assert.Equal(t, "https://shop.example/new", w.URL)
		require.NoError(t, c.TestWebhook(ctx, tochka.WebhookAcquiring))
		require.NoError(t, c.DeleteWebhook(ctx))
		_, err = c.Webhook(ctx)
		require.ErrorIs(t, err, acquiring.ErrNotFound)
		_, err = c.SetWebhook(ctx, tochka.Webhook{Types: []tochka.WebhookType{tochka.WebhookAcquiring}, URL: "https://shop.example/tochka"})
		require.NoError(t, err)
		require.NoError(t, c.FetchWebhookKey(ctx))
	})
	t.Run("SBP", func(t *testing.T) {
		legal, err := c.RegisterLegalEntity(ctx, tochkatest.DefaultCustomerCode, tochka.BankCode)
		require.NoError(t, err)
		entity, err := c.LegalEntity(ctx, legal)
		require.NoError(t, err)
		assert.NotEmpty(t, entity.Name)
		require.NoError(t, c.SetLegalEntityStatus(ctx, legal, "Active"))
		_, err = c.SBPAccounts(ctx, legal)
		require.NoError(t, err)
		point, err := c.RegisterSBPMerchant(ctx, legal, tochka.SBPMerchantRequest{Address: "x", City: "Москва", CountryCode: "RU", CountrySubDivisionCode: "45", ZipCode: "125009",
			BrandName: "Лавка", Capabilities: "111", MCC: "5499"})
		require.NoError(t, err)
		require.NoError(t, c.SetSBPMerchantStatus(ctx, point, "Suspended"))
		_, err = c.SBPMerchant(ctx, point)
		require.NoError(t, err)
		list, err := c.SBPMerchants(ctx, legal)
		require.NoError(t, err)
		assert.Len(t, list, 2)
		customer, err := c.SBPCustomer(ctx, tochkatest.DefaultCustomerCode, tochka.BankCode)
		require.NoError(t, err)
		assert.Equal(t, legal, customer.LegalID)

		qr, err := c.RegisterQR(ctx, merchant, account, tochka.QRRequest{Amount: 149050, PaymentPurpose: "Заказ", QRType: "02", ImageParams: &tochka.ImageParams{Width: 300, Height: 300}})
		require.NoError(t, err)
		require.NotNil(t, qr.Image)
		_, err = c.QR(ctx, qr.QRCID)
		require.NoError(t, err)
		_, err = c.QRs(ctx, legal)
		require.NoError(t, err)
		require.NoError(t, srv.Pay(qr.QRCID))
		paid, err := c.QRPayments(ctx, qr.QRCID)
		require.NoError(t, err)
		require.Len(t, paid, 1)
		assert.EqualValues(t, "Accepted", paid[0].Status)
		var ref string
		for p, err := range c.SBPPayments(ctx, tochka.SBPPaymentsQuery{QRCID: qr.QRCID}) {
			require.NoError(t, err)
			ref = p.RefTransactionID
		}
		back, err := c.RefundSBP(ctx, tochka.SBPRefundRequest{AccountCode: account[:20], Amount: money.RUB(490, 50), QRCID: qr.QRCID, RefTransactionID: ref})
		require.NoError(t, err)
		back, err = c.SBPRefund(ctx, back.RequestID)
		require.NoError(t, err)
		assert.EqualValues(t, "Accepted", back.Status)
		o, _ := srv.Order(qr.QRCID)
		assert.Equal(t, money.RUB(1000, 0), o.Net())
	})
	t.Run("cash desk and companies", func(t *testing.T) {
		qr, err := c.CreateCashboxQR(ctx, tochka.CashboxQRRequest{MerchantID: merchant, AccountID: account})
		require.NoError(t, err)
		on, err := c.ActivateCashboxQR(ctx, qr.QRCID, tochka.CashboxActivation{Amount: 10000, PaymentPurpose: "Чек"})
		require.NoError(t, err)
		status, err := c.CashboxStatus(ctx, qr.QRCID)
		require.NoError(t, err)
		assert.Equal(t, on.ParamsID, status.ParamsID)
		require.NoError(t, srv.Pay(qr.QRCID))
		op, err := c.CashboxOperation(ctx, qr.QRCID, on.ParamsID)
		require.NoError(t, err)
		assert.True(t, op.Paid())
		_, err = c.ActivateCashboxQR(ctx, qr.QRCID, tochka.CashboxActivation{Amount: 1})
		require.NoError(t, err)
		require.NoError(t, c.DeactivateCashboxQR(ctx, qr.QRCID))
		require.NoError(t, c.SetCashboxAccount(ctx, qr.QRCID, account))
		_, err = c.CashboxQR(ctx, qr.QRCID, nil)
		require.NoError(t, err)
		list, err := c.CashboxQRs(ctx, merchant, account)
		require.NoError(t, err)
		assert.Len(t, list, 1)

		b2b, err := c.CreateB2BQR(ctx, merchant, account, tochka.B2BQRRequest{Amount: 100, PaymentPurpose: "x", SourceName: "x", TakeTax: true, TotalTaxAmount: 18})
		require.NoError(t, err)
		_, err = c.B2BQR(ctx, b2b.QRCID, 300)
		require.NoError(t, err)
	})
	t.Run("documents", func(t *testing.T) {
		vat := tochka.Sum(money.RUB(2200, 0))
		lines := []tochka.Position{{Name: "Обучение", UnitCode: "услуга.", VAT: "nds_22", Price: tochka.Sum(money.RUB(12200, 0)), Quantity: fiscal.Pieces(1),
			TotalAmount: tochka.Sum(money.RUB(12200, 0)), TotalVAT: &vat}}
		side := tochka.SecondSide{TaxCode: "7702345678", Type: "company", Name: "ООО Покупатель"}
		bill := tochka.BillRequest{SecondSide: side}
		bill.Content.Invoice = tochka.Bill{Number: "17", Date: today, TotalAmount: tochka.Sum(money.RUB(12200, 0)), Positions: lines}
		id, err := c.CreateBill(ctx, bill)
		require.NoError(t, err)
		require.NoError(t, c.EmailDocument(ctx, tochka.Bills, id, "a@example.com"))
		pdf, err := c.DocumentPDF(ctx, tochka.Bills, id)
		require.NoError(t, err)
		assert.Contains(t, string(pdf), "%PDF")
		require.NoError(t, srv.Incoming(tochkatest.Transfer{Amount: money.RUB(12200, 0), INN: "7702345678", Purpose: "Счёт № 17"}))
		status, err := c.BillStatus(ctx, id)
		require.NoError(t, err)
		assert.EqualValues(t, "payment_paid", status)
		act, err := c.CreateClosingDocument(ctx, tochka.ClosingRequest{SecondSide: side, DocumentID: id,
			Content: tochka.ClosingContent{Act: &tochka.ClosingDocument{Number: "17", TotalAmount: tochka.Sum(money.RUB(12200, 0)), Positions: lines}}})
		require.NoError(t, err)
		require.NotEqual(t, id, act)
		require.NoError(t, c.DeleteDocument(ctx, tochka.Bills, id))
	})
	t.Run("discovery", func(t *testing.T) {
		d, err := c.Discover(ctx)
		require.NoError(t, err)
		require.Len(t, d.Companies, 1)
		assert.Len(t, d.Companies[0].Usable(), 1)
		assert.Len(t, d.Companies[0].WithReceipts(), 1)
		assert.True(t, d.Companies[0].SBPLinks())
		assert.True(t, d.Companies[0].SBPCodes())
		assert.Empty(t, d.Companies[0].Problems)
	})
	assert.Empty(t, srv.Notes(), "no member that the bank does not know")
}

// TestSandboxOverTheEmulator: the sandbox has canned answers.
func TestSandboxOverTheEmulator(t *testing.T) {
	srv := quietBank(t)
	c := openTochka(t, tochka.Config{Environment: acquiring.Test, BaseURL: srv.URL, Token: tochka.SandboxToken, ClientID: "x", CustomerCode: "1234567ab"})
	p, err := c.GetStatus(t.Context(), "b26287ee-bdd0-3482-a10d-3c462f5ba6db")
	require.NoError(t, err)
	assert.Equal(t, acquiring.StatusPaid, p.Status)
	assert.Equal(t, money.RUB(100, 0), p.Captured, "its Order is empty")
}

// TestOptionsOverTheEmulator goes through what the bank leaves open.
func TestOptionsOverTheEmulator(t *testing.T) {
	t.Run("the slash of accounts", func(t *testing.T) {
		for _, opt := range []tochkatest.Option{tochkatest.WithoutRawSlash(), tochkatest.WithoutEscapedSlash()} {
			srv := quietBank(t, opt)
			for _, raw := range []bool{false, true} {
				cfg := srv.Config()
				cfg.RawAccountPath = raw
				_, err := openTochka(t, cfg).AccountBalances(t.Context(), tochkatest.DefaultAccountID)
				require.NoError(t, err)
			}
		}
	})
	t.Run("refusals with 200", func(t *testing.T) {
		srv := quietBank(t, tochkatest.WithRefusalsAsFalse())
		c := openTochka(t, srv.Config())
		inv, err := c.CreateInvoice(t.Context(), acquiring.InvoiceRequest{OrderID: "A-1", Amount: money.RUB(10, 0)})
		require.NoError(t, err)
		require.NoError(t, srv.Pay(string(inv.ID)))
		_, err = c.RefundPayment(t.Context(), string(inv.ID), tochka.Sum(money.RUB(11, 0)))
		require.Error(t, err)
	})
	t.Run("no cash register", func(t *testing.T) {
		srv := quietBank(t, tochkatest.WithoutCashbox())
		c := openTochka(t, srv.Config())
		_, err := c.CreateInvoice(t.Context(), acquiring.InvoiceRequest{OrderID: "A-1", Amount: money.RUB(10, 0), Receipt: &fiscal.Receipt{
			Type: fiscal.Sale, TaxSystem: fiscal.TaxSimplifiedIncome, Contact: fiscal.Contact{Email: "a@example.com"},
			Lines: []fiscal.Line{{Name: "x", Price: money.RUB(10, 0), Quantity: fiscal.Pieces(1), VAT: fiscal.VATNone, Method: fiscal.FullPayment, Subject: fiscal.Goods}}}})
		require.Error(t, err)
		assert.Equal(t, acquiring.OutcomeNotSent, acquiring.OutcomeOf(err), "%v", err)
		assert.Empty(t, srv.Orders())
	})
	t.Run("two decimals in webhooks", func(t *testing.T) {
		srv := quietBank(t, tochkatest.WithTwoDecimals())
		c := openTochka(t, srv.Config())
		inv, err := c.CreateInvoice(t.Context(), acquiring.InvoiceRequest{OrderID: "A-1", Amount: money.RUB(10, 0)})
		require.NoError(t, err)
		require.NoError(t, srv.Pay(string(inv.ID)))
		cb, err := c.VerifyCallback(t.Context(), srv.Deliveries()[0].Request())
		require.NoError(t, err)
		assert.Equal(t, money.RUB(10, 0), cb.Amount)
	})
	t.Run("forgeries and foreign news", func(t *testing.T) {
		srv := quietBank(t)
		c := openTochka(t, srv.Config())
		inv, err := c.CreateInvoice(t.Context(), acquiring.InvoiceRequest{OrderID: "A-1", Amount: money.RUB(10, 0)})
		require.NoError(t, err)
		require.NoError(t, srv.Pay(string(inv.ID)))
		for _, how := range tochkatest.Forgeries() {
			require.NoError(t, srv.ForgeAs(string(inv.ID), how))
		}
		srv.SendSample("acquiringInternetPayment")
		srv.SendEvent("odd", "customWebhook", tochkatest.Payload{{Name: "webhookType", Value: "customWebhook"}, {Name: "customerCode", Value: tochkatest.DefaultCustomerCode}})
		srv.Deliver()
		for _, d := range srv.Deliveries() {
			cb, err := c.VerifyCallback(t.Context(), d.Request())
			switch {
			case d.Forged:
				require.ErrorIs(t, err, acquiring.ErrSignature, d.Canonical)
			case d.Order == string(inv.ID):
				require.NoError(t, err)
				assert.Equal(t, acquiring.CallbackPayment, cb.Kind)
			default:
				require.NoError(t, err, d.Event)
				assert.Equal(t, acquiring.CallbackOther, cb.Kind, d.Event)
			}
		}
	})
}

// By which clock the bank counts the days of its lists is not known: a code
// that was paid just after midnight in Moscow is in a list of the day before.
func TestPaidCodeIsFoundByAnyDayOfTheBank(t *testing.T) {
	for _, zone := range []*time.Location{time.FixedZone("MSK", 3*60*60), time.UTC, time.FixedZone("PETT", 12*60*60), time.FixedZone("", -5*60*60)} {
		t.Run(zone.String(), func(t *testing.T) {
			srv := quietBank(t, tochkatest.WithDateZone(zone), tochkatest.WithClock(tochkatest.NewClock(time.Date(2026, 11, 20, 21, 30, 0, 0, time.UTC))))
			c := openTochka(t, srv.Config())
			qr, err := c.CreateQR(t.Context(), acquiring.InvoiceRequest{OrderID: "A-1", Amount: money.RUB(10, 0)})
			require.NoError(t, err)
			require.NoError(t, srv.Pay(qr.ID))
			srv.Advance(5 * 24 * time.Hour) // the code is over, and its own method has forgotten it
			p, err := c.GetStatus(t.Context(), qr.PaymentID)
			require.NoError(t, err)
			assert.Equal(t, acquiring.StatusPaid, p.Status)
		})
	}
}

// walk is the OAuth walk of a shop over the emulator.
func walk(t *testing.T, srv *tochkatest.Server, account string) *tochka.OAuth {
	t.Helper()
	o, err := tochka.NewOAuth(srv.OAuthConfig())
	require.NoError(t, err)
	begin, err := o.Begin(t.Context())
	require.NoError(t, err)
	to, err := srv.Approve(begin.URL)
	require.NoError(t, err)
	u, err := url.Parse(to)
	require.NoError(t, err)
	code, err := o.Returned(u.Query(), begin.State)
	require.NoError(t, err)
	require.NoError(t, o.Exchange(t.Context(), account, code))
	return o
}

func TestOAuthOverTheEmulator(t *testing.T) {
	for name, opts := range map[string][]tochkatest.Option{
		"as it is": nil, "consent in an array": {tochkatest.WithConsentArray()}, "expired is 403": {tochkatest.WithExpiredTokenStatus(403)},
	} {
		t.Run(name, func(t *testing.T) {
			srv := quietBank(t, opts...)
			o := walk(t, srv, "school-7")
			cfg := srv.Config()
			cfg.Token, cfg.ClientID, cfg.TokenSource = "", tochkatest.DefaultAppID, o.TokenSource("school-7")
			c := openTochka(t, cfg)
			_, err := c.Customers(t.Context())
			require.NoError(t, err)
			if name == "expired is 403" {
				return // by the client's own clock the token is good, so that 403 is a refusal
			}
			// The bank's clock is a day ahead: the token is refused, and renewed
			// once, however many ask.
			srv.Advance(25 * time.Hour)
			var group sync.WaitGroup
			for range 10 {
				group.Go(func() {
					_, err := c.Customers(context.Background())
					assert.NoError(t, err)
				})
			}
			group.Wait()
			assert.Equal(t, 1, srv.OAuthStats().Refreshes)
			assert.Zero(t, srv.OAuthStats().Reuses)
			children, err := o.ChildConsents(t.Context(), srv.Consents()[0].ID)
			if err == nil {
				assert.Len(t, children, 1)
			}
		})
	}
	t.Run("the errors of /connect", func(t *testing.T) {
		for _, opts := range [][]tochkatest.Option{nil, {tochkatest.WithOAuthErrorEnvelope()}} {
			srv := quietBank(t, opts...)
			cfg := srv.OAuthConfig()
			cfg.ClientSecret = "guess"
			o, err := tochka.NewOAuth(cfg)
			require.NoError(t, err)
			_, err = o.Begin(t.Context())
			require.ErrorIs(t, err, acquiring.ErrUnauthorized)
			assert.NotContains(t, err.Error(), "guess")
		}
	})
	t.Run("refused", func(t *testing.T) {
		srv := quietBank(t)
		o, err := tochka.NewOAuth(srv.OAuthConfig())
		require.NoError(t, err)
		begin, err := o.Begin(t.Context())
		require.NoError(t, err)
		to, err := srv.Refuse(begin.URL)
		require.NoError(t, err)
		u, err := url.Parse(to)
		require.NoError(t, err)
		_, err = o.Returned(u.Query(), begin.State)
		require.ErrorIs(t, err, acquiring.ErrDeclined)
		consent, err := o.Consent(t.Context(), srv.Consents()[0].ID)
		require.NoError(t, err)
		require.Error(t, consent.Explain())
	})
	t.Run("introspection", func(t *testing.T) {
		srv := quietBank(t)
		o := walk(t, srv, "school-7")
		token, err := o.TokenSource("school-7").Token()
		require.NoError(t, err)
		who, err := o.Introspect(t.Context(), token.AccessToken)
		require.NoError(t, err)
		assert.Equal(t, tochkatest.DefaultCustomerCode, who.CustomerCode)
	})
}

// TestManualOverTheEmulator is the CRM's manual step by step: the application
// and its consent, the data from the bank, the choice of the retail point, an
// invoice with a receipt that is paid and credited, and once more with SBP only.
func TestManualOverTheEmulator(t *testing.T) {
	var client *tochka.Client
	credited := map[string]money.Amount{}
	srv := quietBank(t, tochkatest.WithCallbackHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cb, err := client.VerifyCallback(r.Context(), r)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		if cb.Kind != acquiring.CallbackPayment {
			return // the bank's samples of a foreign company
		}
		p, err := client.GetStatus(r.Context(), cb.PaymentID)
		if err != nil || p.Status != acquiring.StatusPaid {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		credited[p.OrderID] = p.Captured
	})))
	cfg := srv.Config()
	o := walk(t, srv, "school-7")
	cfg.Token, cfg.ClientID, cfg.TokenSource = "", tochkatest.DefaultAppID, o.TokenSource("school-7")
	cfg.CustomerCode, cfg.MerchantID = "", ""
	d, err := openTochka(t, cfg).Discover(t.Context())
	require.NoError(t, err)
	require.Len(t, d.Companies, 1, "the owner as a person takes no payments")
	points := d.Companies[0].WithReceipts()
	require.Len(t, points, 1)
	cfg.CustomerCode, cfg.MerchantID = d.Companies[0].CustomerCode, points[0].MerchantID
	client = openTochka(t, cfg)
	require.NoError(t, client.Check(t.Context()))
	_, err = client.SetWebhook(t.Context(), tochka.Webhook{Types: []tochka.WebhookType{tochka.WebhookAcquiring}, URL: "https://crm.example.com/tochka"})
	require.NoError(t, err)

	receipt := &fiscal.Receipt{Type: fiscal.Sale, TaxSystem: fiscal.TaxSimplifiedIncome, Contact: fiscal.Contact{Email: "maria@example.com"},
		Lines: []fiscal.Line{{Name: "Урок английского", Price: money.RUB(800, 0), Quantity: fiscal.Pieces(4), VAT: fiscal.VATNone, Method: fiscal.FullPrepayment, Subject: fiscal.Service}}}
	inv, err := client.CreateInvoice(t.Context(), acquiring.InvoiceRequest{OrderID: "crm-10048", Amount: money.RUB(3200, 0), Description: "Заказ 10048", Receipt: receipt})
	require.NoError(t, err)
	require.NoError(t, srv.Pay(string(inv.ID)))
	srv.Deliver()
	assert.Equal(t, map[string]money.Amount{"crm-10048": money.RUB(3200, 0)}, credited)
	require.Len(t, srv.Receipts(), 1)
	assert.Equal(t, money.RUB(3200, 0), srv.Receipts()[0].Total)
	assert.Equal(t, "maria@example.com", srv.Receipts()[0].Email)

	inv, err = client.CreateInvoice(t.Context(), acquiring.InvoiceRequest{OrderID: "crm-10049", Amount: money.RUB(990, 0), Methods: []acquiring.Method{acquiring.MethodSBP}})
	require.NoError(t, err)
	require.Error(t, srv.PayBy(string(inv.ID), "card"), "SBP only")
	require.NoError(t, srv.Pay(string(inv.ID)))
	srv.Deliver()
	assert.Equal(t, money.RUB(990, 0), credited["crm-10049"])
}

package tochka_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/tochka"
	"github.com/acquiring-go/acquiring/webhook"
)

const operationID = "0b8d6a44-93c1-4f0e-9a52-6f7d1e2c3b4a"

// bank stands for the bank in the examples; leave BaseURL out to speak to the
// real one.
func bank() *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		operation := `"customerCode":"300777001","operationId":"` + operationID + `","paymentLink":"https://merch.securepaytb.ru/order/?uuid=` + operationID + `","paymentLinkId":"crm-10045","amount":3200.0`
		var answer string
		switch r.Method + " " + strings.TrimPrefix(r.URL.Path, "/uapi/") {
		case "GET open-banking/v1.0/customers":
			answer = `{"Customer":[{"customerCode":"300777001","customerType":"Business","fullName":"ООО «Языковая школа»"}]}`
		case "GET open-banking/v1.0/accounts":
			answer = `{"Account":[{"customerCode":"300777001","accountId":"40702810900000001234/044525104"}]}`
		case "GET sbp/v1.0/customer/300777001/044525104":
			answer = `{"status":"Active","MerchantList":[],"AccountList":[]}`
		case "GET acquiring/v1.0/retailers":
			answer = `{"Retailer":[{"status":"REG","isActive":true,"name":"Школа на Тверской","merchantId":"200000000004321","paymentModes":["card","sbp"],"cashbox":"businessRu"}]}`
		case "POST acquiring/v1.0/payments", "POST acquiring/v1.0/payments_with_receipt":
			answer = `{` + operation + `,"status":"CREATED"}`
		case "GET acquiring/v1.0/payments/" + operationID:
			answer = `{"Operation":[{` + operation + `,"status":"EXPIRED","Order":[]}]}`
		case "POST consent/v1.0/consents":
			answer = `{"status":"AwaitingAuthorisation","consentId":"9a1f4e52"}`
		case "POST /connect/token":
			_, _ = io.WriteString(w, `{"access_token":"access","refresh_token":"refresh","token_type":"bearer","expires_in":86400}`)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"Data":`+answer+`,"Links":{},"Meta":{"totalPages":1}}`)
	}))
}

// A payment link whose receipt the bank's partner prints once it is paid.
func Example() {
	srv := bank()
	defer srv.Close()
	client, err := tochka.New(tochka.Config{
		Environment:  acquiring.Production,
		BaseURL:      srv.URL, // for this example only
		Token:        "the-JWT-key",
		CustomerCode: "300777001",
		MerchantID:   "200000000004321",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	inv, err := client.CreateInvoice(context.Background(), acquiring.InvoiceRequest{
		OrderID:   "crm-10045",
		Amount:    money.RUB(3200, 0),
		ReturnURL: "https://school.example.com/paid",
		Customer:  acquiring.Customer{Email: "maria@example.com"},
		Receipt: &fiscal.Receipt{Type: fiscal.Sale, Lines: []fiscal.Line{{
			Name: "Урок английского", Price: money.RUB(800, 0), Quantity: fiscal.Pieces(4),
			VAT: fiscal.VATNone, Method: fiscal.FullPrepayment, Subject: fiscal.Service,
		}}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(inv.PayURL)
	// Output: https://merch.securepaytb.ru/order/?uuid=0b8d6a44-93c1-4f0e-9a52-6f7d1e2c3b4a
}

// What a CRM's settings page shows.
func ExampleClient_Discover() {
	srv := bank()
	defer srv.Close()
	client, err := tochka.New(tochka.Config{Environment: acquiring.Production, BaseURL: srv.URL, Token: "the-JWT-key"})
	if err != nil {
		fmt.Println(err)
		return
	}
	found, err := client.Discover(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, company := range found.Companies {
		fmt.Println(company.CustomerCode, company.FullName, "SBP:", company.SBPLinks())
		for _, point := range company.Usable() {
			fmt.Println(point.MerchantID, point.Name, "receipts:", point.PrintsReceipts())
		}
	}
	// Output:
	// 300777001 ООО «Языковая школа» SBP: true
	// 200000000004321 Школа на Тверской receipts: true
}

// SBP only: the page shows a QR code.
func ExampleClient_CreateInvoice_sbp() {
	srv := bank()
	defer srv.Close()
	client, _ := tochka.New(tochka.Config{Environment: acquiring.Production, BaseURL: srv.URL, Token: "the-JWT-key", CustomerCode: "300777001"})
	inv, err := client.CreateInvoice(context.Background(), acquiring.InvoiceRequest{
		OrderID: "crm-10046", Amount: money.RUB(250, 0), Methods: []acquiring.Method{acquiring.MethodSBP},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(inv.ID)
	// Output: 0b8d6a44-93c1-4f0e-9a52-6f7d1e2c3b4a
}

// The walk by which a customer of the bank lets an application in.
func ExampleOAuth() {
	srv := bank()
	defer srv.Close()
	ctx := context.Background()
	o, err := tochka.NewOAuth(tochka.OAuthConfig{
		Environment: acquiring.Production, BaseURL: srv.URL,
		ClientID: "crm_app", ClientSecret: "the application's secret", RedirectURL: "https://crm.example.com/tochka/callback",
		// Store: your own database; tochka.NewFileStore for one machine.
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	start, err := o.Begin(ctx) // send the browser to start.URL, keep start.State in the session
	if err != nil {
		fmt.Println(err)
		return
	}

	// The customer refused.
	_, err = o.Returned(url.Values{"error": {"access_denied"}, "state": {start.State}}, start.State)
	fmt.Println("refused:", errors.Is(err, acquiring.ErrDeclined))

	// He agreed.
	code, err := o.Returned(url.Values{"code": {"the code"}, "state": {start.State}}, start.State)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := o.Exchange(ctx, "school-7", code); err != nil {
		fmt.Println(err)
		return
	}
	client, err := tochka.New(tochka.Config{Environment: acquiring.Production, BaseURL: srv.URL, TokenSource: o.TokenSource("school-7"), CustomerCode: "300777001"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("check:", client.Check(ctx))
	// Output:
	// refused: true
	// check: <nil>
}

// The bank announces successes only: an expired link, a refund and a missed
// webhook are the Poller's business. Both bring their news to one process,
// through one Inbox.
func ExampleClient_VerifyCallback() {
	srv := bank()
	defer srv.Close()
	client, _ := tochka.New(tochka.Config{Environment: acquiring.Production, BaseURL: srv.URL, Token: "the-JWT-key", CustomerCode: "300777001"})
	ctx, stop := context.WithCancel(context.Background())
	inbox := webhook.NewMemoryInbox(1000)
	process := func(_ context.Context, e webhook.Event) error {
		fmt.Println(e.Source, e.Payment.OrderID, e.Payment.Status)
		stop()
		return nil
	}
	http.Handle("/hooks/tochka", webhook.Handler(client, process, webhook.WithInbox(inbox)))
	poller := &webhook.Poller{
		Pending: func(context.Context) iter.Seq2[webhook.Pending, error] {
			return func(yield func(webhook.Pending, error) bool) {
				yield(webhook.Pending{Acquirer: client, ID: operationID}, nil)
			}
		},
		Process: process, Inbox: inbox, First: time.Nanosecond, Every: time.Millisecond, // for this example only
		Logger: slog.New(slog.DiscardHandler),
	}
	if err := poller.Run(ctx); err != nil {
		fmt.Println(err)
	}
	// Output: poller crm-10045 expired
}

package paykeeper_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/fiscal/paykeeper"
	"github.com/acquiring-go/acquiring/money"
)

// service answers as PayKeeper does; a real one is in Config.Server.
func service() *httptest.Server {
	answers := map[string]string{
		"/info/settings/token/":              `{"token":"7e1c5f0a9b3d4e2f8a6b1c0d9e8f7a65"}`,
		"/info/receipts/bydate/":             `[]`,
		"/change/receipt/print/":             `{"result":"success","receipt_id":"8812"}`,
		"/info/receipts/byid/":               `{"id":"8812","status":"success","type":"sale","receipt_key":"ORD-17-sale","sum_cashless":"1499.90","fnd":"4521","fpd":"2718281828"}`,
		"/info/invoice/search/":              `[]`,
		"/info/invoice/list/":                `[]`,
		"/change/invoice/preview/":           `{"invoice_id":"20261121101530123","invoice_url":"https://lavka.server.paykeeper.ru/bill/20261121101530123/"}`,
		"/info/payments/byid/":               `[{"id":"4711","pay_amount":"1499.90","refund_amount":"0.00","orderid":"ORD-17","status":"success"}]`,
		"/info/options/byid/":                `{"CARD_NUMBER":"510047XXXXXX3333"}`,
		"/info/refunds/bypaymentid/":         `[]`,
		"/change/payment/reverse/":           `{"result":"success"}`,
		"/change/payment/post-sale-receipt/": `[{"result":"success","receipt_id":"8813"}]`,
	}
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprint(w, answers[r.URL.Path])
	}))
}

func newClient(address string) *paykeeper.Client {
	c, err := paykeeper.New(paykeeper.Config{
		Environment: acquiring.Test,
		BaseURL:     address, // in production Server: "https://lavka.server.paykeeper.ru"
		User:        "lavka",
		Password:    "the cabinet's password",
		Secret:      "PkDemo_Secret-2026",
	})
	if err != nil {
		panic(err)
	}
	return c
}

// A receipt for money that came another way: through a bank's acquiring, say.
func Example() {
	s := service()
	defer s.Close()
	c := newClient(s.URL)
	ctx := context.Background()

	doc, err := c.Submit(ctx, fiscal.Receipt{
		ID:      "ORD-17-sale",
		Type:    fiscal.Sale,
		Contact: fiscal.Contact{Email: "buyer@lavka.example"},
		Lines: []fiscal.Line{{
			Name: "Kettle", Price: money.RUB(1499, 90), Quantity: fiscal.Pieces(1),
			VAT: fiscal.VATNone, Method: fiscal.FullPayment, Subject: fiscal.Goods,
		}},
	})
	if err != nil {
		panic(err)
	}
	fmt.Println(doc.ID, doc.Status)

	// Printing takes seconds or minutes; ask again until it is final.
	doc, err = c.GetDocument(ctx, doc.ID)
	if err != nil {
		panic(err)
	}
	fmt.Println(doc.Status, doc.Fiscal.FD, doc.Fiscal.FP, doc.Fiscal.Total)
	// Output:
	// 8812 queued
	// printed 4521 2718281828 1499.90
}

// PayKeeper's own payments.
func ExampleClient_Acquirer() {
	s := service()
	defer s.Close()
	var a acquiring.Acquirer = newClient(s.URL).Acquirer()

	inv, err := a.CreateInvoice(context.Background(), acquiring.InvoiceRequest{
		OrderID: "ORD-17", Amount: money.RUB(1499, 90), Description: "Заказ",
		Customer: acquiring.Customer{Name: "Иванов Иван", Email: "buyer@lavka.example"},
	})
	if err != nil {
		panic(err)
	}
	fmt.Println(inv.ID)
	fmt.Println(inv.PayURL)
	// Output:
	// 20261121101530123
	// https://lavka.server.paykeeper.ru/bill/20261121101530123/
}

// A refund by the number of the payment. The key keeps it from being made twice.
func ExampleAcquirer_Refund() {
	s := service()
	defer s.Close()
	refund, err := newClient(s.URL).Acquirer().Refund(context.Background(), acquiring.RefundRequest{
		ID: "4711", Key: "return-3", Amount: money.RUB(200, 0),
	})
	if err != nil {
		panic(err)
	}
	fmt.Println(refund.Amount, refund.Status)
	// Output: 200.00 pending
}

// The handler of notifications: verified, worked off, and answered in the one
// form that PayKeeper takes for an answer. Package webhook has a whole one.
func ExampleClient_ParseNotification() {
	c := newClient("https://lavka.server.paykeeper.ru")
	n, err := c.ParseNotification([]byte("id=4711&sum=1499.90&clientid=%D0%98%D0%B2%D0%B0%D0%BD%D0%BE%D0%B2+%D0%98%D0%B2%D0%B0%D0%BD&orderid=ORD-17&key=ad4b65396a37b0036509f00dbf378f76"))
	if err != nil {
		panic(err)
	}
	fmt.Println(n.OrderID, n.Sum)
	fmt.Println(n.Answer)

	_, err = c.ParseNotification([]byte("id=4711&sum=1.00&orderid=ORD-17&key=ad4b65396a37b0036509f00dbf378f76"))
	fmt.Println(strings.Split(err.Error(), ";")[0])
	// Output:
	// ORD-17 1499.90
	// OK 4896ed43e15bdb9ef2cc64ce05b8113f
	// paykeeper: notification: the signature is not that of the secret word: callback is not authentic
}

// A payment that the customer's browser begins by itself.
func ExampleClient_SignForm() {
	form, err := newClient("https://lavka.server.paykeeper.ru").SignForm(paykeeper.PaymentForm{
		Amount: money.RUB(250, 0), OrderID: "ORD-18", Service: paykeeper.ServiceName{Text: "Оплата заказа №18"},
	})
	if err != nil {
		panic(err)
	}
	fmt.Print(form.HTML("Оплатить"))
	// Output:
	// <form method="post" action="https://lavka.server.paykeeper.ru/create/" accept-charset="utf-8">
	// <input type="hidden" name="sum" value="250.00">
	// <input type="hidden" name="orderid" value="ORD-18">
	// <input type="hidden" name="service_name" value="Оплата заказа №18">
	// <input type="hidden" name="sign" value="626d0457e2efdca7b994e2351925c448ebeb1e2721748615beac56ac13fece75">
	// <button type="submit">Оплатить</button>
	// </form>
}

// The receipt of the hand-over, after one of prepayment.
func ExampleClient_PostSaleReceipt() {
	s := service()
	defer s.Close()
	id, err := newClient(s.URL).PostSaleReceipt(context.Background(), "4711")
	if err != nil {
		panic(err)
	}
	fmt.Println(id)
	// Output: 8813
}

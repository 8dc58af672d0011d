package sberbank_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/sberbank"
	"github.com/acquiring-go/acquiring/sberbank/sberbanktest"
)

// bank stands for the bank's host in these examples.
func bank() *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/ecomm/gw/partner/api/v1/register.do":
			_, _ = io.WriteString(w, `{"errorCode":"0","orderId":"7c1f0a52-3b6e-4d19-9a48-5e2d90c4b7f1","formUrl":"https://sbox.payecom.ru/pay_ru?orderId=7c1f0a52"}`)
		case "/ecomm/gw/partner/api/v1/getOrderStatusExtended.do":
			_, _ = io.WriteString(w, `{"errorCode":"0","orderNumber":"A-7","orderStatus":2,"actionCode":0,"amount":149990,"currency":"643",
				"paymentAmountInfo":{"approvedAmount":149990,"depositedAmount":149990,"refundedAmount":0,"paymentState":"DEPOSITED"}}`)
		case "/ecomm/gw/partner/api/v1/refund.do":
			_, _ = io.WriteString(w, `{"errorCode":"0"}`)
		}
	}))
}

// An invoice, its payment, and a part of it back.
func Example() {
	srv := bank()
	defer srv.Close()
	client, err := sberbank.New(sberbank.Config{
		Environment: acquiring.Test,
		BaseURL:     srv.URL, // leave it out: the bank's host follows from Environment
		UserName:    "shop417", Password: "the password of the API",
		CallbackKey: "the secret of callbacks, from the cabinet",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	invoice, err := client.CreateInvoice(ctx, acquiring.InvoiceRequest{
		OrderID: "A-7", Amount: money.RUB(1499, 90), Description: "Заказ A-7", ReturnURL: "https://shop.example/paid",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("send the customer to", invoice.PayURL)
	payment, err := client.GetStatus(ctx, invoice.ID)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(payment.Status, payment.Captured)
	refund, err := client.Refund(ctx, acquiring.RefundRequest{ID: invoice.ID, Key: "A-7-refund-1", Amount: money.RUB(500, 0)})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("refund", refund.Status, refund.Amount)
	// Output:
	// send the customer to https://sbox.payecom.ru/pay_ru?orderId=7c1f0a52
	// paid 1499.90
	// refund done 500.00
}

// A callback is verified before anything in it is believed.
func ExampleClient_VerifyCallback() {
	client, err := sberbank.New(sberbank.Config{
		Environment: acquiring.Test, UserName: "shop417", Password: "secret", CallbackKey: "crm-demo-callback-token-01",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	const query = "mdOrder=7c1f0a52-3b6e-4d19-9a48-5e2d90c4b7f1&orderNumber=CRM-2026-000417&operation=deposited&status=1&amount=154990" +
		"&checksum=F490F3BD064D128BAF3807EC860EDF72313EAD9D3CC51C30DED9B5C6498D7201"
	callback, err := client.VerifyCallback(context.Background(), httptest.NewRequest(http.MethodGet, "/sber?"+query, nil))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(callback.OrderID, callback.Status, callback.Amount, callback.Signed)
	_, err = client.VerifyCallback(context.Background(), httptest.NewRequest(http.MethodGet, "/sber?"+query+"0", nil))
	fmt.Println(err)
	// Output:
	// CRM-2026-000417 paid 1549.90 true
	// sberbank: callback: the checksum is not the bank's: callback is not authentic; compare the key with the cabinet's, and name the parameters of the callback address itself in Config.CallbackDrop
}

// The bank refuses a number that was used, and the error says how to go on.
func ExampleClient_CreateInvoice_duplicate() {
	bank := sberbanktest.NewServer()
	defer bank.Close()
	client, err := sberbank.New(bank.Config())
	if err != nil {
		fmt.Println(err)
		return
	}
	order := acquiring.InvoiceRequest{OrderID: "A-7", Amount: money.RUB(1499, 90), ReturnURL: "https://shop.example/paid"}
	if _, err = client.CreateInvoice(context.Background(), order); err != nil {
		fmt.Println(err)
		return
	}
	_, err = client.CreateInvoice(context.Background(), order)
	fmt.Println(errors.Is(err, acquiring.ErrDuplicate))

	order.OrderID = acquiring.Attempt("A-7", 2)
	invoice, err := client.CreateInvoice(context.Background(), order)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(invoice.OrderID)
	// Output:
	// true
	// A-7_2
}

// An invoice with its receipt: the bank prints it when the customer has paid.
func ExampleClient_CreateInvoice_receipt() {
	bank := sberbanktest.NewServer()
	defer bank.Close()
	conf := bank.Config()
	conf.Receipt = sberbank.ReceiptDefaults{ // what all receipts of the shop have in common
		FFD: fiscal.FFD12, TaxSystem: fiscal.TaxSimplifiedIncome, INN: "7707083893",
		Email: "shop@shop.example", PaymentAddress: "https://shop.example",
	}
	client, err := sberbank.New(conf)
	if err != nil {
		fmt.Println(err)
		return
	}
	receipt := fiscal.NewSale("A-7", fiscal.Contact{Email: "buyer@example.org"},
		fiscal.ServiceLine("Занятие", money.RUB(1500, 0), fiscal.Pieces(2), fiscal.VATNone))
	invoice, err := client.CreateInvoice(context.Background(), acquiring.InvoiceRequest{
		OrderID: "A-7", Amount: receipt.Total(), ReturnURL: "https://school.example/paid", Receipt: &receipt,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = bank.Pay(string(invoice.ID)) // the customer pays
	for _, r := range bank.Receipts() {
		fmt.Println(r.Total, r.Lines[0].Name)
	}
	// Output: 3000.00 Занятие
}

// The money is held first; a part of it is taken, and the rest released.
func ExampleClient_Capture() {
	bank := sberbanktest.NewServer()
	defer bank.Close()
	client, err := sberbank.New(bank.Config())
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	invoice, err := client.CreateInvoice(ctx, acquiring.InvoiceRequest{
		OrderID: "A-7", Amount: money.RUB(3000, 0), ReturnURL: "https://shop.example/paid", Hold: true,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = bank.Pay(string(invoice.ID)) // the customer pays, and the money is held
	payment, err := client.Capture(ctx, acquiring.CaptureRequest{ID: invoice.ID, Amount: money.RUB(2500, 0)})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(payment.Status, payment.Captured, "of", payment.Amount)
	_, err = client.Capture(ctx, acquiring.CaptureRequest{ID: invoice.ID})
	fmt.Println(errors.Is(err, acquiring.ErrConflict))
	// Output:
	// paid 2500.00 of 3000.00
	// true
}

// A card that the customer let the shop save is charged without him.
func ExampleClient_Charge() {
	bank := sberbanktest.NewServer()
	defer bank.Close()
	client, err := sberbank.New(bank.Config())
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	customer := acquiring.Customer{ID: "u-88"}
	invoice, err := client.CreateInvoice(ctx, acquiring.InvoiceRequest{
		OrderID: "A-7", Amount: money.RUB(299, 0), ReturnURL: "https://shop.example/paid", Customer: customer, SaveCard: true,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = bank.Pay(string(invoice.ID)) // the customer pays by his card
	first, err := client.GetStatus(ctx, invoice.ID)
	if err != nil {
		fmt.Println(err)
		return
	}
	charged, err := client.Charge(ctx, acquiring.ChargeRequest{
		OrderID: "A-8", Token: first.Card.Token, Amount: money.RUB(299, 0), Customer: customer, Description: "Подписка, март",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(charged.OrderID, charged.Status, charged.Captured)
	// Output: A-8 paid 299.00
}

package sberbank_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/sberbank"
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
	number := "A-7"
	fmt.Println(acquiring.Attempt(number, 2))
	// Output: A-7_2
}

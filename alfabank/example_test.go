package alfabank_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/alfabank"
	"github.com/acquiring-go/acquiring/alfabank/alfabanktest"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
)

// bank stands for the bank's host in these examples.
func bank() *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/payment/rest/register.do":
			if r.PostFormValue("orderNumber") == "A-1001" {
				_, _ = io.WriteString(w, `{"orderId":"7a1f0c52-6b3e-7d44-9c10-2f5e04b1a0c3","formUrl":"https://alfa.rbsuat.com/payment/merchants/ecom/payment_ru.html?mdOrder=7a1f0c52"}`)
				return
			}
			_, _ = io.WriteString(w, `{"errorCode":"1","errorMessage":"Order number is duplicated"}`)
		case "/payment/rest/getOrderStatusExtended.do":
			_, _ = io.WriteString(w, `{"errorCode":"0","orderNumber":"A-1001","orderStatus":2,"actionCode":0,"amount":129900,"currency":"810",
				"attributes":[{"name":"mdOrder","value":"7a1f0c52-6b3e-7d44-9c10-2f5e04b1a0c3"}],
				"paymentAmountInfo":{"paymentState":"DEPOSITED","approvedAmount":129900,"depositedAmount":129900,"refundedAmount":0}}`)
		case "/payment/rest/refund.do":
			_, _ = io.WriteString(w, `{"errorCode":0,"errorMessage":"Success"}`)
		case "/payment/rest/templates/create.do":
			_, _ = io.WriteString(w, `{"status":"SUCCESS","template":{"templateId":"umoPoMUCbGrsKRKT","status":"ACTIVE","qrTemplate":{"payload":"https://alfa.rbsuat.com/sc/umoPoMUCbGrsKRKT"}}}`)
		}
	}))
}

// An invoice, its payment, and a part of it back.
func Example() {
	srv := bank()
	defer srv.Close()
	client, err := alfabank.New(alfabank.Config{
		Environment: acquiring.Test,
		BaseURL:     srv.URL, // leave it out: the bank's host follows from Environment and the login
		UserName:    "r-teashop-api", Password: "the password of the API",
		CallbackKey: "the secret of callbacks, from support",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	invoice, err := client.CreateInvoice(ctx, acquiring.InvoiceRequest{
		OrderID: "A-1001", Amount: money.RUB(1299, 0), Description: "Чай", ReturnURL: "https://tea.example/paid",
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
	refund, err := client.Refund(ctx, acquiring.RefundRequest{ID: invoice.ID, Key: "rf-2025-000017", Amount: money.RUB(299, 0)})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("refund", refund.Status, refund.Amount)
	// Output:
	// send the customer to https://alfa.rbsuat.com/payment/merchants/ecom/payment_ru.html?mdOrder=7a1f0c52
	// paid 1299.00
	// refund done 299.00
}

// A callback is verified before anything in it is believed.
func ExampleClient_VerifyCallback() {
	client, err := alfabank.New(alfabank.Config{
		Environment: acquiring.Test, UserName: "r-teashop-api", Password: "secret", CallbackKey: "demo-callback-key-01",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	const query = "orderNumber=A-1001&mdOrder=7a1f0c52-6b3e-7d44-9c10-2f5e04b1a0c3&operation=deposited&amount=129900" +
		"&callbackCreationDate=Mon+Jun+02+15%3A04%3A05+MSK+2025&status=1&checksum=83E1D6388CF59B5C0BE349C843F40192FF25B01C3DBE24301C609E1A6DE53B05"
	callback, err := client.VerifyCallback(context.Background(), httptest.NewRequest(http.MethodGet, "/alfa?"+query, nil))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(callback.OrderID, callback.Status, callback.Amount, callback.Signed)
	_, err = client.VerifyCallback(context.Background(), httptest.NewRequest(http.MethodGet, "/alfa?"+query+"0", nil))
	fmt.Println(errors.Is(err, acquiring.ErrSignature))
	// Output:
	// A-1001 paid 1299.00 true
	// true
}

// A number is used once; the error names the next attempt's.
func ExampleClient_CreateInvoice_duplicate() {
	srv := bank()
	defer srv.Close()
	client, err := alfabank.New(alfabank.Config{Environment: acquiring.Test, BaseURL: srv.URL, UserName: "r-teashop-api", Password: "secret"})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = client.CreateInvoice(context.Background(), acquiring.InvoiceRequest{OrderID: "A-1000", Amount: money.RUB(1299, 0), ReturnURL: "https://tea.example/paid"})
	fmt.Println(errors.Is(err, acquiring.ErrDuplicate), acquiring.Attempt("A-1000", 2))
	// Output: true A-1000_2
}

// A payment link that may be paid many times.
func ExampleClient_CreateTemplate() {
	srv := bank()
	defer srv.Close()
	client, err := alfabank.New(alfabank.Config{Environment: acquiring.Test, BaseURL: srv.URL, UserName: "r-teashop-api", Password: "secret"})
	if err != nil {
		fmt.Println(err)
		return
	}
	sum := money.RUB(1500, 0)
	link, err := client.CreateTemplate(context.Background(), alfabank.Template{Name: "gift", NameForClient: "Подарок", Amount: &sum})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(link.QR.Payload)
	// Output: https://alfa.rbsuat.com/sc/umoPoMUCbGrsKRKT
}

// An invoice with its receipt: the bank's cash service prints it when the
// customer has paid.
func ExampleClient_CreateInvoice_receipt() {
	bank := alfabanktest.NewServer()
	defer bank.Close()
	client, err := alfabank.New(bank.Config())
	if err != nil {
		fmt.Println(err)
		return
	}
	receipt := fiscal.NewSale("A-7", fiscal.Contact{Email: "buyer@example.org"},
		fiscal.GoodsLine("Чай", money.RUB(1299, 0), fiscal.Pieces(2), fiscal.VAT22))
	invoice, err := client.CreateInvoice(context.Background(), acquiring.InvoiceRequest{
		OrderID: "A-7", Amount: receipt.Total(), ReturnURL: "https://tea.example/paid", Receipt: &receipt,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = bank.Pay(string(invoice.ID)) // the customer pays
	for _, r := range bank.Receipts() {
		fmt.Println(r.Total, r.Lines[0].Name)
	}
	// Output: 2598.00 Чай
}

// The money is held first; a part of it is taken, and the rest released.
func ExampleClient_Capture() {
	bank := alfabanktest.NewServer()
	defer bank.Close()
	client, err := alfabank.New(bank.Config())
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	invoice, err := client.CreateInvoice(ctx, acquiring.InvoiceRequest{
		OrderID: "A-7", Amount: money.RUB(3000, 0), ReturnURL: "https://tea.example/paid", Hold: true,
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
	// Output: paid 2500.00 of 3000.00
}

// A card that the customer let the shop save is charged without him.
func ExampleClient_Charge() {
	bank := alfabanktest.NewServer()
	defer bank.Close()
	client, err := alfabank.New(bank.Config())
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	customer := acquiring.Customer{ID: "buyer-42"}
	invoice, err := client.CreateInvoice(ctx, acquiring.InvoiceRequest{
		OrderID: "A-7", Amount: money.RUB(499, 0), ReturnURL: "https://tea.example/paid", Customer: customer, SaveCard: true,
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
		OrderID: "A-8", Token: first.Card.Token, Amount: money.RUB(499, 0), Customer: customer,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(charged.OrderID, charged.Status, charged.Captured)
	// Output: A-8 paid 499.00
}

package paymaster_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/paymaster"
	"github.com/acquiring-go/acquiring/webhook"
)

// fake is PayMaster for the examples.
func fake(answers map[string]string) *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, answers[r.Method+" "+r.URL.Path])
	}))
}

func ExampleClient_CreateInvoice() {
	server := fake(map[string]string{"POST /api/v2/invoices": `{"paymentId":"734512","url":"https://paymaster.ru/cpay/1b2c3d4e"}`})
	defer server.Close()
	client, err := paymaster.New(paymaster.Config{
		Environment: acquiring.Test,
		BaseURL:     server.URL, // leave it out: it is https://paymaster.ru
		MerchantID:  "7f6c1d1e-0a52-4a5b-9a37-3f0d2f6a9c11",
		Token:       "tok_Zk93",
	})
	if err != nil {
		log.Fatal(err)
	}
	inv, err := client.CreateInvoice(context.Background(), acquiring.InvoiceRequest{
		OrderID: "A-7", Amount: money.RUB(1499, 90), Description: "Абонемент на май", ReturnURL: "https://shop.example/thanks",
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(inv.ID, inv.PayURL)
	// Output:
	// 734512 https://paymaster.ru/cpay/1b2c3d4e
}

// A shop with an identifier and a secret key: the link needs no call, and the
// signed notification is enough to mark the order paid.
func ExampleNewClassic() {
	client, err := paymaster.NewClassic(paymaster.ClassicConfig{
		Environment: acquiring.Production,
		MerchantID:  "7f6c1d1e-0a52-4a5b-9a37-3f0d2f6a9c11", // Идентификатор
		SecretKey:   "s3cr3t-Key_for-docs",                  // Секретный ключ
		Hash:        paymaster.SHA256,                       // Тип подписи
	})
	if err != nil {
		log.Fatal(err)
	}
	inv, err := client.CreateInvoice(context.Background(), acquiring.InvoiceRequest{OrderID: "ORD-2024-0042", Amount: money.RUB(1499, 90)})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(strings.Split(inv.PayURL, "&LMI_PAYMENT_DESC")[0])

	handler := webhook.Handler(client, func(_ context.Context, e webhook.Event) error {
		fmt.Println(e.Payment.OrderID, e.Payment.Status, e.Payment.Captured)
		return nil
	}, webhook.Expect(func(context.Context, string) (money.Amount, string, error) {
		return money.RUB(1499, 90), "RUB", nil // what the order costs
	}))
	notification := "LMI_MERCHANT_ID=7f6c1d1e-0a52-4a5b-9a37-3f0d2f6a9c11&LMI_PAYMENT_SYSTEM=93&LMI_CURRENCY=RUB&LMI_PAYMENT_AMOUNT=1499.90" +
		"&LMI_PAYMENT_NO=ORD-2024-0042&LMI_SYS_PAYMENT_DATE=2024-05-14T09%3a30%3a15&LMI_SYS_PAYMENT_ID=512345678&LMI_PAID_AMOUNT=1499.90" +
		"&LMI_PAID_CURRENCY=RUB&LMI_PAYMENT_METHOD=BankCard&LMI_HASH=lIse%2fBCXYJk4kWFB6TXKKiLRNuQo7mEkrd3Ow%2bWsHek%3d"
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/hooks/paymaster", strings.NewReader(notification)))
	fmt.Println(w.Code)

	_, err = client.GetStatus(context.Background(), inv.ID)
	fmt.Println(err)
	// Output:
	// https://paymaster.ru/payment/init?LMI_MERCHANT_ID=7f6c1d1e-0a52-4a5b-9a37-3f0d2f6a9c11&LMI_PAYMENT_AMOUNT=1499.90&LMI_CURRENCY=RUB&LMI_PAYMENT_NO=ORD-2024-0042
	// ORD-2024-0042 paid 1499.90
	// 200
	// paymaster: GetStatus: Config.Login is empty, and GetStatus goes through the REST API; make a cabinet user with automatic access (Автоматический доступ) and set Config.Login and Config.Password
}

// The API v2 signs nothing: the payment is read back, and only what PayMaster
// answers is believed.
func ExampleClient_VerifyCallback() {
	const payment = `{"id":"734512","created":"2024-05-14T09:29:58Z","testMode":true,"status":"Settled","merchantId":"7f6c1d1e",` +
		`"amount":{"value":1499.9000,"currency":"RUB"},"invoice":{"orderNo":"A-7"}}`
	server := fake(map[string]string{"GET /api/v2/payments/734512": payment, "GET /api/v2/refunds": `{"items":[]}`})
	defer server.Close()
	client, err := paymaster.New(paymaster.Config{Environment: acquiring.Test, BaseURL: server.URL, MerchantID: "7f6c1d1e", Token: "tok_Zk93"})
	if err != nil {
		log.Fatal(err)
	}
	// In a program: webhook.Handler(client, …), which calls VerifyCallback.
	for _, body := range []string{payment, strings.ReplaceAll(payment, "1499.9000", "9999.0000")} {
		r := httptest.NewRequest(http.MethodPost, "/hooks/paymaster", strings.NewReader(body))
		cb, err := client.VerifyCallback(context.Background(), r)
		if err != nil {
			fmt.Println("refused:", errors.Is(err, acquiring.ErrSignature))
			continue
		}
		fmt.Println(cb.OrderID, cb.Status, cb.Payment.Captured, cb.Signed)
	}
	// Output:
	// A-7 paid 1499.90 false
	// refused: true
}

// A refund is accepted at first and executed later.
func ExampleClient_Refund() {
	const payment = `{"id":"734512","created":"2024-05-14T09:29:58Z","testMode":true,"status":"Settled","merchantId":"7f6c1d1e","amount":{"value":1499.9000,"currency":"RUB"}}`
	server := fake(map[string]string{
		"GET /api/v2/payments/734512": payment,
		"POST /api/v2/refunds":        `{"id":"9120","status":"Pending","paymentId":"734512","amount":{"value":499.9,"currency":"RUB"}}`,
		"GET /api/v2/refunds/9120":    `{"id":"9120","status":"Success","paymentId":"734512","amount":{"value":499.9,"currency":"RUB"}}`,
	})
	defer server.Close()
	client, err := paymaster.New(paymaster.Config{Environment: acquiring.Test, BaseURL: server.URL, MerchantID: "7f6c1d1e", Token: "tok_Zk93"})
	if err != nil {
		log.Fatal(err)
	}
	refund, err := client.Refund(context.Background(), acquiring.RefundRequest{ID: "734512", Key: "A-7-r1", Amount: money.RUB(499, 90)})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(refund.ID, refund.Status)
	refund, err = client.WaitRefund(context.Background(), refund.ID)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(refund.ID, refund.Status)
	// Output:
	// 9120 pending
	// 9120 done
}

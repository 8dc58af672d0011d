package komtet_test

import (
	"context"
	"crypto/hmac"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/fiscal/komtet"
	"github.com/acquiring-go/acquiring/money"
)

// service stands in for Komtet Kassa: package komtettest has the real thing.
func service(answers map[string]string) *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, ok := answers[r.Method+" "+strings.TrimPrefix(r.URL.Path, "/api/shop/")]
		if !ok {
			http.NotFound(w, r)
			return
		}
		if strings.Contains(answer, "VLD11") {
			w.WriteHeader(http.StatusUnprocessableEntity)
		}
		_, _ = io.WriteString(w, answer)
	}))
}

func client(url string) *komtet.Client {
	c, err := komtet.New(komtet.Config{
		Environment: acquiring.Test, BaseURL: url,
		ShopID: "shop-lavka", Secret: "zavod-demo-secret-7f3a", QueueID: 70451,
		CallbackURL: "https://pay.lavka.example/hooks/komtet",
		TaxSystem:   fiscal.TaxSimplifiedIncome, Place: "https://lavka.example",
	})
	if err != nil {
		panic(err)
	}
	return c
}

func receipt() fiscal.Receipt {
	return fiscal.NewSale("T-1001", fiscal.Contact{Email: "buyer@lavka.example"},
		fiscal.GoodsLine("Чайник", money.RUB(1299, 90), fiscal.Pieces(1), fiscal.VATNone),
		fiscal.ServiceLine("Доставка", money.RUB(200, 0), fiscal.Pieces(1), fiscal.VATNone))
}

// A receipt is put into the queue, and read until a cash register has printed
// it.
func Example() {
	srv := service(map[string]string{
		"POST v2/queues/70451/task": `{"id":9001,"external_id":"T-1001","print_queue_id":70451,"state":"new"}`,
		"GET v2/tasks/9001": `{"id":9001,"external_id":"T-1001","state":"done","fiscal_data":{"i":"4521","fn":"9999078900001234",
			"t":"20261120T1807","n":1,"fp":"2718281828","s":"1499.90"}}`,
	})
	defer srv.Close()
	ctx := context.Background()

	c := client(srv.URL)
	d, err := c.Submit(ctx, receipt())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(d.ID, d.Status)

	d, err = c.GetDocument(ctx, d.ID)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(d.ReceiptID, d.Status, d.Fiscal.Total, "ФД", d.Fiscal.FD)
	// Output:
	// 9001 queued
	// T-1001 printed 1499.90 ФД 4521
}

// The same receipt submitted again, because an answer was lost or by mistake,
// is the first document.
func ExampleClient_Submit_again() {
	srv := service(map[string]string{
		"POST v2/queues/70451/task": `{"code":"VLD11","title":"Чек с внешнем идентификатором T-1001 существует","description":"",
			"task":{"id":9001,"external_id":"T-1001","state":"processing"}}`,
		"GET v2/tasks/9001": `{"id":9001,"external_id":"T-1001","state":"processing"}`,
	})
	defer srv.Close()
	d, err := client(srv.URL).Submit(context.Background(), receipt())
	fmt.Println(d.ID, d.Status, d.Existed, err)
	// Output: 9001 queued true <nil>
}

// A receipt that is wrong is refused before it is sent, all its faults at once.
func ExampleClient_Submit_invalid() {
	r := receipt()
	r.Lines[0].VAT = ""
	r.Lines[1].Quantity = 0
	_, err := client("https://kassa.komtet.ru").Submit(context.Background(), r)
	var faults fiscal.Faults
	if errors.As(err, &faults) {
		for _, f := range faults {
			fmt.Println(f.Path)
		}
	}
	// Output:
	// items[0].vat
	// items[1].quantity
}

// The handler of notifications: only the service can have signed the address
// and the body.
func ExampleClient_VerifyCallback() {
	c := client("https://kassa.komtet.ru")
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d, err := c.VerifyCallback(r.Context(), r)
		if err == nil {
			fmt.Println(d.ReceiptID, d.Status, d.Failure.Message)
			// Store it here; an error makes the service call again.
		}
		w.WriteHeader(komtet.CallbackStatus(err))
	})

	body := `{"id":9002,"external_id":"T-1003","state":"error","error_description":"Нет бумаги"}`
	mac := hmac.New(md5.New, []byte("zavod-demo-secret-7f3a"))
	io.WriteString(mac, "POST"+"https://pay.lavka.example/hooks/komtet"+body)
	for _, signature := range []string{hex.EncodeToString(mac.Sum(nil)), "00000000000000000000000000000000"} {
		r := httptest.NewRequest(http.MethodPost, "/hooks/komtet", strings.NewReader(body))
		r.Header.Set(komtet.SignatureHeader, signature)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		fmt.Println(w.Code)
	}
	// Output:
	// T-1003 failed Нет бумаги
	// 200
	// 403
}

// Several receipts go in one request.
func ExampleClient_SubmitAll() {
	srv := service(map[string]string{
		"POST v2/queues/70451/multi-tasks": `{"0":{"id":9010,"external_id":"T-2001","state":"new"},"1":{"id":9011,"external_id":"T-2002","state":"new"}}`,
	})
	defer srv.Close()
	first, other := receipt(), receipt()
	first.ID, other.ID = "T-2001", "T-2002"
	docs, err := client(srv.URL).SubmitAll(context.Background(), []fiscal.Receipt{first, other})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, d := range docs {
		fmt.Println(d.ReceiptID, d.ID)
	}
	// Output:
	// T-2001 9010
	// T-2002 9011
}

// A wrong secret key says what to do.
func ExampleClient_Check() {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"title":"Ошибка авторизации","code":"AUT00","description":""}`)
	}))
	defer srv.Close()
	err := client(srv.URL).Check(context.Background())
	var e *acquiring.Error
	fmt.Println(errors.Is(err, acquiring.ErrUnauthorized), errors.As(err, &e) && strings.Contains(e.Hint, "Config.Secret"))
	// Output: true true
}

package alfabanktest_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/acquiring-go/acquiring/alfabank/alfabanktest"
)

// A customer pays, the bank notifies, the shop refunds a part: what the bank's
// own books say then.
func Example() {
	shop := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		fmt.Println("callback:", r.URL.Query().Get("operation"), r.URL.Query().Get("orderNumber"))
	})
	bank := alfabanktest.NewServer(
		alfabanktest.WithClock(alfabanktest.NewClock(time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC))),
		alfabanktest.WithCallbackURL("https://shop.example/callback"),
		alfabanktest.WithCallbackHandler(shop),
		alfabanktest.WithoutListening(),
	)
	defer bank.Close()

	call := func(method string, fields url.Values) {
		cfg := bank.Config()
		fields.Set("userName", cfg.UserName)
		fields.Set("password", cfg.Password)
		resp, err := bank.Client().PostForm(cfg.BaseURL+"/"+method, fields)
		if err != nil {
			panic(err)
		}
		defer resp.Body.Close()
		if method != "register.do" {
			body, _ := io.ReadAll(resp.Body)
			fmt.Println(method, string(body))
		}
	}
	call("register.do", url.Values{"orderNumber": {"A-7"}, "amount": {"149990"}, "returnUrl": {"https://shop.example/paid"}})
	if err := bank.Pay("A-7"); err != nil {
		panic(err)
	}
	order, _ := bank.Order("A-7")
	call("refund.do", url.Values{"orderId": {order.ID}, "amount": {"49990"}, "externalRefundId": {"rf-1"}})
	bank.Deliver()
	order, _ = bank.Order("A-7")
	fmt.Println("captured", order.Captured, "refunded", order.Refunded, "left", order.Net())
	// Output:
	// refund.do {"errorCode":"0","errorMessage":"Успешно"}
	// callback: deposited A-7
	// callback: refunded A-7
	// captured 1499.90 refunded 499.90 left 1000.00
}

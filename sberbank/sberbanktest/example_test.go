package sberbanktest_test

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring/sberbank/sberbanktest"
)

// The bank's JSON gateway on this machine: an order is registered, the
// customer pays, the shop is notified.
func Example() {
	shop := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Println("the shop is notified by", r.Method, r.Header.Get("Content-Type"))
	})
	bank := sberbanktest.NewServer(
		sberbanktest.WithClock(sberbanktest.NewClock(time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC))),
		sberbanktest.WithCallbackURL("https://shop.example/callback"),
		sberbanktest.WithCallbackHandler(shop),
	)
	defer bank.Close()

	// sberbank.New(bank.Config()) is the comfortable way; any client will do.
	resp, err := http.Post(bank.URL+"/ecomm/gw/partner/api/v1/register.do", "application/json", strings.NewReader(
		`{"userName":"demo-api","password":"Emulator-Password-1","orderNumber":"A-7","amount":154990,"returnUrl":"https://shop.example/paid"}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = resp.Body.Close()

	if err := bank.Pay("A-7"); err != nil {
		fmt.Println(err)
	}
	bank.Deliver()
	order, _ := bank.Order("A-7")
	fmt.Println("order", order.Number, "is", order.State, "and", order.Captured, "was taken")
	// Output:
	// the shop is notified by POST application/json
	// order A-7 is paid and 1549.90 was taken
}

// A forged callback and a lost answer, for the tests of a shop.
func ExampleServer_Fail() {
	bank := sberbanktest.NewServer(sberbanktest.WithoutListening())
	defer bank.Close()
	bank.Fail(sberbanktest.Fault{Op: "register.do", Kind: sberbanktest.LostAnswer})
	_, err := bank.Client().Post(bank.URL+"/ecomm/gw/partner/api/v1/register.do", "application/json", strings.NewReader(
		`{"userName":"demo-api","password":"Emulator-Password-1","orderNumber":"A-7","amount":100,"returnUrl":"https://shop.example/paid"}`))
	fmt.Println("an answer came:", err == nil)
	_, there := bank.Order("A-7")
	fmt.Println("the order is there:", there)
	// Output:
	// an answer came: false
	// the order is there: true
}

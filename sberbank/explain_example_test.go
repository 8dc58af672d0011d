package sberbank_test

import (
	"fmt"
	"net/http/httptest"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/sberbank"
	"github.com/acquiring-go/acquiring/webhook"
)

// The callback address was registered with a parameter of the shop's own, which
// the bank passes on and does not sign.
func ExampleClient_ExplainCallback() {
	client, err := sberbank.New(sberbank.Config{Environment: acquiring.Test, UserName: "shop-api", Password: "secret", CallbackKey: "key-from-the-cabinet"})
	if err != nil {
		fmt.Println(err)
		return
	}
	r := httptest.NewRequest("GET", "/hooks/sberbank?shop=7&mdOrder=7c1f0a52-3b6e-4d19-9a48-5e2d90c4b7f1&orderNumber=A-42&operation=deposited&status=1"+
		"&checksum=FFD87C6486B0FAD2F92B0BA5FEDD6FE3187129E3501A421B298D697E16F1F6AE", nil)
	e, err := webhook.Explain(client, r)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(e.Fits())
	fmt.Println(e.Signed)
	fmt.Println(e.Faults[0])
	// Output:
	// false
	// mdOrder;7c1f0a52-3b6e-4d19-9a48-5e2d90c4b7f1;operation;deposited;orderNumber;A-42;shop;7;status;1;
	// the parameter shop is not signed: the callback address itself has it, or something between added it; name it in Config.CallbackDrop
}

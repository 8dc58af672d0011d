package rbs_test

import (
	"errors"
	"fmt"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/rbs"
	"github.com/acquiring-go/acquiring/webhook"
)

// A callback is good with its checksum over every parameter, and with no
// other.
func ExampleVerifier_ReadForm() {
	v, err := rbs.NewVerifier(rbs.VerifierOptions{Provider: "sberbank", Key: "crm-demo-callback-token-01"})
	if err != nil {
		fmt.Println(err)
		return
	}
	const query = "mdOrder=7c1f0a52-3b6e-4d19-9a48-5e2d90c4b7f1&orderNumber=CRM-2026-000417&operation=deposited&status=1&amount=154990" +
		"&checksum=F490F3BD064D128BAF3807EC860EDF72313EAD9D3CC51C30DED9B5C6498D7201"
	notice, err := v.ReadForm(query)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(notice.OrderNumber, notice.Status(), notice.Signed)
	_, err = v.ReadForm(query + "&maskedPan=220220**2424")
	fmt.Println(errors.Is(err, acquiring.ErrSignature))
	// Output:
	// CRM-2026-000417 paid true
	// true
}

// The text that is signed: the parameters by name, without the checksum and
// what the bank says of the key.
func ExampleCanonical() {
	params, err := webhook.ParseForm(nil, "status=1&operation=deposited&mdOrder=7c1f&orderNumber=A-7&sign_alias=SHA-256&checksum=00")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(rbs.Canonical(params)))
	// Output: mdOrder;7c1f;operation;deposited;orderNumber;A-7;status;1;
}

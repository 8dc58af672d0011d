// Package alfabanktest is Alfa-Bank's internet-acquiring gateway on your own
// machine. No contract, no credentials, no money.
//
//	bank := alfabanktest.NewServer(alfabanktest.WithCallbackURL(shop.URL + "/callback"))
//	defer bank.Close()
//	client, err := alfabank.New(bank.Config())
//	…
//	err = bank.Pay(string(invoice.ID))         // as the customer would, on the payment page
//
// It is what the bank is: it takes GET and POST alike, query and form merged;
// it ignores fields that it does not know; it tells success and failure in a
// shape of its own for each group of methods; its numbers are now text, now
// numbers; order numbers are burnt for ever, reversals can be tried once. The
// answer to a refused request has a header of its own, X-Emulator-Reason, that
// says what the bank would leave you to guess.
//
// The payment link opens a payment page in the browser where the bank's test
// cards pay, are declined or ask for the 3-DS code; the SBP code can be paid
// there too. Callbacks leave by GET or form, signed (HMAC or RSA) or not, with
// repeats. What the bank switches on for each merchant is a Right, what its
// documents leave unknown a field of Unknowns.
//
// # Paths
//
//	/payment/rest/…, /api/rest/…               methods
//	/payment/alfapay/payment.do, /alfapay/…, /api/alfapay/…
//	/payment/merchants/ecom/payment_ru.html    payment page
//	/sc/{templateId}                           payment link
//	/acs/…                                     3-D Secure
//	/mportal/mvc/public/merchant/update/{login}
package alfabanktest

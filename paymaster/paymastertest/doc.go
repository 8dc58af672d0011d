// Package paymastertest is PayMaster on your own machine: the REST API v2 and
// the classic LMI protocol, on one server. No contract, no credentials, no
// money.
//
//	pm := paymastertest.NewServer(paymastertest.WithCallbackURL(shop.URL + "/callback"))
//	defer pm.Close()
//	client, err := paymaster.New(pm.Config())          // or NewClassic(pm.ClassicConfig())
//	…
//	err = pm.Pay(invoice.PayURL)                       // as the customer would, on the payment page
//
// It speaks the protocol of https://paymaster.ru/docs/ru/api, /docs/ru/wmi,
// /docs/ru/restapi, /docs/ru/builtin and /Partners/ru/docs/direct, not that of
// the client beside it, with the oddities that are known: sums with four
// decimals, payment ids that are numbers in notifications and text elsewhere,
// empty answers to PUT, refunds that are executed later, notifications that
// nobody signs (v2) and ones that are signed over ten values (classic).
//
// The payment link opens a payment page in the browser where test cards pay,
// are declined or ask for the 3-DS code, and where an SBP code can be paid.
// One test card is published, 4100 0000 0000 0010; the others are the
// emulator's own. What the documentation leaves unknown is an option: see
// [Unknowns].
//
// # Payments by link
//
// A classic link is made by the shop alone, so the emulator hears of the
// payment when the customer opens it. [Server.Pay], [Server.Decline] and
// [Server.Expire] therefore take a link as well as an id or the shop's number:
// they open it first.
//
// # Paths
//
//	/api/v2/…                                 REST API v2
//	/cpay/…                                   its payment page, SBP and saving of cards
//	/acs/…                                    3-D Secure
//	/payment/init, /payment/process/{uuid}    classic form and its payment page
//	/BuiltinPayment/init, /BuiltinPayment/initonly
//	/api/v1/…, /partners/rest/…               classic REST
//	/direct/…                                 PayMaster Direct
package paymastertest

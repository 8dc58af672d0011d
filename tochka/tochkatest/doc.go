// Package tochkatest is an emulator of Tochka Bank's Open API: both ways in
// (JWT key and OAuth with consents), companies, accounts, retail points,
// payment links with their page, subscriptions, SBP codes, signed webhooks,
// invoices and statements, under /uapi, and the stateless sandbox under
// /sandbox/v2.
//
// It speaks the protocol of https://developers.tochka.com/docs/tochka-api and
// of the bank's OpenAPI document, not that of the client beside it, with the
// oddities that are known: a single operation comes in an array, a missing one
// is 424, an unknown address 501, sums go out as numbers with a fraction and in
// webhooks as text, times of one object have several offsets, SBP codes count
// in kopecks, and of all that can happen only successes are announced.
//
// # A day with it
//
//	bank := tochkatest.NewServer(tochkatest.WithCallbackURL("http://127.0.0.1:8080/tochka"))
//	defer bank.Close()
//	client, err := tochka.New(bank.Config())
//	…
//	err = bank.Pay(operationID) // or in the browser, at the payment link
//
// For OAuth: OAuthConfig is that of the registered application; open its
// authorise link in the browser, or call Approve or Refuse with it.
//
// # What the bank leaves open
//
// Each unknown is an option, with the likelier side as the default: the shape
// of a new consent (WithConsentArray), the status of an expired OAuth token
// (WithExpiredTokenStatus), the errors of the OAuth addresses
// (WithOAuthErrorEnvelope), what a refused consent does (WithSilentRefusal),
// a second partial refund (WithSingleRefund), how a refusal looks
// (WithRefusalsAsFalse), the refusal of a mode, of a receipt without a cash
// register and of a webhook (WithModeRefusal, WithCashboxRefusal,
// WithWebhookRefusal), the check of a receipt's total (WithTotalCheck), the
// slash of an account in an address (WithoutRawSlash, WithoutEscapedSlash), the
// sums in webhooks (WithTwoDecimals), the ceiling of a refund
// (WithRefundOfEnrolled), the term of a hold (WithHoldTerm), when a card refund
// is executed (WithCardRefunds), the time zone of date filters
// (WithDateZone).
package tochkatest

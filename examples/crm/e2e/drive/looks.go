package drive

import (
	_ "embed"
	"encoding/json"
	"slices"
)

//go:embed looks.js
var looks string

// Allowed are the words in Latin letters that a Russian page may have: names,
// and what the providers' cabinets themselves call so.
var Allowed = []string{"CRM", "API", "PayMaster", "PayKeeper", "OrangeData", "SberPay", "JSON", "REST", "LMI", "UUID", "OAuth", "JWT", "JWK", "PEM", "CSV", "CSS",
	"callback", "POST", "GET", "HMAC", "Python", "URL", "CVC", "IVAN", "IVANOV", "client", "secret", "customerCode", "merchantId", "Bearer", "payment", "rest", "operator", "api",
	"HTTP", "TLS", "Payment", "Notification", "MERCHANT", "SHA", "MIR", "Pay", "Tap", "ecom", "VISA", "Mastercard", "Go", "FFD", "RSA", "SSL", "https", "http", "INN", "XML", "RUB", "Secure", "demo", "vysota"}

// Protocols are the providers' own words, which the sandbox shows as they are.
var Protocols = []string{"APPROVED", "COMPLETE", "declined", "held", "obtained", "paid", "done", "approved", "deposited", "Settled", "PaymentNotification", "refunded", "reversed",
	"acquiringInternetPayment", "incomingSbpPayment", "test", "PUT", "Content", "Type", "CallbackURL", "WebhookKey", "REFUND", "created", "authorized", "DEPOSITED", "REFUNDED", "REVERSED", "Authorized", "Signature", "registered", "success", "expired", "canceled", "Confirmed", "Cancelled", "refund"}

// Looks says what a careful eye finds wrong with the page on this screen;
// nothing for a good page. The page may have these words beside Allowed.
func (tab *Tab) Looks(besides ...string) []string {
	tab.t.Helper()
	words, _ := json.Marshal(slices.Concat(Allowed, besides))
	return append(ask[[]string](tab, looks+"("+string(words)+")"), tab.Faults()...)
}

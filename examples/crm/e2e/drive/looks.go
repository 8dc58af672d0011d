package drive

import (
	_ "embed"
	"encoding/json"
)

//go:embed looks.js
var looks string

// Allowed are the words in Latin letters that a Russian page may have: names,
// and what the providers' cabinets themselves call so.
var Allowed = []string{"CRM", "API", "PayMaster", "PayKeeper", "OrangeData", "SberPay", "JSON", "REST", "LMI", "UUID", "OAuth", "JWT", "JWK", "PEM", "CSV", "CSS",
	"callback", "POST", "GET", "HMAC", "Python", "URL", "CVC", "IVAN", "IVANOV", "client", "secret", "customerCode", "merchantId", "Bearer", "payment", "rest", "operator", "api",
	"HTTP", "TLS", "Payment", "Notification", "MERCHANT", "SHA", "MIR", "Pay", "Tap", "ecom", "VISA", "Mastercard", "Go", "FFD", "RSA", "SSL", "https", "http", "INN", "XML", "RUB"}

// Looks says what a careful eye finds wrong with the page on this screen;
// nothing for a good page.
func (tab *Tab) Looks() []string {
	tab.t.Helper()
	words, _ := json.Marshal(Allowed)
	return append(ask[[]string](tab, looks+"("+string(words)+")"), tab.Faults()...)
}

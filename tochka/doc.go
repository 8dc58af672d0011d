// Package tochka takes payments through Tochka Bank (Точка): payment links
// (платёжные ссылки), SBP QR codes, subscriptions, 54-FZ receipts printed by
// the bank's partner cash registers, and signed webhooks, over the bank's Open
// API.
//
// # Two ways in
//
// A shop of its own uses a JWT key: in the internet bank «Интеграции и API» →
// «Подключить» → «Сгенерировать JWT-ключ»; the screen shows the key
// (Config.Token) and a client_id (Config.ClientID, needed for webhooks). A new
// key has a new client_id: register the webhooks again.
//
// A program that serves many shops registers an OAuth 2.0 application there
// and lets each shop confirm its consent in the browser: see [OAuth]. Its
// TokenSource goes into Config.TokenSource.
//
// # Connecting a shop
//
// [Client.Discover] answers the settings page: which companies the key sees,
// which retail points they have, which of them print receipts, whether SBP is
// on. Config.CustomerCode is the company's code, and Config.MerchantID the
// retail point's where there are several.
//
// # What the bank does not do
//
// It announces successes only: a refund, an expired link and a declined
// attempt are found by asking (webhook.Poller). A link cannot be withdrawn and
// a hold not released: both lapse. Refunds and charges have no key of
// idempotency: Config.Ledger remembers them.
//
// Documentation: https://developers.tochka.com/docs/tochka-api/
package tochka

// Package sberbanktest is both of Sberbank's internet-acquiring gateways on
// your own machine: the new one that speaks JSON and the legacy one of the
// RBS/BPC family that takes forms. No contract, no credentials, no money.
//
//	bank := sberbanktest.NewServer(sberbanktest.WithCallbackURL(shop.URL + "/callback"))
//	defer bank.Close()
//	client, err := sberbank.New(bank.Config()) // or ConfigLegacy
//	…
//	err = bank.Pay(string(invoice.ID))         // as the customer would, on the payment page
//
// It is strict as the bank is: paths and methods, the closed schema of the new
// gateway (an unknown field or a wrong JSON type is errorCode 5), the leniency
// of the legacy one, credentials and rights, the state machine of an order, the
// codes and texts of refusals in Russian and English. The answer to a refused
// request has a header of its own, X-Emulator-Reason, that says what the bank
// would leave you to guess.
//
// The payment link opens a payment page in the browser where the bank's test
// cards pay, are declined or ask for the 3-DS code; the SBP code can be paid
// there too. Callbacks leave signed (HMAC or RSA) or unsigned, by GET, form or
// JSON, with the gateway's repeats. What the bank's documents leave unknown is
// an option: Unknowns.
//
// # Paths
//
//	/ecomm/gw/partner/api/v1/…         new gateway
//	/ecomm/gw/partner/api/ofd/v1/…     its receipts
//	/ecomm/gw/partner/api/accounts/v1/…
//	/payment/rest/…                    legacy gateway
//	/payment/recurrentPayment.do, /payment/{applepay,google,samsung,samsungWeb,mir}/…
//	/sbercredit/…, /fes-nspk-proxy/externalReceipt, /mportal/mvc/public/merchant/update/{login}
//	/pp/pay_ru, /credits/pay_ru, /payment/merchants/{folder}/payment_ru.html   payment pages
//	/process_form/start, /acs/…        3-D Secure
package sberbanktest

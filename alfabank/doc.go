// Package alfabank takes payments through Alfa-Bank's internet acquiring
// (интернет-эквайринг Альфа-Банка), a gateway of the RBS/BPC family.
//
// # Credentials and installations
//
// The bank runs three installations, and a login works on exactly one of
// them: logins that begin with "r-" on payment.alfabank.ru, older ones without
// the prefix on pay.alfabank.ru, and the third on ecom.alfabank.ru. The client
// follows the login ([InstallationByLogin]); Config.Installation or
// Config.BaseURL overrides it. The test contour of the first two is
// alfa.rbsuat.com; it answers 403 to addresses outside Russia.
//
// The login of the API (логин API) ends with "-api". The cabinet's login
// (личный кабинет) ends with "-operator" and is refused by New. A token
// (открытый токен) registers orders and reads them by their number at the
// bank, and little else (Config.Token): no refund, no capture, no QR code.
//
// Most methods must be switched on for the merchant by the bank: two-stage
// payments, refunds, saved cards, СБП, callbacks and their signature. A method
// that is not answers "access denied" (code 5), as wrong credentials do: the
// error's Hint says what to look at.
//
// # Callbacks
//
// By default the bank signs nothing. Order the signature from support: a
// symmetric key (Config.CallbackKey) or the bank's certificate
// (Config.CallbackPublicKey). Without either each payment is read back.
//
// # The bank's own methods
//
// In their requests OrderID is the bank's number of an order (orderId, mdOrder),
// as Invoice.ID is, and OrderNumber the shop's. MerchantLogin "" is the Config's.
// Language is of the bank's messages, and "" is ru for most, because refusals are
// told apart by their words; of a registration it is the payment page's. Sums are
// in kopecks. A field without a comment is the bank's own, by the name in its tag.
//
// Documentation: https://alfa.rbsuat.com/sandbox/ru/integration/api/rest.html.
package alfabank

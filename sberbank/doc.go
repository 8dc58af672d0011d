// Package sberbank takes payments through Sberbank's internet acquiring.
//
// Sberbank runs two incompatible gateways with similar method names: the new
// one, which speaks JSON (ProtocolJSON, the default), and the legacy one of
// the RBS/BPC family, which takes forms (ProtocolLegacy). One [Client] speaks
// both; what only one of them has answers ErrUnsupported on the other.
//
// # Credentials
//
// The bank gives a test login of the API (логин API) with a temporary
// password; the password of the new gateway is made permanent with
// [Client.SetPermanentPassword]. The production login is another one, on
// another host: Config.Environment chooses. The cabinet (личный кабинет) is
// also where callbacks (callback-уведомления) are switched on, with their
// type (статический, динамический), method, signature and parameters.
//
// # The bank's own methods
//
// In their requests OrderID is the bank's number of an order (orderId, mdOrder),
// as Invoice.ID is, and OrderNumber the shop's. MerchantLogin "" is the Config's.
// Language is of the bank's messages, and "" is ru for most, because refusals are
// told apart by their words; of a registration it is the payment page's. Sums are
// in kopecks. A field without a comment is the bank's own, by the name in its tag.
//
// Documentation: https://ecomtest.sberbank.ru/doc (new gateway) and
// https://securepayments.sberbank.ru/wiki/ (legacy gateway).
package sberbank

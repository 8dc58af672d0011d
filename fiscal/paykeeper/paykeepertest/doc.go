// Package paykeepertest is an emulator of PayKeeper: invoices, the payment page
// and the payment form, payments, holds and refunds, notifications, receipts,
// saved cards and the statistics calls.
//
// It speaks the protocol of https://docs.paykeeper.ru, not that of the client
// beside it, with the oddities that are known: the security token, the last of
// a repeated field counting, \u escapes in JSON, single objects in an array,
// ids as text, an acknowledgement that must be exactly "OK" and a digest.
//
// What the documentation leaves open is an option, or is chosen: a repeated
// receipt_key gives the same receipt (WithRepeatedReceipts prints again), a
// voided hold is "canceled" (WithVoidStatus), a receipt is printed a second
// after it was sent or at the first look.
package paykeepertest

// Package orangedata prints receipts on the cloud cash registers of OrangeData
// (API v2, Nebula.Api): receipts, corrections of FFD 1.05 and 1.2, the check of
// marking codes, the state of the registers. [Client] is a [fiscal.Register].
//
// # What you need
//
// Three things, all from the cabinet (https://lk.orangedata.ru), all in
// [Config]:
//
//   - the client certificate and its key: INN.crt and INN.key, or INN_ID.crt
//     and INN_ID.key since February 2025 (клиентский сертификат);
//   - the signing key: an RSA pair that you make yourself (openssl, or the
//     vendor's Nebula.KeysGenerator), whose public half you upload in the
//     cabinet (ключ для подписи, раздел «Интеграция»). It is not the key of the
//     certificate;
//   - the name under which that public half is registered (key): your INN, or
//     INN_ID exactly as the certificate files are named.
//
// The test contour is free and needs no contract: its certificate and keys are
// published in the folder files_for_test of
// https://github.com/orangedata-official/API, INN and key name are both
// 7727401209. Set Config.IgnoreItemCodeCheck there: its emulated registers
// cannot confirm a real marking code.
//
// # How it works
//
// Everything is asynchronous. [Client.Submit] puts the receipt into the queue
// of a group of registers and returns at once; a register prints it about a
// second later; [Client.GetDocument] says when it did. [fiscal.Receipt].ID is
// the only key of idempotency: nothing is printed twice under one ID, and the
// second Submit of it returns the first document. A receipt that was refused
// (a marking code, a queue that took too long) needs a new ID.
//
// VAT: the service counts "the basic rate" with one code. Since 1 January 2026
// it prints 22 %, and 20 % only for a whole document at once: a receipt that
// mixes lines at 20 and at 22 % is refused here, and is to be split in two.
//
// Sums travel as JSON numbers of roubles. They are written from whole kopecks
// and read from their text; no binary fraction is anywhere between.
//
// Source: orangedata-official/API, protocol 2.31.3 of 10 September 2025, and
// the official SDK orangedata-official/node-orangedata 1.5.0.
package orangedata

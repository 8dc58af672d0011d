// Package komtettest is an emulator of Komtet Kassa (КОМТЕТ Касса): the shop
// API of both versions, with queues, tasks, batches, corrections, courier
// orders, employees and signed callbacks.
//
// It speaks the protocol of https://kassa.komtet.ru/integration/api from its
// description, not from the client beside it. It is strict about signatures,
// required fields, enumerations and sums, and as tolerant as the service is
// known to be about empty values, numbers for strings and the spellings on
// which the official SDKs disagree.
//
// Where nobody says what the service does, the emulator chooses: validation is
// refused with the code VLD00 (the true codes are not published), an unknown
// queue, task or order with 404, a task is printed after two looks or two
// seconds, callbacks are repeated after 1, 5 and 25 seconds.
package komtettest

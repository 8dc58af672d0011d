// Package api is a client of AlfaCRM's REST API version 2 (https://….s20.online,
// https://alfacrm.pro/rest-api), as far as posting a payment needs it.
//
// AlfaCRM asks that requests come one after another, so a Client makes one at a
// time. A token lives 15 minutes and is renewed before that; if it is refused
// nevertheless, the client logs in once more. Errors that come with HTTP 200
// are errors here. There is no idempotency key: whoever posts looks for his
// payment first (PayIndex).
package api

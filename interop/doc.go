// Package interop runs other people's clients of the same providers against the
// emulators: what an emulator gets wrong, and our client with it, a stranger's
// client shows. Nothing of a client is changed but the address it calls.
//
//	sberbank-acquiring (npm)   both of the RBS family's legacy gateways: Sberbank's and Alfa-Bank's
//	alfabank (npm)             the same two, by a client of Alfa-Bank's gateway in Belarus
//	node-orangedata (npm)      OrangeData's own client, over mutual TLS
//
// `npm ci` in this folder brings them; without it, or without Node.js, the
// tests are skipped and say so.
package interop

// Package gateway is what the emulators of the RBS/BPC family of bank gateways
// share: the order and what can become of it, test cards and 3-D Secure, the
// payment page, saved cards, the cart, the odd spellings of answers and the
// callback with its checksum.
//
// It knows no bank. What differs is data (a Deck of cards, a text, a code) or
// stays in the bank's own emulator: which methods there are, who may call
// them, what they check, which codes they answer and what is told to whom.
//
// # How an emulator uses it
//
// Its order embeds Order; Desk.Enter takes it into the books and plans its
// end. Desk moves it: Authorize, Complete, Reverse, Refund, Expire. Whatever
// an order does by itself, or because the customer did something, comes back
// through Order.Heard. All of it happens under the emulator's one lock,
// Desk.Mu, which timers take too.
package gateway

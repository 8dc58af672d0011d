// Package world is what is outside the program under test: the emulators of
// all providers and cash registers, the customers who pay, the manager who
// gives money back, the weather in between, and the comparison of the
// program's ledger with the emulators' own books.
//
// Everything that is drawn by lot follows from the seed: what an order costs,
// who takes its payment, what goes wrong on its way.
package world

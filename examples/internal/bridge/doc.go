// Package bridge is what the bridges to CRMs are built from: merchant accounts
// from a file, invoices made by a command or an HTTP call, callbacks that are
// processed once, callbacks that never came, and an outbox to the CRM that a
// crash at any line neither loses nor doubles.
//
// A bridge gives its CRM and its configuration to [Main] and is a program. It
// needs a database driver of its own: "sqlite" (modernc.org/sqlite) or "pgx"
// (github.com/jackc/pgx/v5/stdlib), imported for its name.
//
// # The way of a payment
//
//	bank's callback → verified, read back → one transaction: the mark of the
//	inbox, the row of the payment, the message to the CRM → 200 to the bank
//	outbox → the CRM is searched for the payment's number → posted if absent →
//	its number there is stored
//
// Before the transaction's end the bank is told nothing and sends again; after
// it the message is in the table and goes on at the next start.
package bridge

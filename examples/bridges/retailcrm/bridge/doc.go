// Package bridge is a payment module for RetailCRM over any acquirer of the
// library: it issues the CRM's invoices as short links, takes the banks' news,
// asks the CRM before money is taken, and tells it what became of each invoice.
//
// What must not be lost is in its database before it is answered for: the
// bank's news through sqlinbox, and everything that follows of it (news for the
// CRM, moves of money) in an outbox written in the same transaction. A program
// that is killed anywhere goes on where it was.
package bridge

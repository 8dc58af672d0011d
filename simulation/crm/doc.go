// Package crm is the program whose losses the simulation looks for: what the
// author of a shop's or a school's CRM would write with this library, and no
// more. Invoices are issued through every provider, news comes by callback and
// by poll into one sqlinbox, a payment is credited to a ledger and its receipt
// queued in the transaction of the news, and refunds are rows that a worker
// carries out under their keys, as it takes or lets go of holds.
//
// The ledger has no unique index on purpose: nothing but the Inbox keeps a
// payment from being credited twice.
package crm

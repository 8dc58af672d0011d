// Package sqlledger is a tochka.Ledger in the user's own database, over
// database/sql: PostgreSQL, MySQL or MariaDB, SQLite. It imports no driver.
//
//	ledger, err := sqlledger.New(db, sqlledger.PostgreSQL)
//	…
//	err = ledger.Migrate(ctx) // or the SQL of ledger.Schema() in your own migrations
//	…
//	bank, err := tochka.New(tochka.Config{…, Ledger: ledger})
//
// The bank keeps no key of a refund or a charge. With this ledger the same key
// does not refund twice after a restart, nor on another machine: any number of
// processes share the table.
//
// # The table
//
// One row for each thing asked: a refund, a charge, a subscription, a QR code,
// and one for each that was taken over from a process that crashed; a million
// take some 300 MB. It holds no secret and no customer. Cleanup forgets old
// rows.
package sqlledger

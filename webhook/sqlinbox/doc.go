// Package sqlinbox is a [webhook.Inbox] in the database in which the shop
// keeps its orders: PostgreSQL, MySQL, MariaDB or SQLite, through database/sql
// and the driver that the program has anyway. Any number of replicas share it.
//
//	inbox, err := sqlinbox.New(db, sqlinbox.PostgreSQL)
//	…
//	err = inbox.Migrate(ctx) // or run inbox.Schema() with your own migrations
//	…
//	http.Handle("/hooks/sberbank", webhook.Handler(client, func(ctx context.Context, e webhook.Event) error {
//		if !e.Payment.Status.Succeeded() {
//			return nil
//		}
//		_, err := sqlinbox.Tx(ctx).ExecContext(ctx, "UPDATE orders SET paid = $1 WHERE id = $2", e.Payment.Captured, e.Payment.OrderID)
//		return err
//	}, webhook.WithInbox(inbox)))
//
// # What is exactly once
//
// The mark that the news was handled is written first, then process runs, then
// both are committed, in one transaction. Whatever is written through [Tx] is
// therefore there if and only if the mark is: a program killed at any line, a
// panic, an error, a connection that breaks leave neither. What process does
// elsewhere (a mail, a call to another service, a write through the *sql.DB)
// is at least once: keep such work in a table through Tx and do it from there.
// The receipts' own queue (package fiscal/queue) is made so.
//
// When the answer to COMMIT is lost, the mark tells what became of it: the
// next attempt writes the mark again, which waits for, or meets, whatever the
// first one left. process never runs again after a transaction that was, or
// may yet be, committed. After one that was surely rolled back, because of a
// deadlock for example, it does run again, at most [Runs] times in one call.
//
// # One at a time
//
// Of several calls with the same key one runs process. In one program the
// others wait in memory and hold no connection; a call in another replica
// waits up to [Wait] and is then answered [webhook.ErrInFlight], upon which the
// provider is told to come again. What keeps them apart is the primary key and
// nothing else:
//
//   - PostgreSQL: INSERT … ON CONFLICT DO NOTHING under an advisory lock of the
//     transaction, so that a second replica is told at once instead of
//     waiting with a connection. Every isolation level will do.
//   - MySQL, MariaDB: INSERT IGNORE, which waits for the first one's end; the
//     deadlocks that come of it are tried again. The table must be InnoDB.
//   - SQLite: the INSERT is the first statement of its transaction and so takes
//     the database's only write lock, as BEGIN IMMEDIATE would; transactions of
//     one Inbox queue up in memory. A busy database is tried again for [Wait].
//     In process write through Tx alone: any other connection waits for it.
//     Open the database so that it does wait, and the program's own statements
//     beside the Inbox do not fail with SQLITE_BUSY: with modernc.org/sqlite
//     "file:shop.db?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)&_txlock=immediate".
//
// # What to set on the server
//
// A killed program frees its keys at once, because its connections close. A
// machine that vanishes does not: until the server notices, its news is
// answered ErrInFlight. Set tcp_keepalives_idle and
// idle_in_transaction_session_timeout (PostgreSQL) or wait_timeout (MySQL) to
// a minute or so. With replicated databases, a failover that loses committed
// transactions loses the mark and the credit together.
//
// MySQL rolls the whole transaction back at a deadlock, SQLite when a statement
// that writes is interrupted (by a context of its own that ends) or finds the
// disk full. Return the errors of the statements: a process that goes on after
// such an error writes outside of any transaction. The Inbox notices, and
// reports an error.
package sqlinbox

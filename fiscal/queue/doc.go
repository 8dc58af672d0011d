// Package queue prints receipts that must not be lost: they wait in the
// database in which the shop keeps its orders (PostgreSQL, MySQL, MariaDB or
// SQLite, through database/sql), are put there in the transaction that credits
// the payment, and are handed to a [fiscal.Register] by whichever replica is
// alive, until they are printed.
//
//	receipts, err := queue.New(db, queue.PostgreSQL, queue.Register("komtet", kassa))
//	…
//	process := func(ctx context.Context, e webhook.Event) error { // given to webhook.Handler
//		tx := sqlinbox.Tx(ctx)
//		… credit the order through tx …
//		return receipts.Enqueue(ctx, tx, "komtet", receipt)
//	}
//	go receipts.Run(ctx)
//
// # The way of a receipt
//
// queued → sent → printed, or failed. A replica takes a receipt for a limited
// time ([Lease]), submits it by its ID, and looks at the document, at growing
// intervals, until the register has printed it; a notification of the service
// ([Queue.Handler], [Queue.Update]) does the same sooner. If the replica is
// killed meanwhile, another one takes the receipt up when the time is over.
//
// A receipt is submitted under its own ID and no other, ever: a Register prints
// an ID once, so submitting again after a lost answer, or by two replicas at
// once, gives the first document. A receipt that the service refused for good
// keeps its number there; whether it is printed under another one is for a
// person to decide, because only he can see that the first was not printed.
//
// What cannot be reached, asks to wait, or does not answer is tried again for
// as long as it takes: the law wants the receipt. [Report] hears, in the
// transaction in which it is stored, that a receipt was printed, that it
// failed, or that a person must look; [Queue.NeedsAttention] lists the last
// two, whoever heard of them. After the cause is gone, [Queue.Retry] goes on
// with the same receipt, and [Queue.Resolve] puts it aside.
//
// Receipts are printed in no particular order. Where one must follow another
// (the settlement after the prepayment), enqueue it in Report when the first is
// printed.
package queue

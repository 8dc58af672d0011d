// Package outbox tells another system, a CRM, of what happened, once each and
// whatever breaks on the way. What is to be told is put into a table in the
// transaction that records it; a worker tells it later, one at a time.
//
//	err := box.Put(ctx, sqlinbox.Tx(ctx), outbox.Message{Lane: "alfacrm", Key: "income:sberbank:7f1a", Subject: "7f1a", Payload: body})
//	…
//	err = box.Run(ctx, "alfacrm", func(ctx context.Context, it outbox.Item) (string, error) { return crm.Post(ctx, it) })
//
// # Once
//
// A request whose answer was lost may have been carried out, and so may one
// that was under way when the program was killed. Item.Uncertain tells the
// worker's function so: it must look in the other system before it repeats.
// Such an item is taken up again no sooner than Settle after it was sent, so
// that what the other system was still doing is done and can be found.
//
// # One at a time
//
// A lane is worked at by one program at a time, one item after another: it
// holds the lane's lease. A program that ends in order gives it back; after one
// that was killed the next waits until it is over, a minute at most. Items of one Subject are told in the order in which
// they were put; one that waits for a person holds back those behind it, and
// those of other subjects go on.
package outbox

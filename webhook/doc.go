// Package webhook takes the providers' notifications (callbacks, webhooks,
// уведомления, колбэки): it lets nobody else in and loses none.
//
//	http.Handle("/hooks/sberbank", webhook.Handler(client, func(ctx context.Context, e webhook.Event) error {
//		if !e.Payment.Status.Succeeded() {
//			return nil
//		}
//		return shop.Credit(ctx, e.Payment) // once for each Payment.ID
//	}))
//
// [Handler] verifies the notification, reads the payment back from the
// provider, compares the two, runs process once for each piece of news, and
// only then answers what the provider wants to hear. Whatever else happens,
// the provider is answered an error and sends the notification again.
//
// # How often process runs
//
// A provider repeats its notification until it hears success, sometimes after
// it; two copies may come at once; their order is not kept. The [Inbox] runs
// process for one of them, and the others hear success once it returned nil.
// What is exactly once depends on the Inbox:
//
//   - [NewMemoryInbox] remembers while the program runs, in one process. If
//     the program ends after process did its work and before it was marked
//     done, or is restarted, the same news is processed again: at least once.
//   - An Inbox in the database in which process writes (package sqlinbox)
//     marks the news done in the same transaction: both or neither.
//
// With the first, make process itself indifferent to a repetition: post under a
// unique index, or look at the stored status first. The index is of Payment.ID
// where Payment.Captured is posted, which the news of a refund carries again
// under an [Event].Key of its own.
//
// # Late news
//
// An event carries the payment as it was when it was read, and two events of
// one payment may be processed in either order or at the same time. Take an
// event for news only if the stored status allows it, under the lock of the
// order's row:
//
//	if !order.Status.CanBecome(e.Payment.Status) {
//		return nil
//	}
//
// The first that process hears of a payment may be that a part of it was given
// back already: the payment is told as it stands when it is read, and that it
// was paid before is not told once more. So ask Status.Succeeded, and not for
// StatusPaid alone.
//
// An order number may have had another payment before: PayMaster's client, for
// one, withdraws an invoice whose link was lost, issues it anew, and the end of
// the first is notified too. So news that no money came is the order's only
// where e.Payment.ID is the ID that you stored of its invoice.
//
// # Notifications that never come
//
// [Poller] asks for the payments that are still open and gives the same
// process the same events through the same Inbox. A callback and a poll that
// learn of the same state make the same key (see [NewsKey]), so they credit
// once between them.
//
// # What the sender hears
//
// A forged notification is answered 403, one for an unknown shop 404, one that
// disagrees with the payment or the order 409; when process failed or the
// provider refused the question (credentials), 500; when the provider could not
// be asked or somebody else is at the same news, 503.
// The answers never say more, because whoever tries keys would learn from
// them. The log does, with the keys provider, shop, payment, order, status,
// key, outcome, source, http, took and error; so does the [Observe] hook.
//
// Set ReadTimeout and ReadHeaderTimeout on the http.Server: a slow sender is
// its business.
package webhook

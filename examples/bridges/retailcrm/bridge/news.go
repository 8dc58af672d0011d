package bridge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/webhook"
	"github.com/acquiring-go/acquiring/webhook/sqlinbox"

	"github.com/acquiring-go/acquiring/examples/bridges/retailcrm/crm"
)

// news takes what the bank's callback or the poller brought, in the Inbox's
// transaction: the invoice's new state and what follows of it are stored with
// the mark that the news was taken, or not at all. The bank and the CRM are
// called from the outbox.
func (b *Bridge) news(s *shop) func(ctx context.Context, e webhook.Event) error {
	return func(ctx context.Context, e webhook.Event) error {
		if e.Payment == nil {
			return nil
		}
		w := b.store.in(sqlinbox.Tx(ctx))
		paymentID, n, err := w.find(ctx, s.Code, e.Payment.ID, e.Payment.OrderID)
		if errors.Is(err, acquiring.ErrNotFound) {
			b.log.Info("a payment of another program", "shop", s.Code, "payment", e.Payment.ID, "order", e.Payment.OrderID)
			return nil
		}
		if err != nil {
			return err
		}
		inv, err := w.load(ctx, paymentID)
		if err != nil {
			return err
		}
		a := inv.attempt(n)
		if a != nil && a.ID == "" && !came(e.Payment.Status) && !e.GaveUp {
			// The bank is being asked for the attempt, or its answer was lost: the
			// next payment of this number may be under way. Whoever opens the link
			// again finds out.
			return nil
		}
		if err := b.apply(ctx, w, inv, a, e.Payment); err != nil {
			return err
		}
		return w.save(ctx, inv)
	}
}

// question answers a bank that asks before it takes the money: an invoice is
// paid once, for its sum, and while it stands. Others are not ours to refuse.
func (b *Bridge) question(s *shop) func(ctx context.Context, e webhook.Event) error {
	return func(ctx context.Context, e webhook.Event) error {
		var inv *invoice
		err := b.store.do(ctx, func(w *work) error {
			paymentID, _, err := w.find(ctx, s.Code, e.Callback.PaymentID, e.Callback.OrderID)
			if err == nil {
				inv, err = w.load(ctx, paymentID)
			}
			return err
		})
		switch {
		case errors.Is(err, acquiring.ErrNotFound):
			return nil
		case err != nil:
			return err
		case b.ended(inv) != nil:
			return webhook.Refuse("invoice " + inv.Number + " is " + inv.State.String())
		case e.Callback.Amount != 0 && e.Callback.Amount != inv.Amount:
			return webhook.Refuse(fmt.Sprintf("invoice %s is for %s and not for %s", inv.Number, inv.Amount, e.Callback.Amount))
		}
		return nil
	}
}

// learn stores what the bank said of an attempt when it was asked.
func (b *Bridge) learn(ctx context.Context, paymentID string, n int, p *acquiring.Payment) (*invoice, error) {
	return b.store.change(ctx, paymentID, func(w *work, inv *invoice) error {
		return b.apply(ctx, w, inv, inv.attempt(n), p)
	})
}

// came says whether the customer's money is there, taken or held.
func came(s acquiring.Status) bool { return s.Succeeded() || s == acquiring.StatusAuthorized }

// own says whether a payment is the attempt's. One order number may have
// several: PayMaster's client withdraws one whose link was lost, and its end
// comes late. The end of another payment is nothing to the attempt; money is,
// unless the attempt has some already: then a person is told.
func (b *Bridge) own(ctx context.Context, w *work, inv *invoice, a *attempt, p *acquiring.Payment) (bool, error) {
	switch {
	case p.ID == "" || p.ID == a.ID:
		return true, nil
	case a.ID == "":
		a.ID = p.ID
		return true, nil
	case !came(p.Status):
		return false, nil
	case a.took():
		return false, w.note(ctx, inv.ClientID, inv.Shop, fmt.Sprintf("Счёт %s: по заказу %s пришёл второй платёж %s на %s %s. Деньги по этому заказу уже пришли платежом %s, "+
			"поэтому второй не принят и не возвращён. Разберитесь в кабинете банка.", inv.Number, a.OrderID, p.ID, p.Amount, p.Currency, a.ID))
	}
	a.ID, a.Status = p.ID, acquiring.StatusPending
	return true, nil
}

// apply moves the invoice on, and puts into the outbox what follows. Late and
// repeated news changes nothing.
func (b *Bridge) apply(ctx context.Context, w *work, inv *invoice, a *attempt, p *acquiring.Payment) error {
	if a == nil || p == nil {
		return nil
	}
	before := *a
	if ok, err := b.own(ctx, w, inv, a, p); err != nil || !ok {
		return err
	}
	if !a.Status.CanBecome(p.Status) || a.Status == p.Status && p.Refunded <= a.Refunded {
		return nil
	}
	if !came(a.Status) && came(p.Status) && (p.Amount != 0 && p.Amount != inv.Amount || p.Currency != "" && p.Currency != inv.Currency) {
		if before.ID != "" {
			a.ID, a.Status = before.ID, before.Status
		}
		return w.note(ctx, inv.ClientID, inv.Shop, fmt.Sprintf("Счёт %s: банк сообщил о платеже %s на %s %s, а выставлено %s %s. Платёж не принят, разберитесь в кабинете банка.",
			a.OrderID, p.ID, p.Amount, p.Currency, inv.Amount, inv.Currency))
	}
	if before.ID != "" && before.ID != a.ID && !before.Withdrawn && !before.Status.Final() {
		// Its page is open still, and nobody is to pay there any more.
		if err := w.closing(ctx, inv, a.N, before.ID); err != nil {
			return err
		}
	}
	a.Status, a.Refunded = p.Status, p.Refunded
	if p.Status.Succeeded() {
		if a.Captured = p.Captured; a.Captured == 0 {
			a.Captured = inv.Amount
		}
	}
	switch {
	case p.Status == acquiring.StatusAuthorized:
		return b.held(ctx, w, inv, a)
	case p.Status.Succeeded():
		return b.paid(ctx, w, inv, a, p)
	case p.Status == acquiring.StatusVoided && a.Captured > 0:
		// A bank takes a payment of the same day back as a whole.
		a.Status, a.Refunded = acquiring.StatusRefunded, a.Captured
		return b.paid(ctx, w, inv, a, p)
	case p.Status == acquiring.StatusVoided:
		a.Withdrawn = true
		if inv.Paid == a.N {
			return b.over(ctx, w, inv, acquiring.StatusVoided, "", "Холд снят")
		}
	case p.Status == acquiring.StatusDeclined, p.Status == acquiring.StatusExpired, p.Status == acquiring.StatusCanceled:
		a.Withdrawn = true
		if inv.Paid == a.N {
			return b.over(ctx, w, inv, acquiring.StatusCanceled, "", "Банк отменил платёж")
		}
		// The invoice goes on: the link opens a new session. Only a status that
		// was configured for this is told.
		if word := b.statuses[p.Status]; inv.State == acquiring.StatusPending && word != "" && word != b.statuses[acquiring.StatusPending] {
			u := b.update(inv)
			u.Status = word
			return w.enqueue(ctx, inv.ClientID, inv.PaymentID, laneCRM, taskUpdate, u)
		}
	}
	return nil
}

// held: money is blocked for the attempt.
func (b *Bridge) held(ctx context.Context, w *work, inv *invoice, a *attempt) error {
	if ok, err := b.accept(ctx, w, inv, a); err != nil || !ok {
		return err
	}
	s := b.shop(inv.Shop)
	inv.State, inv.HoldUntil = acquiring.StatusAuthorized, b.now().Add(time.Duration(s.HoldTerm))
	if s.Manual {
		return b.tell(ctx, w, inv)
	}
	return w.bank(ctx, inv, taskConfirm, a.N)
}

// paid: money was taken for the attempt, and perhaps a part of it given back.
func (b *Bridge) paid(ctx context.Context, w *work, inv *invoice, a *attempt, p *acquiring.Payment) error {
	before := inv.State
	if ok, err := b.accept(ctx, w, inv, a); err != nil || !ok {
		if err == nil {
			_, err = b.reconcile(ctx, w, inv, a)
		}
		return err
	}
	if inv.PaidAt.IsZero() {
		if inv.PaidAt = p.PaidAt; inv.PaidAt.IsZero() {
			inv.PaidAt = b.now()
		}
	}
	inv.State = a.Status
	// Nobody could ask the CRM before this money was taken. It is asked before
	// it is told, in the same lane: afterwards it would say that the invoice is
	// paid already.
	if s := b.shop(inv.Shop); before == acquiring.StatusPending && p.Status == acquiring.StatusPaid && s.check() {
		if err := w.enqueue(ctx, inv.ClientID, inv.PaymentID, laneCRM, taskVerify, attemptBody{N: a.N}); err != nil {
			return err
		}
	}
	told, err := b.reconcile(ctx, w, inv, a)
	if err != nil {
		return err
	}
	if told {
		return nil
	}
	return b.tell(ctx, w, inv)
}

// accept decides whether the attempt is what pays the invoice. The first one
// does, also when it is an old one that was paid late. Its siblings are made
// unpayable; any other money goes back.
func (b *Bridge) accept(ctx context.Context, w *work, inv *invoice, a *attempt) (bool, error) {
	if inv.Paid == a.N {
		return true, nil
	}
	if a.Back != "" {
		if a.Status == acquiring.StatusPaid { // a hold that was to be released was taken meanwhile
			return false, w.bank(ctx, inv, taskBack, a.N)
		}
		return false, nil
	}
	if inv.Paid == 0 && inv.State == acquiring.StatusPending {
		inv.Paid = a.N
		if a.N < len(inv.Attempts) {
			if err := w.note(ctx, inv.ClientID, inv.Shop, fmt.Sprintf("Счёт %s оплачен по старой странице банка (попытка %d из %d). Оплата принята, новая страница отзывается.",
				inv.Number, a.N, len(inv.Attempts))); err != nil {
				return false, err
			}
		}
		for _, other := range inv.Attempts {
			if other != a && !other.Withdrawn {
				if err := w.bank(ctx, inv, taskWithdraw, other.N); err != nil {
					return false, err
				}
			}
		}
		return true, nil
	}
	a.Back = backDouble
	if inv.Paid == 0 {
		a.Back = backLate
	}
	text := fmt.Sprintf("Счёт %s: %s, попытка %d, платёж %s. ", inv.Number, a.Back, a.N, a.ID)
	// A hold is always released. What was taken for a cancelled invoice goes
	// back unless the shop wants to keep it.
	if a.Back == backLate && a.Status != acquiring.StatusAuthorized && b.shop(inv.Shop).LatePayment == "keep" {
		a.Back = ""
		inv.Paid = a.N
		return false, w.note(ctx, inv.ClientID, inv.Shop, text+"Деньги оставлены, решите сами.")
	}
	if err := w.note(ctx, inv.ClientID, inv.Shop, text+"Деньги возвращаются."); err != nil {
		return false, err
	}
	return false, w.bank(ctx, inv, taskBack, a.N)
}

// because stores why a hold is about to be released: the bank's callback may
// bring the release before its answer does.
func (b *Bridge) because(ctx context.Context, paymentID, why string) error {
	_, err := b.store.change(ctx, paymentID, func(_ *work, inv *invoice) error {
		inv.Reason = why
		return nil
	})
	return err
}

// over: the hold, or the invoice, came to its end without money.
func (b *Bridge) over(ctx context.Context, w *work, inv *invoice, state acquiring.Status, why, otherwise string) error {
	inv.State = state
	inv.Reason = cmp.Or(why, inv.Reason, otherwise)
	return b.tell(ctx, w, inv)
}

// reconcile compares what the bank gave back with the refunds that are known:
// those under way that fit are done, and what is left over was made in the
// bank's cabinet. told says whether the CRM is told of the invoice by it.
func (b *Bridge) reconcile(ctx context.Context, w *work, inv *invoice, a *attempt) (told bool, err error) {
	extra := a.Refunded - inv.returned(a.N)
	var news []*refund
	for _, r := range inv.Refunds {
		if r.Attempt == a.N && r.Status != acquiring.RefundDone && r.Status != acquiring.RefundFailed && r.Amount <= extra {
			r.Status, r.Begun = acquiring.RefundDone, false
			extra -= r.Amount
			news = append(news, r)
		}
	}
	if extra > 0 {
		r := &refund{ID: uuid4(), Attempt: a.N, Amount: extra, Status: acquiring.RefundDone, Foreign: true, At: b.now()}
		inv.Refunds = append(inv.Refunds, r)
		news = append(news, r)
	}
	if inv.Paid != a.N {
		return false, nil
	}
	for _, r := range news {
		if err := b.tellRefund(ctx, w, inv, r); err != nil {
			return false, err
		}
	}
	return len(news) > 0, nil
}

// tell puts the invoice's state into the outbox for the CRM.
func (b *Bridge) tell(ctx context.Context, w *work, inv *invoice) error {
	return w.enqueue(ctx, inv.ClientID, inv.PaymentID, laneCRM, taskUpdate, b.update(inv))
}

// tellRefund does so with a refund in it.
func (b *Bridge) tellRefund(ctx context.Context, w *work, inv *invoice, r *refund) error {
	u := b.update(inv)
	u.Refund = wireRefund(r)
	return w.enqueue(ctx, inv.ClientID, inv.PaymentID, laneCRM, taskUpdate, u)
}

func wireRefund(r *refund) *crm.Refund {
	out := &crm.Refund{ID: r.ID, Status: crm.RefundPending, Amount: crm.Roubles(r.Amount)}
	switch r.Status {
	case acquiring.RefundDone:
		out.Status = crm.RefundSucceeded
	case acquiring.RefundFailed:
		out.Status = crm.RefundCanceled
	}
	if r.Foreign {
		comment := "Возврат в кабинете банка"
		out.Comment = &comment
	}
	return out
}

// update is the invoice as the CRM is told of it.
func (b *Bridge) update(inv *invoice) crm.Update {
	amount := crm.Roubles(b.amount(inv))
	refundable := inv.State.Succeeded() && inv.left() > 0
	cancellable := inv.State == acquiring.StatusPending || inv.State == acquiring.StatusAuthorized
	u := crm.Update{InvoiceUUID: inv.InvoiceUUID, PaymentID: inv.PaymentID, Status: b.statuses[inv.State], Amount: &amount,
		InvoiceURL: b.link(inv), Refundable: &refundable, Cancellable: &cancellable}
	if inv.State.Succeeded() {
		u.PaidAt = b.date(inv.PaidAt)
	}
	if inv.State == acquiring.StatusAuthorized {
		u.ExpiredAt = b.date(inv.HoldUntil)
	}
	if inv.State == acquiring.StatusCanceled || inv.State == acquiring.StatusVoided {
		u.CancellationDetails = cut(inv.Reason, 255)
	}
	return u
}

// amount is what was taken, or else what is to be paid.
func (b *Bridge) amount(inv *invoice) money.Amount {
	if inv.State.Succeeded() && inv.captured() > 0 {
		return inv.captured()
	}
	return inv.Amount
}

// date is a time as the CRM writes it, at the account's clock.
func (b *Bridge) date(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(b.zone).Format(time.DateTime)
}

func cut(s string, runes int) string {
	if r := []rune(s); len(r) > runes {
		return string(r[:runes-1]) + "…"
	}
	return s
}

package bridge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"

	"github.com/acquiring-go/acquiring/examples/bridges/retailcrm/crm"
)

// workTime bounds one task or action: several calls to the bank and the CRM.
const workTime = 90 * time.Second

// deliver tells the CRM. Where an earlier try may have arrived, the invoice is
// read first, so that the same news is posted once. A key with no more than
// the manual's permissions may not read it: then the news is posted again,
// which changes nothing in the CRM.
func (b *Bridge) deliver(ctx context.Context, t task, again bool) error {
	var u crm.Update
	if err := json.Unmarshal(t.Body, &u); err != nil {
		return err
	}
	account, err := b.account(ctx, t.ClientID)
	if err != nil {
		return err
	}
	if again {
		known, err := account.Invoice(ctx, u.InvoiceUUID)
		switch {
		case err == nil && has(known, u):
			return nil
		case err != nil && !crm.Refused(err) && !errors.Is(err, acquiring.ErrUnauthorized):
			return err
		}
	}
	return account.UpdateInvoice(ctx, u)
}

// has says whether the CRM's invoice shows the news already.
func has(known *crm.Invoice, u crm.Update) bool {
	if u.Status != "" && string(known.Status) != u.Status {
		return false
	}
	if u.Amount != nil && known.Amount != *u.Amount {
		return false
	}
	if u.Refund == nil {
		return true
	}
	for _, r := range known.Refunds {
		if string(r.ID) == u.Refund.ID || string(r.ExternalID) == u.Refund.ID {
			return string(r.Status) == u.Refund.Status
		}
	}
	return false
}

// move does a task about an attempt. The caller holds the invoice's lock. It
// may be run again after any interruption: the bank's own state decides what
// is still to be done.
func (b *Bridge) move(ctx context.Context, kind, paymentID string, body attemptBody) error {
	inv, err := b.store.byID(ctx, paymentID)
	if err != nil {
		return err
	}
	a, s := inv.attempt(body.N), b.shop(inv.Shop)
	if a == nil || s == nil {
		return fmt.Errorf("the shop %q, or attempt %d, is gone from the configuration", inv.Shop, body.N)
	}
	switch kind {
	case taskConfirm:
		return b.confirm(ctx, s, inv, a)
	case taskVerify:
		return b.verify(ctx, s, inv, a)
	case taskBack:
		return b.giveBack(ctx, s, inv, a)
	case taskWithdraw:
		_, err := b.withdraw(ctx, s, inv, a)
		return err
	case taskClose:
		return b.closePage(ctx, s, inv, a, body.ID)
	}
	return fmt.Errorf("no task is called %q", kind)
}

// confirm takes a hold after the CRM agreed, and releases it when the CRM
// refuses. Both of the CRM's flags count: a question that was not answered
// leaves the hold as it is.
func (b *Bridge) confirm(ctx context.Context, s *shop, inv *invoice, a *attempt) error {
	if inv.Paid != a.N || inv.State != acquiring.StatusAuthorized {
		return nil
	}
	bank, ok := s.capturer()
	if !ok {
		return acquiring.Unsupported(s.Provider, "Capture", "the shop holds money, but its provider cannot take it")
	}
	p, err := s.bank.GetStatus(ctx, a.ID)
	if err != nil {
		return err
	}
	if p.Status != acquiring.StatusAuthorized {
		_, err = b.learn(ctx, inv.PaymentID, a.N, p)
		return err
	}
	why := ""
	if s.check() {
		verdict, err := b.check(ctx, inv)
		if err != nil {
			return err
		}
		if !verdict.OK {
			why = "RetailCRM не подтвердил оплату: " + verdict.Message
		}
	}
	if why != "" {
		return b.release(ctx, s, inv, a, why)
	}
	if p, err = bank.Capture(ctx, acquiring.CaptureRequest{ID: a.ID}); err != nil {
		return err
	}
	_, err = b.learn(ctx, inv.PaymentID, a.N, p)
	return err
}

// release lets the hold of an invoice go. At a bank that cannot (Tochka) the
// invoice is over all the same: nothing is taken, and the hold lapses.
func (b *Bridge) release(ctx context.Context, s *shop, inv *invoice, a *attempt, why string) error {
	if err := b.because(ctx, inv.PaymentID, why); err != nil {
		return err
	}
	p, err := b.void(ctx, s, a)
	if errors.Is(err, acquiring.ErrUnsupported) {
		_, err = b.store.change(ctx, inv.PaymentID, func(w *work, inv *invoice) error {
			if inv.State != acquiring.StatusAuthorized {
				return nil
			}
			if err := w.note(ctx, inv.ClientID, inv.Shop, "Счёт "+inv.Number+" отменён, деньги не списаны, но этот банк не умеет снимать холд: он снимется сам."); err != nil {
				return err
			}
			return b.over(ctx, w, inv, acquiring.StatusVoided, why, "")
		})
		return err
	}
	if err != nil {
		return err
	}
	_, err = b.learn(ctx, inv.PaymentID, a.N, p)
	return err
}

// void releases a hold, where the bank can.
func (b *Bridge) void(ctx context.Context, s *shop, a *attempt) (*acquiring.Payment, error) {
	bank, ok := s.capturer()
	if !ok {
		return nil, acquiring.Unsupported(s.Provider, "Void", "the provider cannot release a hold")
	}
	return bank.Void(ctx, a.ID)
}

// check asks the CRM whether the invoice still stands.
func (b *Bridge) check(ctx context.Context, inv *invoice) (crm.Verdict, error) {
	account, err := b.account(ctx, inv.ClientID)
	if err != nil {
		return crm.Verdict{}, err
	}
	return account.Check(ctx, inv.InvoiceUUID, inv.Amount, inv.Currency)
}

// verify asks the CRM about money that is taken already.
func (b *Bridge) verify(ctx context.Context, s *shop, inv *invoice, a *attempt) error {
	if inv.Paid != a.N || inv.State != acquiring.StatusPaid {
		return nil
	}
	verdict, err := b.check(ctx, inv)
	if err != nil || verdict.OK {
		return err
	}
	text := fmt.Sprintf("Счёт %s оплачен, а RetailCRM его не подтверждает: %s. ", inv.Number, verdict.Message)
	if s.FailedCheck != "refund" {
		return b.store.do(ctx, func(w *work) error {
			return w.note(ctx, inv.ClientID, inv.Shop, text+"Деньги оставлены, решите сами.")
		})
	}
	_, r, err := b.refund(ctx, s, inv.PaymentID, 0, "check-"+a.OrderID)
	if err != nil {
		return err
	}
	end := "Деньги возвращены."
	if r.Status == acquiring.RefundFailed {
		end = "Банк взялся вернуть деньги и не вернул, решите сами."
	}
	return b.store.do(ctx, func(w *work) error {
		return w.note(ctx, inv.ClientID, inv.Shop, text+end)
	})
}

// giveBack releases or refunds an attempt that is not what pays the invoice.
func (b *Bridge) giveBack(ctx context.Context, s *shop, inv *invoice, a *attempt) error {
	p, err := s.bank.GetStatus(ctx, a.ID)
	if err != nil {
		return err
	}
	switch {
	case p.Status == acquiring.StatusAuthorized:
		p, err = b.void(ctx, s, a)
		if errors.Is(err, acquiring.ErrUnsupported) {
			return b.store.do(ctx, func(w *work) error {
				return w.note(ctx, inv.ClientID, inv.Shop, "Платёж "+string(a.ID)+" по счёту "+inv.Number+" держит деньги, а этот банк не умеет снимать холд: он снимется сам, списывать его нельзя.")
			})
		}
		if err != nil {
			return err
		}
	case p.Status.Succeeded() && p.Left() > 0:
		receipt, err := b.returnReceipt(s, inv, a, p.Left(), "back-"+a.OrderID)
		if err != nil {
			return err
		}
		if _, err := b.payBack(ctx, s, inv, acquiring.RefundRequest{ID: a.ID, Key: key("back-" + a.OrderID), Reason: a.Back, Receipt: receipt}); err != nil {
			return err
		}
		if p, err = s.bank.GetStatus(ctx, a.ID); err != nil {
			return err
		}
	}
	_, err = b.learn(ctx, inv.PaymentID, a.N, p)
	return err
}

// payBack refunds. A bank that prints no receipts of refunds gives the money
// back without one, and a person is told to print it.
func (b *Bridge) payBack(ctx context.Context, s *shop, inv *invoice, r acquiring.RefundRequest) (*acquiring.Refund, error) {
	done, err := s.bank.Refund(ctx, r)
	if r.Receipt == nil || !errors.Is(err, acquiring.ErrUnsupported) {
		return done, err
	}
	r.Receipt = nil
	if done, err = s.bank.Refund(ctx, r); err != nil {
		return nil, err
	}
	return done, b.store.do(ctx, func(w *work) error {
		return w.note(ctx, inv.ClientID, inv.Shop, fmt.Sprintf("Счёт %s: возвращено %s, но чек возврата этот банк не печатает. Напечатайте его сами.", inv.Number, done.Amount))
	})
}

// withdraw makes a session unpayable, and finds out what became of it when
// the bank says that it cannot. payable says whether the customer could still
// pay by it.
func (b *Bridge) withdraw(ctx context.Context, s *shop, inv *invoice, a *attempt) (payable bool, err error) {
	if a.Withdrawn || a.ID == "" {
		return false, nil
	}
	bank, can := s.canceler()
	if !can {
		p, err := s.bank.GetStatus(ctx, a.ID)
		if err != nil {
			return true, err
		}
		_, err = b.learn(ctx, inv.PaymentID, a.N, p)
		return p.Status == acquiring.StatusPending, err
	}
	err = bank.Cancel(ctx, a.ID)
	if err == nil {
		_, err = b.store.change(ctx, inv.PaymentID, func(_ *work, inv *invoice) error {
			a := inv.attempt(a.N)
			a.Withdrawn = true
			if a.Status.CanBecome(acquiring.StatusCanceled) && a.Status != acquiring.StatusAuthorized {
				a.Status = acquiring.StatusCanceled
			}
			return nil
		})
		return false, err
	}
	if !errors.Is(err, acquiring.ErrConflict) {
		return true, err
	}
	p, readErr := s.bank.GetStatus(ctx, a.ID)
	if readErr != nil {
		return true, readErr
	}
	if _, readErr = b.learn(ctx, inv.PaymentID, a.N, p); readErr != nil {
		return true, readErr
	}
	if p.Status == acquiring.StatusPending {
		return true, err
	}
	return false, nil
}

// closePage makes a payment unpayable whose order was paid by another one. Where
// the bank cannot, a person is told; one that was paid meanwhile is a second
// payment.
func (b *Bridge) closePage(ctx context.Context, s *shop, inv *invoice, a *attempt, id acquiring.PaymentID) error {
	open := func(why string) error {
		return b.store.do(ctx, func(w *work) error {
			return w.note(ctx, inv.ClientID, inv.Shop, fmt.Sprintf("Счёт %s: заказ %s оплачен платежом %s, но страница другого платежа %s осталась открытой, %s. Отзовите её в кабинете банка и предупредите клиента.",
				inv.Number, a.OrderID, a.ID, id, why))
		})
	}
	bank, can := s.canceler()
	if !can {
		return open("а этот банк не умеет её отзывать")
	}
	err := bank.Cancel(ctx, id)
	switch {
	case err == nil, errors.Is(err, acquiring.ErrNotFound):
		return nil
	case errors.Is(err, acquiring.ErrConflict):
		p, readErr := s.bank.GetStatus(ctx, id)
		if readErr != nil {
			return readErr
		}
		if p.Status > acquiring.StatusPending {
			_, err = b.learn(ctx, inv.PaymentID, a.N, p)
			return err
		}
	case acquiring.Temporary(err), acquiring.OutcomeOf(err) != acquiring.OutcomeRejected:
		return err
	}
	return open("банк отвечает: " + err.Error())
}

// key is a refund's key that passes at every provider: at most 36 characters.
func key(s string) string {
	if len(s) > 36 {
		return s[len(s)-36:]
	}
	return s
}

// refund gives money back: amount 0 is all that is left. id names it for
// itself; "": a new one, unless the same sum was asked for a moment ago or its
// outcome was never learnt. The caller holds the invoice's lock.
func (b *Bridge) refund(ctx context.Context, s *shop, paymentID string, amount money.Amount, id string) (*invoice, *refund, error) {
	var plan refund
	inv, err := b.store.change(ctx, paymentID, func(_ *work, inv *invoice) error {
		r, err := b.planRefund(inv, amount, id)
		if err == nil {
			plan = *r
		}
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	a := inv.attempt(plan.Attempt)
	if !plan.Begun {
		return inv, &plan, nil // the same refund again
	}
	receipt, err := b.returnReceipt(s, inv, a, plan.Amount, plan.ID)
	if err != nil {
		return inv, nil, b.dropRefund(ctx, paymentID, plan.ID, err)
	}
	done, err := b.payBack(ctx, s, inv, acquiring.RefundRequest{ID: a.ID, Key: key(plan.ID), Amount: plan.Amount, Reason: "Возврат по счёту " + inv.Number, Receipt: receipt, Known: inv.otherRefunds(plan.ID)})
	if err != nil {
		// A duplicate was made before, and the bank does not say which it is.
		if acquiring.OutcomeOf(err) == acquiring.OutcomeUnknown || errors.Is(err, acquiring.ErrDuplicate) {
			return inv, nil, err // it stays begun: asked for again, it has the same key
		}
		return inv, nil, b.dropRefund(ctx, paymentID, plan.ID, err)
	}
	p, readErr := s.bank.GetStatus(ctx, a.ID)
	inv, err = b.store.change(ctx, paymentID, func(w *work, inv *invoice) error {
		r := inv.refund(plan.ID)
		before := r.Status
		r.Bank = done.ID
		if r.Begun = false; r.Status != acquiring.RefundDone {
			r.Status = done.Status
			if r.Status == acquiring.RefundUnknown {
				r.Status = acquiring.RefundPending
			}
		}
		a := inv.attempt(r.Attempt)
		if r.Status == acquiring.RefundDone && before != acquiring.RefundDone {
			a.Refunded = max(a.Refunded, inv.returned(a.N))
			if a.Status = acquiring.StatusPartiallyRefunded; a.Refunded >= a.Captured {
				a.Status = acquiring.StatusRefunded
			}
			inv.State = a.Status
		}
		plan = *r
		if readErr == nil {
			if err := b.apply(ctx, w, inv, a, p); err != nil {
				return err
			}
		}
		if b.conf.RefundsInUpdate == "all" || id != "" { // one with a name of its own was the bridge's idea: no answer told of it
			return b.tellRefund(ctx, w, inv, r)
		}
		return b.tell(ctx, w, inv)
	})
	return inv, &plan, err
}

// otherRefunds are the bank's numbers of all refunds but one.
func (i *invoice) otherRefunds(id string) (all []string) {
	for _, r := range i.Refunds {
		if r.ID != id && r.Bank != "" {
			all = append(all, r.Bank)
		}
	}
	return all
}

func (i *invoice) refund(id string) *refund {
	for _, r := range i.Refunds {
		if r.ID == id {
			return r
		}
	}
	return nil
}

// planRefund finds the refund that is meant, or enters a new one. Begun says
// that the bank is to be asked.
func (b *Bridge) planRefund(inv *invoice, amount money.Amount, id string) (*refund, error) {
	if r := inv.refund(id); r != nil {
		if r.Status != acquiring.RefundFailed || r.Bank != "" {
			return r, nil
		}
		// It surely was not made: it begins anew, behind those made meanwhile.
		inv.Refunds = slices.DeleteFunc(inv.Refunds, func(old *refund) bool { return old == r })
	}
	for _, r := range inv.Refunds {
		fits := !r.Foreign && r.Attempt == inv.Paid && r.Status != acquiring.RefundFailed && (amount == 0 || r.Amount == amount)
		recent := b.conf.RefundRepeat > 0 && b.now().Sub(r.At) < time.Duration(b.conf.RefundRepeat)
		if id == "" && fits && (r.Begun || recent && (amount != 0 || inv.left() == 0)) {
			return r, nil
		}
	}
	left := inv.left()
	switch {
	case !inv.State.Succeeded():
		return nil, refusal("Вернуть можно только оплаченный счёт, а этот " + russian(inv.State))
	case left == 0:
		return nil, refusal("Возвращать нечего: вся сумма уже возвращена")
	case amount > left:
		return nil, refusal(fmt.Sprintf("Вернуть можно не больше %s: остальное уже возвращено", left))
	case amount == 0:
		amount = left
	}
	if id == "" {
		id = uuid4()
	}
	r := &refund{ID: id, Attempt: inv.Paid, Amount: amount, Status: acquiring.RefundUnknown, Begun: true, At: b.now()}
	inv.Refunds = append(inv.Refunds, r)
	return r, nil
}

// dropRefund marks a refund that surely was not made.
func (b *Bridge) dropRefund(ctx context.Context, paymentID, id string, why error) error {
	_, err := b.store.change(ctx, paymentID, func(_ *work, inv *invoice) error {
		if r := inv.refund(id); r != nil && r.Begun {
			r.Status, r.Begun = acquiring.RefundFailed, false
		}
		return nil
	})
	return errors.Join(why, err)
}

package bridge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"

	"github.com/acquiring-go/acquiring/examples/bridges/retailcrm/crm"
)

// The short link never ends. The bank's page behind it does, and opening the
// link again makes a new one: the next attempt, with a number of its own,
// because the banks use a number up for ever. Before that the old one is made
// unpayable; where the bank cannot do that, the old page is shown until its
// time is over. So there is never more than one page that can be paid, but
// for the moment in which a customer pays the old one while the new one is
// made: then the first payment counts and the other goes back.

// errAttention ends the making of a session: a person has to look.
var errAttention = errors.New("the bank's page cannot be made")

func (b *Bridge) servePay(w http.ResponseWriter, r *http.Request) {
	if !b.visitors.allow(b.address(r)) {
		w.Header().Set("Retry-After", "10")
		b.page(w, http.StatusTooManyRequests, pageData{Title: "Слишком часто", Text: "Подождите немного и откройте ссылку снова."})
		return
	}
	inv, err := b.store.bySlug(r.Context(), r.PathValue("slug"))
	if errors.Is(err, acquiring.ErrNotFound) {
		b.page(w, http.StatusNotFound, pageData{Title: "Ссылка не найдена", Text: "Проверьте адрес или попросите продавца прислать ссылку ещё раз."})
		return
	}
	if err != nil {
		b.trouble(w, err)
		return
	}
	// Messengers look at links before people do. They get a page, and no
	// order is made for them.
	if r.Method == http.MethodHead || r.Method == http.MethodGet && (b.conf.LinkPage || preview(r)) {
		b.page(w, http.StatusOK, b.before(inv))
		return
	}
	// A customer who closes the window does not leave an order half made.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), workTime)
	defer cancel()
	target, show, err := b.open(ctx, inv.PaymentID)
	switch {
	case err != nil:
		b.complain(ctx, inv, err)
		b.trouble(w, err)
	case show != nil:
		status := http.StatusOK
		if show.Gone {
			status = http.StatusGone
		}
		b.page(w, status, *show)
	default:
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Referrer-Policy", "no-referrer")
		http.Redirect(w, r, target, http.StatusFound)
	}
}

// complain notes what keeps a link from being paid and will not go away by
// itself, once for each reason.
func (b *Bridge) complain(ctx context.Context, inv *invoice, err error) {
	if acquiring.Temporary(err) || errors.Is(err, errAttention) || errors.Is(err, context.DeadlineExceeded) {
		return
	}
	text := "Ссылка счёта " + inv.Number + " не открывается: " + err.Error()
	if last, readErr := b.store.notes(ctx, inv.ClientID, 20); readErr != nil || slices.ContainsFunc(last, func(n note) bool { return n.Text == text }) {
		return
	}
	if err := b.store.do(ctx, func(w *work) error { return w.note(ctx, inv.ClientID, inv.Shop, text) }); err != nil {
		b.log.Error("a note was not stored", "error", err)
	}
}

// preview says whether a machine is looking.
func preview(r *http.Request) bool {
	if p := r.Header.Get("Sec-Purpose") + r.Header.Get("Purpose") + r.Header.Get("X-Moz"); strings.Contains(p, "prefetch") || strings.Contains(p, "preview") {
		return true
	}
	agent := strings.ToLower(r.UserAgent())
	for _, word := range []string{"bot", "whatsapp", "facebookexternalhit", "vkshare", "viber", "telegram", "skypeuripreview", "slack", "preview", "crawler", "spider", "curl/", "wget/"} {
		if strings.Contains(agent, word) {
			return true
		}
	}
	return agent == ""
}

// before is the page with the button.
func (b *Bridge) before(inv *invoice) pageData {
	if show := b.ended(inv); show != nil {
		return *show
	}
	return pageData{Title: "Оплата счёта", Text: fmt.Sprintf("Счёт на %s %s.", inv.Amount, inv.Currency), Button: "Перейти к оплате"}
}

// ended is the page of an invoice that is not paid any more; nil: it is.
func (b *Bridge) ended(inv *invoice) *pageData {
	switch {
	case inv.State.Succeeded():
		return &pageData{Title: "Счёт оплачен", Text: "Спасибо, платить больше не нужно.", Back: inv.ReturnURL}
	case inv.State == acquiring.StatusAuthorized:
		return &pageData{Title: "Оплата получена", Text: "Спасибо, продавец подтверждает заказ. Платить ещё раз не нужно.", Back: inv.ReturnURL}
	case inv.State != acquiring.StatusPending:
		return &pageData{Title: "Счёт отменён", Text: "Платить по этой ссылке не нужно. Если это ошибка, напишите продавцу.", Gone: true}
	}
	return nil
}

// open says where the customer goes: to the bank's page, or to a page of ours.
func (b *Bridge) open(ctx context.Context, paymentID string) (target string, show *pageData, err error) {
	unlock, err := b.store.lock(ctx, paymentID)
	if err != nil {
		return "", nil, err
	}
	defer unlock()
	inv, err := b.store.byID(ctx, paymentID)
	if err != nil {
		return "", nil, err
	}
	if show := b.ended(inv); show != nil {
		return "", show, nil
	}
	s := b.shop(inv.Shop)
	c, err := b.store.connection(ctx, "client_id", inv.ClientID)
	if err != nil {
		return "", nil, err
	}
	if s == nil || !c.Active || c.Frozen {
		return "", &pageData{Title: "Оплата недоступна", Text: "Магазин сейчас не принимает оплату по ссылке. Напишите продавцу.", Gone: true}, nil
	}
	if a := inv.newest(); a != nil {
		target, inv, err = b.reuse(ctx, s, inv, a)
		if err != nil {
			return "", nil, err
		}
		if show := b.ended(inv); show != nil {
			return "", show, nil
		}
		if target != "" {
			return target, nil, nil
		}
	}
	// Without a hold the money is gone once the customer has paid, so the CRM
	// is asked before.
	if s.check() && !s.Hold {
		verdict, err := b.check(ctx, inv)
		if err != nil {
			return "", nil, err
		}
		if !verdict.OK {
			return "", &pageData{Title: "Счёт изменился", Text: "Продавец изменил заказ. Попросите у него новую ссылку."}, nil
		}
	}
	target, err = b.attempt(ctx, s, inv)
	return target, nil, err
}

// reuse looks at the newest attempt: where it can still be paid, and should
// be, target is its page; "": a new one is to be made.
func (b *Bridge) reuse(ctx context.Context, s *shop, inv *invoice, a *attempt) (target string, now *invoice, err error) {
	if a.ID == "" {
		return "", inv, nil // the answer was lost: attempt looks for it
	}
	if !a.Withdrawn {
		p, err := s.bank.GetStatus(ctx, a.ID)
		if err != nil {
			return "", inv, err
		}
		if inv, err = b.learn(ctx, inv.PaymentID, a.N, p); err != nil {
			return "", inv, err
		}
		a = inv.attempt(a.N)
	}
	if a.Withdrawn || b.ended(inv) != nil {
		return "", inv, nil
	}
	// An attempt that only a callback told of has no page to show.
	alive := a.PayURL != "" && (a.ExpiresAt.IsZero() || b.now().Add(time.Minute).Before(a.ExpiresAt))
	if alive && b.now().Sub(a.CreatedAt) < time.Duration(b.conf.RenewAfter) {
		return a.PayURL, inv, nil // a double click, a reload
	}
	payable, err := b.withdraw(ctx, s, inv, a)
	if now, loadErr := b.store.byID(ctx, inv.PaymentID); loadErr == nil {
		inv = now
	}
	switch {
	case b.ended(inv) != nil:
		return "", inv, nil
	case !payable && err == nil:
		return "", inv, nil
	case alive:
		return a.PayURL, inv, nil // the only page that can be paid
	case err == nil && !a.ExpiresAt.IsZero() && b.now().After(a.ExpiresAt):
		return "", inv, nil // the bank has not noticed yet that its time is over
	}
	return "", inv, errors.Join(errAttention, err)
}

// attempt makes a session at the bank. Its number is stored before the bank is
// asked, so that a callback, or a program that starts again, knows it.
func (b *Bridge) attempt(ctx context.Context, s *shop, inv *invoice) (target string, err error) {
	create, err := inv.request()
	if err != nil {
		return "", err
	}
	for range 3 {
		a := inv.newest()
		if a == nil || a.ID != "" || a.Withdrawn {
			inv, err = b.store.change(ctx, inv.PaymentID, func(_ *work, inv *invoice) error {
				n := len(inv.Attempts) + 1
				inv.Attempts = append(inv.Attempts, &attempt{N: n, OrderID: acquiring.Attempt(inv.Number, n), CreatedAt: b.now()})
				return nil
			})
			if err != nil {
				return "", err
			}
			a = inv.newest()
		}
		req, err := b.invoiceRequest(s, inv, create, a)
		if err != nil {
			return "", err
		}
		made, err := s.bank.CreateInvoice(ctx, req)
		if errors.Is(err, acquiring.ErrDuplicate) {
			// An earlier try arrived after all, and the bank does not show its
			// page again.
			if inv, err = b.abandon(ctx, s, inv, a); err != nil {
				return "", err
			}
			if b.ended(inv) != nil {
				return b.link(inv), nil
			}
			continue
		}
		if err != nil {
			return "", err
		}
		if _, err := b.store.change(ctx, inv.PaymentID, func(w *work, inv *invoice) error {
			a := inv.newest()
			target = made.PayURL
			if a.took() { // by another payment of this number: no second page is shown
				target = b.link(inv)
				if made.ID == a.ID {
					return nil
				}
				return w.closing(ctx, inv, a.N, made.ID)
			}
			a.ID, a.PayURL, a.ExpiresAt = made.ID, made.PayURL, made.ExpiresAt
			if ours := a.CreatedAt.Add(req.TTL); a.ExpiresAt.IsZero() || ours.Before(a.ExpiresAt) {
				a.ExpiresAt = ours
			}
			if a.Status == acquiring.StatusUnknown {
				a.Status = acquiring.StatusPending
			}
			return nil
		}); err != nil {
			return "", err
		}
		return target, nil
	}
	return "", errAttention
}

// abandon learns the bank's number of an attempt whose page is lost, and
// withdraws it.
func (b *Bridge) abandon(ctx context.Context, s *shop, inv *invoice, a *attempt) (*invoice, error) {
	finder, ok := s.bank.(acquiring.Finder)
	if !ok {
		return inv, errAttention
	}
	p, err := finder.FindByOrder(ctx, a.OrderID)
	if err != nil {
		return inv, err
	}
	if inv, err = b.learn(ctx, inv.PaymentID, a.N, p); err != nil {
		return inv, err
	}
	if b.ended(inv) != nil {
		return inv, nil
	}
	payable, err := b.withdraw(ctx, s, inv, inv.attempt(a.N))
	if err == nil && payable {
		err = errAttention
	}
	if now, loadErr := b.store.byID(ctx, inv.PaymentID); loadErr == nil {
		inv = now
	}
	return inv, err
}

// invoiceRequest is what the bank is asked for.
func (b *Bridge) invoiceRequest(s *shop, inv *invoice, create crm.CreateRequest, a *attempt) (acquiring.InvoiceRequest, error) {
	receipt, err := b.receipt(s, create, inv.Amount)
	if err != nil {
		return acquiring.InvoiceRequest{}, err
	}
	req := acquiring.InvoiceRequest{OrderID: a.OrderID, Amount: inv.Amount, Currency: inv.Currency, Description: "Заказ " + string(create.OrderNumber),
		Customer:  acquiring.Customer{Email: string(create.Customer.Email), Name: create.Customer.Name()},
		ReturnURL: inv.ReturnURL, TTL: time.Duration(s.Session), Language: "ru", Hold: s.Hold, Receipt: receipt}
	if phone, err := fiscal.Phone(string(create.Customer.Phone)); err == nil {
		req.Customer.Phone = phone
	}
	if !s.NoCallback {
		req.CallbackURL = b.hookURL(s)
	}
	return req, nil
}

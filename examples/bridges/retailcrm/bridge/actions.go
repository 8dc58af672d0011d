package bridge

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/acquiring-go/acquiring"

	"github.com/acquiring-go/acquiring/examples/bridges/retailcrm/crm"
)

// The CRM signs nothing. Its calls come to a path that nobody guesses, and
// carry the clientId, which is compared in constant time. Every failure is
// answered 400 with words for the manager, as the protocol has it.

const maxForm = 512 << 10

func answer(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(b)
}

func refuse(w http.ResponseWriter, err error) {
	text, list := words(err)
	answer(w, http.StatusBadRequest, crm.Reply{ErrorMsg: text, Errors: list})
}

// form reads the parameters of a call: of the form, or of the query of a GET.
func form(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	if r.Method == http.MethodGet {
		return r.URL.Query(), nil
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data") {
		if err := r.ParseMultipartForm(maxForm); err != nil {
			return nil, refusal("Запрос не читается")
		}
	} else if err := r.ParseForm(); err != nil {
		return nil, refusal("Запрос не читается")
	}
	return r.PostForm, nil
}

var errStranger = refusal("Неизвестный clientId")

// caller is the connection that a call belongs to.
func (b *Bridge) caller(r *http.Request, f url.Values) (*connection, error) {
	c, err := b.store.connection(r.Context(), "path", r.PathValue("path"))
	if errors.Is(err, acquiring.ErrNotFound) {
		return nil, errStranger
	}
	if err != nil {
		return nil, err
	}
	if !equal(c.ClientID, f.Get("clientId")) {
		return nil, errStranger
	}
	return c, nil
}

// action wraps what the CRM may ask: who asks, is the module switched on, and
// the JSON of the field that is named like the action.
func (b *Bridge) action(name string, into func() any, do func(ctx context.Context, c *connection, in any) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		f, err := form(w, r)
		if err != nil {
			refuse(w, err)
			return
		}
		c, err := b.caller(r, f)
		if err == nil && (!c.Active || c.Frozen) {
			err = refusal("Модуль выключен в RetailCRM")
		}
		if err != nil {
			refuse(w, err)
			return
		}
		in := into()
		if raw := f.Get(name); json.Unmarshal([]byte(raw), in) != nil || !strings.HasPrefix(strings.TrimSpace(raw), "{") {
			refuse(w, crm.Faults{name + ": не JSON-объект"})
			return
		}
		if v, ok := in.(interface{ Validate() error }); ok {
			if err := v.Validate(); err != nil {
				refuse(w, err)
				return
			}
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), workTime)
		defer cancel()
		result, err := do(ctx, c, in)
		if err != nil {
			b.log.Warn("refused", "action", name, "error", err)
			refuse(w, err)
			return
		}
		answer(w, http.StatusOK, crm.Reply{Success: true, Result: result})
	}
}

// create issues an invoice: stores it and gives the short link. No order is
// made at the bank until the link is opened.
func (b *Bridge) create(ctx context.Context, c *connection, in any) (any, error) {
	req := in.(*createCall)
	s := b.shop(string(req.ShopID))
	switch {
	case s == nil || !s.serves(c.SystemURL):
		return nil, refusal("Магазин не найден в этом подключении")
	case strings.ToUpper(string(req.Currency)) != "RUB":
		return nil, refusal("Модуль принимает только рубли")
	}
	inv := &invoice{PaymentID: uuid4(), ClientID: c.ClientID, InvoiceUUID: strings.ToLower(string(req.InvoiceUUID)), Shop: s.Code,
		Amount: req.Amount.Amount, Currency: "RUB", ReturnURL: string(req.ReturnURL), Create: json.RawMessage(req.raw),
		State: acquiring.StatusPending, CreatedAt: b.now()}
	if inv.ReturnURL == "" {
		inv.ReturnURL = string(req.SiteURL)
	}
	if s.Disabled {
		// A repeated request for an invoice that is there is answered as before.
		known, err := b.store.byUUID(ctx, c.ClientID, inv.InvoiceUUID)
		if err != nil {
			return nil, refusal("Магазин отключён")
		}
		return b.created(known), nil
	}
	if _, err := b.receipt(s, req.CreateRequest, inv.Amount); err != nil {
		return nil, err
	}
	for range 5 {
		inv.Slug = slug(b.conf.SlugLength)
		inv.Number = orderNumber(string(req.OrderNumber), inv.Slug)
		try, err := b.invoiceRequest(s, inv, req.CreateRequest, &attempt{OrderID: acquiring.Attempt(inv.Number, 999)})
		if err == nil {
			err = try.Validate()
		}
		if err != nil {
			return nil, err
		}
		known, err := b.store.insert(ctx, inv)
		if err == nil {
			if known.Amount != inv.Amount || known.Shop != inv.Shop {
				return nil, refusal("Счёт с этим номером уже выставлен на другую сумму или в другой магазин")
			}
			return b.created(known), nil
		}
		if _, clash := b.store.bySlug(ctx, inv.Slug); clash != nil {
			return nil, err // not a slug that was there
		}
	}
	return nil, errors.New("no free short link was found")
}

// createCall keeps the request as it came: it holds what this version of the
// bridge does not read.
type createCall struct {
	crm.CreateRequest
	raw string
}

// UnmarshalJSON reads and keeps it.
func (c *createCall) UnmarshalJSON(b []byte) error {
	c.raw = string(b)
	return json.Unmarshal(b, &c.CreateRequest)
}

// request is the CRM's request as it came.
func (i *invoice) request() (crm.CreateRequest, error) {
	var r crm.CreateRequest
	return r, json.Unmarshal(i.Create, &r)
}

func (b *Bridge) created(inv *invoice) crm.Created {
	return crm.Created{PaymentID: inv.PaymentID, InvoiceURL: b.link(inv), Cancellable: inv.State == acquiring.StatusPending || inv.State == acquiring.StatusAuthorized}
}

// orderNumber is the order's number at the bank: at most 32 characters with
// the attempt, and only those that every bank takes. The end of the link makes
// it unique, because a CRM order can have several invoices.
func orderNumber(crmNumber, slug string) string {
	clean := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r == '-' {
			return r
		}
		return -1
	}, crmNumber)
	room := 32 - len("_999") - len("-") - len(slug)
	if len(clean) > room {
		clean = clean[:room]
	}
	return strings.TrimPrefix(clean+"-"+slug, "-")
}

// mine finds an invoice of the connection.
func (b *Bridge) mine(ctx context.Context, c *connection, paymentID crm.Text) (*invoice, *shop, error) {
	inv, err := b.store.byID(ctx, string(paymentID))
	if err != nil {
		return nil, nil, err
	}
	if inv.ClientID != c.ClientID {
		return nil, nil, errNotFound
	}
	s := b.shop(inv.Shop)
	if s == nil {
		return nil, nil, refusal("Магазин этого счёта убран из настроек модуля")
	}
	return inv, s, nil
}

// locked does f with the invoice as it stands under its lock.
func (b *Bridge) locked(ctx context.Context, c *connection, paymentID crm.Text, f func(inv *invoice, s *shop) (any, error)) (any, error) {
	unlock, err := b.store.lock(ctx, string(paymentID))
	if err != nil {
		return nil, err
	}
	defer unlock()
	inv, s, err := b.mine(ctx, c, paymentID)
	if err != nil {
		return nil, err
	}
	return f(inv, s)
}

// approve takes a hold that waits for the manager.
func (b *Bridge) approve(ctx context.Context, c *connection, in any) (any, error) {
	req := in.(*crm.ApproveRequest)
	return b.locked(ctx, c, req.PaymentID, func(inv *invoice, s *shop) (any, error) {
		if inv.State.Succeeded() && (!req.Amount.Given || req.Amount.Amount == inv.captured()) {
			return nil, nil // a repeated request
		}
		bank, ok := s.capturer()
		switch {
		case inv.State != acquiring.StatusAuthorized:
			return nil, refusal("Подтвердить можно только захолдированный платёж, а этот счёт " + russian(inv.State))
		case !s.Manual:
			return nil, refusal("Магазин подтверждает платежи автоматически")
		case !ok:
			return nil, refusal("Банк этого магазина не умеет подтверждать платежи")
		case req.Amount.Given && req.Amount.Amount > inv.Amount:
			return nil, refusal("Подтвердить можно не больше " + inv.Amount.String())
		}
		capture := acquiring.CaptureRequest{ID: inv.current().ID}
		if req.Amount.Given && req.Amount.Amount != inv.Amount {
			create, err := inv.request()
			if err != nil {
				return nil, err
			}
			capture.Amount = req.Amount.Amount
			if capture.Receipt, err = b.receipt(s, create, capture.Amount); err != nil {
				return nil, err
			}
		}
		p, err := bank.Capture(ctx, capture)
		if errors.Is(err, acquiring.ErrConflict) {
			// The bank is ahead of what we know: a second try of the CRM, or a
			// capture in the bank's cabinet.
			if now, readErr := s.bank.GetStatus(ctx, capture.ID); readErr == nil && now.Status != acquiring.StatusAuthorized {
				if _, learnErr := b.learn(ctx, inv.PaymentID, inv.Paid, now); learnErr == nil && now.Status.Succeeded() {
					return nil, nil
				}
			}
		}
		if err != nil {
			return nil, err
		}
		_, err = b.learn(ctx, inv.PaymentID, inv.Paid, p)
		return nil, err
	})
}

// cancel releases a hold, or withdraws an unpaid invoice with all its
// sessions. Money that comes for it later goes back by itself.
func (b *Bridge) cancel(ctx context.Context, c *connection, in any) (any, error) {
	req := in.(*crm.CancelRequest)
	return b.locked(ctx, c, req.PaymentID, func(inv *invoice, s *shop) (any, error) {
		if inv.State == acquiring.StatusPending {
			for _, a := range inv.Attempts {
				// What cannot be withdrawn is watched: see accept.
				if _, err := b.withdraw(ctx, s, inv, a); err != nil && !acquiring.Temporary(err) {
					b.log.Warn("a session of a cancelled invoice stays open", "order", a.OrderID, "error", err)
				}
			}
			var err error
			if inv, err = b.store.byID(ctx, inv.PaymentID); err != nil {
				return nil, err
			}
		}
		switch {
		case inv.State == acquiring.StatusAuthorized:
			return nil, b.release(ctx, s, inv, inv.current(), "Отменено в RetailCRM")
		case inv.State == acquiring.StatusPending:
			_, err := b.store.change(ctx, inv.PaymentID, func(w *work, inv *invoice) error {
				if inv.State != acquiring.StatusPending {
					return refusal("Пока счёт отменяли, его оплатили: он " + russian(inv.State))
				}
				for _, a := range inv.Attempts {
					if !a.Withdrawn {
						if err := w.bank(ctx, inv, taskWithdraw, a.N); err != nil {
							return err
						}
					}
				}
				return b.over(ctx, w, inv, acquiring.StatusCanceled, "Отменено в RetailCRM", "")
			})
			return nil, err
		case inv.State == acquiring.StatusCanceled, inv.State == acquiring.StatusVoided:
			return nil, nil // a repeated request
		}
		return nil, refusal("Отменить нельзя: счёт " + russian(inv.State) + ". Оформите возврат.")
	})
}

// giveRefund gives money back.
func (b *Bridge) giveRefund(ctx context.Context, c *connection, in any) (any, error) {
	req := in.(*crm.RefundRequest)
	return b.locked(ctx, c, req.PaymentID, func(inv *invoice, s *shop) (any, error) {
		_, r, err := b.refund(ctx, s, inv.PaymentID, req.Amount.Amount, "")
		if err != nil {
			return nil, err
		}
		return wireRefund(r), nil
	})
}

// status says where an invoice stands, after a look at the bank where the bank
// may know more.
func (b *Bridge) status(ctx context.Context, c *connection, paymentID crm.Text) (any, error) {
	return b.locked(ctx, c, paymentID, func(inv *invoice, s *shop) (any, error) {
		paid, _ := inv.refundable()
		if a := inv.current(); a != nil && a.ID != "" && (inv.watches(a) || a == paid) {
			p, err := s.bank.GetStatus(ctx, a.ID)
			if err == nil {
				inv, err = b.learn(ctx, inv.PaymentID, a.N, p)
			}
			if err != nil {
				b.log.Warn("the bank was not asked", "order", a.OrderID, "error", err)
				if inv, err = b.store.byID(ctx, inv.PaymentID); err != nil {
					return nil, err
				}
			}
		}
		u := b.update(inv)
		text := func(s string) *string {
			if s == "" {
				return nil
			}
			return &s
		}
		return crm.StatusResult{Status: u.Status, Amount: *u.Amount, CancellationDetails: text(u.CancellationDetails), ExpiredAt: text(u.ExpiredAt),
			PaidAt: text(u.PaidAt), PaymentID: inv.PaymentID, InvoiceURL: u.InvoiceURL, Refundable: *u.Refundable}, nil
	})
}

// serveStatus is status's own way in: a GET without JSON.
func (b *Bridge) serveStatus(w http.ResponseWriter, r *http.Request) {
	f, err := form(w, r)
	if err != nil {
		refuse(w, err)
		return
	}
	c, err := b.caller(r, f)
	if err == nil && (!c.Active || c.Frozen) {
		err = refusal("Модуль выключен в RetailCRM")
	}
	var result any
	if err == nil {
		ctx, cancel := context.WithTimeout(r.Context(), workTime)
		defer cancel()
		result, err = b.status(ctx, c, crm.Text(f.Get("paymentId")))
	}
	if err != nil {
		refuse(w, err)
		return
	}
	answer(w, http.StatusOK, crm.Reply{Success: true, Result: result})
}

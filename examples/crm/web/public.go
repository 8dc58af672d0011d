package web

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/examples/crm/billing"
	"github.com/acquiring-go/acquiring/examples/crm/secret"
	"github.com/acquiring-go/acquiring/examples/crm/shops"
	"github.com/acquiring-go/acquiring/examples/crm/store"
	"github.com/acquiring-go/acquiring/money"
)

func asError(err error, target **acquiring.Error) bool { return errors.As(err, target) }

type payData struct {
	Invoice  store.Invoice
	Shop     store.Shop
	Provider *shops.Provider
	Waiting  bool // of the bank's answer
	CanPay   bool
	QR       string // of SBP, while it can be paid
	PayURL   string
	Receipts []receiptView
	Link     string
	pause    int
}

func (d payData) refresh() int { return d.pause }

// payView is an invoice for whoever has its short link.
func (s *Site) payView(r *http.Request) (payData, error) {
	ctx, db := r.Context(), s.Store.DB
	var d payData
	var err error
	if d.Invoice, err = s.Store.InvoiceByShort(ctx, db, strings.ToLower(r.PathValue("short"))); err != nil {
		return d, err
	}
	attempts, err := s.Store.Attempts(ctx, db, d.Invoice.ID)
	if err != nil {
		return d, err
	}
	// The invoice is read once more after its attempts: a payment that comes in
	// between the two must not look like one that failed.
	if d.Invoice, err = s.Store.Invoice(ctx, db, d.Invoice.ID); err != nil {
		return d, err
	}
	if d.Shop, err = s.Store.Shop(ctx, db, d.Invoice.ShopID); err != nil {
		return d, err
	}
	d.Provider, d.Link = shops.ByKey(d.Shop.Provider), s.Shops.PublicURL+"/p/"+d.Invoice.Short
	d.CanPay = d.Shop.Active && (d.Invoice.Status == acquiring.StatusPending || d.Invoice.Status == acquiring.StatusVoided)
	for _, a := range attempts {
		receipts, err := s.receiptViews(r, a.ID)
		if err != nil {
			return d, err
		}
		d.Receipts = append(d.Receipts, receipts...)
	}
	if len(attempts) > 0 && d.CanPay {
		last := attempts[len(attempts)-1]
		d.Waiting = waiting(last)
		if last.State == store.Issued && last.Status == acquiring.StatusPending && (last.ExpiresAt.IsZero() || s.Store.Now().Before(last.ExpiresAt)) {
			d.QR, d.PayURL = last.QR, last.PayURL
		}
	}
	return d, nil
}

// waiting says whether the last attempt of an unpaid invoice may still bring
// money: only a failure that is known is shown as one. An attempt that is paid
// already was read a moment after its invoice.
func waiting(last store.Attempt) bool {
	switch last.Status {
	case acquiring.StatusDeclined, acquiring.StatusExpired, acquiring.StatusCanceled, acquiring.StatusVoided:
		return false
	}
	return last.State != store.Refused
}

// payPage is behind the short link of an SMS. Opening it creates nothing:
// messengers open links to draw a preview.
func (s *Site) payPage(w http.ResponseWriter, r *http.Request) error {
	d, err := s.payView(r)
	if err != nil {
		return err
	}
	if d.QR != "" {
		d.pause = 4 // it may be paid by another device
	}
	s.leaves(w)
	return s.render(w, r, http.StatusOK, "pay", "Оплата", d)
}

// pay sends the client to the provider's page: of the attempt that is open, or
// of a new one.
func (s *Site) pay(w http.ResponseWriter, r *http.Request) error {
	i, err := s.Store.InvoiceByShort(r.Context(), s.Store.DB, strings.ToLower(r.PathValue("short")))
	if err != nil {
		return err
	}
	s.leaves(w)
	a, err := s.Billing.Pay(r.Context(), i.ID, billing.ByClient)
	if errors.Is(err, billing.ErrAlreadyPaid) {
		http.Redirect(w, r, "/r/"+i.Short, http.StatusSeeOther)
		return nil
	}
	if err != nil {
		return asProblem(err)
	}
	to := a.PayURL
	if to == "" || (a.QR != "" && r.PostFormValue("way") == "qr") {
		to = "/p/" + i.Short // the QR code is shown there
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}

// returned is where the bank sends the client back. It credits nothing: it
// shows what the CRM knows, and looks again every few seconds.
func (s *Site) returned(w http.ResponseWriter, r *http.Request) error {
	d, err := s.payView(r)
	if err != nil {
		return err
	}
	if d.Waiting {
		d.pause = 3
	}
	s.leaves(w)
	return s.render(w, r, http.StatusOK, "returned", "Оплата", d)
}

type personalData struct {
	Client   store.Client
	Token    string
	Invoices []store.Invoice
	Postings []store.Posting
	Shops    []store.Shop
	Form     invoiceForm
	Fault    string
	Once     string // of the form: sent twice, it makes one invoice
}

// personal reads the client of the secret link.
func (s *Site) personal(r *http.Request) (store.Client, error) {
	token := r.PathValue("token")
	if len(token) != 32 {
		return store.Client{}, store.ErrNotFound
	}
	c, err := s.Store.ClientByLink(r.Context(), s.Store.DB, secret.Hash(token))
	if err == nil && !secret.Same(s.linkToken(c), token) {
		return c, store.ErrNotFound
	}
	return c, err
}

func (s *Site) clientPage(w http.ResponseWriter, r *http.Request) error {
	return s.showPersonal(w, r, http.StatusOK, invoiceForm{}, "")
}

func (s *Site) showPersonal(w http.ResponseWriter, r *http.Request, code int, form invoiceForm, fault string) error {
	c, err := s.personal(r)
	if err != nil {
		return err
	}
	d := personalData{Client: c, Token: r.PathValue("token"), Form: form, Fault: fault, Once: secret.Random(formLength)}
	if d.Invoices, err = s.Store.Invoices(r.Context(), s.Store.DB, store.InvoiceFilter{ClientID: c.ID, Limit: 30}); err != nil {
		return err
	}
	if d.Postings, err = s.Store.Postings(r.Context(), s.Store.DB, store.PostingFilter{ClientID: c.ID, Limit: 30}); err != nil {
		return err
	}
	if d.Shops, err = s.activeShops(r); err != nil {
		return err
	}
	return s.render(w, r, code, "personal", "Личный кабинет", d)
}

// topUp is an invoice that the client makes for himself.
func (s *Site) topUp(w http.ResponseWriter, r *http.Request) error {
	c, err := s.personal(r)
	if err != nil {
		return err
	}
	form := invoiceForm{Amount: r.PostFormValue("amount")}
	_, _ = fmt.Sscan(r.PostFormValue("shop"), &form.ShopID)
	amount, err := money.Parse(strings.TrimSpace(form.Amount))
	if err != nil || amount < money.RUB(10, 0) || amount > money.RUB(500_000, 0) {
		return s.showPersonal(w, r, http.StatusUnprocessableEntity, form, "Сумма от 10 до 500 000 рублей, например 4500")
	}
	id, err := s.Billing.Issue(r.Context(), billing.NewInvoice{ClientID: c.ID, ShopID: form.ShopID, Amount: amount, Description: "Пополнение баланса", Author: billing.ByClient, Form: once(r)})
	if err != nil {
		return err
	}
	i, err := s.Store.Invoice(r.Context(), s.Store.DB, id)
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/p/"+i.Short, http.StatusSeeOther)
	return nil
}

type journalData struct {
	Entries []store.Entry
	Next    int64
}

func (s *Site) journal(w http.ResponseWriter, r *http.Request) error {
	const size = 100
	var before int64
	_, _ = fmt.Sscan(r.FormValue("before"), &before)
	entries, err := s.Store.Journal(r.Context(), s.Store.DB, "", 0, before, size)
	if err != nil {
		return err
	}
	d := journalData{Entries: entries}
	if len(entries) == size {
		d.Next = entries[size-1].ID
	}
	return s.render(w, r, http.StatusOK, "journal", "Журнал", d)
}

// day reads a date of a form; what is none is the zero time.
func day(text string) time.Time {
	t, err := time.ParseInLocation("2006-01-02", text, moscow)
	if err != nil {
		return time.Time{}
	}
	return t
}

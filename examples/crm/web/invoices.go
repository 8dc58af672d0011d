package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/examples/crm/billing"
	"github.com/acquiring-go/acquiring/examples/crm/secret"
	"github.com/acquiring-go/acquiring/examples/crm/shops"
	"github.com/acquiring-go/acquiring/examples/crm/store"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
)

type invoicesData struct {
	Invoices []store.Invoice
	Shops    []store.Shop
	Statuses []acquiring.Status
	Status   string
	ShopID   int64
	Next     int64 // the page of older ones begins before this number; 0: none
}

const invoicesPage = 50

func (s *Site) invoices(w http.ResponseWriter, r *http.Request) error {
	d := invoicesData{Status: r.FormValue("status"), Statuses: []acquiring.Status{acquiring.StatusPending, acquiring.StatusAuthorized, acquiring.StatusPaid,
		acquiring.StatusPartiallyRefunded, acquiring.StatusRefunded, acquiring.StatusVoided, acquiring.StatusCanceled}}
	d.ShopID, _ = strconv.ParseInt(r.FormValue("shop"), 10, 64)
	before, _ := strconv.ParseInt(r.FormValue("before"), 10, 64)
	var err error
	if d.Invoices, err = s.Store.Invoices(r.Context(), s.Store.DB, store.InvoiceFilter{Status: d.Status, ShopID: d.ShopID, Before: before, Limit: invoicesPage}); err != nil {
		return err
	}
	if len(d.Invoices) == invoicesPage {
		d.Next = d.Invoices[invoicesPage-1].ID
	}
	if d.Shops, err = s.Store.Shops(r.Context(), s.Store.DB); err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, "invoices", "Счета", d)
}

func (s *Site) addInvoice(w http.ResponseWriter, r *http.Request) error {
	client, err := strconv.ParseInt(r.PostFormValue("client"), 10, 64)
	if err != nil {
		return store.ErrNotFound
	}
	form := invoiceForm{Amount: r.PostFormValue("amount"), Description: strings.Join(strings.Fields(r.PostFormValue("description")), " ")}
	form.ShopID, _ = strconv.ParseInt(r.PostFormValue("shop"), 10, 64)
	faults := map[string]string{}
	amount, err := money.Parse(strings.TrimSpace(form.Amount))
	if err != nil || amount <= 0 || amount > billing.MaxInvoice {
		faults["amount"] = "Сумма в рублях, например 4500 или 4499,90"
	}
	if n := utf8.RuneCountInString(form.Description); n == 0 || n > 90 {
		faults["description"] = "Назначение платежа, до 90 знаков"
	}
	if len(faults) > 0 {
		return s.showClient(w, r, http.StatusUnprocessableEntity, client, form, faults)
	}
	id, err := s.Billing.Issue(r.Context(), billing.NewInvoice{ClientID: client, ShopID: form.ShopID, Amount: amount, Description: form.Description, Author: user(r).Login, Form: once(r)})
	if err != nil {
		return err
	}
	return s.back(w, r, fmt.Sprintf("/invoices/%d", id), "Счёт выставлен: отправьте клиенту ссылку или покажите QR-код")
}

// attemptView is an attempt with what hangs on it.
type attemptView struct {
	store.Attempt
	Refunds    []store.Refund
	Receipts   []receiptView
	Refundable money.Amount
}

type receiptView struct {
	store.Receipt
	Data *fiscal.FiscalData
}

func (s *Site) receiptViews(r *http.Request, attempt int64) ([]receiptView, error) {
	rows, err := s.Store.Receipts(r.Context(), s.Store.DB, attempt)
	if err != nil {
		return nil, err
	}
	var out []receiptView
	for _, row := range rows {
		v := receiptView{Receipt: row}
		if row.Fiscal != "" {
			v.Data = new(fiscal.FiscalData)
			if err := json.Unmarshal([]byte(row.Fiscal), v.Data); err != nil {
				return nil, err
			}
		}
		out = append(out, v)
	}
	return out, nil
}

type invoiceData struct {
	Invoice  store.Invoice
	Shop     store.Shop
	Link     string
	Attempts []attemptView
	Journal  []store.Entry
	CanPay   bool
}

func (s *Site) invoice(w http.ResponseWriter, r *http.Request) error {
	id, err := number(r)
	if err != nil {
		return err
	}
	ctx, db := r.Context(), s.Store.DB
	var d invoiceData
	if d.Invoice, err = s.Store.Invoice(ctx, db, id); err != nil {
		return err
	}
	if d.Shop, err = s.Store.Shop(ctx, db, d.Invoice.ShopID); err != nil {
		return err
	}
	d.Link = s.Shops.PublicURL + "/p/" + d.Invoice.Short
	d.CanPay = d.Invoice.Status == acquiring.StatusPending || d.Invoice.Status == acquiring.StatusVoided
	attempts, err := s.Store.Attempts(ctx, db, id)
	if err != nil {
		return err
	}
	for _, a := range attempts {
		v := attemptView{Attempt: a}
		if v.Refunds, err = s.Store.Refunds(ctx, db, a.ID); err != nil {
			return err
		}
		if v.Receipts, err = s.receiptViews(r, a.ID); err != nil {
			return err
		}
		if v.Refundable, err = s.Billing.Refundable(ctx, db, a); err != nil {
			return err
		}
		d.Attempts = append([]attemptView{v}, d.Attempts...)
	}
	if d.Journal, err = s.Store.Journal(ctx, db, "invoice", id, 0, 50); err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, "invoice", fmt.Sprintf("Счёт № %d", id), d)
}

func (s *Site) cancelInvoice(w http.ResponseWriter, r *http.Request) error {
	id, err := number(r)
	if err != nil {
		return err
	}
	return s.told(w, r, fmt.Sprintf("/invoices/%d", id), "Счёт отозван", s.Billing.Cancel(r.Context(), id, user(r).Login))
}

// attempt reads the attempt of the path, and the address of its invoice.
func (s *Site) attempt(r *http.Request) (store.Attempt, string, error) {
	id, err := number(r)
	if err != nil {
		return store.Attempt{}, "", err
	}
	a, err := s.Store.Attempt(r.Context(), s.Store.DB, id)
	return a, fmt.Sprintf("/invoices/%d", a.InvoiceID), err
}

// checkAttempt asks the bank («Проверить»).
func (s *Site) checkAttempt(w http.ResponseWriter, r *http.Request) error {
	a, to, err := s.attempt(r)
	if err != nil {
		return err
	}
	err = s.Billing.Look(r.Context(), a.ID)
	return s.told(w, r, to, "Проверено в банке", asProblem(err))
}

// asProblem is an acquirer's error for the person.
func asProblem(err error) error {
	if err == nil {
		return nil
	}
	var known *acquiring.Error
	if asError(err, &known) {
		t := shops.Russian(err, nil)
		return &billing.Problem{Text: t.Text, Detail: t.Detail}
	}
	return err
}

func (s *Site) capture(w http.ResponseWriter, r *http.Request) error {
	a, to, err := s.attempt(r)
	if err != nil {
		return err
	}
	var amount money.Amount
	if text := strings.TrimSpace(r.PostFormValue("amount")); text != "" {
		if amount, err = money.Parse(text); err != nil || amount <= 0 {
			return s.back(w, r, to, "!Укажите сумму списания, например 4500 или 4499,90")
		}
	}
	return s.told(w, r, to, "Холд подтверждён, деньги списаны", s.Billing.Capture(r.Context(), a.ID, amount, user(r).Login))
}

func (s *Site) void(w http.ResponseWriter, r *http.Request) error {
	a, to, err := s.attempt(r)
	if err != nil {
		return err
	}
	return s.told(w, r, to, "Холд отменён", s.Billing.Void(r.Context(), a.ID, user(r).Login))
}

type refundData struct {
	Attempt store.Attempt
	Invoice store.Invoice
	Left    money.Amount
	Form    string // the page's own: sent twice, it refunds once
	Printed string
}

func (s *Site) refundForm(w http.ResponseWriter, r *http.Request) error {
	a, _, err := s.attempt(r)
	if err != nil {
		return err
	}
	d := refundData{Attempt: a, Form: secret.Random(formLength)}
	if d.Invoice, err = s.Store.Invoice(r.Context(), s.Store.DB, a.InvoiceID); err != nil {
		return err
	}
	shop, err := s.Store.Shop(r.Context(), s.Store.DB, a.ShopID)
	if err != nil {
		return err
	}
	d.Printed = printedByText(billing.Printer(a, shop))
	if d.Left, err = s.Billing.Refundable(r.Context(), s.Store.DB, a); err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, "refund", fmt.Sprintf("Возврат по счёту № %d", a.InvoiceID), d)
}

func (s *Site) refund(w http.ResponseWriter, r *http.Request) error {
	a, to, err := s.attempt(r)
	if err != nil {
		return err
	}
	form := r.PostFormValue("form")
	amount, err := money.Parse(strings.TrimSpace(r.PostFormValue("amount")))
	switch {
	case len(form) != formLength || strings.Trim(form, "abcdefghijklmnopqrstuvwxyz23456789") != "":
		return s.back(w, r, to, "!Страница устарела, повторите")
	case err != nil:
		return s.back(w, r, fmt.Sprintf("/attempts/%d/refund", a.ID), "!Укажите сумму, например 4500 или 4499,90")
	case r.PostFormValue("sure") != "yes":
		return s.back(w, r, fmt.Sprintf("/attempts/%d/refund", a.ID), "!Отметьте, что возврат нужен: отменить его нельзя")
	}
	reason := strings.TrimSpace(r.PostFormValue("reason"))
	if reason == "" {
		reason = "По заявлению клиента"
	}
	refund, err := s.Billing.Refund(r.Context(), a.ID, form, amount, reason, user(r).Login)
	if err != nil {
		return s.told(w, r, to, "", err)
	}
	return s.back(w, r, to, refundSaid(refund))
}

func refundSaid(x store.Refund) string {
	switch x.Status {
	case store.RefundDone:
		return "Возврат выполнен: " + billing.Rubles(x.Amount)
	case store.RefundPending:
		return "Возврат принят банком, деньги вернутся позже"
	case store.RefundNew: // by another click
		return "Возврат отправляется в банк"
	}
	return "!" + x.Trouble
}

func (s *Site) checkRefund(w http.ResponseWriter, r *http.Request) error {
	id, err := number(r)
	if err != nil {
		return err
	}
	refund, err := s.Billing.Execute(r.Context(), id)
	if err != nil {
		return err
	}
	a, err := s.Store.Attempt(r.Context(), s.Store.DB, refund.AttemptID)
	if err != nil {
		return err
	}
	return s.back(w, r, fmt.Sprintf("/invoices/%d", a.InvoiceID), refundSaid(refund))
}

type receiptData struct {
	Receipt   receiptView
	InvoiceID int64
	Text      string
}

func (s *Site) receipt(w http.ResponseWriter, r *http.Request) error {
	id, err := number(r)
	if err != nil {
		return err
	}
	row, err := s.Store.Receipt(r.Context(), s.Store.DB, id)
	if err != nil {
		return err
	}
	a, err := s.Store.Attempt(r.Context(), s.Store.DB, row.AttemptID)
	if err != nil {
		return err
	}
	d := receiptData{Receipt: receiptView{Receipt: row}, InvoiceID: a.InvoiceID}
	if row.Fiscal != "" {
		d.Receipt.Data = new(fiscal.FiscalData)
		if err := json.Unmarshal([]byte(row.Fiscal), d.Receipt.Data); err != nil {
			return err
		}
	}
	var body fiscal.Receipt
	if err := json.Unmarshal([]byte(row.Body), &body); err != nil {
		return err
	}
	d.Text = body.TextWidth(d.Receipt.Data, 40)
	return s.render(w, r, http.StatusOK, "receipt", "Чек", d)
}

func (s *Site) retryReceipt(w http.ResponseWriter, r *http.Request) error {
	id, err := number(r)
	if err != nil {
		return err
	}
	return s.told(w, r, fmt.Sprintf("/receipts/%d", id), "Печать повторена", s.Billing.RetryReceipt(r.Context(), id, user(r).Login))
}

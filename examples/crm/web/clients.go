package web

import (
	"cmp"
	"database/sql"
	"fmt"
	"net/http"
	"net/mail"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/examples/crm/billing"
	"github.com/acquiring-go/acquiring/examples/crm/secret"
	"github.com/acquiring-go/acquiring/examples/crm/store"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
)

type dashboardData struct {
	Totals   store.Totals
	Troubled int
	Held     []store.Invoice
	Waiting  []store.Invoice
	Postings []store.Posting
}

func (s *Site) dashboard(w http.ResponseWriter, r *http.Request) error {
	ctx, db := r.Context(), s.Store.DB
	var d dashboardData
	var err error
	if d.Totals, err = s.Store.Totals(ctx, db, month(s.Store.Now())); err != nil {
		return err
	}
	if d.Troubled, err = s.Store.CountTroubled(ctx, db); err != nil {
		return err
	}
	if d.Held, err = s.Store.Invoices(ctx, db, store.InvoiceFilter{Status: acquiring.StatusAuthorized.String(), Limit: 5}); err != nil {
		return err
	}
	if d.Waiting, err = s.Store.Invoices(ctx, db, store.InvoiceFilter{Status: acquiring.StatusPending.String(), Limit: 5}); err != nil {
		return err
	}
	if d.Postings, err = s.Store.Postings(ctx, db, store.PostingFilter{Limit: 8}); err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, "dashboard", "Сводка", d)
}

type clientsData struct {
	Clients []store.Client
	Query   string
	Form    store.Client
	Faults  map[string]string
	Total   int
}

func (s *Site) clients(w http.ResponseWriter, r *http.Request) error {
	return s.showClients(w, r, http.StatusOK, store.Client{}, nil)
}

func (s *Site) showClients(w http.ResponseWriter, r *http.Request, code int, form store.Client, faults map[string]string) error {
	all, err := s.Store.Clients(r.Context(), s.Store.DB)
	if err != nil {
		return err
	}
	d := clientsData{Query: strings.TrimSpace(r.FormValue("q")), Form: form, Faults: faults, Total: len(all)}
	want := strings.ToLower(d.Query)
	for _, c := range all {
		if strings.Contains(strings.ToLower(c.Name+" "+c.Phone+" "+c.Email), want) {
			d.Clients = append(d.Clients, c)
		}
	}
	slices.SortStableFunc(d.Clients, func(a, b store.Client) int { return cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) })
	return s.render(w, r, code, "clients", "Клиенты", d)
}

// clientForm reads a client's form.
func clientForm(r *http.Request) (c store.Client, faults map[string]string) {
	faults = map[string]string{}
	c = store.Client{Name: strings.Join(strings.Fields(r.PostFormValue("name")), " "), Email: strings.TrimSpace(r.PostFormValue("email")), Note: strings.TrimSpace(r.PostFormValue("note"))}
	if c.Name == "" || utf8.RuneCountInString(c.Name) > 120 {
		faults["name"] = "Укажите имя, до 120 знаков"
	}
	if phone := strings.TrimSpace(r.PostFormValue("phone")); phone != "" {
		c.Phone = phone
		if good, err := fiscal.Phone(phone); err == nil {
			c.Phone = good
		} else {
			faults["phone"] = "Номер с кодом страны: +7 916 123-45-67"
		}
	}
	if c.Email != "" {
		if a, err := mail.ParseAddress(c.Email); err != nil || a.Address != c.Email || len(c.Email) > 64 {
			faults["email"] = "Похоже, в адресе опечатка"
		}
	}
	if c.Email == "" && c.Phone == "" {
		faults["email"] = "Для чека нужна почта или телефон"
	}
	return c, faults
}

func (s *Site) addClient(w http.ResponseWriter, r *http.Request) error {
	c, faults := clientForm(r)
	if len(faults) > 0 {
		return s.showClients(w, r, http.StatusUnprocessableEntity, c, faults)
	}
	id, err := s.NewClient(r, c)
	if err != nil {
		return err
	}
	return s.back(w, r, fmt.Sprintf("/clients/%d", id), "Клиент добавлен")
}

// NewClient stores a client with a secret link of his own.
func (s *Site) NewClient(r *http.Request, c store.Client) (id int64, err error) {
	c.LinkSalt = secret.Random(16)
	c.LinkHash = secret.Hash(s.linkToken(c))
	err = s.Store.InTx(r.Context(), func(tx *sql.Tx) error {
		if id, err = s.Store.AddClient(r.Context(), tx, c); err != nil {
			return err
		}
		return s.Store.Write(r.Context(), tx, store.Entry{Actor: user(r).Login, Event: "client.added", Subject: "client", SubjectID: id, Text: "Добавлен клиент " + c.Name})
	})
	return id, err
}

// linkToken is the secret part of a client's link. The database has its hash
// and a salt: without the CRM's key they make no link.
func (s *Site) linkToken(c store.Client) string { return LinkToken(s.Box, c.LinkSalt) }

// LinkToken is the secret part of the link of a client with this salt.
func LinkToken(box *secret.Box, salt string) string { return box.Token("client", salt) }

type clientData struct {
	Client   store.Client
	Link     string
	Invoices []store.Invoice
	Postings []store.Posting
	Shops    []store.Shop
	Journal  []store.Entry
	Form     invoiceForm
	Faults   map[string]string
	Once     string // of the page's forms: sent twice, each works once
}

type invoiceForm struct {
	ShopID              int64
	Amount, Description string
}

func (s *Site) client(w http.ResponseWriter, r *http.Request) error {
	id, err := number(r)
	if err != nil {
		return err
	}
	return s.showClient(w, r, http.StatusOK, id, invoiceForm{Description: "Оплата обучения"}, nil)
}

func (s *Site) showClient(w http.ResponseWriter, r *http.Request, code int, id int64, form invoiceForm, faults map[string]string) error {
	ctx, db := r.Context(), s.Store.DB
	d := clientData{Form: form, Faults: faults, Once: secret.Random(formLength)}
	var err error
	if d.Client, err = s.Store.Client(ctx, db, id); err != nil {
		return err
	}
	d.Link = s.Shops.PublicURL + "/c/" + s.linkToken(d.Client)
	if d.Invoices, err = s.Store.Invoices(ctx, db, store.InvoiceFilter{ClientID: id, Limit: 50}); err != nil {
		return err
	}
	if d.Postings, err = s.Store.Postings(ctx, db, store.PostingFilter{ClientID: id, Limit: 100}); err != nil {
		return err
	}
	if d.Shops, err = s.activeShops(r); err != nil {
		return err
	}
	if d.Journal, err = s.Store.Journal(ctx, db, "client", id, 0, 20); err != nil {
		return err
	}
	return s.render(w, r, code, "client", d.Client.Name, d)
}

func (s *Site) activeShops(r *http.Request) ([]store.Shop, error) {
	all, err := s.Store.Shops(r.Context(), s.Store.DB)
	return slices.DeleteFunc(all, func(x store.Shop) bool { return !x.Active }), err
}

func (s *Site) saveClient(w http.ResponseWriter, r *http.Request) error {
	id, err := number(r)
	if err != nil {
		return err
	}
	old, err := s.Store.Client(r.Context(), s.Store.DB, id)
	if err != nil {
		return err
	}
	to := fmt.Sprintf("/clients/%d", id)
	c, faults := clientForm(r)
	for _, key := range []string{"name", "phone", "email"} {
		if faults[key] != "" {
			return s.back(w, r, to, "!Не сохранено. "+faults[key])
		}
	}
	c.ID, c.LinkSalt, c.LinkHash = id, old.LinkSalt, old.LinkHash
	err = s.Store.InTx(r.Context(), func(tx *sql.Tx) error {
		if err := s.Store.SaveClient(r.Context(), tx, c); err != nil {
			return err
		}
		return s.Store.Write(r.Context(), tx, store.Entry{Actor: user(r).Login, Event: "client.changed", Subject: "client", SubjectID: id, Text: "Изменены данные клиента",
			Before: old.Name + ", " + old.Phone + ", " + old.Email, After: c.Name + ", " + c.Phone + ", " + c.Email})
	})
	if err != nil {
		return err
	}
	return s.back(w, r, to, "Сохранено")
}

// renewLink makes the client's old link useless: it came into wrong hands.
func (s *Site) renewLink(w http.ResponseWriter, r *http.Request) error {
	id, err := number(r)
	if err != nil {
		return err
	}
	c, err := s.Store.Client(r.Context(), s.Store.DB, id)
	if err != nil {
		return err
	}
	c.LinkSalt = secret.Random(16)
	c.LinkHash = secret.Hash(s.linkToken(c))
	err = s.Store.InTx(r.Context(), func(tx *sql.Tx) error {
		if err := s.Store.SaveClient(r.Context(), tx, c); err != nil {
			return err
		}
		return s.Store.Write(r.Context(), tx, store.Entry{Actor: user(r).Login, Event: "client.link", Subject: "client", SubjectID: id, Text: "Выдана новая ссылка в личный кабинет, прежняя не действует"})
	})
	if err != nil {
		return err
	}
	return s.back(w, r, fmt.Sprintf("/clients/%d", id), "Новая ссылка готова, прежняя не действует")
}

// charge takes the price of lessons off a balance (списание за занятия).
func (s *Site) charge(w http.ResponseWriter, r *http.Request) error {
	id, err := number(r)
	if err != nil {
		return err
	}
	to := fmt.Sprintf("/clients/%d", id)
	amount, err := money.Parse(r.PostFormValue("amount"))
	if err != nil || amount <= 0 || amount > billing.MaxInvoice {
		return s.back(w, r, to, "!Укажите сумму списания, например 1500 или 1499,90")
	}
	form := r.PostFormValue("form")
	if len(form) != formLength {
		return s.back(w, r, to, "!Страница устарела, повторите")
	}
	note := strings.TrimSpace(r.PostFormValue("note"))
	if note == "" {
		note = "Занятия"
	}
	posted := false
	err = s.Store.InTx(r.Context(), func(tx *sql.Tx) error {
		if posted, err = s.Store.Post(r.Context(), tx, store.Posting{Key: "charge-" + form, ClientID: id, Kind: store.PostedCharge, Amount: -amount, Note: note, Author: user(r).Login}); err != nil || !posted {
			return err
		}
		return s.Store.Write(r.Context(), tx, store.Entry{Actor: user(r).Login, Event: "charge", Subject: "client", SubjectID: id, Text: "Списано " + billing.Rubles(amount) + ": " + note})
	})
	if err != nil {
		return err
	}
	if !posted {
		return s.back(w, r, to, "Это списание уже сделано")
	}
	return s.back(w, r, to, "Списано "+billing.Rubles(amount))
}

// once is the random name of the form that was sent; "": it has none.
func once(r *http.Request) string {
	form := r.PostFormValue("form")
	if len(form) != formLength {
		return ""
	}
	return form
}

// formLength is of the random name of a form that must work once only.
const formLength = 24

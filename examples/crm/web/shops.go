package web

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/mail"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/acquiring-go/acquiring/examples/crm/secret"
	"github.com/acquiring-go/acquiring/examples/crm/shops"
	"github.com/acquiring-go/acquiring/examples/crm/store"
	"github.com/acquiring-go/acquiring/fiscal"
)

type shopsData struct {
	Shops     []store.Shop
	Entities  []store.Entity
	CashDesks []store.Word
	PayTypes  []store.Word
	Articles  []store.Word
}

func (s *Site) shopList(w http.ResponseWriter, r *http.Request) error {
	var d shopsData
	var err error
	if d.Shops, err = s.Store.Shops(r.Context(), s.Store.DB); err != nil {
		return err
	}
	if d.Entities, err = s.Store.Entities(r.Context(), s.Store.DB); err != nil {
		return err
	}
	if err := s.words(r, &d.CashDesks, &d.PayTypes, &d.Articles); err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, "shops", "Магазины и настройки", d)
}

func (s *Site) words(r *http.Request, desks, types, articles *[]store.Word) (err error) {
	for kind, into := range map[string]*[]store.Word{store.CashDesks: desks, store.PayTypes: types, store.Articles: articles} {
		if *into, err = s.Store.Words(r.Context(), s.Store.DB, kind); err != nil {
			return err
		}
	}
	return nil
}

func (s *Site) addEntity(w http.ResponseWriter, r *http.Request) error {
	e := store.Entity{Name: strings.TrimSpace(r.PostFormValue("name")), INN: strings.TrimSpace(r.PostFormValue("inn"))}
	switch {
	case e.Name == "" || utf8.RuneCountInString(e.Name) > 120:
		return s.back(w, r, "/shops#entities", "!Укажите название юридического лица")
	case !fiscal.ValidINN(e.INN):
		return s.back(w, r, "/shops#entities", "!ИНН с ошибкой: не сходится контрольная цифра")
	}
	id, err := s.Store.AddEntity(r.Context(), s.Store.DB, e)
	if err != nil {
		return err
	}
	if err := s.Store.Write(r.Context(), s.Store.DB, store.Entry{Actor: user(r).Login, Event: "entity.added", Subject: "entity", SubjectID: id, Text: "Добавлено юридическое лицо " + e.Name + ", ИНН " + e.INN}); err != nil {
		return err
	}
	return s.back(w, r, "/shops#entities", "Юридическое лицо добавлено")
}

func (s *Site) addWord(w http.ResponseWriter, r *http.Request) error {
	kind, name := r.PostFormValue("kind"), strings.TrimSpace(r.PostFormValue("name"))
	if (kind != store.CashDesks && kind != store.PayTypes && kind != store.Articles) || name == "" || utf8.RuneCountInString(name) > 80 {
		return s.back(w, r, "/shops#words", "!Укажите название, до 80 знаков")
	}
	if _, err := s.Store.AddWord(r.Context(), s.Store.DB, kind, name); err != nil {
		return err
	}
	return s.back(w, r, "/shops#words", "Добавлено: "+name)
}

// shopData is the settings page.
type shopData struct {
	Shop      store.Shop
	Provider  *shops.Provider
	Services  []*shops.RegisterService
	Values    map[string]string // of the fields that are no secrets
	Given     map[string]bool   // secrets that are stored
	Draft     string            // sealed secrets of a form that was not saved
	Problems  shops.Problems
	Bank      *shops.Bank
	HookURL   string
	Redirect  string
	Entities  []store.Entity
	CashDesks []store.Word
	PayTypes  []store.Word
	Articles  []store.Word
	Choices   choices
	Providers []*shops.Provider
	Connected bool
}

// choices are the lists of the receipt's settings.
type choices struct {
	TaxSystems []fiscal.TaxSystem
	VATs       []fiscal.VAT
	Subjects   []fiscal.Subject
	Methods    []fiscal.PaymentMethod
	FFDs       []fiscal.FFD
}

func receiptChoices(now time.Time) choices {
	c := choices{TaxSystems: []fiscal.TaxSystem{fiscal.TaxGeneral, fiscal.TaxSimplifiedIncome, fiscal.TaxSimplifiedIncomeMinus, fiscal.TaxAgricultural, fiscal.TaxPatent},
		Subjects: []fiscal.Subject{fiscal.Service, fiscal.Goods, fiscal.Work, fiscal.IntellectualProperty, fiscal.Payment, fiscal.Other},
		Methods:  []fiscal.PaymentMethod{fiscal.FullPayment, fiscal.FullPrepayment, fiscal.Prepayment, fiscal.Advance},
		FFDs:     []fiscal.FFD{fiscal.FFD12, fiscal.FFD105}}
	for _, v := range fiscal.VATs() {
		if !v.IsCalculated() && v.ValidOn(now) {
			c.VATs = append(c.VATs, v)
		}
	}
	return c
}

func (s *Site) newShop(w http.ResponseWriter, r *http.Request) error {
	p := shops.ByKey(r.FormValue("provider"))
	if p == nil {
		return s.render(w, r, http.StatusOK, "provider", "Новый магазин", shopData{Providers: shops.Providers()})
	}
	x := store.Shop{Provider: p.Key, Name: p.Name, Active: true, Settings: store.Settings{ReceiptBy: "none", TaxSystem: int(fiscal.TaxSimplifiedIncome), VAT: string(fiscal.VATNone),
		Subject: int(fiscal.Service), PayMethod: int(fiscal.FullPayment), FFD: string(fiscal.FFD12), OrderPrefix: strings.ToUpper(secret.Random(4)) + "-", Fields: map[string]string{}}}
	return s.showShop(w, r, http.StatusOK, x, nil, nil)
}

func (s *Site) shop(w http.ResponseWriter, r *http.Request) error {
	x, err := s.shopOf(r)
	if err != nil {
		return err
	}
	return s.showShop(w, r, http.StatusOK, x, nil, nil)
}

func (s *Site) shopOf(r *http.Request) (store.Shop, error) {
	id, err := number(r)
	if err != nil {
		return store.Shop{}, err
	}
	return s.Store.Shop(r.Context(), s.Store.DB, id)
}

// showShop shows the settings. typed are the secrets of a form that was not
// saved: they go back to the browser sealed.
func (s *Site) showShop(w http.ResponseWriter, r *http.Request, code int, x store.Shop, typed map[string]string, problems shops.Problems) error {
	d := shopData{Shop: x, Provider: shops.ByKey(x.Provider), Services: shops.RegisterServices(), Values: map[string]string{}, Given: map[string]bool{}, Problems: problems,
		Bank: shops.BankOf(x), Choices: receiptChoices(s.Store.Now()), Redirect: s.Shops.RedirectURL()}
	if d.Provider == nil {
		return store.ErrNotFound
	}
	s.leaves(w) // to Tochka's consent
	maps.Copy(d.Values, x.Settings.Fields)
	maps.Copy(d.Values, x.Settings.RegisterFields)
	secrets, err := s.Shops.Secrets(x)
	if err != nil {
		d.Problems = shops.Problems{"": {Text: "Сохранённые ключи не открываются: файл ключа CRM заменён. Введите ключи провайдера заново."}}
	}
	for key := range secrets {
		d.Given[key] = true
	}
	for key := range typed {
		d.Given[key] = true
	}
	if len(typed) > 0 {
		plain, err := json.Marshal(typed)
		if err != nil {
			return err
		}
		d.Draft = base64.StdEncoding.EncodeToString(s.Box.Seal(draftOf(r, x.ID), plain))
	}
	if x.ID != 0 {
		d.HookURL = s.Shops.HookURL(x)
		_, err := s.Store.Kept(r.Context(), s.Store.DB, x.ID, "tochka-tokens", "shop")
		d.Connected = err == nil
	}
	if d.Entities, err = s.Store.Entities(r.Context(), s.Store.DB); err != nil {
		return err
	}
	if err := s.words(r, &d.CashDesks, &d.PayTypes, &d.Articles); err != nil {
		return err
	}
	if d.Provider == shops.ByKey("tochka") {
		s.leaves(w) // «Подключить Точку» ends at the bank
	}
	title := "Новый магазин: " + d.Provider.Name
	if x.ID != 0 {
		title = x.Name
	}
	return s.render(w, r, code, "shop", title, d)
}

// draftOf is what a draft is sealed for: this shop and this user.
func draftOf(r *http.Request, shop int64) string {
	return fmt.Sprintf("draft of shop %d by %d", shop, user(r).ID)
}

// saveShop checks the form, stores it, and asks the provider whether it is
// good.
func (s *Site) saveShop(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	var x store.Shop
	if r.PathValue("id") != "" {
		var err error
		if x, err = s.shopOf(r); err != nil {
			return err
		}
	} else {
		x = store.Shop{Provider: r.PostFormValue("provider"), HookToken: secret.Random(32)}
	}
	p := shops.ByKey(x.Provider)
	if p == nil {
		return store.ErrNotFound
	}
	before := x
	stored, err := s.Shops.Secrets(x)
	if err != nil {
		stored = map[string]string{} // sealed with a key that is gone
	}
	typed := map[string]string{}
	if sealed, err := base64.StdEncoding.DecodeString(r.PostFormValue("draft")); err == nil && len(sealed) > 0 {
		if plain, err := s.Box.Open(draftOf(r, x.ID), sealed); err == nil {
			_ = json.Unmarshal(plain, &typed)
		}
	}
	problems := s.readShop(r, &x, p, typed)
	moved := problems.Moved(p.Fields, before.Settings.Fields, x.Settings.Fields, stored, typed)
	if service := shops.RegisterByKey(x.Settings.ReceiptBy); service != nil {
		problems.Moved(service.Fields, before.Settings.RegisterFields, x.Settings.RegisterFields, stored, typed)
	}
	secrets := maps.Clone(stored)
	maps.Copy(secrets, typed)
	if x.Secrets, err = s.Shops.Seal(x.ID, secrets); err != nil {
		return err
	}
	maps.Copy(problems, s.Shops.Validate(x))
	if len(problems) > 0 {
		return s.showShop(w, r, http.StatusUnprocessableEntity, x, typed, problems)
	}
	err = s.Store.InTx(ctx, func(tx *sql.Tx) error {
		if x.ID == 0 {
			if x.ID, err = s.Store.AddShop(ctx, tx, x); err != nil {
				return err
			}
		}
		if x.Secrets, err = s.Shops.Seal(x.ID, secrets); err != nil {
			return err
		}
		if err := s.Store.SaveShop(ctx, tx, x); err != nil {
			return err
		}
		if moved {
			if err := s.Shops.Disconnect(ctx, tx, x.ID); err != nil {
				return err
			}
		}
		return s.Store.Write(ctx, tx, store.Entry{Actor: user(r).Login, Event: "shop.saved", Subject: "shop", SubjectID: x.ID, Text: "Сохранены настройки магазина «" + x.Name + "»",
			Before: shopLine(before, nil), After: shopLine(x, typed)})
	})
	if err != nil {
		return err
	}
	message, found, err := s.check(ctx, x.ID)
	if err != nil {
		return err
	}
	if len(found) > 0 {
		if x, err = s.Store.Shop(ctx, s.Store.DB, x.ID); err != nil {
			return err
		}
		return s.showShop(w, r, http.StatusUnprocessableEntity, x, nil, found)
	}
	return s.back(w, r, fmt.Sprintf("/shops/%d", x.ID), "Сохранено. "+message)
}

// shopLine is the settings for the journal: of secrets, only which changed.
func shopLine(x store.Shop, changed map[string]string) string {
	if x.Name == "" {
		return ""
	}
	mode := "тестовый режим"
	if x.Production {
		mode = "рабочий режим"
	}
	words := []string{x.Name, mode, "чек: " + printedByText(x.Settings.ReceiptBy)}
	if x.Settings.SBPOnly {
		words = append(words, "только СБП")
	}
	if x.Settings.TwoStage {
		words = append(words, "двухстадийная оплата")
	}
	for _, key := range slices.Sorted(maps.Keys(changed)) {
		words = append(words, "изменено: "+fieldLabel(x, key))
	}
	return strings.Join(words, ", ")
}

// fieldLabel is what the settings page calls a field.
func fieldLabel(x store.Shop, key string) string {
	var fields []shops.Field
	if p := shops.ByKey(x.Provider); p != nil {
		fields = p.Fields
	}
	if service := shops.RegisterByKey(x.Settings.ReceiptBy); service != nil {
		fields = append(slices.Clip(fields), service.Fields...)
	}
	for _, f := range fields {
		if f.Key == key {
			return "«" + f.Label + "»"
		}
	}
	return key
}

// readShop reads the form into the shop, and new secrets into typed.
func (s *Site) readShop(r *http.Request, x *store.Shop, p *shops.Provider, typed map[string]string) shops.Problems {
	problems := shops.Problems{}
	text := func(key string, limit int) string {
		value := strings.TrimSpace(r.PostFormValue(key))
		if utf8.RuneCountInString(value) > limit {
			problems.Add(key, "Не больше "+strconv.Itoa(limit)+" знаков")
		}
		return value
	}
	id := func(key string) int64 {
		n, err := strconv.ParseInt(r.PostFormValue(key), 10, 64)
		if err != nil || n <= 0 {
			problems.Add(key, "Выберите из списка")
		}
		return n
	}
	if x.Name = text("name", 80); x.Name == "" {
		problems.Add("name", "Не заполнено")
	}
	x.EntityID, x.CashDeskID, x.PayTypeID, x.ArticleID = id("entity"), id("cash_desk"), id("pay_type"), id("article")
	x.EntityName, x.EntityINN = "", ""
	entities, err := s.Store.Entities(r.Context(), s.Store.DB)
	for _, e := range entities {
		if err == nil && e.ID == x.EntityID {
			x.EntityName, x.EntityINN = e.Name, e.INN
		}
	}
	if x.EntityName == "" {
		problems.Add("entity", "Выберите из списка")
	}
	x.Production = r.PostFormValue("mode") == "production"
	x.Active = r.PostFormValue("active") == "yes"
	c := &x.Settings
	if c.NotifyEmail = text("notify_email", 64); c.NotifyEmail != "" {
		if a, err := mail.ParseAddress(c.NotifyEmail); err != nil || a.Address != c.NotifyEmail {
			problems.Add("notify_email", "Похоже, в адресе опечатка")
		}
	}
	if c.OrderPrefix = text("order_prefix", 10); strings.Trim(c.OrderPrefix, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		problems.Add("order_prefix", "Латинские буквы, цифры и дефис")
	} else if strings.TrimRight(c.OrderPrefix, "0123456789") != c.OrderPrefix {
		// "A-1" and 1 would be the order of "A-" and 11.
		problems.Add("order_prefix", "В конце – буква или дефис: за ними идёт номер счёта")
	}
	c.Text = text("text", 300)
	if c.OfferURL = text("offer_url", 300); c.OfferURL != "" {
		if u, err := url.Parse(c.OfferURL); err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" {
			problems.Add("offer_url", "Нужен полный адрес, https://…")
		}
	}
	c.SBPOnly = p.SBP && r.PostFormValue("sbp_only") == "yes"
	c.TwoStage = p.Hold && r.PostFormValue("stages") == "two"
	if c.SBPOnly && c.TwoStage {
		problems.Add("stages", "По СБП деньги не удерживаются: выберите одностадийную оплату")
	}
	c.LinkHours = 0
	if hours := r.PostFormValue("link_hours"); hours != "" {
		n, err := strconv.Atoi(hours)
		if err != nil || n < 0 || n > 24*30 {
			problems.Add("link_hours", "Целое число часов, до 720")
		}
		c.LinkHours = n
	}
	c.ReceiptBy = r.PostFormValue("receipt_by")
	if c.ReceiptBy != "none" && (c.ReceiptBy != "acquirer" || !p.Receipts) && shops.RegisterByKey(c.ReceiptBy) == nil {
		problems.Add("receipt_by", "Выберите из списка")
	}
	c.TaxSystem, _ = strconv.Atoi(r.PostFormValue("tax_system"))
	c.Subject, _ = strconv.Atoi(r.PostFormValue("subject"))
	c.PayMethod, _ = strconv.Atoi(r.PostFormValue("pay_method"))
	c.VAT, c.FFD, c.Place = r.PostFormValue("vat"), r.PostFormValue("ffd"), text("place", 256)
	if c.ReceiptBy != "none" {
		for key, good := range map[string]bool{"tax_system": fiscal.TaxSystem(c.TaxSystem).Valid(), "vat": fiscal.VAT(c.VAT).Valid(), "subject": fiscal.Subject(c.Subject).Valid(),
			"pay_method": fiscal.PaymentMethod(c.PayMethod).Valid(), "ffd": fiscal.FFD(c.FFD).Valid()} {
			if !good {
				problems.Add(key, "Выберите из списка")
			}
		}
	}
	c.Fields, c.RegisterFields = map[string]string{}, map[string]string{}
	shops.SplitSecrets(p.Fields, r.PostFormValue, c.Fields, typed)
	if service := shops.RegisterByKey(c.ReceiptBy); service != nil {
		shops.SplitSecrets(service.Fields, r.PostFormValue, c.RegisterFields, typed)
	}
	return problems
}

// checkTime is how long a check of the connection may take.
const checkTime = 15 * time.Second

// check asks the provider whether the settings are good, and stores the answer.
func (s *Site) check(ctx context.Context, shop int64) (message string, problems shops.Problems, err error) {
	x, err := s.Store.Shop(ctx, s.Store.DB, shop)
	if err != nil {
		return "", nil, err
	}
	if p := shops.ByKey(x.Provider); p.Key == "tochka" && (x.Settings.Fields["customer"] == "") {
		return "Теперь подключите банк и обновите данные из него.", nil, nil
	}
	limited, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	problems = s.Shops.Check(limited, x)
	trouble := ""
	for _, t := range problems {
		trouble = t.Text
	}
	return "Связь проверена, магазин принимает оплату.", problems, s.Store.SetCheck(ctx, s.Store.DB, shop, trouble)
}

func (s *Site) checkShop(w http.ResponseWriter, r *http.Request) error {
	x, err := s.shopOf(r)
	if err != nil {
		return err
	}
	message, problems, err := s.check(r.Context(), x.ID)
	if err != nil {
		return err
	}
	if len(problems) > 0 {
		if x, err = s.Store.Shop(r.Context(), s.Store.DB, x.ID); err != nil {
			return err
		}
		return s.showShop(w, r, http.StatusUnprocessableEntity, x, nil, problems)
	}
	return s.back(w, r, fmt.Sprintf("/shops/%d", x.ID), message)
}

package paykeeper

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
)

// unsaid collects what a receipt says and PayKeeper has no word for. Nothing is
// left out in silence: a receipt that would lose something is not sent.
type unsaid struct{ faults fiscal.Faults }

func (u *unsaid) add(path, message, russian string) {
	u.faults = append(u.faults, fiscal.Fault{Path: path, Message: message, Russian: russian})
}

func (u *unsaid) when(is bool, path, message, russian string) {
	if is {
		u.add(path, message, russian)
	}
}

// noWord adds a field that the service has none for.
func (u *unsaid) noWord(is bool, path string) {
	u.when(is, path, "cannot be said to PayKeeper, whose requests have no field for it; leave it out", "PayKeeper не передаёт этот реквизит")
}

// differs adds a field that comes from the cabinet's settings and is another.
func (u *unsaid) differs(said, set, path, config string) {
	u.when(said != "" && said != set, path,
		"comes from the settings of PayKeeper's cabinet and cannot be said with a receipt; leave it out, or repeat the cabinet's in "+config,
		"PayKeeper берёт этот реквизит из настроек кабинета")
}

func (u *unsaid) err() error {
	if len(u.faults) == 0 {
		return nil
	}
	return cannotSay{u.faults}
}

// cannotSay is acquiring.ErrUnsupported with the fields that have no words.
type cannotSay struct{ faults fiscal.Faults }

func (c cannotSay) Error() string   { return c.faults.Error() }
func (c cannotSay) Unwrap() []error { return []error{acquiring.ErrUnsupported, c.faults} }

// invalidReceipt is the error of a receipt: prefix is the field of the request
// that holds it, "" for the receipt by itself.
func invalidReceipt(prefix string, err error) *acquiring.Error {
	path, message := "", err.Error()
	var faults fiscal.Faults
	if errors.As(err, &faults) && len(faults) > 0 {
		path, message = faults[0].Path, faults[0].Message
		if len(faults) > 1 {
			message = strings.TrimPrefix(err.Error(), path+": ")
		}
	}
	field := strings.Trim(prefix+"."+path, ".")
	if field == "" {
		field = "Receipt"
	}
	e := acquiring.Invalid(field, message)
	e.Provider, e.Err = provider, err
	return e
}

// cart is the receipt's lines in PayKeeper's words, or all that cannot be said.
func (c *Client) cart(r *fiscal.Receipt, u *unsaid) Cart {
	cart := make(Cart, 0, len(r.Lines))
	for i := range r.Lines {
		cart = append(cart, c.item(r.Type, &r.Lines[i], "items["+strconv.Itoa(i)+"].", u))
	}
	return cart
}

func (c *Client) item(s fiscal.Settlement, l *fiscal.Line, at string, u *unsaid) CartItem {
	item := CartItem{Name: l.Name, Price: l.Price, Quantity: l.Quantity, Sum: l.Total(), ItemID: l.ID,
		Country: l.Country, CustomsDeclaration: l.Declaration, Excise: l.Excise}
	var ok bool
	if item.Tax, ok = TaxCode(l.EffectiveVAT()); !ok {
		u.add(at+"vat", strconv.Quote(string(l.VAT))+" is no rate that PayKeeper has a word for; give a rate of package fiscal, or fiscal.RawVAT with PayKeeper's word", "у PayKeeper нет такой ставки НДС")
	}
	if item.ItemType, ok = ItemType(l.Subject); !ok {
		u.add(at+"subject", strconv.Itoa(int(l.Subject))+" is no subject that PayKeeper has a word for", "у PayKeeper нет такого признака предмета расчёта")
	}
	if item.PaymentType, ok = PaymentType(l.Method); !ok {
		u.add(at+"method", strconv.Itoa(int(l.Method))+" is no payment method that PayKeeper has a word for", "у PayKeeper нет такого признака способа расчёта")
	}
	item.Measure = c.measure(l)
	if l.Mark != nil {
		// A code with separators in it would not survive as text everywhere.
		if strings.ContainsFunc(l.Mark.Code, func(r rune) bool { return unicode.IsControl(r) || r == unicode.ReplacementChar }) {
			item.ItemCodeBase64 = base64.StdEncoding.EncodeToString([]byte(l.Mark.Code))
		} else {
			item.ItemCode = l.Mark.Code
		}
		// The kind that the code itself shows needs no word.
		u.noWord(l.Mark.Kind != 0 && l.Mark.Kind != (fiscal.Mark{Code: l.Mark.Code}).EffectiveKind(), at+"mark.kind")
	}
	if l.Part != nil {
		item.ItemsInPackage, item.ItemsSold = l.Part.Denominator, l.Part.Numerator
	}
	u.noWord(l.PlannedStatus != 0 && l.PlannedStatus != impliedStatus(s, l), at+"plannedStatus")
	u.noWord(l.Attribute != "", at+"attribute")
	for _, name := range sortedKeys(l.Extra) {
		item.extra(name, l.Extra[name], at, u)
	}
	for _, o := range []struct {
		is        bool
		path, key string
	}{{l.Agent != nil, "agent", "agent"}, {l.Supplier != nil, "supplier", "supplier"}, {l.Industry != nil, "industry", "industry_attribute"}} {
		u.when(o.is, at+o.path, "is an object whose keys PayKeeper has not published; ask its support for them and give the object as JSON in Extra["+strconv.Quote(o.key)+"]",
			"состав этого реквизита PayKeeper не опубликовал")
	}
	return item
}

// impliedStatus is the planned status that a marked line has by what the receipt
// is, and that needs no word; 0: none follows.
func impliedStatus(s fiscal.Settlement, l *fiscal.Line) fiscal.PlannedStatus {
	switch {
	case l.Mark == nil:
	case s == fiscal.Sale && l.Part == nil:
		return fiscal.PieceSold
	case s == fiscal.Sale:
		return fiscal.MeasureSelling
	case s == fiscal.SaleReturn && l.Part == nil:
		return fiscal.PieceReturned
	case s == fiscal.SaleReturn:
		return fiscal.PartReturned
	}
	return 0
}

// extra adds a key of the user's own: JSON for an object or an array, and a
// string otherwise.
func (i *CartItem) extra(name, value, at string, u *unsaid) {
	if cartKey(name) && name != "tru_code" {
		u.add(at+"extra["+strconv.Quote(name)+"]", "is a key that the library sets itself", "это поле заполняет библиотека")
		return
	}
	if name == "tru_code" {
		i.TRUCode = value
		return
	}
	if i.Extra == nil {
		i.Extra = map[string]json.RawMessage{}
	}
	if trimmed := strings.TrimSpace(value); trimmed != "" && (trimmed[0] == '{' || trimmed[0] == '[') && json.Valid([]byte(trimmed)) {
		i.Extra[name] = json.RawMessage(trimmed)
		return
	}
	text, err := compact(value)
	if err != nil {
		u.add(at+"extra["+strconv.Quote(name)+"]", "cannot be written as JSON", "значение нельзя записать")
		return
	}
	i.Extra[name] = json.RawMessage(text)
}

// measure is the word for the unit; a piece says nothing, as the service's own
// modules do. The documentation does not publish the words.
func (c *Client) measure(l *fiscal.Line) string {
	if word, ok := c.cfg.Measures[l.Unit]; ok && l.UnitName == "" {
		return word
	}
	switch {
	case l.UnitName != "":
		return l.UnitName
	case l.Unit != fiscal.Piece:
		return strconv.Itoa(int(l.Unit))
	}
	return ""
}

// common checks what neither a payment's receipt nor a printed one can say.
func (c *Client) common(r *fiscal.Receipt, u *unsaid) {
	u.when(r.TaxSystem != 0 && c.cfg.TaxSystem != 0 && r.TaxSystem != c.cfg.TaxSystem, "taxSystem",
		"is another than Config.TaxSystem, and PayKeeper prints the one of its cabinet", "PayKeeper берёт систему налогообложения из настроек кабинета")
	u.differs(r.Seller.INN, c.cfg.Seller.INN, "seller.inn", "Config.Seller")
	u.differs(r.Seller.Email, c.cfg.Seller.Email, "seller.email", "Config.Seller")
	u.differs(r.Seller.Place, c.cfg.Seller.Place, "seller.place", "Config.Seller")
	u.differs(r.Seller.Address, c.cfg.Seller.Address, "seller.address", "Config.Seller")
	u.differs(r.Cashier.Name, c.cfg.Cashier.Name, "cashier.name", "Config.Cashier")
	u.differs(r.Cashier.INN, c.cfg.Cashier.INN, "cashier.inn", "Config.Cashier")
	u.noWord(len(r.CashlessDetails) > 0, "cashlessDetails")
	u.when(r.Internet != nil && !*r.Internet, "internet", "cannot be said to PayKeeper, which takes settlements in the internet only", "PayKeeper проводит только расчёты в интернете")
	u.noWord(r.TimeZone != 0, "timeZone")
	u.noWord(r.Machine != "", "machine")
	u.noWord(r.Attribute != "", "attribute")
	u.noWord(r.UserAttribute != nil, "userAttribute")
	u.noWord(len(r.Industry) > 0, "industry")
	u.noWord(r.Operational != nil, "operational")
}

// contact is where the receipt goes: e-mail before phone.
func contact(r *fiscal.Receipt) string {
	if r.Contact.Email != "" {
		return r.Contact.Email
	}
	return r.Contact.Phone
}

// serviceName is the receipt as a payment carries it: the cart and who buys.
// want is the settlement that the call makes of it.
func (c *Client) serviceName(r *fiscal.Receipt, want fiscal.Settlement) (ServiceName, error) {
	cart, err := c.paymentCart(r, want)
	s := ServiceName{Cart: cart}
	if r.Buyer != nil {
		s.BuyerName, s.BuyerINN = r.Buyer.Name, r.Buyer.INN
	}
	return s, err
}

// paymentCart is the cart of a receipt that goes with money moved by PayKeeper
// itself: its type, its sum and its kind of payment are the money's.
func (c *Client) paymentCart(r *fiscal.Receipt, want fiscal.Settlement) (Cart, error) {
	u := &unsaid{}
	u.when(r.Type != want, "type", "is "+strconv.Itoa(int(r.Type))+", but the call makes a receipt of type "+strconv.Itoa(int(want)), "признак расчёта не соответствует операции")
	u.when(r.Correction != nil, "correction", "cannot go with a payment; print it with Submit", "чек коррекции печатается отдельно")
	p := r.Payments
	for _, o := range []struct {
		is   bool
		path string
	}{{p.Cash != 0, "payments.cash"}, {p.Prepaid != 0, "payments.prepaid"}, {p.Credit != 0, "payments.credit"}, {p.Counter != 0, "payments.counter"}} {
		u.when(o.is, o.path, "cannot be in the receipt of a payment, which is cashless as a whole; print such a receipt with Submit", "чек платежа PayKeeper целиком безналичный")
	}
	for _, name := range sortedKeys(r.Extra) {
		u.add("extra["+strconv.Quote(name)+"]", "cannot go with a payment's receipt; give it in the request's own Extra", "поле не передаётся с чеком платежа")
	}
	if r.Buyer != nil {
		c.buyer(r.Buyer, want == fiscal.Sale, u)
	}
	c.common(r, u)
	cart := c.cart(r, u)
	return cart, u.err()
}

// buyer checks what is said of the buyer: his name and INN go with an invoice,
// nothing goes anywhere else.
func (c *Client) buyer(b *fiscal.Buyer, invoice bool, u *unsaid) {
	if !invoice {
		u.noWord(*b != fiscal.Buyer{}, "buyer")
		return
	}
	u.noWord(b.BirthDate != "", "buyer.birthDate")
	u.noWord(b.Citizenship != "", "buyer.citizenship")
	u.noWord(b.DocumentCode != "", "buyer.documentCode")
	u.noWord(b.Document != "", "buyer.document")
	u.noWord(b.Address != "", "buyer.address")
}

// printRequest is the receipt for receipt/print, or all that cannot be said.
func (c *Client) printRequest(r *fiscal.Receipt) (PrintRequest, error) {
	u := &unsaid{}
	req := PrintRequest{Contact: contact(r), Key: r.ID, PostSale: r.Payments.Prepaid > 0}
	var ok bool
	if req.Type, ok = c.receiptType(r.Type); !ok {
		u.add("type", strconv.Itoa(int(r.Type))+" has no known word at PayKeeper; ask its support and set Config.ReceiptTypes", "для этого признака расчёта слово PayKeeper неизвестно")
	}
	u.when(req.Contact == "", "contact", "is empty; PayKeeper prints no receipt without an e-mail or a phone", "PayKeeper не печатает чек без адреса покупателя")
	if r.Buyer != nil {
		c.buyer(r.Buyer, false, u)
	}
	c.common(r, u)
	req.Cart = c.cart(r, u)
	c.correction(r, &req, u)
	req.Sums = r.EffectivePayments()
	for _, name := range sortedKeys(r.Extra) {
		value := r.Extra[name]
		switch name {
		case "payment_id":
			req.PaymentID = PaymentID(value)
		case "refund_id":
			req.RefundID = RefundID(value)
		case "is_post_sale":
			u.when(value != "true" && value != "false", `extra["is_post_sale"]`, "is neither true nor false", "должно быть true или false")
			req.PostSale = value == "true"
		default:
			if req.Extra == nil {
				req.Extra = map[string]string{}
			}
			req.Extra[name] = value
		}
	}
	return req, u.err()
}

// correction adds the reason of a correction by the names that the Config has.
func (c *Client) correction(r *fiscal.Receipt, req *PrintRequest, u *unsaid) {
	if r.Correction == nil {
		return
	}
	names := c.cfg.Correction
	if names == nil {
		u.add("correction", "needs the names of its fields, which PayKeeper has not published; ask its support and set Config.Correction", "поля чека коррекции PayKeeper не опубликовал")
		return
	}
	req.Correction = true
	req.Extra = map[string]string{}
	put := func(name, value string) {
		if name != "" && value != "" {
			req.Extra[name] = value
		}
	}
	put(names.Kind, strconv.Itoa(int(r.Correction.Kind)))
	if !r.Correction.Date.IsZero() {
		put(names.Date, correctionDay(r.Correction.Date))
	}
	put(names.Number, r.Correction.Number)
	put(names.Reason, r.Correction.Description)
	u.noWord(r.Correction.FiscalSign != "", "correction.fiscalSign")
}

// correctionDay is the calendar day of the settlement that is corrected: at the
// time's own clock if that is a Russian one, else in Moscow.
func correctionDay(t time.Time) string {
	if _, offset := t.Zone(); offset < 2*60*60 || offset > 12*60*60 {
		t = t.In(moscow)
	}
	return t.Format(dateLayout)
}

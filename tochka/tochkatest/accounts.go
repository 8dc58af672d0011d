package tochkatest

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/acquiring-go/acquiring/money"
)

func itoa(n int) string { return strconv.Itoa(n) }

func (c *Company) object() object {
	kind := "Business"
	if c.Personal {
		kind = "Personal"
	}
	return object{{"customerCode", c.CustomerCode}, {"customerType", kind}, {"isResident", !c.NonResident}}.
		some("taxCode", c.TaxCode).with("fullName", c.FullName).some("shortName", c.ShortName).some("kpp", c.KPP).some("customerOgrn", c.OGRN)
}

func (c *call) customers() (reply, *refusal) {
	out := []object{}
	for _, one := range c.visible() {
		out = append(out, one.object())
	}
	return ok(object{{"Customer", out}})
}

func (c *call) customer() (reply, *refusal) {
	for _, one := range c.visible() {
		if one.CustomerCode == c.path["customerCode"] {
			return ok(one.object())
		}
	}
	return reply{}, forbidden()
}

func (a Account) object(c *Company) object {
	kind := "Business"
	if c.Personal {
		kind = "Personal"
	}
	return object{{"customerCode", c.CustomerCode}, {"accountId", a.ID}, {"transitAccount", ""}, {"status", "Enabled"}, {"statusUpdateDateTime", millis(a.Opened)},
		{"currency", "RUB"}, {"accountType", kind}, {"accountSubType", "CurrentAccount"}, {"registrationDate", a.Opened.In(moscow).Format(date)},
		{"accountDetails", []object{{{"schemeName", "RU.CBR.AccountNumber"}, {"identification", a.ID}, {"name", "Основной текущий счёт"}}}}}
}

func (c *call) accounts() (reply, *refusal) {
	out := []object{}
	for _, one := range c.visible() {
		for _, a := range one.Accounts {
			out = append(out, a.object(one))
		}
	}
	return ok(object{{"Account", out}})
}

func (c *call) account() (reply, *refusal) {
	company, a, fault := c.ownAccount(c.path["accountId"])
	if fault != nil {
		return reply{}, fault
	}
	return ok(a.object(company))
}

func rub(a money.Amount) object { return object{{"amount", roubles(a)}, {"currency", "RUB"}} }

func (c *call) balancesOf(a *Account) []object {
	now := millis(c.base.Clock.Now())
	one := func(kind string, sum money.Amount) object {
		return object{{"accountId", a.ID}, {"creditDebitIndicator", "Credit"}, {"type", kind}, {"dateTime", now}, {"Amount", rub(sum)}}
	}
	return []object{one("OpeningAvailable", a.Balance), one("ClosingAvailable", a.Balance-a.Blocked), one("Expected", a.Blocked), one("OverdraftAvailable", 0)}
}

func (c *call) balances() (reply, *refusal) {
	out := []object{}
	for _, one := range c.visible() {
		for i := range one.Accounts {
			out = append(out, c.balancesOf(&one.Accounts[i])...)
		}
	}
	return ok(object{{"Balance", out}})
}

func (c *call) accountBalances() (reply, *refusal) {
	_, a, fault := c.ownAccount(c.path["accountId"])
	if fault != nil {
		return reply{}, fault
	}
	return ok(object{{"Balance", c.balancesOf(a)}})
}

func (c *call) cardTransactions() (reply, *refusal) {
	_, a, fault := c.ownAccount(c.path["accountId"])
	if fault != nil {
		return reply{}, fault
	}
	out := []object{}
	if a.Blocked > 0 {
		out = append(out, object{{"accountId", a.ID}, {"pan", "220445******0792"}, {"dateTime", millis(c.base.Clock.Now())}, {"Amount", rub(a.Blocked)},
			{"AccountAmount", rub(a.Blocked)}, {"TerminalData", object{{"city", "Moskva"}, {"location", "Moskva"}, {"owner", "KANCTOVARY"}}}})
	}
	return ok(object{{"Transactions", out}})
}

// transfer is money that came to an account, or left it.
type transfer struct {
	id, paymentID, account string
	credit                 bool
	amount                 money.Amount
	number, purpose        string
	name, inn              string
	at                     time.Time
}

// Transfer is a payment between accounts, for Incoming and Outgoing.
type Transfer struct {
	AccountID string // "": the first company's first
	Amount    money.Amount
	Purpose   string
	Number    string // of the payment order; "": "1"
	Name, INN string // of the other side
}

// Incoming is money that comes to an account: a webhook, a line in the
// statement, and an invoice paid where the INN, the amount and its number in
// the purpose fit.
func (s *Server) Incoming(t Transfer) error { return s.transfer(t, true) }

// Outgoing is money that leaves an account.
func (s *Server) Outgoing(t Transfer) error { return s.transfer(t, false) }

func (s *Server) transfer(t Transfer, credit bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.companies {
		if t.AccountID == "" && len(c.Accounts) > 0 {
			t.AccountID = c.Accounts[0].ID
		}
		if a := c.account(t.AccountID); a != nil {
			s.book(c, a, t, credit)
			return nil
		}
	}
	return fmt.Errorf("tochkatest: no account %q", t.AccountID)
}

func (s *Server) book(c *Company, a *Account, t Transfer, credit bool) {
	if t.Number == "" {
		t.Number = "1"
	}
	now := s.base.Clock.Now()
	one := transfer{id: s.base.IDs.Digits(10), paymentID: s.base.IDs.Digits(10), account: a.ID, credit: credit, amount: t.Amount, number: t.Number,
		purpose: t.Purpose, name: t.Name, inn: t.INN, at: now}
	s.files.transfers = append(s.files.transfers, one)
	a.Balance += one.signed()
	own := object{{"bankCode", BIC}, {"bankName", "ООО Банк Точка"}, {"bankCorrespondentAccount", "30101810745374525104"}, {"account", a.ID[:20]}, {"name", c.FullName},
		{"amount", s.sumText(t.Amount)}, {"currency", "RUB"}, {"inn", c.TaxCode}, {"kpp", c.KPP}}
	other := object{{"bankCode", "044525225"}, {"bankName", "ПАО Сбербанк"}, {"bankCorrespondentAccount", "30101810400000000225"}, {"account", "40702810900000009999"},
		{"name", t.Name}, {"amount", s.sumText(t.Amount)}, {"currency", "RUB"}, {"inn", t.INN}, {"kpp", ""}}
	kind := "outgoingPayment"
	payer, recipient := own, other
	if credit {
		kind = "incomingPayment"
		payer, recipient = other, own
		s.files.paid(c.CustomerCode, one)
	}
	s.announce("transfer:"+one.id, c.CustomerCode, kind, object{{"SidePayer", payer}, {"SideRecipient", recipient}, {"purpose", t.Purpose}, {"documentNumber", t.Number},
		{"paymentId", one.paymentID}, {"date", now.In(moscow).Format(date)}, {"webhookType", kind}, {"customerCode", c.CustomerCode}})
}

func (t transfer) signed() money.Amount {
	if t.credit {
		return t.amount
	}
	return -t.amount
}

// statementOf is a statement (выписка): ordered, then ready, then forgotten
// after 24 hours.
type statementOf struct {
	id, customer, account, from, to string
	created                         time.Time
	looks                           int
}

func (c *call) createStatement() (reply, *refusal) {
	o, _ := c.doc["Statement"].(map[string]any)
	field := func(name string) string { s, _ := o[name].(string); return s }
	company, a, fault := c.ownAccount(field("accountId"))
	if fault != nil {
		return reply{}, fault
	}
	st := &statementOf{id: c.base.IDs.UUID(), customer: company.CustomerCode, account: a.ID, from: field("startDateTime"), to: field("endDateTime"), created: c.base.Clock.Now()}
	if st.from > st.to {
		return reply{}, invalid("startDateTime", "Value error, should be less than endDateTime or equal")
	}
	c.files.statements = append(c.files.statements, st)
	return ok(object{{"Statement", st.head("Created")}})
}

func (st *statementOf) head(status string) object {
	return object{{"accountId", st.account}, {"statementId", st.id}, {"status", status}, {"startDateTime", st.from}, {"endDateTime", st.to}, {"creationDateTime", millis(st.created)}}
}

// look is the statement as it stands: being made at the first look, ready
// after it.
func (c *call) look(st *statementOf, count bool) object {
	if count {
		st.looks++
	}
	if st.looks < 2 {
		return st.head("Processing")
	}
	company := c.companyOf(st.customer)
	opening := company.account(st.account).Balance
	var lines []object
	for _, t := range slices.Backward(c.files.transfers) {
		if t.account != st.account {
			continue
		}
		if day := t.at.In(moscow).Format(date); day >= st.from {
			opening -= t.signed()
			if day <= st.to {
				lines = append(lines, t.object(company))
			}
		}
	}
	slices.Reverse(lines)
	closing := opening
	for _, t := range c.files.transfers {
		if day := t.at.In(moscow).Format(date); t.account == st.account && day >= st.from && day <= st.to {
			closing += t.signed()
		}
	}
	if lines == nil {
		lines = []object{}
	}
	return st.head("Ready").with("startDateBalance", roubles(opening)).with("endDateBalance", roubles(closing)).with("Transaction", lines)
}

func (t transfer) object(c *Company) object {
	indicator, sides := "Debit", [2]string{"Creditor", "Debtor"}
	if t.credit {
		indicator, sides = "Credit", [2]string{"Debtor", "Creditor"}
	}
	side := func(o object, who, inn, name, kpp, account, bank string) object {
		return o.with(who+"Party", object{{"inn", inn}, {"name", name}}.some("kpp", kpp)).
			with(who+"Account", object{{"schemeName", "RU.CBR.PAN"}, {"identification", account}}).
			with(who+"Agent", object{{"schemeName", "RU.CBR.BIK"}, {"identification", bank}, {"accountIdentification", bank}, {"name", "Банк"}})
	}
	o := object{{"transactionId", t.id}, {"paymentId", t.paymentID}, {"creditDebitIndicator", indicator}, {"status", "Booked"}, {"documentNumber", t.number},
		{"transactionTypeCode", "Платежное поручение"}, {"documentProcessDate", t.at.In(moscow).Format(date)}, {"description", t.purpose},
		{"Amount", object{{"amount", roubles(t.amount)}, {"amountNat", roubles(t.amount)}, {"currency", "RUB"}}}}
	o = side(o, sides[0], t.inn, t.name, "", "40702810900000009999", "044525225")
	return side(o, sides[1], c.TaxCode, c.FullName, c.KPP, t.account[:20], BIC)
}

// kept are the statements of the token's companies that are not forgotten.
func (c *call) kept() []*statementOf {
	now := c.base.Clock.Now()
	return slices.DeleteFunc(slices.Clone(c.files.statements), func(st *statementOf) bool {
		return now.Sub(st.created) > 24*time.Hour || !slices.Contains(c.grant.customers, st.customer)
	})
}

func (c *call) statements() (reply, *refusal) {
	all := c.kept()
	slices.Reverse(all)
	out := []object{}
	for _, st := range all[:min(len(all), c.queryInt("limit", len(all)))] {
		out = append(out, c.look(st, false))
	}
	return ok(object{{"Statement", out}})
}

func (c *call) statement() (reply, *refusal) {
	for _, st := range c.kept() {
		if st.id == c.path["statementId"] && st.account == c.path["accountId"] {
			return ok(object{{"Statement", []object{c.look(st, true)}}})
		}
	}
	return reply{}, missing("Not found statement under account")
}

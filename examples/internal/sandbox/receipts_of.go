package sandbox

import (
	"encoding/json"
	"math/big"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/fiscal/komtet"
	"github.com/acquiring-go/acquiring/fiscal/komtet/komtettest"
	"github.com/acquiring-go/acquiring/fiscal/orangedata"
	"github.com/acquiring-go/acquiring/fiscal/orangedata/orangedatatest"
	"github.com/acquiring-go/acquiring/fiscal/paykeeper"
	"github.com/acquiring-go/acquiring/fiscal/paykeeper/paykeepertest"
	"github.com/acquiring-go/acquiring/internal/emulator"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/tochka"
)

// receiptsAt are a provider's receipts, the oldest first.
func (s *Sandbox) receiptsAt(p Provider) []Receipt {
	switch p {
	case Sberbank:
		return s.ofBank(p, s.Sberbank.Receipts(), sberbankVAT)
	case AlfaBank:
		return s.ofBank(p, s.AlfaBank.Receipts(), alfabankVAT)
	case PayMaster:
		return s.ofPayMaster()
	case Tochka:
		return s.ofTochka()
	case Komtet:
		return s.ofKomtet()
	case OrangeData:
		return s.ofOrangeData()
	case PayKeeper:
		return s.ofPayKeeper()
	}
	return nil
}

// The banks' numbers of the rates (taxType).
var (
	sberbankVAT = map[string]fiscal.VAT{"0": fiscal.VATNone, "1": fiscal.VAT0, "2": fiscal.VAT10, "4": fiscal.VAT10of110, "6": fiscal.VAT20, "7": fiscal.VAT20of120,
		"8": fiscal.VAT5, "9": fiscal.VAT5of105, "10": fiscal.VAT7, "11": fiscal.VAT7of107, "12": fiscal.VAT22, "13": fiscal.VAT22of122}
	alfabankVAT = map[string]fiscal.VAT{"0": fiscal.VATNone, "1": fiscal.VAT0, "2": fiscal.VAT10, "4": fiscal.VAT10of110, "6": fiscal.VAT20, "7": fiscal.VAT20of120,
		"10": fiscal.VAT5, "11": fiscal.VAT5of105, "12": fiscal.VAT7, "13": fiscal.VAT7of107, "14": fiscal.VAT22, "15": fiscal.VAT22of122}
)

func (s *Sandbox) ofBank(p Provider, list []emulator.Receipt, vats map[string]fiscal.VAT) []Receipt {
	var out []Receipt
	for _, e := range list {
		r := Receipt{Provider: p, ID: e.ID, OrderID: e.OrderID, Type: settlement(e.Refund), State: e.State, Fault: e.Fault, Total: e.Total, Created: e.Created}
		if o, ok := s.Bank(p).Order(e.OrderID); ok {
			r.Number = o.Number
		}
		for _, l := range e.Lines {
			vat, known := vats[l.VAT]
			if !known {
				vat = fiscal.RawVAT(l.VAT)
			}
			r.Lines = append(r.Lines, ReceiptLine{Name: l.Name, Price: l.Price, Quantity: l.Quantity, Sum: l.Sum, VAT: vat})
		}
		if e.State == emulator.ReceiptPrinted {
			r.Fiscal = fiscal.FiscalData{FN: e.FN, FD: e.FD, FP: e.FP, Time: e.Printed.In(moscow), Total: e.Total, Type: r.Type, RegNumber: e.RegNumber,
				Shift: e.Shift, Number: e.Number, URL: e.URL}
		}
		out = append(out, r)
	}
	return out
}

func settlement(refund bool) fiscal.Settlement {
	if refund {
		return fiscal.SaleReturn
	}
	return fiscal.Sale
}

// wordVAT reads the words that most services have: "vat22", "Vat122", "none",
// "no_vat".
func wordVAT(word string) fiscal.VAT {
	word = strings.ToLower(word)
	if word == "no_vat" || word == "none" || word == "no" {
		return fiscal.VATNone
	}
	return paykeeper.VATOf(word)
}

func (s *Sandbox) ofPayMaster() []Receipt {
	var out []Receipt
	for _, o := range s.PayMaster.Orders() {
		for _, e := range s.PayMaster.Receipts(o.ID) {
			r := Receipt{Provider: PayMaster, ID: e.ID, Number: o.Number, OrderID: o.ID, Type: settlement(e.Type == "Refund"), Total: e.Amount, Created: e.Created,
				Contact: e.Email, State: emulator.ReceiptWaiting}
			if r.Contact == "" {
				r.Contact = e.Phone
			}
			switch e.Status {
			case "Success":
				r.State = emulator.ReceiptPrinted
			case "Rejected":
				r.State, r.Fault = emulator.ReceiptFailed, "касса не приняла чек"
			}
			for _, l := range e.Lines {
				r.Lines = append(r.Lines, ReceiptLine{Name: l.Name, Price: amount(l.Price), Quantity: l.Quantity, Sum: l.Sum, VAT: wordVAT(l.VAT)})
			}
			out = append(out, r)
		}
	}
	return out
}

func (s *Sandbox) ofTochka() []Receipt {
	var out []Receipt
	for _, e := range s.Tochka.Receipts() {
		r := Receipt{Provider: Tochka, ID: e.OrderID, OrderID: e.OperationID, Type: settlement(e.Refund), State: emulator.ReceiptPrinted, Contact: e.Email,
			TaxSystem: tochkaTaxSystems[e.TaxSystem], Total: e.Total, Created: e.Time}
		if o, ok := s.Tochka.Order(e.OperationID); ok {
			r.Number = o.Number
		}
		var items []struct {
			Name     string      `json:"name"`
			Amount   json.Number `json:"amount"`
			Quantity json.Number `json:"quantity"`
			VAT      string      `json:"vatType"`
		}
		_ = json.Unmarshal(e.Items, &items)
		for _, i := range items {
			price := amount(i.Amount.String())
			r.Lines = append(r.Lines, ReceiptLine{Name: i.Name, Price: price, Quantity: i.Quantity.String(), Sum: lineSum(price, i.Quantity.String()), VAT: tochka.VATType(i.VAT).VAT()})
		}
		out = append(out, r)
	}
	return out
}

var tochkaTaxSystems = map[string]string{"osn": fiscal.TaxGeneral.Name(), "usn_income": fiscal.TaxSimplifiedIncome.Name(),
	"usn_income_outcome": fiscal.TaxSimplifiedIncomeMinus.Name(), "esn": fiscal.TaxAgricultural.Name(), "patent": fiscal.TaxPatent.Name()}

func (s *Sandbox) ofKomtet() []Receipt {
	var out []Receipt
	for _, t := range s.Komtet.Tasks() {
		r := Receipt{Provider: Komtet, ID: strconv.Itoa(t.ID), Number: t.ExternalID, Correction: t.Correction, Total: t.Total, Created: t.Created, Fault: t.Error}
		r.Type, _, _ = komtet.IntentByCode(t.Intent)
		var check struct {
			User   string `json:"user"`
			Client struct{ Email, Phone string }
			SNO    *int `json:"sno"`

			Company   struct{ SNO *int }
			Positions []struct {
				Name     string
				Price    json.Number
				Quantity json.Number
				Total    json.Number
				VAT      string
			}
		}
		_ = json.Unmarshal(t.Check, &check)
		for _, contact := range []string{check.Client.Email, check.Client.Phone, check.User} {
			if r.Contact == "" {
				r.Contact = contact
			}
		}
		for _, sno := range []*int{check.SNO, check.Company.SNO} {
			if sno != nil {
				system, _ := komtet.TaxSystemByCode(*sno)
				r.TaxSystem = system.Name()
			}
		}
		for _, p := range check.Positions {
			vat, known := komtet.VATByCode(p.VAT)
			if !known {
				vat = fiscal.RawVAT(p.VAT)
			}
			r.Lines = append(r.Lines, ReceiptLine{Name: p.Name, Price: amount(p.Price.String()), Quantity: p.Quantity.String(), Sum: amount(p.Total.String()), VAT: vat})
		}
		switch t.State {
		case komtettest.StateDone:
			at, _ := time.ParseInLocation("20060102T1504", t.Fiscal["t"], moscow)
			fd, _ := strconv.Atoi(t.Fiscal["i"])
			r.printed(t.Fiscal["fn"], fd, t.Fiscal["fp"], at)
			r.Fiscal.RegNumber, r.Fiscal.URL = t.Fiscal["rn"], t.ReceiptURL
			r.Fiscal.Shift, _ = strconv.Atoi(t.Fiscal["sh"])
			r.Fiscal.Number, _ = strconv.Atoi(t.Fiscal["shn"])
		case komtettest.StateError:
			r.State = emulator.ReceiptFailed
		default:
			r.State = emulator.ReceiptWaiting
		}
		out = append(out, r)
	}
	return out
}

func (s *Sandbox) ofOrangeData() []Receipt {
	var out []Receipt
	for _, d := range s.OrangeData.Documents() {
		if d.Kind == orangedatatest.OpItemCode {
			continue
		}
		r := Receipt{Provider: OrangeData, ID: d.ID, Number: d.ID, Correction: d.Kind != orangedatatest.OpDocuments, Type: fiscal.Settlement(d.Type), Total: d.Total,
			Created: d.Created}
		day := d.ProcessedAt
		if day.IsZero() {
			day = s.Clock.Now()
		}
		var content struct {
			UseTax20  bool
			Positions []struct {
				Text     string
				Price    json.Number
				Quantity json.Number
				Tax      int
			}
			CheckClose      struct{ TaxationSystem int }
			TaxationSystem  int
			CustomerContact string
		}
		_ = json.Unmarshal(d.Content, &content) // names without regard to case, as the service reads them
		r.Contact = content.CustomerContact
		r.TaxSystem = fiscal.TaxSystem(1 << max(content.CheckClose.TaxationSystem, content.TaxationSystem)).Name()
		for _, p := range content.Positions {
			vat, known := orangedata.VATOf(p.Tax, content.UseTax20, day)
			if !known {
				vat = fiscal.RawVAT(strconv.Itoa(p.Tax))
			}
			price := amount(p.Price.String())
			r.Lines = append(r.Lines, ReceiptLine{Name: p.Text, Price: price, Quantity: p.Quantity.String(), Sum: lineSum(price, p.Quantity.String()), VAT: vat})
		}
		switch d.State {
		case orangedatatest.Done:
			r.printed(d.FN, d.Number, d.FiscalSign, d.ProcessedAt)
			r.Fiscal.Shift, r.Fiscal.Number = d.Shift, d.Index
			r.Fiscal.URL = s.OrangeDataConfig().ReceiptURL + "/" + d.INN + "/" + url.PathEscape(d.ID)
		case orangedatatest.Rejected:
			r.State, r.Fault = emulator.ReceiptFailed, "код маркировки не прошёл проверку"
		case orangedatatest.Expired:
			r.State, r.Fault = emulator.ReceiptFailed, "документ не напечатан вовремя"
		default:
			r.State = emulator.ReceiptWaiting
		}
		out = append(out, r)
	}
	return out
}

func (s *Sandbox) ofPayKeeper() []Receipt {
	var out []Receipt
	for _, e := range s.PayKeeper.Receipts() {
		out = append(out, s.ofPayKeeperOne(e))
	}
	return out
}

func (s *Sandbox) ofPayKeeperOne(e paykeepertest.Receipt) Receipt {
	r := Receipt{Provider: PayKeeper, ID: e.ID, Number: e.Key, Correction: e.Correct, Type: settlement(e.Type == "refund"), State: emulator.ReceiptWaiting,
		Contact: e.Contact, Total: e.Total, Created: e.Created}
	if o, ok := s.PayKeeper.Order(e.PaymentID); ok && e.PaymentID != "" {
		r.OrderID = o.ID
		if r.Number == "" {
			r.Number = o.Number
		}
	}
	for _, c := range e.Cart {
		line, _ := c.(map[string]any)
		text := func(name string) string {
			switch v := line[name].(type) {
			case string:
				return v
			case json.Number:
				return v.String()
			}
			return ""
		}
		price := amount(text("price"))
		sum := amount(text("sum"))
		if sum == 0 {
			sum = lineSum(price, text("quantity"))
		}
		r.Lines = append(r.Lines, ReceiptLine{Name: text("name"), Price: price, Quantity: text("quantity"), Sum: sum, VAT: wordVAT(text("tax"))})
	}
	switch e.Status {
	case "success":
		r.printed(e.FN, e.Document, e.Sign, e.Printed)
		r.Fiscal.URL = s.PayKeeper.URL + "/receipt/" + e.PageKey + "/?rc_id=" + e.ID
	case "failed":
		r.State, r.Fault = emulator.ReceiptFailed, "касса не приняла чек"
	}
	return r
}

// amount reads roubles as the services write them; 0 where it is no sum.
func amount(text string) money.Amount {
	a, err := money.Parse(text)
	if err != nil {
		return 0
	}
	return a
}

// lineSum is the price times the quantity, rounded half up to the kopeck.
func lineSum(price money.Amount, quantity string) money.Amount {
	q, ok := new(big.Rat).SetString(quantity)
	if !ok {
		return 0
	}
	return money.Amount(emulator.HalfUp(q.Mul(q, new(big.Rat).SetInt64(int64(price)))).Int64())
}

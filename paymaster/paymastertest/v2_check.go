package paymastertest

import (
	"encoding/json"
	"math/big"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring/internal/emulator"
	"github.com/acquiring-go/acquiring/money"
)

// object is a JSON object of a request, its names in lower case.
type object map[string]any

// check gathers the faults of a request in the words of the service:
// "Specify required Amount value.".
type check struct{ faults []string }

func (k *check) refusal() *refusal {
	if len(k.faults) == 0 {
		return nil
	}
	return invalid(k.faults...)
}

func (k *check) fail(words string) { k.faults = append(k.faults, words) }

// field is a field by its path, "Invoice.Description": of the path only the
// last name is looked up. nil: absent.
func (k *check) field(o object, path string, required bool) any {
	v := o[strings.ToLower(path[strings.LastIndexByte(path, '.')+1:])]
	if text, ok := v.(string); ok && text == "" {
		v = nil
	}
	if v == nil && required {
		k.fail("Specify required " + path + " value.")
	}
	return v
}

func (k *check) wrong(path string) { k.fail("Invalid " + path + " value.") }

// text takes a number for a text: scripts send order numbers so.
func (k *check) text(o object, path string, required bool) string {
	switch v := k.field(o, path, required).(type) {
	case nil:
	case string:
		return v
	case json.Number:
		return v.String()
	default:
		k.wrong(path)
	}
	return ""
}

func (k *check) object(o object, path string, required bool) object {
	switch v := k.field(o, path, required).(type) {
	case nil:
	case object:
		return v
	default:
		k.wrong(path)
	}
	return nil
}

func (k *check) objects(o object, path string, required bool) []object {
	list, ok := k.field(o, path, required).([]any)
	if !ok {
		if o[strings.ToLower(path[strings.LastIndexByte(path, '.')+1:])] != nil {
			k.wrong(path)
		}
		return nil
	}
	if len(list) == 0 && required {
		k.fail("Specify required " + path + " value.")
	}
	out := make([]object, 0, len(list))
	for i, e := range list {
		v, ok := e.(object)
		if !ok {
			k.wrong(path + "[" + strconv.Itoa(i) + "]")
			continue
		}
		out = append(out, v)
	}
	return out
}

func (k *check) flag(o object, path string) bool {
	switch v := k.field(o, path, false).(type) {
	case nil:
	case bool:
		return v
	default:
		k.wrong(path)
	}
	return false
}

// word finds the value in the list without regard to case and gives the list's
// spelling.
func (k *check) word(o object, path string, required bool, words []string) string {
	v := k.text(o, path, required)
	if v == "" {
		return ""
	}
	i := slices.IndexFunc(words, func(w string) bool { return strings.EqualFold(w, v) })
	if i < 0 {
		k.wrong(path)
		return ""
	}
	return words[i]
}

var plainNumber = regexp.MustCompile(`^\d+(\.\d+)?$`)

// number is a decimal, as a number or as text.
func (k *check) number(o object, path string, required bool) *big.Rat {
	var n json.Number
	switch v := k.field(o, path, required).(type) {
	case nil:
		return nil
	case json.Number:
		n = v
	case string:
		if !plainNumber.MatchString(v) {
			k.wrong(path)
			return nil
		}
		n = json.Number(v)
	default:
		k.wrong(path)
		return nil
	}
	r, ok := emulator.Rational(n)
	if !ok || r.Sign() < 0 {
		k.wrong(path)
		return nil
	}
	return r
}

func (k *check) whole(o object, path string) {
	switch v := k.field(o, path, true).(type) {
	case nil:
	case json.Number:
		if n, err := v.Int64(); err != nil || n <= 0 {
			k.wrong(path)
		}
	default:
		k.wrong(path)
	}
}

// amount is a sum with its currency.
func (k *check) amount(o object, path string, required bool, currencies []string) (money.Amount, string) {
	a := k.object(o, path, required)
	if a == nil {
		return 0, ""
	}
	currency := k.text(a, path+".Currency", true)
	if currency != "" && !slices.Contains(currencies, currency) {
		k.wrong(path + ".Currency")
	}
	r := k.number(a, path+".Value", true)
	if r == nil {
		return 0, currency
	}
	sum, ok := emulator.Kopecks(r)
	if !ok || sum <= 0 {
		k.wrong(path + ".Value")
	}
	return sum, currency
}

func (k *check) link(o object, path string, required bool) string {
	v := k.text(o, path, required)
	if v == "" {
		return ""
	}
	if u, err := url.Parse(v); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		k.wrong(path)
	}
	return v
}

var dateForms = []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02"}

// date reads an ISO 8601 date; one without a zone is UTC.
func date(text string) (time.Time, bool) {
	for _, form := range dateForms {
		if t, err := time.Parse(form, text); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// merchant must be ours: another's is not authorised.
func (s *Server) merchant(k *check, o object) *refusal {
	id := k.text(o, "MerchantId", true)
	return s.ours(id)
}

func (s *Server) ours(id string) *refusal {
	if id != "" && !strings.EqualFold(id, s.opt.account.MerchantID) {
		return &refusal{Code: "not_authorized", Message: "Not enough rights for the merchant."}
	}
	return nil
}

var (
	digitsOnly = regexp.MustCompile(`^\d+$`)
	mail       = regexp.MustCompile(`^[^@\s]+@[^@\s]+$`)
)

func (k *check) customer(o object, required bool) object {
	c := k.object(o, "Customer", required)
	if c == nil {
		return nil
	}
	if v := k.text(c, "Customer.Phone", false); v != "" && !digitsOnly.MatchString(v) {
		k.wrong("Customer.Phone")
	}
	if v := k.text(c, "Customer.Email", false); v != "" && !mail.MatchString(v) {
		k.wrong("Customer.Email")
	}
	k.text(c, "Customer.Ip", false)
	k.text(c, "Customer.Account", required)
	return c
}

// The words of a receipt.
var (
	vatTypes        = strings.Fields("None Vat0 Vat5 Vat7 Vat10 Vat20 Vat22 Vat105 Vat107 Vat110 Vat120 Vat122")
	paymentSubjects = strings.Fields(`Commodity Excise Job Service Gambling Lottery IntellectualActivity Payment AgentFee Other
 PropertyRights NonOperatingIncome InsurancePayment SalesTax ResortFee`)
	settlementMethods = strings.Fields("FullPrepayment PartialPrepayment Advance FullPayment PartialPayment Credit")
	agentTypes        = strings.Fields("BankPaymentAgent BankPaymentSubagent PaymentAgent PaymentSubagent Attorney Commissioner Agent")
	measures          = strings.Fields(`Piece Gram Kilogram Tonne Centimeter Decimeter Meter SquareCentimeter SquareDecimeter SquareMeter
 Millilitre Litre QubicMeter KilowattHour Gigacal Day Hour Minute Second Kilobyte Megabyte Gigabyte Terabyte Other`)
)

// receipt checks client and items of a receipt that must add up to the amount.
func (s *Server) receipt(k *check, o object, path string, amount money.Amount) *Receipt {
	if path != "" {
		if o = k.object(o, path, false); o == nil {
			return nil
		}
		path += "."
	}
	out := &Receipt{Type: "Payment"}
	if c := k.object(o, path+"Client", true); c != nil {
		out.Email, out.Phone = k.text(c, path+"Client.Email", false), k.text(c, path+"Client.Phone", false)
		k.text(c, path+"Client.Name", false)
		k.text(c, path+"Client.Inn", false)
		if out.Email == "" && out.Phone == "" {
			k.fail("Specify " + path + "Client.Email or " + path + "Client.Phone value.")
		}
	}
	var total money.Amount
	exact := true
	for i, e := range k.objects(o, path+"Items", true) {
		line, sum := s.line(k, e, path+"Items["+strconv.Itoa(i)+"]")
		if sum == nil {
			exact = false
			continue
		}
		rounded := emulator.HalfUp(sum.Mul(sum, hundred))
		if !rounded.IsInt64() {
			k.wrong(path + "Items")
			exact = false
			continue
		}
		line.Sum = money.Amount(rounded.Int64())
		total += line.Sum
		out.Lines = append(out.Lines, line)
	}
	if exact && amount > 0 && total != amount && !s.opt.unknown.StrayReceipts {
		k.fail("Sum of " + path + "Items does not equal the amount.")
	}
	out.Amount = amount
	return out
}

var hundred = big.NewRat(100, 1)

func (s *Server) line(k *check, o object, path string) (ReceiptLine, *big.Rat) {
	line := ReceiptLine{Name: k.text(o, path+".Name", true)}
	quantity, price := k.number(o, path+".Quantity", true), k.number(o, path+".Price", true)
	if quantity != nil && quantity.Sign() == 0 {
		k.wrong(path + ".Quantity")
	}
	if s.opt.unknown.VatNone && o["vattype"] == "vat_none" {
		o["vattype"] = "None"
	}
	line.VAT = k.word(o, path+".VatType", true, vatTypes)
	line.Subject = k.word(o, path+".PaymentSubject", true, paymentSubjects)
	line.Method = k.word(o, path+".PaymentMethod", true, settlementMethods)
	k.word(o, path+".Measure", false, measures)
	k.word(o, path+".AgentType", false, agentTypes)
	k.number(o, path+".Excise", false)
	if p := k.object(o, path+".Product", false); p != nil {
		k.text(p, path+".Product.Country", false)
		k.text(p, path+".Product.Declaration", false)
	}
	if p := k.object(o, path+".Supplier", false); p != nil {
		k.text(p, path+".Supplier.Name", false)
		k.text(p, path+".Supplier.Inn", false)
		k.text(p, path+".Supplier.Phone", false)
	}
	if m := k.object(o, path+".Marking", false); m != nil {
		line.Marking = k.text(m, path+".Marking.Code", true)
		if q := k.object(m, path+".Marking.Quantity", false); q != nil {
			k.whole(q, path+".Marking.Quantity.Numerator")
			k.whole(q, path+".Marking.Quantity.Denominator")
		}
	}
	if quantity == nil || price == nil {
		return line, nil
	}
	line.Quantity, line.Price = decimal(quantity), decimal(price)
	return line, new(big.Rat).Mul(quantity, price)
}

// decimal writes a number shortly: "1", "0.333".
func decimal(r *big.Rat) string {
	text := r.FloatString(6)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}

package komtet

import (
	"strings"

	"github.com/acquiring-go/acquiring/fiscal"
)

// pair is a value of the receipt's model and its code at the service.
type pair[V, C comparable] struct {
	value V
	code  C
}

// table is a two-way list of codes. Tables are short: a scan beats a map.
type table[V, C comparable] []pair[V, C]

func (t table[V, C]) code(v V) (code C, ok bool) {
	for _, p := range t {
		if p.value == v {
			return p.code, true
		}
	}
	return code, false
}

func (t table[V, C]) value(code C) (v V, ok bool) {
	for _, p := range t {
		if p.code == code {
			return p.value, true
		}
	}
	return v, false
}

// TaxSystemCode is sno, the service's number of a tax system (1055). ЕНВД has
// none: it was abolished, and the service dropped it in November 2025.
func TaxSystemCode(t fiscal.TaxSystem) (code int, ok bool) { return taxSystems.code(t) }

// TaxSystemByCode is the tax system that sno means.
func TaxSystemByCode(code int) (t fiscal.TaxSystem, ok bool) { return taxSystems.value(code) }

// VATCode is the service's word for a rate (1199); a fiscal.RawVAT is passed as
// it is. The rate is not changed for a prepayment: see fiscal.Line.EffectiveVAT.
func VATCode(v fiscal.VAT) (code string, ok bool) {
	if raw, isRaw := v.Raw(); isRaw {
		return raw, raw != ""
	}
	return vats.code(v)
}

// VATByCode is the rate that the service's word means. The rates that are no
// more, 18 and 118, are not known.
func VATByCode(code string) (v fiscal.VAT, ok bool) { return vats.value(code) }

// MethodCode is payment_method, in version 1 calculation_method (1214).
func MethodCode(m fiscal.PaymentMethod) (code string, ok bool) { return methods.code(m) }

// MethodByCode is the method that the service's word means.
func MethodByCode(code string) (m fiscal.PaymentMethod, ok bool) { return methods.value(code) }

// SubjectCode is payment_object, in version 1 calculation_subject (1212).
// Version 1 ends with fiscal.TouristTax, and its word for fiscal.Payout is the
// composite subject of FFD 1.05.
func SubjectCode(api API, s fiscal.Subject) (code string, ok bool) {
	switch {
	case api != APIv1:
		return subjects.code(s)
	case s == fiscal.Payout:
		return composite, true
	case s > fiscal.TouristTax:
		return "", false
	}
	return subjects.code(s)
}

// SubjectByCode is the subject that the service's word means, in either
// version.
func SubjectByCode(code string) (s fiscal.Subject, ok bool) {
	if code == composite {
		return fiscal.Payout, true
	}
	return subjects.value(code)
}

// UnitCode is measure (2108), version 2 only: the format's own numbers.
func UnitCode(u fiscal.Unit) (code int, ok bool) { return int(u), u.Valid() }

// UnitByCode is the unit that measure means.
func UnitByCode(code int) (u fiscal.Unit, ok bool) {
	u = fiscal.Unit(code)
	return u, int(u) == code && u.Valid()
}

// IntentCode is the intent of a receipt (1054).
func IntentCode(s fiscal.Settlement) (code string, ok bool) { return intents.code(s) }

// CorrectionIntentCode is the intent of a correction.
func CorrectionIntentCode(s fiscal.Settlement) (code string, ok bool) {
	code, ok = intents.code(s)
	if !ok {
		return "", false
	}
	return code + correctionSuffix, true
}

// IntentByCode is the settlement that an intent means, and whether it is a
// correction's.
func IntentByCode(code string) (s fiscal.Settlement, correction, ok bool) {
	code, correction = strings.CutSuffix(code, correctionSuffix)
	s, ok = intents.value(code)
	return s, correction && ok, ok
}

// AgentCode is the type of agent_info (1222).
func AgentCode(a fiscal.AgentType) (code string, ok bool) { return agents.code(a) }

// AgentByCode is the agent that the service's word means.
func AgentByCode(code string) (a fiscal.AgentType, ok bool) { return agents.value(code) }

// CorrectionCode is the type of a correction (1173): "self", and "forced" in
// version 1, "instruction" in version 2.
func CorrectionCode(api API, k fiscal.CorrectionKind) (code string, ok bool) {
	switch {
	case k == fiscal.CorrectionOwn:
		return "self", true
	case k == fiscal.CorrectionByOrder && api == APIv1:
		return "forced", true
	case k == fiscal.CorrectionByOrder:
		return "instruction", true
	}
	return "", false
}

// CorrectionByCode is the kind of correction that the service's word means, in
// either version.
func CorrectionByCode(code string) (k fiscal.CorrectionKind, ok bool) {
	switch code {
	case "self":
		return fiscal.CorrectionOwn, true
	case "forced", "instruction":
		return fiscal.CorrectionByOrder, true
	}
	return 0, false
}

// MarkKindCode is the name of the member of mark_code (1163), version 2 only.
// The kinds F1 to F6 have none.
func MarkKindCode(k fiscal.MarkKind) (code string, ok bool) { return markKinds.code(k) }

// MarkKindByCode is the kind that the service's word means.
func MarkKindByCode(code string) (k fiscal.MarkKind, ok bool) { return markKinds.value(code) }

// PlannedStatusCode is planned_status (2003), version 2 only: the format's own
// numbers.
func PlannedStatusCode(p fiscal.PlannedStatus) (code int, ok bool) { return int(p), p.Valid() }

// PlannedStatusByCode is the status that planned_status means.
func PlannedStatusByCode(code int) (p fiscal.PlannedStatus, ok bool) {
	p = fiscal.PlannedStatus(code)
	return p, int(p) == code && p.Valid()
}

// The types of payments (1031, 1081, 1215, 1216, 1217).
const (
	PaymentCash     = "cash"
	PaymentCashless = "card"
	PaymentPrepaid  = "prepayment"
	PaymentCredit   = "credit"
	PaymentCounter  = "counter_provisioning"
)

const (
	composite        = "composite"
	correctionSuffix = "Correction"
)

// The tables of codes. They are read only.
var (
	taxSystems = table[fiscal.TaxSystem, int]{
		{fiscal.TaxGeneral, 0}, {fiscal.TaxSimplifiedIncome, 1}, {fiscal.TaxSimplifiedIncomeMinus, 2},
		{fiscal.TaxAgricultural, 4}, {fiscal.TaxPatent, 5},
	}
	vats = table[fiscal.VAT, string]{
		{fiscal.VATNone, "no"}, {fiscal.VAT0, "0"}, {fiscal.VAT5, "5"}, {fiscal.VAT7, "7"}, {fiscal.VAT10, "10"}, {fiscal.VAT20, "20"}, {fiscal.VAT22, "22"},
		{fiscal.VAT5of105, "105"}, {fiscal.VAT7of107, "107"}, {fiscal.VAT10of110, "110"}, {fiscal.VAT20of120, "120"}, {fiscal.VAT22of122, "122"},
	}
	methods = table[fiscal.PaymentMethod, string]{
		{fiscal.FullPrepayment, "pre_payment_full"}, {fiscal.Prepayment, "pre_payment_part"}, {fiscal.Advance, "advance"},
		{fiscal.FullPayment, "full_payment"}, {fiscal.PartialPayment, "credit_part"}, {fiscal.Credit, "credit"}, {fiscal.CreditPayment, "credit_pay"},
	}
	// The spelling "contributins" is the service's.
	subjects = table[fiscal.Subject, string]{
		{fiscal.Goods, "product"}, {fiscal.Excisable, "product_practical"}, {fiscal.Work, "work"}, {fiscal.Service, "service"},
		{fiscal.GamblingBet, "gambling_bet"}, {fiscal.GamblingPrize, "gambling_win"}, {fiscal.LotteryTicket, "lottery_bet"},
		{fiscal.LotteryPrize, "lottery_win"}, {fiscal.IntellectualProperty, "rid"}, {fiscal.Payment, "payment"}, {fiscal.AgentFee, "commission"},
		{fiscal.Payout, "pay"}, {fiscal.Other, "other"}, {fiscal.PropertyRight, "property_right"}, {fiscal.NonOperatingIncome, "non_operating"},
		{fiscal.OtherContributions, "insurance"}, {fiscal.TradeLevy, "sales_tax"}, {fiscal.TouristTax, "resort_fee"},
		{fiscal.Pledge, "deposit"}, {fiscal.Expense, "consumption"}, {fiscal.PensionOwn, "sole_proprietor_cpi_contributins"},
		{fiscal.Pension, "cpi_contributins"}, {fiscal.MedicalOwn, "sole_proprietor_cmi_contributins"}, {fiscal.Medical, "cmi_contributins"},
		{fiscal.SocialInsurance, "csi_contributins"}, {fiscal.CasinoPayment, "casino_payment"}, {fiscal.CashPayout, "payment_of_the_money"},
		{fiscal.ExciseUncoded, "atnm"}, {fiscal.ExciseCoded, "atm"}, {fiscal.GoodsUncoded, "tnm"}, {fiscal.GoodsCoded, "tm"},
	}
	intents = table[fiscal.Settlement, string]{
		{fiscal.Sale, "sell"}, {fiscal.SaleReturn, "sellReturn"}, {fiscal.Purchase, "buy"}, {fiscal.PurchaseReturn, "buyReturn"},
	}
	agents = table[fiscal.AgentType, string]{
		{fiscal.BankPayingAgent, "bank_payment_agent"}, {fiscal.BankPayingSubagent, "bank_payment_subagent"}, {fiscal.PayingAgent, "payment_agent"},
		{fiscal.PayingSubagent, "payment_subagent"}, {fiscal.Attorney, "solicitor"}, {fiscal.CommissionAgent, "commissionaire"}, {fiscal.OtherAgent, "agent"},
	}
	markKinds = table[fiscal.MarkKind, string]{
		{fiscal.MarkUnknown, "unknown"}, {fiscal.MarkEAN8, "ean8"}, {fiscal.MarkEAN13, "ean13"}, {fiscal.MarkITF14, "itf14"}, {fiscal.MarkGS10, "gs10"},
		{fiscal.MarkGS1M, "gs1m"}, {fiscal.MarkShort, "short"}, {fiscal.MarkFur, "fur"}, {fiscal.MarkEGAIS20, "egais20"}, {fiscal.MarkEGAIS30, "egais30"},
	}
)

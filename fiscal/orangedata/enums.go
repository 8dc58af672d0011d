package orangedata

import (
	"strconv"
	"time"

	"github.com/acquiring-go/acquiring/fiscal"
)

// The service numbers most things as the format does: settlements (1054),
// payment methods (1214), subjects (1212), units (2108), agents (1222, bits),
// planned statuses (2003). Its own are VAT, the tax system and the kinds of
// payment.

// Kinds of payment (checkClose.payments[].type).
const (
	payCash     = 1  // наличными (1031)
	payCashless = 2  // безналичными (1081)
	payPrepaid  = 14 // зачёт предоплаты (1215)
	payCredit   = 15 // постоплата (1216)
	payCounter  = 16 // встречное предоставление (1217)
)

// Versions of the format (1209).
const (
	ffd105 = 2
	ffd12  = 4
)

// basicRate says which rate codes 1 and 3 stand for on a day when they are not
// told otherwise: 22 % since 1 January 2026.
func basicIs22(on time.Time) bool { return on.Year() >= 2026 }

// needs20Flag says whether 20 % has to be asked for by useTax20. It is from a
// month before the change on: a document that waits in the queue over New
// Year's night must not change its rate.
func needs20Flag(on time.Time) bool {
	return on.Year() >= 2026 || (on.Year() == 2025 && on.Month() == time.December)
}

// VATCode is the code of a rate in the member tax, and whether the document
// needs useTax20 for it, for a document printed on the day. Code 1 is the basic
// rate: 20 % until the end of 2025 and 22 % since; useTax20, which holds for
// the whole document, makes it 20 % again. ok is false where the rate cannot be
// expressed: 22 % before 2026, an unknown one. A RawVAT is a number and passes
// as it is.
func VATCode(v fiscal.VAT, on time.Time) (code int, useTax20, ok bool) {
	if raw, is := v.Raw(); is {
		n, err := strconv.Atoi(raw)
		return n, false, err == nil && n > 0
	}
	switch v {
	case fiscal.VAT20:
		return 1, needs20Flag(on), true
	case fiscal.VAT22:
		return 1, false, basicIs22(on)
	case fiscal.VAT20of120:
		return 3, needs20Flag(on), true
	case fiscal.VAT22of122:
		return 3, false, basicIs22(on)
	}
	// The others have the format's own numbers, 2 and 4 to 10.
	code, ok = v.Code()
	return code, false, ok && code <= 10
}

// VATOf is the rate of a code in a document printed on the day, the other way
// of VATCode.
func VATOf(code int, useTax20 bool, on time.Time) (v fiscal.VAT, ok bool) {
	if code > 10 {
		return "", false
	}
	v, ok = fiscal.VATOf(code)
	if ok && basicIs22(on) && !useTax20 {
		switch v {
		case fiscal.VAT20:
			v = fiscal.VAT22
		case fiscal.VAT20of120:
			v = fiscal.VAT22of122
		}
	}
	return v, ok
}

// Rate is the VAT of the line as it was printed: what taxRate says, where the
// service says it, else what the code meant on the day.
func (p *Position) Rate(useTax20 bool, on time.Time) (fiscal.VAT, bool) {
	if p.TaxRate != 0 {
		return fiscal.VATOf(p.TaxRate)
	}
	return VATOf(p.Tax, useTax20, on)
}

// paymentParts are the kinds of payment that are not zero.
func paymentParts(p fiscal.Payments) []PaymentPart {
	var parts []PaymentPart
	for _, k := range []PaymentPart{
		{payCash, Rubles(p.Cash)}, {payCashless, Rubles(p.Cashless)}, {payPrepaid, Rubles(p.Prepaid)},
		{payCredit, Rubles(p.Credit)}, {payCounter, Rubles(p.Counter)},
	} {
		if k.Amount != 0 {
			parts = append(parts, k)
		}
	}
	return parts
}

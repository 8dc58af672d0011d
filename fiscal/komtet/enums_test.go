package komtet

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/fiscal"
)

// The tables of the specification (12.1 to 12.8), written out a second time.

func TestVATCodes(t *testing.T) {
	codes := map[fiscal.VAT]string{
		fiscal.VATNone: "no", fiscal.VAT0: "0", fiscal.VAT5: "5", fiscal.VAT7: "7", fiscal.VAT10: "10", fiscal.VAT20: "20", fiscal.VAT22: "22",
		fiscal.VAT5of105: "105", fiscal.VAT7of107: "107", fiscal.VAT10of110: "110", fiscal.VAT20of120: "120", fiscal.VAT22of122: "122",
	}
	require.Len(t, fiscal.VATs(), len(codes))
	for _, v := range fiscal.VATs() {
		code, ok := VATCode(v)
		assert.True(t, ok, v)
		assert.Equal(t, codes[v], code)
		back, ok := VATByCode(code)
		assert.True(t, ok)
		assert.Equal(t, v, back)
	}
	for _, gone := range []string{"18", "118", "", "20%", "6"} {
		_, ok := VATByCode(gone)
		assert.False(t, ok, gone)
	}
	code, ok := VATCode(fiscal.RawVAT("24"))
	assert.True(t, ok)
	assert.Equal(t, "24", code)
	for _, unknown := range []fiscal.VAT{"", "18", fiscal.RawVAT("")} {
		_, ok = VATCode(unknown)
		assert.False(t, ok, unknown)
	}
}

// Every rate of every year goes out as the service's word and comes back, in
// its plain form with a full payment and in its calculated one with a
// prepayment, in both versions.
func TestVATOfEachYear(t *testing.T) {
	years := map[int]map[fiscal.VAT][2]string{
		2024: {fiscal.VATNone: {"no", "no"}, fiscal.VAT0: {"0", "0"}, fiscal.VAT10: {"10", "110"}, fiscal.VAT20: {"20", "120"}},
		2025: {fiscal.VATNone: {"no", "no"}, fiscal.VAT0: {"0", "0"}, fiscal.VAT5: {"5", "105"}, fiscal.VAT7: {"7", "107"}, fiscal.VAT10: {"10", "110"}, fiscal.VAT20: {"20", "120"}},
		2026: {fiscal.VATNone: {"no", "no"}, fiscal.VAT0: {"0", "0"}, fiscal.VAT5: {"5", "105"}, fiscal.VAT7: {"7", "107"}, fiscal.VAT10: {"10", "110"}, fiscal.VAT22: {"22", "122"}},
	}
	c, _ := client(t, nil)
	for year, rates := range years {
		sold := day(year, time.March, 5)
		for _, v := range fiscal.VATs() {
			if want, valid := rates[v]; assert.Equal(t, valid || (v.IsCalculated() && rates[v.Plain()] != [2]string{}), v.ValidOn(sold), "%s in %d", v, year) && valid {
				for _, ffd := range []fiscal.FFD{fiscal.FFD105, fiscal.FFD12} {
					for i, method := range []fiscal.PaymentMethod{fiscal.FullPayment, fiscal.FullPrepayment} {
						r := saleV1()
						r.Type, r.FFD, r.SoldAt = fiscal.Sale, ffd, sold
						r.Lines[0].VAT, r.Lines[0].Method = v, method
						code := vatOf(t, c, r)
						assert.Equal(t, want[i], code)
						back, ok := VATByCode(code)
						assert.True(t, ok)
						assert.Equal(t, r.Lines[0].EffectiveVAT(), back)
					}
				}
			}
		}
	}
	// What was sold in 2025 comes back at 20 % in 2026.
	r := saleV1()
	r.SoldAt, r.Lines[0].VAT = day(2025, time.December, 30), fiscal.VAT20
	assert.Equal(t, "20", vatOf(t, c, r))
	// A calculated rate that the caller gave is kept, a raw one passed.
	r.Lines[0].Method, r.Lines[0].VAT = fiscal.Advance, fiscal.VAT20of120
	assert.Equal(t, "120", vatOf(t, c, r))
	r.Lines[0].VAT = fiscal.RawVAT("24")
	assert.Equal(t, "24", vatOf(t, c, r))
}

func vatOf(t *testing.T, c *Client, r fiscal.Receipt) string {
	t.Helper()
	check, err := c.Request(r)
	require.NoError(t, err)
	switch check := check.(type) {
	case *CheckV1:
		return check.Positions[0].VAT
	case *CheckV2:
		return check.Positions[0].VAT
	}
	t.Fatalf("%T", check)
	return ""
}

func TestTaxSystemCodes(t *testing.T) {
	codes := map[fiscal.TaxSystem]int{fiscal.TaxGeneral: 0, fiscal.TaxSimplifiedIncome: 1, fiscal.TaxSimplifiedIncomeMinus: 2, fiscal.TaxAgricultural: 4, fiscal.TaxPatent: 5}
	for system := range fiscal.TaxSystem(255) {
		code, ok := TaxSystemCode(system)
		want, known := codes[system]
		assert.Equal(t, known, ok, system)
		if ok {
			assert.Equal(t, want, code)
			back, ok := TaxSystemByCode(code)
			assert.True(t, ok && back == system)
		}
	}
	for _, code := range []int{3, 6, -1, 2485} {
		_, ok := TaxSystemByCode(code)
		assert.False(t, ok, code)
	}
}

func TestMethodCodes(t *testing.T) {
	codes := []string{"pre_payment_full", "pre_payment_part", "advance", "full_payment", "credit_part", "credit", "credit_pay"}
	for m := range fiscal.PaymentMethod(255) {
		code, ok := MethodCode(m)
		require.Equal(t, m.Valid(), ok, m)
		if ok {
			assert.Equal(t, codes[m-1], code)
			back, ok := MethodByCode(code)
			assert.True(t, ok && back == m)
		}
	}
	_, ok := MethodByCode("full")
	assert.False(t, ok)
}

func TestSubjectCodes(t *testing.T) {
	v1 := []string{"product", "product_practical", "work", "service", "gambling_bet", "gambling_win", "lottery_bet", "lottery_win", "rid", "payment", "commission",
		"composite", "other", "property_right", "non_operating", "insurance", "sales_tax", "resort_fee"}
	v2 := append(append([]string(nil), v1...), "deposit", "consumption", "sole_proprietor_cpi_contributins", "cpi_contributins", "sole_proprietor_cmi_contributins",
		"cmi_contributins", "csi_contributins", "casino_payment", "payment_of_the_money", "", "", "atnm", "atm", "tnm", "tm")
	v2[11] = "pay"
	for s := range fiscal.Subject(255) {
		for api, codes := range map[API][]string{APIv1: v1, APIv2: v2} {
			want := ""
			if s >= 1 && int(s) <= len(codes) {
				want = codes[s-1]
			}
			code, ok := SubjectCode(api, s)
			assert.Equal(t, want != "", ok, "%s %d", api, s)
			assert.Equal(t, want, code)
			if ok {
				back, ok := SubjectByCode(code)
				assert.True(t, ok && back == s, code)
			}
		}
		_, ok := SubjectCode(APIv2, s)
		assert.Equal(t, s.Valid(), ok, "every subject of the format has a word: %d", s)
	}
	for _, typo := range []string{"athm", "thm", "contributions", ""} {
		_, ok := SubjectByCode(typo)
		assert.False(t, ok, typo)
	}
}

func TestUnitCodes(t *testing.T) {
	want := []int{0, 10, 11, 12, 20, 21, 22, 30, 31, 32, 40, 41, 42, 50, 51, 70, 71, 72, 73, 80, 81, 82, 83, 255}
	var got []int
	for u := range 256 {
		code, ok := UnitCode(fiscal.Unit(u))
		if ok {
			got = append(got, code)
			back, ok := UnitByCode(code)
			assert.True(t, ok && back == fiscal.Unit(u))
		}
	}
	assert.Equal(t, want, got)
	for _, code := range []int{256, -1, 1, 266} {
		_, ok := UnitByCode(code)
		assert.False(t, ok, code)
	}
}

func TestIntentCodes(t *testing.T) {
	codes := []string{"sell", "sellReturn", "buy", "buyReturn"}
	for s := range fiscal.Settlement(255) {
		code, ok := IntentCode(s)
		correction, okToo := CorrectionIntentCode(s)
		require.Equal(t, s.Valid(), ok)
		require.Equal(t, ok, okToo)
		if !ok {
			continue
		}
		assert.Equal(t, codes[s-1], code)
		assert.Equal(t, codes[s-1]+"Correction", correction)
		back, corrects, ok := IntentByCode(code)
		assert.True(t, ok && !corrects && back == s)
		back, corrects, ok = IntentByCode(correction)
		assert.True(t, ok && corrects && back == s)
	}
	_, corrects, ok := IntentByCode("Correction")
	assert.False(t, ok || corrects)
}

func TestAgentCodes(t *testing.T) {
	codes := []string{"bank_payment_agent", "bank_payment_subagent", "payment_agent", "payment_subagent", "solicitor", "commissionaire", "agent"}
	for a := range fiscal.AgentType(255) {
		code, ok := AgentCode(a)
		require.Equal(t, a.Valid(), ok, a)
		if ok {
			n, _ := a.Ordinal()
			assert.Equal(t, codes[n], code)
			back, ok := AgentByCode(code)
			assert.True(t, ok && back == a)
		}
	}
}

func TestCorrectionCodes(t *testing.T) {
	for _, row := range []struct {
		api  API
		kind fiscal.CorrectionKind
		code string
	}{{APIv1, fiscal.CorrectionOwn, "self"}, {APIv1, fiscal.CorrectionByOrder, "forced"}, {APIv2, fiscal.CorrectionOwn, "self"}, {APIv2, fiscal.CorrectionByOrder, "instruction"}} {
		code, ok := CorrectionCode(row.api, row.kind)
		assert.True(t, ok)
		assert.Equal(t, row.code, code)
		back, ok := CorrectionByCode(code)
		assert.True(t, ok && back == row.kind)
	}
	_, ok := CorrectionCode(APIv2, 2)
	assert.False(t, ok)
	_, ok = CorrectionByCode("other")
	assert.False(t, ok)
}

func TestMarkAndStatusCodes(t *testing.T) {
	names := []string{"unknown", "ean8", "ean13", "itf14", "gs10", "gs1m", "short", "fur", "egais20", "egais30"}
	for k := fiscal.MarkKind(1290); k < 1340; k++ {
		code, ok := MarkKindCode(k)
		assert.Equal(t, k >= 1300 && k <= 1309, ok, k)
		if ok {
			assert.Equal(t, names[k-1300], code)
			back, ok := MarkKindByCode(code)
			assert.True(t, ok && back == k)
		}
	}
	var statuses []int
	for s := range 256 {
		if code, ok := PlannedStatusCode(fiscal.PlannedStatus(s)); ok {
			statuses = append(statuses, code)
			back, ok := PlannedStatusByCode(code)
			assert.True(t, ok && back == fiscal.PlannedStatus(s))
		}
	}
	assert.Equal(t, []int{1, 2, 3, 4, 5, 6, 255}, statuses)
	_, ok := PlannedStatusByCode(257)
	assert.False(t, ok)
}

func TestPaymentKinds(t *testing.T) {
	c, _ := client(t, nil)
	for kind, pay := range map[string]fiscal.Payments{
		"card": {Cashless: 149990}, "cash": {Cash: 149990}, "prepayment": {Prepaid: 149990}, "credit": {Credit: 149990}, "counter_provisioning": {Counter: 149990},
	} {
		r := sale()
		r.Payments = pay
		check, err := c.Request(r)
		require.NoError(t, err)
		assert.Equal(t, []Payment{{kind, 149990}}, check.(*CheckV2).Payments)
	}
	r := sale()
	r.Payments = fiscal.Payments{Cash: 1, Cashless: 149950, Prepaid: 2, Credit: 3, Counter: 34}
	check, err := c.Request(r)
	require.NoError(t, err)
	assert.Equal(t, `[{"type":"card","sum":1499.5},{"type":"cash","sum":0.01},{"type":"prepayment","sum":0.02},{"type":"credit","sum":0.03},{"type":"counter_provisioning","sum":0.34}]`,
		written(t, check.(*CheckV2).Payments))
	r = sale()
	for i := range r.Lines {
		r.Lines[i].Price = 0
	}
	check, err = c.Request(r)
	require.NoError(t, err)
	assert.Equal(t, []Payment{{"card", 0}}, check.(*CheckV2).Payments, "a gift")
}

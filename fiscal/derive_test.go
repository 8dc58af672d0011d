package fiscal

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/money"
)

// order is the order of E18 and E19: tea and its delivery.
func order() Receipt {
	r := NewSale("A-7", Contact{Email: "buyer@example.org"},
		GoodsLine("Чай", kop("1299.00"), Pieces(1), VAT22),
		ServiceLine("Доставка", kop("300.00"), Pieces(1), VAT22))
	r.FFD = FFD12
	return r
}

func vats(r Receipt) (out []string) {
	for _, l := range r.Lines {
		out = append(out, string(l.EffectiveVAT())+" "+l.VATSum().String())
	}
	return out
}

func TestPrepaidPairE18(t *testing.T) {
	first, err := Prepay(order(), "A-7-1", kop("1599.00"))
	require.NoError(t, err)
	require.NoError(t, first.Validate())
	assert.Equal(t, "A-7-1", first.ID)
	assert.Equal(t, []string{"1 x 1299.00", "1 x 300.00"}, printed(first.Lines))
	assert.Equal(t, []string{"22/122 234.25", "22/122 54.10"}, vats(first))
	assert.Equal(t, Payments{Cashless: kop("1599.00")}, first.Payments)
	for _, l := range first.Lines {
		assert.Equal(t, FullPrepayment, l.Method)
		assert.Equal(t, Payment, l.Subject)
	}
	second, err := Settle(order(), "A-7-2", kop("1599.00"))
	require.NoError(t, err)
	require.NoError(t, second.Validate())
	assert.Equal(t, []string{"22 234.25", "22 54.10"}, vats(second))
	assert.Equal(t, Payments{Prepaid: kop("1599.00")}, second.Payments)
	assert.Equal(t, []Subject{Goods, Service}, []Subject{second.Lines[0].Subject, second.Lines[1].Subject})
	assert.Equal(t, FullPayment, second.Lines[0].Method)
}

func TestPartPrepaidPairE19(t *testing.T) {
	first, err := Prepay(order(), "A-7-1", kop("500.00"))
	require.NoError(t, err)
	require.NoError(t, first.Validate())
	assert.Equal(t, []string{"1 x 406.19", "1 x 93.81"}, printed(first.Lines))
	assert.Equal(t, []string{"22/122 73.25", "22/122 16.92"}, vats(first))
	assert.Equal(t, "90.16", VAT22of122.Of(kop("500.00")).String())
	assert.Equal(t, Prepayment, first.Lines[0].Method)
	assert.Equal(t, Payments{Cashless: kop("500.00")}, first.Payments)
	second, err := Settle(order(), "A-7-2", kop("500.00"))
	require.NoError(t, err)
	require.NoError(t, second.Validate())
	assert.Equal(t, []string{"22 234.25", "22 54.10"}, vats(second))
	assert.Equal(t, Payments{Prepaid: kop("500.00"), Cashless: kop("1099.00")}, second.Payments)
}

func TestPrepayLeavesTheMarkToTheHandOver(t *testing.T) {
	o := order()
	o.Lines = append(o.Lines, MarkedLine("Сырок", 4700, VAT10, *good().Lines[1].Mark))
	first, err := Prepay(o, "1", o.Total()-1)
	require.NoError(t, err)
	require.NoError(t, first.Validate())
	for _, l := range first.Lines {
		assert.Nil(t, l.Mark)
		assert.Zero(t, l.PlannedStatus)
	}
	require.NotNil(t, o.Lines[2].Mark, "the order stays")
	second, err := Settle(o, "2", o.Total()-1)
	require.NoError(t, err)
	require.NoError(t, second.Validate())
	assert.Equal(t, PieceSold, second.Lines[2].PlannedStatus)
	assert.NotNil(t, second.Lines[2].Mark)
}

func TestPrepayRefuses(t *testing.T) {
	for _, sum := range []money.Amount{0, -1, kop("1599.01")} {
		_, err := Prepay(order(), "1", sum)
		assert.ErrorContains(t, err, "payments: are")
		_, err = Settle(order(), "1", sum)
		assert.ErrorContains(t, err, "payments.prepaid: is")
	}
	o := order()
	o.Lines[0].Price, o.Lines[1].Price = -1, 1000
	_, err := Prepay(o, "1", 100)
	assert.ErrorContains(t, err, "items[0].price")
}

func TestAdvanceLine(t *testing.T) {
	r := NewSale("1", Contact{Email: "a@b.ru"}, AdvanceLine(kop("500"), VAT22))
	require.NoError(t, r.Validate())
	assert.Equal(t, VAT22of122, r.Lines[0].EffectiveVAT())
}

// sold2025 is a sale of 2025 at 20 %, discounted, with a marked piece.
func sold2025() Receipt {
	r := NewSale("S-1", Contact{Email: "buyer@example.org"},
		item("172.61", "1", VAT20), item("172.62", "2", VAT20), item("259.90", "0.425", VAT20),
		MarkedLine("Сырок", 4700, VAT10, *good().Lines[1].Mark))
	r.FFD, r.TaxSystem = FFD12, TaxGeneral
	r.SoldAt = time.Date(2025, 12, 20, 12, 0, 0, 0, moscow)
	return r
}

func TestReturnWhole(t *testing.T) {
	sale := sold2025()
	got, err := Return(sale, Selection{ID: "R-1"})
	require.NoError(t, err)
	require.NoError(t, got.ValidateAt(today))
	assert.Empty(t, got.WarningsAt(today), "20 % is right for what was sold in 2025")
	assert.Equal(t, SaleReturn, got.Type)
	assert.Equal(t, "R-1", got.ID)
	assert.Equal(t, printed(sale.Lines), printed(got.Lines))
	assert.Equal(t, VAT20, got.Lines[0].VAT)
	assert.Equal(t, PieceReturned, got.Lines[3].PlannedStatus)
	assert.Equal(t, PieceSold, sale.Lines[3].PlannedStatus, "the sale stays")
	assert.Equal(t, Payments{Cashless: sale.Total()}, got.Payments)
	assert.Equal(t, sale.SoldAt, got.SoldAt)
	assert.Equal(t, sale.Contact, got.Contact)
}

// What was sold by a code that no register checks (a fur's, a barcode) and
// without a planned status comes back without one: OrangeData takes it only with
// a code that is checked.
func TestReturnKeepsNoStatusForCodesThatAreNotChecked(t *testing.T) {
	for code, want := range map[string]PlannedStatus{
		"RU-430301-AAA0012345": 0, "4601234567893": 0,
		good().Lines[1].Mark.Code: PieceReturned, // as ever
	} {
		mark, err := ParseMark(code)
		require.NoError(t, err)
		sale := NewSale("S-1", Contact{Email: "buyer@example.org"}, MarkedLine("Шуба", kop("1000.00"), VAT22, mark))
		sale.FFD, sale.Lines[0].PlannedStatus = FFD12, 0
		back, err := Return(sale, Selection{ID: "R-1"})
		require.NoError(t, err)
		assert.Equal(t, want, back.Lines[0].PlannedStatus, code)
		sale.Lines[0].PlannedStatus = PieceSold
		back, err = Return(sale, Selection{ID: "R-1"})
		require.NoError(t, err)
		assert.Equal(t, PieceReturned, back.Lines[0].PlannedStatus, code)
	}
}

// Of an excisable thing whose price comes back in part, the excise does too: a
// receipt whose excise exceeds the line is refused.
func TestReturnOfAPartOfThePriceHasAPartOfTheExcise(t *testing.T) {
	sale := NewSale("S-1", Contact{Email: "buyer@example.org"}, item("500.00", "2", VAT22), item("100.00", "1", VAT22))
	sale.Lines[0].Subject, sale.Lines[0].Excise = Excisable, kop("300.00")
	back, err := Return(sale, Selection{ID: "R", Sum: kop("110.00")})
	require.NoError(t, err)
	require.NoError(t, back.ValidateAt(today))
	assert.Equal(t, []string{"2 x 50.00", "1 x 10.00"}, printed(back.Lines))
	assert.Equal(t, kop("30.00"), back.Lines[0].Excise)
	assert.Equal(t, kop("300.00"), sale.Lines[0].Excise)
}

// A weighed thing comes back in many parts, each rounded: the last is what is
// left, whatever it weighs.
func TestReturnInManyParts(t *testing.T) {
	sale := NewSale("S-1", Contact{Email: "buyer@example.org"}, item("1.01", "2.5", VAT22), item("10.00", "1", VAT22))
	for _, parts := range [][]string{{"0.5", "0.5", "0.5", "0.5", "0.5"}, {"0.5", "0.5", "0.5", "1"}} {
		var returned money.Amount
		for _, part := range parts {
			back, err := Return(sale, Selection{ID: "R", Items: []SelectedItem{{Line: 0, Quantity: qty(part)}}, Returned: returned + kop("10.00")})
			require.NoError(t, err, "%v: %s came back", parts, returned)
			require.NoError(t, back.ValidateAt(today))
			returned += back.Total()
		}
		assert.Equal(t, kop("2.53"), returned)
	}
	// Nothing is left: that is no rounding.
	_, err := Return(sale, Selection{ID: "R", Items: []SelectedItem{{Line: 0, Quantity: qty("0.01")}}, Returned: sale.Total()})
	assert.ErrorContains(t, err, "only 0.00 of the sale is left")
}

func TestReturnPart(t *testing.T) {
	sale := sold2025()
	sale.Lines[1].Excise, sale.Lines[1].Subject = 10, Excisable
	got, err := Return(sale, Selection{ID: "R-1", Items: []SelectedItem{{Line: 1, Quantity: Pieces(1)}, {Line: 2, Quantity: qty("0.2")}, {Line: 3}}})
	require.NoError(t, err)
	require.NoError(t, got.ValidateAt(today))
	assert.Equal(t, []string{"1 x 172.62", "0.2 x 259.90", "1 x 47.00"}, printed(got.Lines))
	assert.Equal(t, money.Amount(5), got.Lines[0].Excise)
	assert.Equal(t, Payments{Cashless: kop("271.60")}, got.Payments)

	// A price that was too high: nothing comes back but money.
	got, err = Return(sale, Selection{ID: "R-2", Items: []SelectedItem{{Line: 1}, {Line: 3}}, Sum: kop("100.00")})
	require.NoError(t, err)
	require.NoError(t, got.ValidateAt(today))
	assert.Equal(t, kop("100.00"), got.Total())
	assert.Equal(t, []string{"2 x 44.01", "1 x 11.98"}, printed(got.Lines))
	assert.Equal(t, StatusKept, got.Lines[1].PlannedStatus)
	assert.Equal(t, Payments{Cashless: kop("100.00")}, got.Payments)
}

// Two halves of a fractional quantity may round up to a kopeck more than the
// whole: the last return gives what is left.
func TestReturnNeverMoreThanTheSale(t *testing.T) {
	sale := NewSale("S-1", Contact{Email: "a@b.ru"}, item("0.05", "1", VAT22))
	sale.Lines[0].Quantity, sale.Lines[0].Price = Pieces(1), 5
	half := Selection{ID: "R", Items: []SelectedItem{{Line: 0, Quantity: qty("0.5")}}}
	first, err := Return(sale, half)
	require.NoError(t, err)
	assert.Equal(t, money.Amount(3), first.Total())
	half.Returned = first.Total()
	second, err := Return(sale, half)
	require.NoError(t, err)
	assert.Equal(t, money.Amount(2), second.Total())

	half.Returned = 5
	_, err = Return(sale, Selection{ID: "R", Returned: 5})
	assert.ErrorContains(t, err, "selection: comes to 0.05, but only 0.00 of the sale is left")
}

func TestReturnPayments(t *testing.T) {
	sale := order()
	sale.Payments = Payments{Prepaid: kop("500.00"), Cashless: kop("1099.00")}
	got, err := Return(sale, Selection{ID: "R", Items: []SelectedItem{{Line: 1}}})
	require.NoError(t, err)
	assert.Equal(t, Payments{Cashless: kop("300.00")}, got.Payments, "money that was offset goes back as money")

	sale.Payments = Payments{Cash: kop("599.00"), Cashless: kop("1000.00")}
	got, err = Return(sale, Selection{ID: "R"})
	require.NoError(t, err)
	assert.Equal(t, sale.Payments, got.Payments)
	_, err = Return(sale, Selection{ID: "R", Items: []SelectedItem{{Line: 1}}})
	assert.ErrorContains(t, err, "selection.payments: must say")
	got, err = Return(sale, Selection{ID: "R", Items: []SelectedItem{{Line: 1}}, Payments: &Payments{Cash: kop("300.00")}})
	require.NoError(t, err)
	assert.Equal(t, Payments{Cash: kop("300.00")}, got.Payments)
	_, err = Return(sale, Selection{ID: "R", Payments: &Payments{Cash: 1}})
	assert.ErrorContains(t, err, "selection.payments: come to 0.01, but 1599.00 goes back")

	sale.Payments = Payments{Cash: kop("1599.00")}
	got, err = Return(sale, Selection{ID: "R", Sum: 100})
	require.NoError(t, err)
	assert.Equal(t, Payments{Cash: 100}, got.Payments)
}

func TestReturnOfAPrepaymentIsAReturnOfAPrepayment(t *testing.T) {
	first, err := Prepay(order(), "A-7-1", kop("500.00"))
	require.NoError(t, err)
	got, err := Return(first, Selection{ID: "R"})
	require.NoError(t, err)
	require.NoError(t, got.Validate())
	assert.Equal(t, Prepayment, got.Lines[0].Method)
	assert.Equal(t, VAT22of122, got.Lines[0].EffectiveVAT())
	assert.Equal(t, Payment, got.Lines[0].Subject)
}

func TestReturnStatuses(t *testing.T) {
	mark := good().Lines[1].Mark
	assert.Equal(t, PlannedStatus(0), returnedStatus(FFD12, &Line{}, false))
	assert.Equal(t, PlannedStatus(0), returnedStatus(FFD105, &Line{Mark: mark}, false))
	assert.Equal(t, PieceReturned, returnedStatus("", &Line{Mark: mark, PlannedStatus: PieceSold}, false))
	assert.Equal(t, PartReturned, returnedStatus(FFD12, &Line{Mark: mark, PlannedStatus: MeasureSelling}, false))
	assert.Equal(t, PartReturned, returnedStatus(FFD12, &Line{Mark: mark, Part: &Part{1, 2}}, false))
}

func TestReturnRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		path string
		what Selection
		sale func(r *Receipt)
	}{
		"a return of a return": {"type", Selection{}, func(r *Receipt) { r.Type = SaleReturn }},
		"no type":              {"type", Selection{}, func(r *Receipt) { r.Type = 0 }},
		"the sale's id":        {"selection.id", Selection{ID: "S-1"}, nil},
		"no such line":         {"selection.items[0].line", Selection{Items: []SelectedItem{{Line: 9}}}, nil},
		"twice":                {"selection.items[1].line", Selection{Items: []SelectedItem{{Line: 0}, {Line: 0}}}, nil},
		"more than sold":       {"selection.items[0].quantity", Selection{Items: []SelectedItem{{Line: 1, Quantity: Pieces(3)}}}, nil},
		"negative":             {"selection.items[0].quantity", Selection{Items: []SelectedItem{{Line: 1, Quantity: -1}}}, nil},
		"half a marked piece":  {"selection.items[0].quantity", Selection{Items: []SelectedItem{{Line: 3, Quantity: qty("0.5")}}}, nil},
		"nothing selected":     {"selection.items", Selection{Items: []SelectedItem{}}, nil},
		"sum over the items":   {"selection.sum", Selection{Items: []SelectedItem{{Line: 3}}, Sum: 4701}, nil},
		"sum negative":         {"selection.sum", Selection{Sum: -1}, nil},
		"returned negative":    {"selection.returned", Selection{Returned: -1}, nil},
		"more than is left":    {"selection", Selection{Items: []SelectedItem{{Line: 3}}, Returned: kop("650.00")}, nil},
		"a sale that is wrong": {"items[0].price", Selection{Sum: 1}, func(r *Receipt) { r.Lines[0].Price = -1 }},
	} {
		t.Run(name, func(t *testing.T) {
			sale := sold2025()
			if c.sale != nil {
				c.sale(&sale)
			}
			_, err := Return(sale, c.what)
			var faults Faults
			require.ErrorAs(t, err, &faults)
			assert.Equal(t, []string{c.path}, faults.Paths())
			assert.NotEmpty(t, faults[0].Russian)
		})
	}
}

func TestCorrectFFD12(t *testing.T) {
	wrong := sold2025()
	right := wrong
	right.ID, right.Lines = "C-2", slices.Clone(wrong.Lines)
	right.Lines[0].Price = kop("180.00")
	c := Correction{Date: wrong.SoldAt, FiscalSign: "2718281828"}
	undo, again, err := Correct(wrong, right, c, "C-1")
	require.NoError(t, err)
	require.NoError(t, undo.ValidateAt(today))
	require.NoError(t, again.ValidateAt(today))
	assert.Empty(t, undo.WarningsAt(today))
	assert.Empty(t, again.WarningsAt(today))
	assert.Equal(t, "C-1", undo.ID)
	assert.Equal(t, SaleReturn, undo.Type)
	assert.Equal(t, printed(wrong.Lines), printed(undo.Lines))
	assert.Equal(t, PieceReturned, undo.Lines[3].PlannedStatus)
	assert.Equal(t, PieceSold, again.Lines[3].PlannedStatus)
	assert.Equal(t, &c, undo.Correction)
	assert.Equal(t, Sale, again.Type)
	assert.Equal(t, "C-2", again.ID)
	assert.Equal(t, &c, again.Correction)
	assert.NotSame(t, undo.Correction, again.Correction)
	assert.Nil(t, wrong.Correction)
}

func TestCorrectFFD105(t *testing.T) {
	wrong := simple105()
	wrong.SoldAt = time.Time{}
	right := wrong
	right.ID = "C-2"
	undo, again, err := Correct(wrong, right, Correction{Date: today, FiscalSign: "2718281828"}, "C-1")
	require.NoError(t, err)
	for _, r := range []Receipt{undo, again} {
		require.NoError(t, r.ValidateAt(today))
		assert.Nil(t, r.Correction, "an ordinary receipt")
		assert.Equal(t, "2718281828", r.Attribute)
		assert.Equal(t, today, r.SoldAt)
	}
	assert.Equal(t, SaleReturn, undo.Type)
	assert.Equal(t, Sale, again.Type)
}

func TestCorrectRefuses(t *testing.T) {
	_, _, err := Correct(Receipt{ID: "1"}, Receipt{ID: "1"}, Correction{}, "1")
	var faults Faults
	require.ErrorAs(t, err, &faults)
	assert.Equal(t, []string{"ffd", "type", "correction.date", "correction.fiscalSign", "id"}, faults.Paths())
}

func TestCorrectMissing(t *testing.T) {
	r := order()
	r.Lines[0].VAT, r.Lines[1].VAT = VAT20, VAT20
	in2025 := time.Date(2025, 12, 20, 0, 0, 0, 0, moscow)
	got, err := CorrectMissing(r, Correction{Date: in2025, FiscalSign: "1"})
	require.NoError(t, err)
	require.NoError(t, got.ValidateAt(today))
	assert.Empty(t, got.WarningsAt(today))
	assert.Equal(t, Sale, got.Type)
	assert.Empty(t, got.Correction.FiscalSign)
	_, err = CorrectMissing(r, Correction{})
	assert.ErrorContains(t, err, "correction.date")
}

package komtet

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
)

// gs1 is a marking code with its group separators.
const gs1 = "0104601234567893215Ab\"cD7\x1d93x1y2"

// everything is a receipt with every field that version 2 has.
func everything() fiscal.Receipt {
	return fiscal.Receipt{
		ID: "T-2043", Type: fiscal.Sale, FFD: fiscal.FFD12, TaxSystem: fiscal.TaxPatent,
		Contact: fiscal.Contact{Email: "client@client.ru", Phone: "+79992410085"},
		Buyer: &fiscal.Buyer{Name: "Иванов Иван", INN: "516974792202", BirthDate: "18.11.1990", Citizenship: "643", DocumentCode: "21",
			Document: "4507 443564", Address: "г. Москва, Ленинский проспект, 1"},
		Seller:  fiscal.Seller{INN: "7707083893", Place: "ул. Мира, 5", Address: "г. Пенза"},
		Cashier: fiscal.Cashier{Name: "Кассир", INN: "516974792202"},
		Lines: []fiscal.Line{{
			ID: "1", Name: "Товар", Price: money.RUB(10, 0), Quantity: fiscal.Pieces(1), VAT: fiscal.VAT10, Method: fiscal.FullPayment, Subject: fiscal.ExciseCoded,
			Mark: &fiscal.Mark{Code: gs1}, Part: &fiscal.Part{Numerator: 1, Denominator: 2}, PlannedStatus: fiscal.PieceSelling,
			Agent: &fiscal.Agent{Type: fiscal.OtherAgent, Operation: "Операция1", Phones: []string{"+79998887766"}, ReceiverPhones: []string{"+79998887767"},
				TransferPhones: []string{"+79998887768"}, TransferName: "Оператор", TransferAddress: "г. Москва", TransferINN: "7707083893"},
			Supplier: &fiscal.Supplier{Name: "ООО Поставщик", INN: "7707083893", Phones: []string{"+79998887769"}},
			Excise:   money.RUB(1, 50), Country: "056", Declaration: "12332234533", Attribute: "Реквизит",
			Industry: &fiscal.IndustryAttribute{FOIV: "030", Date: "21.11.2023", Number: "1944", Value: "UUID=1&Time=2"},
			Extra:    map[string]string{"wholesale": "false", "note": "a b"},
		}, {
			Name: "Сыр", Price: money.RUB(259, 90), Quantity: 425000, VAT: fiscal.VAT22, Method: fiscal.FullPayment, Subject: fiscal.Goods, Unit: fiscal.Kilogram,
		}},
		Payments:        fiscal.Payments{Cash: money.RUB(20, 46), Cashless: money.RUB(100, 0)},
		CashlessDetails: []fiscal.CashlessDetail{{Sum: money.RUB(100, 0), Kind: 1, ID: "tx-1", Info: "СБП"}},
		Internet:        new(false), TimeZone: 11,
		Attribute: "445334544", UserAttribute: &fiscal.UserAttribute{Name: "Заказ", Value: "55"},
		Industry:    []fiscal.IndustryAttribute{{FOIV: "001", Date: "25.10.2020", Number: "1", Value: "значение"}},
		Operational: &fiscal.Operational{ID: 0, Data: "данные", Time: time.Date(2026, 11, 20, 18, 7, 5, 0, time.FixedZone("", 12*60*60))},
		Extra:       map[string]string{"new_field": `{"a":1}`},
	}
}

func TestWorkedExamples(t *testing.T) {
	correction := fiscal.Receipt{
		ID: "T-1001-corr", Type: fiscal.Sale, TaxSystem: fiscal.TaxGeneral, Contact: fiscal.Contact{Email: "buyer@lavka.example"},
		Lines:      []fiscal.Line{{Name: "Плед", Price: money.RUB(500, 0), Quantity: fiscal.Pieces(1), VAT: fiscal.VAT22, Method: fiscal.FullPayment, Subject: fiscal.Goods}},
		Correction: &fiscal.Correction{Kind: fiscal.CorrectionOwn, Date: day(2026, time.November, 5)},
	}
	correctionV1 := fiscal.Receipt{
		ID: "V1-78", Type: fiscal.Sale, FFD: fiscal.FFD105, TaxSystem: fiscal.TaxGeneral,
		Lines:      []fiscal.Line{{Name: "Услуга", Price: money.RUB(10, 0), Quantity: fiscal.Pieces(1), VAT: fiscal.VATNone, Method: fiscal.FullPayment, Subject: fiscal.Service}},
		Correction: &fiscal.Correction{Kind: fiscal.CorrectionByOrder, Date: day(2026, time.September, 28), Number: "K11"},
	}
	c, _ := client(t, nil)
	// The whole receipt of section 5.2, byte for byte.
	check, err := c.Request(sale())
	require.NoError(t, err)
	assert.Equal(t, compact(t, file(t, "check_v2.json")), written(t, check))

	// The others through the model, with what the model has no room for added
	// on the way; version 1 has the members in another order.
	c, _ = client(t, func(cfg *Config) { cfg.CallbackURL = "" })
	check, err = c.Request(correction)
	require.NoError(t, err)
	check.(*CorrectionV2).Authorised = &Person{Name: "Сидоров П. П."}
	assert.Equal(t, compact(t, file(t, "correction_v2.json")), written(t, check))

	check, err = c.Request(correctionV1)
	require.NoError(t, err)
	v1 := check.(*CorrectionV1)
	v1.Authorised = &Person{Name: "Сидоров П. П.", INN: "123456789012"}
	assert.Equal(t, "https://lavka.example", v1.Place)
	assert.Equal(t, "full_payment", v1.Positions[0].Method)
	assert.Equal(t, "service", v1.Positions[0].Object)
	v1.Place, v1.Positions[0].Method, v1.Positions[0].Object = "", "", ""
	assert.JSONEq(t, file(t, "correction_v1.json"), written(t, check))

	c, _ = client(t, nil)
	check, err = c.Request(saleV1())
	require.NoError(t, err)
	assert.JSONEq(t, file(t, "check_v1.json"), written(t, check))
}

func TestWholeReceiptV2(t *testing.T) {
	c, _ := client(t, func(cfg *Config) { cfg.Print = true })
	r := everything()
	before, err := json.Marshal(r)
	require.NoError(t, err)
	check, err := c.Request(r)
	require.NoError(t, err)
	assert.JSONEq(t, file(t, "everything_v2.json"), written(t, check))
	after, err := json.Marshal(r)
	require.NoError(t, err)
	assert.Equal(t, string(before), string(after), "the caller's receipt is not touched")
}

func TestWholeCorrectionV2(t *testing.T) {
	c, _ := client(t, nil)
	r := everything()
	r.ID, r.Type, r.CashlessDetails, r.Attribute = "T-2043-c", fiscal.SaleReturn, nil, ""
	r.Lines[0].PlannedStatus = fiscal.PieceReturned
	r.Correction = &fiscal.Correction{Kind: fiscal.CorrectionByOrder, Date: time.Date(2026, time.March, 31, 9, 0, 0, 0, time.FixedZone("", 12*60*60)), Number: "K11", FiscalSign: "2718281828", Description: "not asked for"}
	check, err := c.Request(r)
	require.NoError(t, err)
	assert.JSONEq(t, file(t, "everything_correction_v2.json"), written(t, check))
}

func TestWholeReceiptV1(t *testing.T) {
	c, _ := client(t, nil)
	r := everything()
	r.FFD, r.TimeZone, r.Industry, r.Operational, r.Seller.INN = fiscal.FFD105, 0, nil, nil, ""
	r.Buyer = &fiscal.Buyer{Name: "Иванов Иван", INN: "516974792202"}
	l := &r.Lines[0]
	l.Part, l.PlannedStatus, l.Industry, l.Subject = nil, 0, nil, fiscal.Excisable
	r.Lines[1].UnitName = "кг"
	check, err := c.Request(r)
	require.NoError(t, err)
	assert.JSONEq(t, file(t, "everything_v1.json"), written(t, check))
	assert.Equal(t, APIv1, check.version())

	r.Contact.Email = ""
	check, err = c.Request(r)
	require.NoError(t, err)
	assert.Equal(t, "+79992410085", check.(*CheckV1).User)
}

func TestVersionGoesByReceipt(t *testing.T) {
	byFFD, _ := client(t, nil)
	v1, _ := client(t, func(c *Config) { c.API = APIv1 })
	v2, _ := client(t, func(c *Config) { c.API = APIv2 })
	for _, row := range []struct {
		c    *Client
		ffd  fiscal.FFD
		want API
	}{{byFFD, "", APIv2}, {byFFD, fiscal.FFD12, APIv2}, {byFFD, fiscal.FFD105, APIv1}, {v1, "", APIv1}, {v1, fiscal.FFD105, APIv1}, {v2, "", APIv2}, {v2, fiscal.FFD12, APIv2}} {
		r := saleV1()
		r.FFD = row.ffd
		check, err := row.c.Request(r)
		require.NoError(t, err)
		assert.Equal(t, row.want, check.version())
	}
	// FFD 1.05 has no codes of units: they are written out where the receipt
	// leaves the format open, and not touched in the caller's lines.
	r := saleV1()
	r.FFD, r.Lines[0].UnitName, r.Lines[0].Unit = "", "", fiscal.Kilogram
	check, err := v1.Request(r)
	require.NoError(t, err)
	assert.Equal(t, "кг", check.(*CheckV1).Positions[0].MeasureName)
	assert.Empty(t, r.Lines[0].UnitName)
	for c, ffd := range map[*Client]fiscal.FFD{v1: fiscal.FFD12, v2: fiscal.FFD105} {
		r := saleV1()
		r.FFD = ffd
		_, err := c.Request(r)
		assert.Equal(t, "ffd", asError(t, acquiring.InOp(provider, "", err)).Field)
	}
}

func TestWhatCannotBeSaid(t *testing.T) {
	unsupported := map[string]func(*fiscal.Receipt){
		"seller.email": func(r *fiscal.Receipt) { r.Seller.Email = "shop@lavka.example" },
		"machine":      func(r *fiscal.Receipt) { r.Machine = "7" },
		"taxSystem":    func(r *fiscal.Receipt) { r.TaxSystem = fiscal.TaxImputed },
		"items[1].mark.kind": func(r *fiscal.Receipt) {
			r.Lines[1].Subject = fiscal.GoodsCoded
			r.Lines[1].Mark = &fiscal.Mark{Code: "ABC123", Kind: fiscal.MarkF3}
		},
		"cashlessDetails": func(r *fiscal.Receipt) {
			r.Correction = &fiscal.Correction{Date: day(2026, time.January, 2)}
			r.CashlessDetails = []fiscal.CashlessDetail{{Sum: 100, Kind: 1, ID: "a"}}
		},
		"contact": func(r *fiscal.Receipt) { r.Internet, r.Contact = new(false), fiscal.Contact{} },
		"v1 seller.inn": func(r *fiscal.Receipt) {
			r.FFD, r.TimeZone, r.Seller.INN = fiscal.FFD105, 0, "7707083893"
		},
		"v1 timeZone": func(r *fiscal.Receipt) { r.FFD = fiscal.FFD105 },
		"v1 contact": func(r *fiscal.Receipt) {
			r.FFD, r.TimeZone, r.Internet, r.Contact = fiscal.FFD105, 0, new(false), fiscal.Contact{}
		},
		"v1 items[0].subject": func(r *fiscal.Receipt) { r.FFD, r.TimeZone, r.Lines[0].Subject = fiscal.FFD105, 0, fiscal.Pledge },
		"cashier.name":        func(r *fiscal.Receipt) { r.Cashier.INN = "516974792202" },
	}
	c, s := client(t, nil)
	for path, change := range unsupported {
		r := sale()
		change(&r)
		_, err := c.Submit(t.Context(), r)
		e := asError(t, err)
		assert.Equal(t, strings.TrimPrefix(path, "v1 "), e.Field, err)
		assert.Equal(t, "Submit", e.Op)
		assert.ErrorIs(t, err, acquiring.ErrInvalid)
		assert.ErrorIs(t, err, acquiring.ErrUnsupported)
		var faults fiscal.Faults
		require.ErrorAs(t, err, &faults)
		assert.Equal(t, []string{e.Field}, faults.Paths())
		assert.NotEmpty(t, faults[0].Russian)
	}
	// What is wrong everywhere is not unsupported; all of it is told at once.
	r := sale()
	r.ID, r.Lines[0].VAT, r.Lines[1].Method = "", "", 0
	_, err := c.Submit(t.Context(), r)
	e := asError(t, err)
	assert.Equal(t, "id", e.Field)
	assert.NotErrorIs(t, err, acquiring.ErrUnsupported)
	var faults fiscal.Faults
	require.ErrorAs(t, err, &faults)
	assert.Equal(t, []string{"id", "items[0].vat", "items[1].method"}, faults.Paths())
	assert.ErrorContains(t, err, "items[1].method")

	// The service needs a tax system and a place, from the receipt or the config.
	c, _ = client(t, func(c *Config) { c.TaxSystem, c.Place = 0, "" })
	_, err = c.Request(sale())
	require.ErrorAs(t, err, &faults)
	assert.ElementsMatch(t, []string{"taxSystem", "seller.place"}, faults.Paths())
	r = sale()
	r.TaxSystem, r.Seller.Place = fiscal.TaxPatent, "https://lavka.example"
	_, err = c.Request(r)
	require.NoError(t, err)
	assert.Empty(t, s.sent, "nothing was sent")
}

// The day of a correction and the time of an operation are those of the
// register's clock, in whatever zone the shop keeps its times.
func TestTimesAreTheRegisters(t *testing.T) {
	utc := time.Date(2026, 11, 19, 22, 30, 0, 0, time.UTC) // 01:30 of the 20th in Moscow, 08:30 in Vladivostok
	vladivostok := time.FixedZone("", 10*60*60)
	for name, row := range map[string]struct {
		at               time.Time
		zone             int
		location         *time.Location
		day, dayV1, time string
	}{
		"UTC":              {at: utc, day: "20.11.2026", dayV1: "2026-11-20", time: "20.11.2026 01:30:00"},
		"receipt's zone":   {at: utc, zone: 9, day: "20.11.2026", dayV1: "2026-11-20", time: "20.11.2026 08:30:00"},
		"registers' zone":  {at: utc, location: vladivostok, day: "20.11.2026", dayV1: "2026-11-20", time: "20.11.2026 08:30:00"},
		"midnight, UTC":    {at: time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC), day: "20.11.2026", dayV1: "2026-11-20", time: "20.11.2026 03:00:00"},
		"midnight, Russia": {at: time.Date(2026, 11, 20, 0, 0, 0, 0, vladivostok), day: "20.11.2026", dayV1: "2026-11-20", time: "19.11.2026 17:00:00"},
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := client(t, func(c *Config) { c.Location = row.location })
			r := sale()
			r.FFD, r.TimeZone, r.Correction = fiscal.FFD12, row.zone, &fiscal.Correction{Date: row.at}
			r.Operational = &fiscal.Operational{Data: "x", Time: row.at}
			check, err := c.Request(r)
			require.NoError(t, err)
			assert.Equal(t, row.day, check.(*CorrectionV2).Info.Date)
			assert.Equal(t, row.time, check.(*CorrectionV2).Operational.Time)
			if row.zone != 0 {
				return // version 1 has none
			}
			r.FFD, r.Operational = fiscal.FFD105, nil
			check, err = c.Request(r)
			require.NoError(t, err)
			assert.Equal(t, row.dayV1, check.(*CorrectionV1).Info.Date)
		})
	}
}

func TestExtraOfReceipt(t *testing.T) {
	c, s := client(t, nil)
	r := sale()
	r.Extra = map[string]string{"intent": "buy"}
	_, err := c.Submit(t.Context(), r)
	e := asError(t, err)
	assert.ErrorIs(t, err, acquiring.ErrInvalid)
	assert.Equal(t, acquiring.OutcomeNotSent, e.Outcome)
	assert.ErrorContains(t, err, `"intent" is written already`)
	assert.Empty(t, s.sent)

	r.Extra = map[string]string{"text": "a", "quoted": `"12"`, "number": "12", "object": `{"a":[]}`}
	check, err := c.Request(r)
	require.NoError(t, err)
	var got map[string]json.RawMessage
	require.NoError(t, json.Unmarshal([]byte(written(t, check)), &got))
	assert.Equal(t, `"a" "12" 12 {"a":[]}`, strings.Join([]string{string(got["text"]), string(got["quoted"]), string(got["number"]), string(got["object"])}, " "))
}

// The marking code of FFD 1.05 is the specification's example of tag 1162.
func TestMarkV1(t *testing.T) {
	c, _ := client(t, nil)
	r := saleV1()
	r.Lines[0].Quantity, r.Lines[0].Mark = fiscal.Pieces(1), &fiscal.Mark{Code: gs1}
	check, err := c.Request(r)
	require.NoError(t, err)
	assert.Equal(t, &Nomenclature{HexCode: "444D042F4EF3B2D53541622263443" + "7"}, check.(*CheckV1).Positions[0].Mark)
}

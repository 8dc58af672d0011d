package house

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/fiscal/komtet"
	"github.com/acquiring-go/acquiring/fiscal/komtet/komtettest"
	"github.com/acquiring-go/acquiring/fiscal/orangedata"
	"github.com/acquiring-go/acquiring/fiscal/orangedata/orangedatatest"
	"github.com/acquiring-go/acquiring/fiscal/paykeeper"
	"github.com/acquiring-go/acquiring/fiscal/paykeeper/paykeepertest"
	"github.com/acquiring-go/acquiring/money"
)

// registers are the clients of the second table, each over a new emulator.
var registers = []struct {
	title, russian, doc string
	open                func(t *testing.T) (fiscal.Register, error)
}{
	{"Komtet Kassa", "КОМТЕТ Касса", "komtet", func(t *testing.T) (fiscal.Register, error) {
		s := komtettest.NewServer(komtettest.WithCallbackHandler(nobodyListens))
		t.Cleanup(s.Close)
		conf := s.Config()
		conf.TaxSystem, conf.Place = fiscal.TaxSimplifiedIncome, "https://shop.example"
		return komtet.New(conf)
	}},
	{"OrangeData", "OrangeData", "orangedata", func(t *testing.T) (fiscal.Register, error) {
		s := orangedatatest.NewServer(orangedatatest.WithCallbackHandler(nobodyListens))
		t.Cleanup(s.Close)
		conf := s.Config()
		conf.GroupByFFD = map[fiscal.FFD]string{fiscal.FFD105: "Main"}
		return orangedata.New(conf)
	}},
	{"PayKeeper", "PayKeeper", "paykeeper", func(t *testing.T) (fiscal.Register, error) {
		s := paykeepertest.NewServer(paykeepertest.WithCallbackHandler(nobodyListens))
		t.Cleanup(s.Close)
		return paykeeper.New(s.Config())
	}},
}

// printRows are receipts of all kinds, submitted to each register.
var printRows = []struct {
	english, russian string
	change           func(*fiscal.Receipt)
}{
	{"Sale, FFD 1.2", "Приход, ФФД 1.2", func(r *fiscal.Receipt) { r.FFD = fiscal.FFD12 }},
	{"Sale, FFD 1.05", "Приход, ФФД 1.05", func(r *fiscal.Receipt) { r.FFD = fiscal.FFD105 }},
	{"Return of a sale", "Возврат прихода", func(r *fiscal.Receipt) { r.Type = fiscal.SaleReturn }},
	{"Purchase, return of a purchase", "Расход, возврат расхода", func(r *fiscal.Receipt) { r.Type = fiscal.Purchase }},
	{"Correction receipt, FFD 1.2", "Чек коррекции, ФФД 1.2", func(r *fiscal.Receipt) { r.FFD, r.Correction = fiscal.FFD12, ownCorrection() }},
	{"Correction receipt, FFD 1.05", "Чек коррекции, ФФД 1.05", func(r *fiscal.Receipt) { r.FFD, r.Correction = fiscal.FFD105, ownCorrection() }},
	{"Prepayment (advance)", "Предоплата, аванс", func(r *fiscal.Receipt) { r.Lines = []fiscal.Line{fiscal.AdvanceLine(total, fiscal.VATNone)} }},
	{"Set-off of a prepayment", "Зачёт предоплаты", func(r *fiscal.Receipt) { r.Payments.Prepaid = total }},
	{"Cash", "Наличные", func(r *fiscal.Receipt) { r.Payments.Cash = total }},
	{"Fractional quantity (0.625 kg)", "Дробное количество (0,625 кг)", func(r *fiscal.Receipt) {
		q, _ := fiscal.ParseQuantity("0.625")
		r.Lines = []fiscal.Line{fiscal.GoodsLine("Cheese", money.RUB(800, 0), q, fiscal.VATNone)}
		r.Lines[0].Unit = fiscal.Kilogram
	}},
	{"VAT 22 %", "НДС 22 %", func(r *fiscal.Receipt) { r.TaxSystem, r.Lines[0].VAT = fiscal.TaxGeneral, fiscal.VAT22 }},
	{"VAT 5 %", "НДС 5 %", func(r *fiscal.Receipt) { r.Lines[0].VAT = fiscal.VAT5 }},
	{"Marking code", "Код маркировки", func(r *fiscal.Receipt) {
		mark, _ := fiscal.ParseMark("0104600439931256215Rlf8K*dPTB4e\x1d93dGVz")
		r.Lines = []fiscal.Line{fiscal.MarkedLine("Shoes", total, fiscal.VATNone, mark)}
	}},
	{"Agent and supplier of a line", "Агент и поставщик в позиции", func(r *fiscal.Receipt) {
		r.Lines[0].Agent = &fiscal.Agent{Type: fiscal.OtherAgent}
		r.Lines[0].Supplier = &fiscal.Supplier{Name: "Supplier", INN: "7727401209", Phones: []string{"+79161234567"}}
	}},
}

const total = money.Amount(149990)

func ownCorrection() *fiscal.Correction {
	return &fiscal.Correction{Date: time.Now().AddDate(0, 0, -2)}
}

// registerTable tries every kind of receipt on every register.
func registerTable(t *testing.T) map[string]string {
	t.Helper()
	tables := map[string]*strings.Builder{"md": {}, "ru.md": {}}
	head := func(b *strings.Builder, lang string) {
		b.WriteString("| |")
		for _, r := range registers {
			fmt.Fprintf(b, " [%s](providers/%s.%s) |", map[string]string{"md": r.title, "ru.md": r.russian}[lang], r.doc, lang)
		}
		b.WriteString("\n| --- |" + strings.Repeat(" --- |", len(registers)) + "\n")
	}
	for lang, b := range tables {
		head(b, lang)
	}
	line := func(english, russian string, try func(fiscal.Register) bool) {
		fmt.Fprintf(tables["md"], "| %s |", english)
		fmt.Fprintf(tables["ru.md"], "| %s |", russian)
		for _, one := range registers {
			register, err := one.open(t)
			if err != nil {
				t.Fatalf("%s: %v", one.title, err)
			}
			words := [2]string{"—", "—"}
			if try(register) {
				words = [2]string{"yes", "да"}
			}
			fmt.Fprintf(tables["md"], " %s |", words[0])
			fmt.Fprintf(tables["ru.md"], " %s |", words[1])
		}
		for _, b := range tables {
			b.WriteByte('\n')
		}
	}
	for _, row := range printRows {
		line(row.english, row.russian, func(register fiscal.Register) bool {
			r := *receipt("A-1001", total)
			row.change(&r)
			_, err := register.Submit(ctx, r)
			if err != nil && !errors.Is(err, acquiring.ErrUnsupported) {
				t.Fatalf("%s, %T: %v", row.english, register, err)
			}
			return err == nil
		})
	}
	line("Check of the credentials without a receipt (`Checker`)", "Проверка доступа без чека (`Checker`)", func(register fiscal.Register) bool {
		_, ok := register.(acquiring.Checker)
		return ok
	})
	return map[string]string{"md": tables["md"].String(), "ru.md": tables["ru.md"].String()}
}

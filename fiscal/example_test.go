package fiscal_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
)

// The receipt of an order, checked before it goes anywhere.
func Example() {
	receipt := fiscal.NewSale("A-7", fiscal.Contact{Email: "buyer@example.org"},
		fiscal.GoodsLine("Чай Ассам, 100 г", money.RUB(119, 50), fiscal.Pieces(3), fiscal.VAT22),
		fiscal.ServiceLine("Доставка", money.RUB(300, 0), fiscal.Pieces(1), fiscal.VATNone),
	)
	receipt.TaxSystem = fiscal.TaxGeneral
	if err := receipt.Validate(); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(receipt.TextWidth(nil, 40))
	// Output:
	//               КАССОВЫЙ ЧЕК
	//                  Приход
	// ----------------------------------------
	// 1. Чай Ассам, 100 г
	//   119.50 x 3 шт                  =358.50
	//   НДС 22%                          64.65
	//   Товар, полный расчет
	// 2. Доставка
	//   300.00 x 1 шт                  =300.00
	//   без НДС
	//   Услуга, полный расчет
	// ========================================
	// ИТОГ                             =658.50
	// БЕЗНАЛИЧНЫМИ                      658.50
	// СУММА БЕЗ НДС                     300.00
	// СУММА НДС 22%                      64.65
	// СНО                                  ОСН
	// Эл. адр. покупателя    buyer@example.org
}

// All faults come at once, each with the field that has it.
func ExampleReceipt_Validate() {
	receipt := fiscal.NewSale("A-7", fiscal.Contact{Phone: "8 916 123-45-67"},
		fiscal.Line{Name: "Чай", Price: money.RUB(100, 0), Quantity: fiscal.Pieces(1), Method: fiscal.FullPayment, Subject: fiscal.Goods},
	)
	receipt.Payments.Cashless = money.RUB(99, 0)
	err := receipt.Validate()
	var faults fiscal.Faults
	if errors.As(err, &faults) {
		for _, f := range faults {
			fmt.Println(f.Path, "-", f.Russian)
		}
	}
	// Output:
	// contact.phone - нужен телефон в виде +79161234567
	// items[0].vat - не указана ставка НДС; «без НДС» тоже надо указать
	// payments - оплачено 99.00, а позиции составляют 100.00
}

// A discount on the whole order goes into the prices of its lines.
func ExampleSpread() {
	lines := []fiscal.Line{
		fiscal.GoodsLine("Чайник", money.RUB(199, 99), fiscal.Pieces(1), fiscal.VAT22),
		fiscal.GoodsLine("Ложка", money.RUB(3, 33), fiscal.Pieces(7), fiscal.VAT22),
		fiscal.GoodsLine("Чашка", money.RUB(12, 50), fiscal.Pieces(3), fiscal.VAT22),
	}
	discounted, err := fiscal.Spread(lines, money.RUB(234, 72)) // 260.80 less 10 %
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, l := range discounted {
		fmt.Println(l.Name, l.Quantity, "x", l.Price, "=", l.Total())
	}
	// Output:
	// Чайник 1 x 179.99 = 179.99
	// Ложка 2 x 2.99 = 5.98
	// Ложка 5 x 3.00 = 15.00
	// Чашка 3 x 11.25 = 33.75
}

// Half a kilogram of what was sold in 2025 comes back at the rate of 2025.
func ExampleReturn() {
	sale := fiscal.NewSale("S-1", fiscal.Contact{Email: "buyer@example.org"},
		fiscal.GoodsLine("Виноград", money.RUB(259, 90), 1_500_000, fiscal.VAT20),
		fiscal.GoodsLine("Пакет", money.RUB(10, 0), fiscal.Pieces(1), fiscal.VAT20),
	)
	sale.SoldAt = time.Date(2025, 12, 30, 12, 0, 0, 0, time.UTC)
	half, _ := fiscal.ParseQuantity("0.5")
	back, err := fiscal.Return(sale, fiscal.Selection{ID: "R-1", Items: []fiscal.SelectedItem{{Line: 0, Quantity: half}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	l := back.Lines[0]
	fmt.Println(back.Type, l.Name, l.Quantity, "=", back.Total(), l.VAT.Name(), l.VATSum())
	// Output: sale return Виноград 0.5 = 129.95 НДС 20% 21.66
}

// The pair of receipts of an order that is paid in part before the delivery.
func ExamplePrepay() {
	order := fiscal.NewSale("A-7", fiscal.Contact{Email: "buyer@example.org"},
		fiscal.GoodsLine("Чай", money.RUB(1299, 0), fiscal.Pieces(1), fiscal.VAT22),
		fiscal.ServiceLine("Доставка", money.RUB(300, 0), fiscal.Pieces(1), fiscal.VAT22),
	)
	first, err := fiscal.Prepay(order, "A-7-prepaid", money.RUB(500, 0))
	if err != nil {
		fmt.Println(err)
		return
	}
	second, err := fiscal.Settle(order, "A-7-final", money.RUB(500, 0))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range []fiscal.Receipt{first, second} {
		fmt.Println(r.ID, r.Total(), "prepaid", r.Payments.Prepaid, "cashless", r.Payments.Cashless)
		for _, l := range r.Lines {
			fmt.Println(" ", l.Name, l.Total(), l.Method, l.EffectiveVAT().Name(), l.VATSum())
		}
	}
	// Output:
	// A-7-prepaid 500.00 prepaid 0.00 cashless 500.00
	//   Чай 406.19 prepayment НДС 22/122 73.25
	//   Доставка 93.81 prepayment НДС 22/122 16.92
	// A-7-final 1599.00 prepaid 500.00 cashless 1099.00
	//   Чай 1299.00 full payment НДС 22% 234.25
	//   Доставка 300.00 full payment НДС 22% 54.10
}

func ExampleVAT_Of() {
	sum := money.RUB(1299, 0)
	fmt.Println(fiscal.VAT22.Of(sum), fiscal.VAT20.Of(sum), fiscal.VATNone.Of(sum))
	// Output: 234.25 216.50 0.00
}

func ExampleDefaultVAT() {
	fmt.Println(fiscal.DefaultVAT(time.Date(2025, 12, 31, 12, 0, 0, 0, time.UTC)).Name())
	fmt.Println(fiscal.DefaultVAT(time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)).Name())
	// Output:
	// НДС 20%
	// НДС 22%
}

// A scanner shows FNC1 as "]d2" and has lost the group separator.
func ExampleParseMark() {
	mark, err := fiscal.ParseMark("]d2010460043993125621JgXJ5.93Abcd")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%q %s\n", mark.Code, mark.Kind)
	code, _ := mark.Tag1162()
	fmt.Printf("% X\n", code)
	// Output:
	// "010460043993125621JgXJ5.\x1d93Abcd" GS1.M
	// 44 4D 04 2F 1F 96 81 78 4A 67 58 4A 35 2E
}

func ExampleParseQR() {
	f, err := fiscal.ParseQR("t=20261121T1405&s=1599.00&fn=9999078900001341&i=5548&fp=787980846&n=1")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(f.Type, f.Total, f.FN, f.FD, f.FP, f.IsTest())
	// Output: sale 1599.00 9999078900001341 5548 787980846 true
}

func ExamplePrintable() {
	fmt.Println(fiscal.Printable("Чай «Ассам» — 100 г", 128))
	// Output: Чай "Ассам" - 100 г
}

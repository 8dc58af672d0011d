package fiscal

import "github.com/acquiring-go/acquiring/money"

// NewSale is the receipt of a sale: what most shops print. The lines' payment
// methods say whether it is paid before the delivery; the whole total counts
// as paid cashless until Payments says otherwise.
func NewSale(id string, contact Contact, lines ...Line) Receipt {
	return Receipt{ID: id, Type: Sale, Contact: contact, Lines: lines}
}

// GoodsLine is a line of goods handed over and paid in full (товар, полный
// расчёт). The price includes the VAT.
func GoodsLine(name string, price money.Amount, quantity Quantity, vat VAT) Line {
	return Line{Name: name, Price: price, Quantity: quantity, VAT: vat, Method: FullPayment, Subject: Goods}
}

// ServiceLine is a line of a service rendered and paid in full (услуга, полный
// расчёт).
func ServiceLine(name string, price money.Amount, quantity Quantity, vat VAT) Line {
	return Line{Name: name, Price: price, Quantity: quantity, VAT: vat, Method: FullPayment, Subject: Service}
}

// MarkedLine is one piece of marked goods handed over and paid in full (ТМ),
// for a register of FFD 1.2. ParseMark makes the mark from what was scanned.
func MarkedLine(name string, price money.Amount, vat VAT, mark Mark) Line {
	return Line{Name: name, Price: price, Quantity: Pieces(1), VAT: vat, Method: FullPayment, Subject: GoodsCoded,
		Mark: &mark, PlannedStatus: PieceSold}
}

// AdvanceLine is the line of money taken while the goods are not yet known: a
// deposit, a gift card (аванс). The receipt shows the calculated form of the
// rate.
func AdvanceLine(sum money.Amount, vat VAT) Line {
	return Line{Name: "Аванс", Price: sum, Quantity: Pieces(1), VAT: vat, Method: Advance, Subject: Payment}
}

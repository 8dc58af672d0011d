package bridge

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
)

// ReceiptRule is the 54-FZ receipt (чек) of the invoices that are made here:
// one line, for what the school sells. Without it the bank prints what its
// cabinet says, or nobody prints.
type ReceiptRule struct {
	Item      string     `json:"item"`       // name of the line; "": the invoice's description
	VAT       string     `json:"vat"`        // none, 0, 5, 7, 10, 22 …, as package fiscal writes them
	TaxSystem string     `json:"tax_system"` // osn, usn_income, usn_income_minus, esn, patent; "": as the register is set
	FFD       fiscal.FFD `json:"ffd"`        // 1.05 or 1.2; "": the service's own
	Method    string     `json:"method"`     // full_payment (the default), full_prepayment, advance
	INN       string     `json:"inn"`        // of the seller
	Email     string     `json:"email"`      // of the seller
	Place     string     `json:"place"`      // address of the site
}

var taxSystems = map[string]fiscal.TaxSystem{"": 0, "osn": fiscal.TaxGeneral, "usn_income": fiscal.TaxSimplifiedIncome,
	"usn_income_minus": fiscal.TaxSimplifiedIncomeMinus, "esn": fiscal.TaxAgricultural, "patent": fiscal.TaxPatent}

var paymentMethods = map[string]fiscal.PaymentMethod{"": fiscal.FullPayment, "full_payment": fiscal.FullPayment,
	"full_prepayment": fiscal.FullPrepayment, "advance": fiscal.Advance}

func (r *ReceiptRule) check() error {
	if r == nil {
		return nil
	}
	if _, ok := taxSystems[r.TaxSystem]; !ok {
		return fmt.Errorf("receipt.tax_system is %q; it must be one of %s", r.TaxSystem, strings.Join(slices.Sorted(maps.Keys(taxSystems))[1:], ", "))
	}
	if _, ok := paymentMethods[r.Method]; !ok {
		return fmt.Errorf("receipt.method is %q; it must be one of %s", r.Method, strings.Join(slices.Sorted(maps.Keys(paymentMethods))[1:], ", "))
	}
	// A receipt with nothing special in it shows whatever else is wrong.
	if _, err := r.sale("check", Order{Amount: 100, Description: "x", Email: "x@school.example"}); err != nil {
		return fmt.Errorf("receipt: %w", err)
	}
	return nil
}

// sale is the receipt of an order; nil: none is asked for.
func (r *ReceiptRule) sale(number string, o Order) (*fiscal.Receipt, error) {
	if r == nil {
		return nil, nil
	}
	if o.Email == "" && o.Phone == "" {
		return nil, acquiring.Invalid("email", "is empty, and so is phone: the law wants one of them for the receipt, before the payment")
	}
	item := r.Item
	if item == "" {
		item = o.Description
	}
	line := fiscal.ServiceLine(item, o.Amount, fiscal.Pieces(1), fiscal.VAT(r.VAT))
	line.Method = paymentMethods[r.Method]
	sale := fiscal.NewSale(number, fiscal.Contact{Email: o.Email, Phone: o.Phone}, line)
	sale.FFD, sale.TaxSystem = r.FFD, taxSystems[r.TaxSystem]
	sale.Seller = fiscal.Seller{INN: r.INN, Email: r.Email, Place: r.Place}
	if err := sale.Validate(); err != nil {
		return nil, err
	}
	return &sale, nil
}

// giveBack is the return receipt of a refund, from the sale's as it was
// issued; nil: there was none.
func giveBack(stored, id string, sum, returned money.Amount) (*fiscal.Receipt, error) {
	if stored == "" {
		return nil, nil
	}
	var sale fiscal.Receipt
	if err := json.Unmarshal([]byte(stored), &sale); err != nil {
		return nil, fmt.Errorf("the stored receipt cannot be read: %w", err)
	}
	back, err := fiscal.Return(sale, fiscal.Selection{ID: id, Sum: sum, Returned: returned})
	if err != nil {
		return nil, err
	}
	return &back, nil
}

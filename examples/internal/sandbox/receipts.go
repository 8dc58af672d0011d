package sandbox

import (
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/internal/emulator"
	"github.com/acquiring-go/acquiring/money"
)

// Receipt is a receipt that a provider's cash register was given.
type Receipt struct {
	Provider   Provider
	ID         string
	Number     string // the shop's own, or its order's
	OrderID    string // of the order that it belongs to; "": of none
	Type       fiscal.Settlement
	Correction bool
	State      emulator.ReceiptState
	Fault      string
	Contact    string
	TaxSystem  string
	Total      money.Amount
	Lines      []ReceiptLine
	Created    time.Time
	// Fiscal is what the register made of it. Some acquirers print and tell
	// nobody the numbers: then it is empty.
	Fiscal fiscal.FiscalData
}

// ReceiptLine is a line of it.
type ReceiptLine struct {
	Name     string
	Price    money.Amount
	Quantity string
	Sum      money.Amount
	VAT      fiscal.VAT
}

// VATName is the rate as printed.
func (l ReceiptLine) VATName() string { return l.VAT.Name() }

// VATSum is the tax in the line's sum.
func (l ReceiptLine) VATSum() money.Amount {
	if l.VAT.Percent() == 0 {
		return 0
	}
	return l.VAT.Of(l.Sum)
}

// Receipts are those of all providers, the newest first.
func (s *Sandbox) Receipts() []Receipt {
	var out []Receipt
	for _, p := range Providers() {
		out = append(out, s.receiptsAt(p)...)
	}
	slices.Reverse(out)
	slices.SortStableFunc(out, func(a, b Receipt) int { return b.Created.Compare(a.Created) })
	return out
}

// receiptsOf are those of an order, the oldest first.
func (s *Sandbox) receiptsOf(o Order) []Receipt {
	return slices.DeleteFunc(s.receiptsAt(o.Provider), func(r Receipt) bool { return r.OrderID != o.ID })
}

// receipt finds one by the provider's id of it.
func (s *Sandbox) receipt(p Provider, id string) (Receipt, bool) {
	all := s.receiptsAt(p)
	at := slices.IndexFunc(all, func(r Receipt) bool { return r.ID == id })
	if at < 0 {
		return Receipt{}, false
	}
	return all[at], true
}

// Path is the address of its page.
func (r Receipt) Path() string { return "/receipts/" + string(r.Provider) + "/" + url.PathEscape(r.ID) }

// Name is the provider's.
func (r Receipt) Name() string { return r.Provider.Name() }

// Title is what it is: "Возврат прихода".
func (r Receipt) Title() string {
	if r.Correction {
		return "Коррекция: " + r.Type.Name()
	}
	return r.Type.Name()
}

// QR is the text of the code on it; "": it is not printed, or nobody knows.
func (r Receipt) QR() string { return r.Fiscal.QR() }

// OrderPath is the page of its order; "": it has none.
func (r Receipt) OrderPath() string {
	if r.OrderID == "" {
		return ""
	}
	return orderPath(r.Provider, r.OrderID)
}

// VATSums are the taxes by rate.
func (r Receipt) VATSums() []ReceiptLine {
	var out []ReceiptLine
	for _, l := range r.Lines {
		at := slices.IndexFunc(out, func(e ReceiptLine) bool { return e.VAT == l.VAT })
		if at < 0 {
			out = append(out, ReceiptLine{VAT: l.VAT})
			at = len(out) - 1
		}
		out[at].Sum += l.Sum
	}
	return out
}

// Silent says whether the provider prints and tells nobody the numbers.
func (r Receipt) Silent() bool { return r.State == emulator.ReceiptPrinted && r.Fiscal.FN == "" }

// Status is where it stands.
func (r Receipt) Status() status {
	switch r.State {
	case emulator.ReceiptPrinted:
		return status{"Напечатан", "ok"}
	case emulator.ReceiptFailed:
		return status{"Ошибка", "bad"}
	}
	return status{"В очереди", "wait"}
}

// Waits says whether it is still to be printed.
func (r Receipt) Waits() bool { return r.State == emulator.ReceiptWaiting }

// printed fills in what a register makes of a receipt.
func (r *Receipt) printed(fn string, fd int, fp string, at time.Time) {
	r.State = emulator.ReceiptPrinted
	r.Fiscal = fiscal.FiscalData{FN: fn, FD: strconv.Itoa(fd), FP: fp, Time: at.In(moscow), Total: r.Total, Type: r.Type}
}

package acquiringtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
)

var registerBehaviours = []registerBehaviour{
	{"RegisterConfig/BadRefused", registerBadRefused},
	{"RegisterConfig/HidesSecrets", registerHidesSecrets},
	{"Submit/QueuedThenPrinted", submitPrinted},
	{"Submit/SameReceiptTwice", submitTwice},
	{"Submit/SameReceiptAfterPrinting", submitAfterPrinting},
	{"Submit/SameReceiptConcurrently", submitConcurrently},
	{"Submit/SameNumberOtherReceipt", submitOtherReceipt},
	{"Submit/Concurrent", submitConcurrent},
	{"Submit/Unicode", submitUnicode},
	{"Submit/FractionalQuantity", submitFraction},
	{"Submit/ManyLines", submitMany},
	{"Submit/ReceiptShared", submitShared},
	{"Submit/InvalidRefusedBeforeSending", submitInvalid},
	{"Submit/WrongCredentials", submitWrong},
	{"Kind/SaleReturn", kindReturn},
	{"Kind/Correction", kindCorrection},
	{"Kind/FFD", kindFFD},
	{"Kind/VAT", kindVAT},
	{"Kind/Settlements", kindSettlements},
	{"Kind/TaxSystems", kindTaxSystems},
	{"Kind/Prepayment", kindPrepayment},
	{"Document/Failed", documentFailed},
	{"Document/UnknownID", documentUnknown},
	{"Document/HostileID", documentHostile},
	{"RegisterShops/TwoInOneProcess", registerShopsTwo},
}

func registerBadRefused(e *registerEnv) {
	configBadRefused(&env{T: e.T, h: &Harness{BadConfigs: e.h.BadConfigs}})
}

func registerHidesSecrets(e *registerEnv) {
	e.require("RegisterShop.Config", e.shop.Config != nil)
	e.require("RegisterShop.Secrets", len(e.shop.Secrets) > 0)
	for _, form := range []string{"%v", "%+v", "%#v", "%s"} {
		if leaked(fmt.Sprintf(form, e.shop.Config), e.shop.Secrets) >= 0 {
			e.Errorf("the Config shows a secret under %s", form)
		}
	}
	for _, form := range []string{"%v", "%+v", "%#v", "%s"} {
		if leaked(fmt.Sprintf(form, e.shop.Register), e.shop.Secrets) >= 0 {
			e.Errorf("the client shows a secret under %s", form)
		}
	}
	logs, text := loggers()
	for _, l := range logs {
		l.Info("configured", "config", e.shop.Config)
	}
	if leaked(text.String(), e.shop.Secrets) >= 0 {
		e.Error("the Config shows a secret when it is logged with slog")
	}
}

func submitPrinted(e *registerEnv) {
	r := e.receipt()
	d := e.submit(r)
	if d.Existed {
		e.Error("a new document is said to have existed")
	}
	if d.Status == fiscal.DocumentFailed {
		e.Errorf("a good receipt failed: %+v", d.Failure)
	}
	printed := e.print(d, r.Total())
	if printed.ReceiptID != "" && printed.ReceiptID != r.ID {
		e.Errorf("Document.ReceiptID is %q; want %q", printed.ReceiptID, r.ID)
	}
	if f := printed.Fiscal; f != nil && f.Type != 0 && f.Type != fiscal.Sale {
		e.Errorf("the printed document's type is %d; want a sale", f.Type)
	}
	e.documents(r.ID, 1)
}

// same: the same receipt again gives the first document.
func (e *registerEnv) same(first, again *fiscal.Document) {
	e.Helper()
	if again.ID != first.ID {
		e.Errorf("the receipt submitted again made document %s beside %s", again.ID, first.ID)
	}
	if !again.Existed {
		e.Error("Document.Existed is not set for a document that was there already")
	}
}

func submitTwice(e *registerEnv) {
	r := e.receipt()
	first := e.submit(r)
	e.same(first, e.submit(r))
	e.same(first, e.submit(r))
	e.documents(r.ID, 1)
}

func submitAfterPrinting(e *registerEnv) {
	r := e.receipt()
	first := e.submit(r)
	e.print(first, r.Total())
	again := e.submit(r)
	e.same(first, again)
	if again.Status != fiscal.DocumentPrinted && e.document(again.ID).Status != fiscal.DocumentPrinted {
		e.Errorf("the printed document is %s when its receipt is submitted again", again.Status)
	}
	e.documents(r.ID, 1)
}

func submitConcurrently(e *registerEnv) {
	r := e.receipt()
	var mu sync.Mutex
	ids := map[string]bool{}
	together(4, func(int) {
		d, err := e.r.Submit(e.ctx, r)
		if err != nil {
			e.Errorf("Submit of the same receipt at the same time: %v", err)
			return
		}
		mu.Lock()
		ids[d.ID] = true
		mu.Unlock()
	})
	if len(ids) != 1 {
		e.Errorf("one receipt, submitted at the same time, made %d documents", len(ids))
	}
	e.documents(r.ID, 1)
}

// submitOtherReceipt: a number that is taken never prints another sum.
func submitOtherReceipt(e *registerEnv) {
	r := e.receipt()
	first := e.submit(r)
	other := e.receipt(func(o *fiscal.Receipt) {
		o.ID = r.ID
		o.Lines = slices.Clone(o.Lines)
		o.Lines[0].Price += 100
	})
	if again, err := e.r.Submit(e.ctx, other); err != nil {
		e.refused("another receipt under the same number", err, acquiring.ErrDuplicate, acquiring.ErrConflict)
	} else {
		e.same(first, again)
	}
	e.documents(r.ID, 1)
}

func submitConcurrent(e *registerEnv) {
	together(6, func(i int) {
		r := e.receipt()
		d, err := e.r.Submit(e.ctx, r)
		if err != nil {
			e.Errorf("Submit: %v", err)
			return
		}
		if got, err := e.r.GetDocument(e.ctx, d.ID); err != nil || (got.ReceiptID != "" && got.ReceiptID != r.ID) {
			e.Errorf("GetDocument(%s): %+v, %v; want the document of %s", d.ID, got, err, r.ID)
		}
	})
}

func submitUnicode(e *registerEnv) {
	r := e.receipt(func(r *fiscal.Receipt) {
		r.Lines = slices.Clone(r.Lines)
		r.Lines[0].Name = `Ёлка «Сёмга» & Co + 100 % = "1"; №7 <b>`
		r.Cashier = fiscal.Cashier{Name: "Щукина-Ёжикова Ф. Ъ."}
	})
	e.print(e.submit(r), r.Total())
}

func submitFraction(e *registerEnv) {
	q, err := fiscal.ParseQuantity("0.425")
	if err != nil {
		e.Fatal(err)
	}
	r := e.receipt(func(r *fiscal.Receipt) {
		r.Lines = []fiscal.Line{{Name: "Сыр", Price: 83017, Quantity: q, VAT: fiscal.VAT10, Method: fiscal.FullPayment, Subject: fiscal.Goods, Unit: fiscal.Kilogram}}
	})
	if want := money.Amount(35282); r.Total() != want { // 352.82225
		e.Fatalf("the total is %s; want %s", r.Total(), want)
	}
	e.print(e.submit(r), r.Total())
}

func submitMany(e *registerEnv) {
	r := e.receipt(func(r *fiscal.Receipt) {
		line := r.Lines[0]
		r.Lines = nil
		for i := range 60 {
			line.Name, line.Price = fmt.Sprintf("Товар %d", i+1), money.Amount(1001+i)
			r.Lines = append(r.Lines, line)
		}
	})
	e.print(e.submit(r), r.Total())
}

// submitShared hands the same slices and maps to calls at the same time: the
// race detector sees who writes to them.
func submitShared(e *registerEnv) {
	shared := e.receipt()
	together(4, func(i int) {
		r := shared
		r.ID = e.receipt().ID
		if _, err := e.r.Submit(e.ctx, r); err != nil {
			e.Errorf("Submit: %v", err)
		}
	})
}

func submitInvalid(e *registerEnv) {
	cases := map[string]func(*fiscal.Receipt){
		"no lines":             func(r *fiscal.Receipt) { r.Lines = nil },
		"a line without name":  func(r *fiscal.Receipt) { r.Lines[0].Name = "" },
		"a line of no money":   func(r *fiscal.Receipt) { r.Lines[0].Price = -1 },
		"a line of nothing":    func(r *fiscal.Receipt) { r.Lines[0].Quantity = 0 },
		"an unknown VAT rate":  func(r *fiscal.Receipt) { r.Lines[1].VAT = "18%" },
		"a line without rate":  func(r *fiscal.Receipt) { r.Lines[1].VAT = "" },
		"an unknown type":      func(r *fiscal.Receipt) { r.Type = 9 },
		"payments not in line": func(r *fiscal.Receipt) { r.Payments.Cashless = r.Total() + 1 },
		"a wrong e-mail":       func(r *fiscal.Receipt) { r.Contact = fiscal.Contact{Email: "nobody"} },
	}
	e.nothingSent(func() {
		for _, name := range keys(cases) {
			r := e.receipt()
			r.Lines = slices.Clone(r.Lines)
			cases[name](&r)
			_, err := e.r.Submit(e.ctx, r)
			e.refused("a receipt with "+name, err, acquiring.ErrInvalid)
			e.outcome("a receipt with "+name, err, acquiring.OutcomeNotSent)
			var faults fiscal.Faults
			if errors.As(r.Validate(), &faults) && err != nil && !strings.Contains(err.Error(), faults[0].Path) {
				e.Errorf("a receipt with %s: the error does not name the path %s: %v", name, faults[0].Path, err)
			}
		}
		_, err := e.r.Submit(e.ctx, e.receipt(func(r *fiscal.Receipt) { r.ID = "" }))
		e.refused("a receipt without its number", err, acquiring.ErrInvalid)
		if _, err := e.r.GetDocument(e.ctx, ""); err == nil {
			e.Error("GetDocument of an empty ID succeeds")
		}
	})
}

func submitWrong(e *registerEnv) {
	e.require("RegisterShop.Wrong", e.shop.Wrong != nil)
	r := e.receipt()
	d := e.submit(e.receipt())
	w := e.watch(e.shop.Wrong())
	_, err := w.Submit(e.ctx, r)
	e.refused("Submit with wrong credentials", err, acquiring.ErrUnauthorized)
	_, err = w.GetDocument(e.ctx, d.ID)
	e.refused("GetDocument with wrong credentials", err, acquiring.ErrUnauthorized)
	e.documents(r.ID, 0)
}

func kindReturn(e *registerEnv) {
	sale := e.receipt()
	e.print(e.submit(sale), sale.Total())
	back := e.receipt(func(r *fiscal.Receipt) {
		r.Type = fiscal.SaleReturn
		r.Lines = slices.Clone(sale.Lines[1:])
	})
	d := e.print(e.submit(back), back.Total())
	if d.Fiscal != nil && d.Fiscal.Type != 0 && d.Fiscal.Type != fiscal.SaleReturn {
		e.Errorf("the return was printed as %d", d.Fiscal.Type)
	}
	e.documents(sale.ID, 1)
	e.documents(back.ID, 1)
}

func correction(r *fiscal.Receipt) {
	r.Correction = &fiscal.Correction{Kind: fiscal.CorrectionOwn, Date: time.Now().AddDate(0, 0, -3)}
	r.SoldAt = r.Correction.Date
}

func kindCorrection(e *registerEnv) {
	r := e.receipt(correction)
	d, err := e.r.Submit(e.ctx, r)
	if e.h.Quirks.NoCorrection {
		e.refused("a correction receipt", err, acquiring.ErrUnsupported)
		e.documents(r.ID, 0)
		return
	}
	if err != nil {
		e.Fatalf("Submit of a correction: %v", err)
	}
	e.print(d, r.Total())
	e.same(d, e.submit(r))
	e.documents(r.ID, 1)
}

// either: the receipt is printed as it is, or refused before it is sent, with
// the field named; it never is printed as another.
func (e *registerEnv) either(what string, r fiscal.Receipt) (printed bool) {
	e.Helper()
	d, err := e.r.Submit(e.ctx, r)
	if err != nil {
		e.refused(what, err, acquiring.ErrUnsupported, acquiring.ErrInvalid)
		e.outcome(what, err, acquiring.OutcomeNotSent)
		e.documents(r.ID, 0)
		e.Logf("%s is refused: %v", what, err)
		return false
	}
	e.print(d, r.Total())
	return true
}

func kindFFD(e *registerEnv) {
	has := e.h.Quirks.FFD
	if has == nil {
		has = []fiscal.FFD{fiscal.FFD105, fiscal.FFD12}
	}
	for _, v := range []fiscal.FFD{"", fiscal.FFD105, fiscal.FFD12} {
		printed := e.either("FFD "+string(v), e.receipt(func(r *fiscal.Receipt) { r.FFD = v }))
		if want := v == "" || slices.Contains(has, v); printed != want {
			e.Errorf("FFD %q: printed %v; want %v", v, printed, want)
		}
	}
}

func kindVAT(e *registerEnv) {
	old := time.Date(2025, 6, 2, 12, 0, 0, 0, time.UTC)
	all := []fiscal.VAT{
		fiscal.VATNone, fiscal.VAT0, fiscal.VAT5, fiscal.VAT7, fiscal.VAT10, fiscal.VAT20, fiscal.VAT22,
		fiscal.VAT5of105, fiscal.VAT7of107, fiscal.VAT10of110, fiscal.VAT20of120, fiscal.VAT22of122,
	}
	var printed []fiscal.VAT
	for _, v := range all {
		r := e.receipt(func(r *fiscal.Receipt) {
			r.TaxSystem = fiscal.TaxGeneral
			r.Lines = slices.Clone(r.Lines[:1])
			r.Lines[0].VAT = v
			if strings.Contains(string(v), "/") {
				r.Lines[0].Method, r.Lines[0].Subject = fiscal.FullPrepayment, fiscal.Payment
			}
			if v == fiscal.VAT20 || v == fiscal.VAT20of120 {
				r.Type, r.SoldAt = fiscal.SaleReturn, old
			}
			if v == fiscal.VAT5 || v == fiscal.VAT7 || v == fiscal.VAT5of105 || v == fiscal.VAT7of107 {
				r.TaxSystem = fiscal.TaxSimplifiedIncome
			}
		})
		if e.either("VAT "+string(v), r) {
			printed = append(printed, v)
		}
	}
	for _, v := range []fiscal.VAT{fiscal.VATNone, fiscal.VAT0, fiscal.VAT10, fiscal.VAT22} {
		if !slices.Contains(printed, v) {
			e.Errorf("VAT %s is refused; no shop can do without it", v)
		}
	}
}

func kindSettlements(e *registerEnv) {
	for _, s := range []fiscal.Settlement{fiscal.Sale, fiscal.SaleReturn, fiscal.Purchase, fiscal.PurchaseReturn} {
		r := e.receipt(func(r *fiscal.Receipt) { r.Type = s })
		if !e.either(fmt.Sprintf("the settlement %d", s), r) && s <= fiscal.SaleReturn {
			e.Errorf("the settlement %d is refused; no shop can do without it", s)
		}
	}
}

func kindTaxSystems(e *registerEnv) {
	n := 0
	for _, s := range []fiscal.TaxSystem{0, fiscal.TaxGeneral, fiscal.TaxSimplifiedIncome, fiscal.TaxSimplifiedIncomeMinus, fiscal.TaxAgricultural, fiscal.TaxPatent} {
		if e.either(fmt.Sprintf("the tax system %d", s), e.receipt(func(r *fiscal.Receipt) { r.TaxSystem = s })) {
			n++
		}
	}
	if n == 0 {
		e.Error("no tax system is accepted")
	}
}

// kindPrepayment: the receipt of the advance, and the one that sets it off.
func kindPrepayment(e *registerEnv) {
	advance := e.receipt(func(r *fiscal.Receipt) {
		r.Lines = slices.Clone(r.Lines)
		for i := range r.Lines {
			r.Lines[i].Method = fiscal.FullPrepayment
		}
	})
	if !e.either("a receipt of a prepayment", advance) {
		e.Error("a receipt of a prepayment is refused; no web shop can do without it")
	}
	final := e.receipt()
	final.Payments = fiscal.Payments{Prepaid: final.Total()}
	e.either("a receipt that sets a prepayment off", final)
}

func documentFailed(e *registerEnv) {
	e.require("RegisterShop.Refuse", e.shop.Refuse != nil)
	r := e.receipt()
	d := e.submit(r)
	if err := e.shop.Refuse(d.ID); err != nil {
		e.Fatalf("RegisterShop.Refuse(%s): %v", d.ID, err)
	}
	got := e.document(d.ID)
	if got.Status != fiscal.DocumentFailed {
		e.Fatalf("the document is %s; want failed", got.Status)
	}
	if got.Failure != nil && !got.Failure.Retryable && !e.h.Quirks.UnheardFailure {
		e.Errorf("a register that is off is a failure that may pass; Retryable is not set: %+v", got.Failure)
	}
}

func documentUnknown(e *registerEnv) {
	_, err := e.r.GetDocument(e.ctx, e.unknownID())
	e.refused("GetDocument of an unknown ID", err, acquiring.ErrNotFound)
}

func documentHostile(e *registerEnv) {
	d := e.submit(e.receipt())
	for _, id := range []string{
		".", "..", "../x", "x/../y", "x?y=1", // short ones pass where a number's length is checked
		"../" + d.ID, d.ID + "?x=1", d.ID + "/../" + d.ID, d.ID + "#", d.ID + "&id=" + d.ID, " ", d.ID + "\n", "\x00", strings.Repeat("7", 5000), "'; drop table",
	} {
		_, err := e.r.GetDocument(e.ctx, id)
		e.refused("GetDocument of the ID "+quoted(id), err, acquiring.ErrNotFound, acquiring.ErrInvalid)
	}
}

func registerShopsTwo(e *registerEnv) {
	shops := []*registerEnv{e, e.open(2)}
	together(6, func(i int) {
		s := shops[i%2]
		r := s.receipt()
		d, err := s.r.Submit(s.ctx, r)
		if err != nil {
			s.Errorf("shop %d: Submit: %v", i%2+1, err)
			return
		}
		if n := s.shop.Documents(r.ID); n != 1 {
			s.Errorf("shop %d has %d documents of its receipt %s", i%2+1, n, r.ID)
		}
		if n := shops[(i+1)%2].shop.Documents(r.ID); n != 0 {
			s.Errorf("the other shop has %d documents of shop %d's receipt %s", n, i%2+1, r.ID)
		}
		if got, err := s.r.GetDocument(context.WithoutCancel(s.ctx), d.ID); err != nil || got.ID != d.ID {
			s.Errorf("shop %d: GetDocument: %+v, %v", i%2+1, got, err)
		}
	})
	shops[1].finish()
}

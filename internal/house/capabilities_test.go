package house

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/alfabank"
	"github.com/acquiring-go/acquiring/alfabank/alfabanktest"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/fiscal/paykeeper"
	"github.com/acquiring-go/acquiring/fiscal/paykeeper/paykeepertest"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/paymaster"
	"github.com/acquiring-go/acquiring/paymaster/paymastertest"
	"github.com/acquiring-go/acquiring/sberbank"
	"github.com/acquiring-go/acquiring/sberbank/sberbanktest"
	"github.com/acquiring-go/acquiring/tochka"
	"github.com/acquiring-go/acquiring/tochka/tochkatest"
)

var update = flag.Bool("update", false, "write the generated pages of docs anew")

// hook is where the shops of the table are notified.
const hook = "https://shop.example/hooks"

// shop is a client over a new emulator of its provider, with what the provider
// and its customers do.
type shop struct {
	acquiring.Acquirer
	pay, decline, expire func(id string) error
	callbacks            func() []*http.Request // all that were sent
}

// column is a client of the table.
type column struct {
	title, russian string
	doc            string // its page
	open           func(t *testing.T, twoStage bool) shop
}

var nobodyListens = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})

// made fails the test with the error of a constructor.
func made[T acquiring.Acquirer](t *testing.T, a T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// requester is a delivery of an emulator.
type requester interface{ Request() *http.Request }

func requests[D requester](deliver func() int, all func() []D) func() []*http.Request {
	return func() (list []*http.Request) {
		deliver()
		for _, d := range all() {
			list = append(list, d.Request())
		}
		return list
	}
}

var columns = []column{
	{"Sberbank", "Сбербанк", "sberbank", func(t *testing.T, _ bool) shop {
		s := sberbanktest.NewServer(sberbanktest.WithCallbackHandler(nobodyListens), sberbanktest.WithCallbackURL(hook))
		t.Cleanup(s.Close)
		conf := s.Config()
		conf.Receipt = sberbank.ReceiptDefaults{Email: "shop@example.org", INN: "7727401209", PaymentAddress: "https://shop.example"}
		a, err := sberbank.New(conf)
		return shop{made(t, a, err), s.Pay, s.Decline, s.Expire, requests(s.Deliver, s.Deliveries)}
	}},
	{"Sberbank, legacy", "Сбербанк, старый шлюз", "sberbank", func(t *testing.T, _ bool) shop {
		s := sberbanktest.NewServer(sberbanktest.WithCallbackHandler(nobodyListens), sberbanktest.WithCallbackURL(hook))
		t.Cleanup(s.Close)
		a, err := sberbank.NewLegacy(s.ConfigLegacy())
		return shop{made(t, a, err), s.Pay, s.Decline, s.Expire, requests(s.Deliver, s.Deliveries)}
	}},
	{"Alfa-Bank", "Альфа-Банк", "alfabank", func(t *testing.T, _ bool) shop {
		s := alfabanktest.NewServer(alfabanktest.WithCallbackHandler(nobodyListens), alfabanktest.WithCallbackURL(hook))
		t.Cleanup(s.Close)
		a, err := alfabank.New(s.Config())
		return shop{made(t, a, err), s.Pay, s.Decline, s.Expire, requests(s.Deliver, s.Deliveries)}
	}},
	{"PayMaster v2", "PayMaster v2", "paymaster", func(t *testing.T, _ bool) shop {
		s := paymastertest.NewServer(paymastertest.WithCallbackHandler(nobodyListens), paymastertest.WithCallbackURL(hook))
		t.Cleanup(s.Close)
		a, err := paymaster.New(s.Config())
		return shop{made(t, a, err), s.Pay, s.Decline, s.Expire, requests(s.Deliver, s.Deliveries)}
	}},
	{"PayMaster classic", "PayMaster, классика", "paymaster", func(t *testing.T, twoStage bool) shop {
		opts := []paymastertest.Option{paymastertest.WithCallbackHandler(nobodyListens), paymastertest.WithCallbackURL(hook)}
		if twoStage {
			opts = append(opts, paymastertest.WithHolds())
		}
		s := paymastertest.NewServer(opts...)
		t.Cleanup(s.Close)
		conf := s.ClassicConfig()
		conf.Start, conf.Holds = paymaster.StartServer, twoStage
		a, err := paymaster.NewClassic(conf)
		return shop{made(t, a, err), s.Pay, s.Decline, s.Expire, requests(s.Deliver, s.Deliveries)}
	}},
	{"Tochka", "Точка", "tochka", func(t *testing.T, _ bool) shop {
		s := tochkatest.NewServer(tochkatest.WithCallbackHandler(nobodyListens), tochkatest.WithCallbackURL(hook), tochkatest.WithCardRefunds(0))
		t.Cleanup(s.Close)
		a, err := tochka.New(s.Config())
		return shop{made(t, a, err), s.Pay, s.Decline, s.Expire, requests(s.Deliver, s.Deliveries)}
	}},
	{"PayKeeper", "PayKeeper", "paykeeper", func(t *testing.T, twoStage bool) shop {
		opts := []paykeepertest.Option{paykeepertest.WithCallbackHandler(nobodyListens), paykeepertest.WithCallbackURL(hook)}
		if twoStage {
			opts = append(opts, paykeepertest.WithTwoStage())
		}
		s := paykeepertest.NewServer(opts...)
		t.Cleanup(s.Close)
		conf := s.Config()
		conf.TwoStage = twoStage
		c, err := paykeeper.New(conf)
		if err != nil {
			t.Fatal(err)
		}
		return shop{c.Acquirer(), s.Pay, s.Decline, s.Expire, requests(s.Deliver, s.Deliveries)}
	}},
}

// row is a line of the table: what the client can do, tried on its emulator.
type row struct {
	english, russian string
	try              func(p *probe) cell
}

// cell is one answer of the table.
type cell uint8

const (
	no cell = iota
	yes
	cabinet // a switch of the cabinet, not of the request
)

// probe is one client, to be tried.
type probe struct {
	t *testing.T
	c column
}

func has[T any](p *probe) cell {
	_, ok := p.c.open(p.t, false).Acquirer.(T)
	return answer(ok)
}

func answer(ok bool) cell {
	if ok {
		return yes
	}
	return no
}

// can says whether the client takes the request: ErrUnsupported, and the field
// named in an ErrInvalid, mean that it does not. Any other error fails the test.
func (p *probe) can(err error, field string) bool {
	p.t.Helper()
	var e *acquiring.Error
	switch {
	case err == nil:
		return true
	case errors.Is(err, acquiring.ErrUnsupported):
		return false
	case field != "" && errors.As(err, &e) && e.Field == field && errors.Is(err, acquiring.ErrInvalid):
		return false
	}
	p.t.Fatalf("%s: %v", p.c.title, err)
	return false
}

var ctx = context.Background()

func order(change ...func(*acquiring.InvoiceRequest)) acquiring.InvoiceRequest {
	r := acquiring.InvoiceRequest{
		OrderID: "A-1001", Amount: money.RUB(1499, 90), Description: "Course, October", ReturnURL: "https://shop.example/thanks",
		Customer: acquiring.Customer{ID: "c-7", Email: "buyer@example.org", Phone: "+79161234567", Name: "Ivan Ivanov"},
	}
	for _, f := range change {
		f(&r)
	}
	return r
}

func receipt(id string, total money.Amount) *fiscal.Receipt {
	r := fiscal.NewSale(id, fiscal.Contact{Email: "buyer@example.org"}, fiscal.ServiceLine("Course", total, fiscal.Pieces(1), fiscal.VATNone))
	r.TaxSystem = fiscal.TaxSimplifiedIncome
	return &r
}

// invoice says whether the client issues an invoice with the change.
func (p *probe) invoice(field string, change func(*acquiring.InvoiceRequest)) cell {
	_, err := p.c.open(p.t, false).CreateInvoice(ctx, order(change))
	return answer(p.can(err, field))
}

// paid is a shop with one paid invoice.
func (p *probe) paid(twoStage bool, change ...func(*acquiring.InvoiceRequest)) (shop, *acquiring.Invoice) {
	p.t.Helper()
	s := p.c.open(p.t, twoStage)
	inv, err := s.CreateInvoice(ctx, order(change...))
	if err == nil {
		err = s.pay(string(inv.ID))
	}
	if err != nil {
		p.t.Fatalf("%s: %v", p.c.title, err)
	}
	for _, r := range s.callbacks() {
		_, _ = s.VerifyCallback(ctx, r) // the classic client learns of a hold by it
	}
	return s, inv
}

func hold(r *acquiring.InvoiceRequest) { r.Hold = true }

// held is a shop with one hold, and where holds are switched on.
func (p *probe) held() (shop, *acquiring.Invoice, cell) {
	p.t.Helper()
	how := yes
	if p.invoice("Hold", hold) == no {
		if _, err := p.c.open(p.t, true).CreateInvoice(ctx, order(hold)); !p.can(err, "Hold") {
			return shop{}, nil, no
		}
		how = cabinet
	}
	s, inv := p.paid(how == cabinet, hold)
	payment, err := s.GetStatus(ctx, inv.ID)
	if err != nil || payment.Status != acquiring.StatusAuthorized {
		p.t.Fatalf("%s: the hold is %v, %v", p.c.title, payment, err)
	}
	return s, inv, how
}

// announced says whether news of a payment comes of what is done with an
// invoice, beyond those that came before.
func (p *probe) announced(paid bool, do func(s shop, inv *acquiring.Invoice) error) cell {
	p.t.Helper()
	s := p.c.open(p.t, false)
	inv, err := s.CreateInvoice(ctx, order())
	if err == nil && paid {
		err = s.pay(string(inv.ID))
	}
	if err != nil {
		p.t.Fatalf("%s: %v", p.c.title, err)
	}
	before := len(s.callbacks())
	if err := do(s, inv); err != nil {
		p.t.Fatalf("%s: %v", p.c.title, err)
	}
	for _, r := range s.callbacks()[before:] {
		if cb, err := s.VerifyCallback(ctx, r); err == nil && cb.Kind == acquiring.CallbackPayment {
			return yes
		}
	}
	return no
}

// release tries what is done with a hold.
func (p *probe) release(try func(c acquiring.Capturer, id acquiring.PaymentID) error) cell {
	s, inv, how := p.held()
	c, ok := s.Acquirer.(acquiring.Capturer)
	if how == no || !ok {
		return no
	}
	return answer(p.can(try(c, inv.ID), ""))
}

var rows = []row{
	{"Two-stage payments (`Capturer`, `InvoiceRequest.Hold`)", "Двухстадийные платежи (`Capturer`, `InvoiceRequest.Hold`)", func(p *probe) cell {
		_, _, how := p.held()
		if has[acquiring.Capturer](p) == no {
			return no
		}
		return how
	}},
	{"— capture of a part", "— завершение на часть суммы", func(p *probe) cell {
		return p.release(func(c acquiring.Capturer, id acquiring.PaymentID) error {
			_, err := c.Capture(ctx, acquiring.CaptureRequest{ID: id, Amount: money.RUB(500, 0)})
			return err
		})
	}},
	{"— release of a hold (`Void`)", "— отмена холда (`Void`)", func(p *probe) cell {
		return p.release(func(c acquiring.Capturer, id acquiring.PaymentID) error {
			_, err := c.Void(ctx, id)
			return err
		})
	}},
	{"Refund of a part, and another", "Возврат частями", func(p *probe) cell {
		s, inv := p.paid(false)
		for _, key := range []string{"r-1", "r-2"} {
			if _, err := s.Refund(ctx, acquiring.RefundRequest{ID: inv.ID, Key: key, Amount: money.RUB(300, 0)}); !p.can(err, "Amount") {
				return no
			}
		}
		return yes
	}},
	{"Receipt by the acquirer (`InvoiceRequest.Receipt`)", "Чек печатает эквайер (`InvoiceRequest.Receipt`)", func(p *probe) cell {
		return p.invoice("Receipt", func(r *acquiring.InvoiceRequest) { r.Receipt = receipt("A-1001", r.Amount) })
	}},
	{"— with a refund of a part (`RefundRequest.Receipt`)", "— при возврате части (`RefundRequest.Receipt`)", func(p *probe) cell {
		s, inv := p.paid(false, func(r *acquiring.InvoiceRequest) {
			r.Receipt = receipt("A-1001", r.Amount)
			r.Receipt.Lines = append(r.Receipt.Lines[:0], fiscal.ServiceLine("Course", money.RUB(1000, 0), fiscal.Pieces(1), fiscal.VATNone),
				fiscal.ServiceLine("Book", money.RUB(499, 90), fiscal.Pieces(1), fiscal.VATNone))
		})
		back := receipt("A-1001-r1", money.RUB(499, 90))
		back.Type, back.Lines[0].Name = fiscal.SaleReturn, "Book"
		_, err := s.Refund(ctx, acquiring.RefundRequest{ID: inv.ID, Key: "r-1", Amount: money.RUB(499, 90), Receipt: back})
		return answer(p.can(err, "Receipt"))
	}},
	{"SBP alone on the payment page (`Methods`)", "Только СБП на платёжной форме (`Methods`)", func(p *probe) cell {
		return p.invoice("Methods", func(r *acquiring.InvoiceRequest) { r.Methods = []acquiring.Method{acquiring.MethodSBP} })
	}},
	{"SBP QR code without a page (`QRIssuer`)", "QR-код СБП без платёжной формы (`QRIssuer`)", has[acquiring.QRIssuer]},
	{"Card saved with the invoice (`SaveCard`)", "Привязка карты при оплате (`SaveCard`)", func(p *probe) cell {
		return p.invoice("SaveCard", func(r *acquiring.InvoiceRequest) { r.SaveCard = true })
	}},
	{"Charge of a saved card (`Charger`)", "Списание по связке (`Charger`)", has[acquiring.Charger]},
	{"— forgetting it (`DeleteToken`)", "— удаление связки (`DeleteToken`)", func(p *probe) cell {
		c, ok := p.c.open(p.t, false).Acquirer.(acquiring.Charger)
		return answer(ok && !errors.Is(c.DeleteToken(ctx, "a5b0e1c4-1f2d-4c3b-8a79-0d6e5f4c3b2a"), acquiring.ErrUnsupported))
	}},
	{"Withdrawing an unpaid invoice (`Canceler`)", "Отзыв неоплаченного счёта (`Canceler`)", has[acquiring.Canceler]},
	{"Search by the shop's order number (`Finder`)", "Поиск по номеру заказа магазина (`Finder`)", has[acquiring.Finder]},
	{"List of payments (`Lister`)", "Список платежей (`Lister`)", has[acquiring.Lister]},
	{"Check of the credentials without a payment (`Checker`)", "Проверка доступа без платежа (`Checker`)", has[acquiring.Checker]},
	{"Lifetime of the link set by the invoice (`TTL`)", "Срок жизни ссылки задаёт счёт (`TTL`)", func(p *probe) cell {
		return p.invoice("TTL", func(r *acquiring.InvoiceRequest) { r.TTL = 2 * time.Hour })
	}},
	{"Callback address set by the invoice (`CallbackURL`)", "Адрес уведомлений задаёт счёт (`CallbackURL`)", func(p *probe) cell {
		own := func(r *acquiring.InvoiceRequest) { r.CallbackURL = "https://shop.example/hooks/of-this-invoice" }
		if p.invoice("CallbackURL", own) == no {
			return no
		}
		s, _ := p.paid(false, own)
		for _, r := range s.callbacks() {
			if strings.HasSuffix(r.URL.Path, "/of-this-invoice") {
				return yes
			}
		}
		return no // taken, and passed over
	}},
	{"Signed callbacks (`Callback.Signed`)", "Подписанные уведомления (`Callback.Signed`)", func(p *probe) cell {
		s, _ := p.paid(false)
		for _, r := range s.callbacks() {
			if cb, err := s.VerifyCallback(ctx, r); err == nil && cb.Status == acquiring.StatusPaid {
				return answer(cb.Signed)
			}
		}
		p.t.Fatalf("%s: no callback says that it was paid, of %d", p.c.title, len(s.callbacks()))
		return no
	}},
	{"Announces a payment", "Сообщает об оплате", func(p *probe) cell {
		return p.announced(false, func(s shop, inv *acquiring.Invoice) error { return s.pay(string(inv.ID)) })
	}},
	{"— a declined attempt", "— об отклонённой попытке", func(p *probe) cell {
		return p.announced(false, func(s shop, inv *acquiring.Invoice) error { return s.decline(string(inv.ID)) })
	}},
	{"— an expired link", "— об истёкшей ссылке", func(p *probe) cell {
		return p.announced(false, func(s shop, inv *acquiring.Invoice) error { return s.expire(string(inv.ID)) })
	}},
	{"— a refund", "— о возврате", func(p *probe) cell {
		return p.announced(true, func(s shop, inv *acquiring.Invoice) error {
			_, err := s.Refund(ctx, acquiring.RefundRequest{ID: inv.ID, Key: "r-1", Amount: money.RUB(300, 0)})
			return err
		})
	}},
}

// TestCapabilities: docs/capabilities.md says of every client what it does on
// its emulator. Make the page anew with
//
//	go test ./internal/house -run TestCapabilities -update
func TestCapabilities(t *testing.T) {
	marks := map[string]map[cell]string{
		"md":    {yes: "yes", no: "—", cabinet: "in the cabinet"},
		"ru.md": {yes: "да", no: "—", cabinet: "в кабинете"},
	}
	results := make([][]cell, len(rows))
	for i, r := range rows {
		for _, c := range columns {
			results[i] = append(results[i], r.try(&probe{t, c}))
		}
	}
	table := func(lang, folder string, wanted func(row) bool) string {
		var b strings.Builder
		b.WriteString("| |")
		for _, c := range columns {
			fmt.Fprintf(&b, " [%s](%sproviders/%s.%s) |", map[string]string{"md": c.title, "ru.md": c.russian}[lang], folder, c.doc, lang)
		}
		b.WriteString("\n| --- |" + strings.Repeat(" --- |", len(columns)) + "\n")
		for i, r := range rows {
			if !wanted(r) {
				continue
			}
			b.WriteString("| " + map[string]string{"md": r.english, "ru.md": r.russian}[lang] + " |")
			for _, got := range results[i] {
				b.WriteString(" " + marks[lang][got] + " |")
			}
			b.WriteByte('\n')
		}
		return b.String()
	}
	for name := range brief {
		if !slices.ContainsFunc(rows, func(r row) bool { return r.english == name }) {
			t.Errorf("the README's table wants a line that is not there: %s", name)
		}
	}
	printed := registerTable(t)
	for _, lang := range []string{"md", "ru.md"} {
		page := filepath.Join(root, "docs", "capabilities."+lang)
		generated(t, page, "acquirers", table(lang, "", func(row) bool { return true }))
		generated(t, page, "registers", printed[lang])
		// The README has the lines that people choose by, where it wants them.
		readme := filepath.Join(root, "README."+lang)
		if data, err := os.ReadFile(readme); err == nil && strings.Contains(string(data), "<!-- generated: capabilities -->") {
			generated(t, readme, "capabilities", table(lang, "docs/", func(r row) bool { return brief[r.english] }))
		}
	}
}

// brief are the lines of the README's table.
var brief = map[string]bool{
	"Two-stage payments (`Capturer`, `InvoiceRequest.Hold`)": true,
	"Refund of a part, and another":                          true,
	"Receipt by the acquirer (`InvoiceRequest.Receipt`)":     true,
	"SBP QR code without a page (`QRIssuer`)":                true,
	"Charge of a saved card (`Charger`)":                     true,
	"Search by the shop's order number (`Finder`)":           true,
	"Signed callbacks (`Callback.Signed`)":                   true,
}

// generated compares the part of a page between its markers with what it
// should be, or writes it with -update.
func generated(t *testing.T, page, part, want string) {
	t.Helper()
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	begin, end := "<!-- generated: "+part+" -->\n", "<!-- end of "+part+" -->\n"
	before, tail, ok := strings.Cut(string(data), begin)
	got, after, closed := strings.Cut(tail, end)
	switch {
	case !ok || !closed:
		t.Fatalf("%s has no part between %q and %q", page, begin, end)
	case got == want:
	case *update:
		if err := os.WriteFile(page, []byte(before+begin+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s is stale: run go test ./internal/house -run TestCapabilities -update\n%s", page, want)
	}
}

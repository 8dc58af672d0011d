package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/alfabank"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/fiscal/komtet"
	"github.com/acquiring-go/acquiring/fiscal/orangedata"
	"github.com/acquiring-go/acquiring/fiscal/paykeeper"
	"github.com/acquiring-go/acquiring/internal/emulator"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/paymaster"
	"github.com/acquiring-go/acquiring/sberbank"
	"github.com/acquiring-go/acquiring/tochka"
)

// The pages do what a shop does (trial orders, captures, refunds, receipts)
// through the library's own clients, so the providers' rules hold and the
// request log shows what was asked.

// way is a provider with one of its protocols.
type way struct {
	Provider Provider
	Protocol string
}

// ways are all that take payments.
func allWays() []way {
	return []way{{Sberbank, ""}, {Sberbank, "legacy"}, {AlfaBank, ""}, {PayMaster, ""}, {PayMaster, "classic"}, {Tochka, ""}, {PayKeeper, ""}}
}

// Key is the way in forms: "sberbank-legacy".
func (w way) Key() string { return strings.TrimSuffix(string(w.Provider)+"-"+w.Protocol, "-") }

// Name is the way for people.
func (w way) Name() string { return wayName(w.Provider, w.Protocol) }

// Captures says whether a part of a hold can be taken, and a hold let go, by
// the shop.
func (w way) Captures() bool { return w.Provider != Tochka }

func wayName(p Provider, protocol string) string {
	switch protocol {
	case "":
		return p.Name()
	case "legacy":
		return p.Name() + ", прежний шлюз"
	case "classic":
		return p.Name() + ", классический протокол"
	}
	return p.Name() + ", " + protocol
}

// Name is the provider's in Russian.
func (p Provider) Name() string {
	switch p {
	case Sberbank:
		return "Сбербанк"
	case AlfaBank:
		return "Альфа-Банк"
	case PayMaster:
		return "PayMaster"
	case Tochka:
		return "Точка"
	case Komtet:
		return "Комтет Касса"
	case OrangeData:
		return "OrangeData"
	case PayKeeper:
		return "PayKeeper"
	}
	return string(p)
}

// inside goes to the sandbox's own handler without the network, whatever
// address it is known by.
func (s *Sandbox) inside() *http.Client {
	return &http.Client{Transport: emulator.Transport(s.handler)}
}

// client is the one that the pages use; its ledgers of refunds and holds live
// as long as the Sandbox.
func (s *Sandbox) client(w way) (acquiring.Acquirer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.clients[w]; c != nil {
		return c, nil
	}
	c, err := s.newClient(w)
	if err == nil {
		s.clients[w] = c
	}
	return c, err
}

func (s *Sandbox) newClient(w way) (acquiring.Acquirer, error) {
	switch w {
	case way{Sberbank, ""}, way{Sberbank, "legacy"}:
		c := s.SberbankConfig()
		if w.Protocol != "" {
			c = s.SberbankLegacyConfig()
		}
		c.HTTPClient = s.inside()
		c.Receipt = sberbank.ReceiptDefaults{FFD: fiscal.FFD12, TaxSystem: fiscal.TaxGeneral, INN: "7707083893", Email: "shop@example.com", PaymentAddress: "https://shop.example"}
		c.VATCodes = map[fiscal.VAT]int{fiscal.VAT22: 12}
		return sberbank.New(c)
	case way{AlfaBank, ""}:
		c := s.AlfaBankConfig()
		c.HTTPClient = s.inside()
		return alfabank.New(c)
	case way{PayMaster, ""}:
		c := s.PayMasterConfig()
		c.HTTPClient = s.inside()
		return paymaster.New(c)
	case way{PayMaster, "classic"}:
		c := s.PayMasterClassicConfig()
		c.HTTPClient, c.Holds = s.inside(), true
		return paymaster.NewClassic(c)
	case way{Tochka, ""}:
		c := s.TochkaConfig()
		c.HTTPClient = s.inside()
		return tochka.New(c)
	case way{PayKeeper, ""}:
		c, err := s.payKeeper()
		if err != nil {
			return nil, err
		}
		return c.Acquirer(), nil
	}
	return nil, fmt.Errorf("sandbox: no way %q to pay", w.Key())
}

func (s *Sandbox) payKeeper() (*paykeeper.Client, error) {
	c := s.PayKeeperConfig()
	c.HTTPClient = s.inside()
	return paykeeper.New(c)
}

// register is the client of a provider that prints receipts by themselves.
func (s *Sandbox) register(p Provider) (fiscal.Register, error) {
	switch p {
	case Komtet:
		c := s.KomtetConfig()
		c.HTTPClient, c.CallbackURL = s.inside(), s.CallbackURL(Komtet)
		return komtet.New(c)
	case OrangeData:
		c := s.OrangeDataConfig()
		c.CallbackURL = s.CallbackURL(OrangeData)
		return orangedata.New(c)
	case PayKeeper:
		return s.payKeeper()
	}
	return nil, fmt.Errorf("sandbox: %q prints no receipts by themselves", p)
}

// TrialOrder is what the form of the pages asks for.
type TrialOrder struct {
	Amount      money.Amount
	Description string
	Hold        bool // two stages
	SBP         bool // by QR code only
	Receipt     bool // printed by the acquirer
}

// trial makes a trial order, as a shop's program would.
func (s *Sandbox) trial(ctx context.Context, w way, t TrialOrder) (Order, error) {
	c, err := s.client(w)
	switch {
	case err != nil:
		return Order{}, err
	case w.Provider != PayKeeper:
	case s.PayKeeperConfig().TwoStage:
		t.Hold = true
	case t.Hold:
		return Order{}, errors.New("у PayKeeper две стадии включают в личном кабинете сразу для всех заказов: страница «Подключение», PayKeeper")
	}
	req := acquiring.InvoiceRequest{OrderID: s.trialNumber("T"), Amount: t.Amount, Description: t.Description, Hold: t.Hold,
		ReturnURL: s.URL + "/back", Customer: acquiring.Customer{ID: "42", Email: "client@example.com", Phone: "+79991234567"}}
	if t.SBP {
		req.Methods = []acquiring.Method{acquiring.MethodSBP}
	}
	if t.Receipt {
		r := trialReceipt("", t.Description, t.Amount, fiscal.DefaultVAT(s.Clock.Now()), "client@example.com")
		req.Receipt = &r
	}
	invoice, err := c.CreateInvoice(ctx, req)
	if err != nil {
		return Order{}, err
	}
	id := string(invoice.ID)
	if w.Protocol == "classic" { // the order is there when the link is opened
		if id, err = s.PayMaster.Open(invoice.PayURL); err != nil {
			return Order{}, err
		}
	}
	o, ok := s.order(w.Provider, id)
	if !ok {
		o, ok = s.order(w.Provider, req.OrderID)
	}
	if !ok {
		return Order{}, errors.New("заказ создан, но в книгах провайдера его нет")
	}
	if t.Receipt {
		s.mu.Lock()
		s.sales[way{w.Provider, o.ID}] = *req.Receipt
		s.mu.Unlock()
	}
	return o, nil
}

// trialNumber is the number of the next trial order or receipt: "T-1".
func (s *Sandbox) trialNumber(prefix string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trials++
	return fmt.Sprintf("%s-%d", prefix, s.trials)
}

func trialReceipt(id, name string, sum money.Amount, vat fiscal.VAT, email string) fiscal.Receipt {
	r := fiscal.NewSale(id, fiscal.Contact{Email: email}, fiscal.ServiceLine(name, sum, fiscal.Pieces(1), vat))
	r.FFD, r.TaxSystem = fiscal.FFD12, fiscal.TaxGeneral
	return r
}

// payment is the order as the shop's client names it.
func (s *Sandbox) payment(ctx context.Context, o Order) (acquiring.Acquirer, acquiring.PaymentID, error) {
	c, err := s.client(way{o.Provider, o.Protocol})
	if err != nil {
		return nil, "", err
	}
	if f, ok := c.(acquiring.Finder); ok && o.Number != "" && o.Provider != Sberbank && o.Provider != AlfaBank {
		if p, err := f.FindByOrder(ctx, o.Number); err == nil {
			return c, p.ID, nil
		}
	}
	return c, acquiring.PaymentID(o.ID), nil
}

// refund gives money of an order back; 0 is all that is left. With the receipt
// of a trial order comes that of its return, where the provider takes one:
// printed says whether it did.
func (s *Sandbox) refund(ctx context.Context, o Order, sum money.Amount) (printed bool, err error) {
	c, id, err := s.payment(ctx, o)
	if err != nil {
		return false, err
	}
	req := acquiring.RefundRequest{ID: id, Key: fmt.Sprintf("%s-r%d", o.Number, len(o.Moves)), Amount: sum, Reason: "Возврат из песочницы"}
	s.mu.Lock()
	sale, sold := s.sales[way{o.Provider, o.ID}]
	s.mu.Unlock()
	if sold {
		part := sum
		if part == 0 {
			part = o.Net()
		}
		if back, err := fiscal.Return(sale, fiscal.Selection{ID: req.Key, Sum: part, Returned: o.Refunded}); err == nil {
			req.Receipt = &back
		}
	}
	_, err = c.Refund(ctx, req)
	if req.Receipt == nil || err == nil {
		return req.Receipt != nil, err
	}
	// Refused for its receipt, the refund was not made.
	if errors.Is(err, acquiring.ErrUnsupported) || errors.Is(err, acquiring.ErrInvalid) {
		req.Receipt = nil
		_, err = c.Refund(ctx, req)
	}
	return false, err
}

// capture takes a hold, or a part of it; 0 is all. void lets it go.
func (s *Sandbox) capture(ctx context.Context, o Order, sum money.Amount, void bool) error {
	c, id, err := s.payment(ctx, o)
	if err != nil {
		return err
	}
	holds, ok := c.(acquiring.Capturer)
	if !ok {
		return fmt.Errorf("%s: двух стадий нет", o.Provider.Name())
	}
	if void {
		_, err = holds.Void(ctx, id)
		return err
	}
	req := acquiring.CaptureRequest{ID: id, Amount: sum}
	s.mu.Lock()
	sale, printed := s.sales[way{o.Provider, o.ID}]
	s.mu.Unlock()
	if printed && sum != 0 && sum < o.Amount {
		sale, err = sale.Normalize(sum)
		if err != nil {
			return err
		}
		req.Receipt = &sale
		s.mu.Lock()
		s.sales[way{o.Provider, o.ID}] = sale
		s.mu.Unlock()
	}
	_, err = holds.Capture(ctx, req)
	return err
}

// submit prints a trial receipt by itself.
func (s *Sandbox) submit(ctx context.Context, p Provider, r fiscal.Receipt) error {
	register, err := s.register(p)
	if err != nil {
		return err
	}
	_, err = register.Submit(ctx, r)
	return err
}

// patience is how long a page waits for a provider that a fault makes slow.
const patience = 20 * time.Second

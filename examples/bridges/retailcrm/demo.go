package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring/alfabank/alfabanktest"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/sberbank/sberbanktest"

	"github.com/acquiring-go/acquiring/examples/bridges/retailcrm/bridge"
	"github.com/acquiring-go/acquiring/examples/bridges/retailcrm/crm"
	"github.com/acquiring-go/acquiring/examples/bridges/retailcrm/retailcrmtest"
)

// stage is where the demo plays: two banks, a CRM account and the module.
type stage struct {
	out  io.Writer
	alfa *alfabanktest.Server
	sber *sberbanktest.Server
	crm  *retailcrmtest.Server
	url  string // of the module
	code string // of the module in the CRM
}

func (s *stage) say(format string, args ...any) { fmt.Fprintf(s.out, format+"\n", args...) }

const demoPassword = "demo-password"

// tell plays the story of the module from its connection to a refund.
func tell(ctx context.Context, out io.Writer) error {
	dir, err := os.MkdirTemp("", "retailcrm-demo")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s := &stage{out: out, alfa: alfabanktest.NewServer(), sber: sberbanktest.NewServer(), crm: retailcrmtest.NewServer(),
		url: "http://" + l.Addr().String(), code: "acquiring-bridge"}
	defer s.alfa.Close()
	defer s.sber.Close()
	defer s.crm.Close()
	c, err := bridge.ReadConfig(strings.NewReader(s.config(filepath.Join(dir, "bridge.db"))), os.Getenv)
	if err != nil {
		return err
	}
	b, err := bridge.New(ctx, c, bridge.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() { served <- serve(ctx, b, l) }()
	err = s.play(ctx)
	stop()
	return errors.Join(err, <-served, b.Close())
}

// config is a configuration as the file has it.
func (s *stage) config(database string) string {
	alfa, sber := s.alfa.Config(), s.sber.Config()
	b, err := json.Marshal(map[string]any{
		"public_url": s.url, "database": database, "admin_password": demoPassword, "allow_http": true, "renew_after": "1ms",
		"module": map[string]any{"secret": retailcrmtest.DefaultModuleSecret},
		"shops": []map[string]any{
			{"code": "tea-msk", "name": "Чай Москва", "provider": "alfabank", "environment": "test", "receipts": "acquirer", "tax_system": "usn_income",
				"settings": map[string]any{"UserName": alfa.UserName, "Password": alfa.Password, "BaseURL": alfa.BaseURL, "CallbackKey": alfa.CallbackKey}},
			{"code": "tea-spb", "name": "Чай Петербург", "provider": "sberbank", "environment": "test", "hold": true,
				"settings": map[string]any{"UserName": sber.UserName, "Password": sber.Password, "BaseURL": sber.BaseURL, "CallbackKey": sber.CallbackKey}},
		},
	})
	if err != nil {
		panic(err)
	}
	return string(b)
}

func (s *stage) play(ctx context.Context) error {
	s.say("The module serves at %s, the CRM at %s, Alfa-Bank at %s, Sberbank at %s.", s.url, s.crm.URL, s.alfa.URL, s.sber.URL)
	s.say("\n1. The administrator pastes an API key into the module's page.")
	if text, err := s.paste(ctx, s.crm.CreateKey(crm.Permissions()[:2]...)); err != nil {
		return err
	} else if text != "" {
		s.say("   The first key is refused: %s", text)
	}
	if text, err := s.paste(ctx, s.crm.CreateKey(crm.Permissions()...)); err != nil || text != "" {
		return errors.Join(err, errors.New(text))
	}
	module, ok := s.crm.Module(s.code)
	if !ok {
		return errors.New("the module did not register itself")
	}
	for _, shop := range module.Shops {
		s.say("   The CRM shows the shop %s: %s.", shop.Code, shop.Name)
	}

	s.say("\n2. One-stage, Alfa-Bank. The manager presses \"create a link\".")
	order := s.crm.AddOrder(retailcrmtest.Order{Customer: retailcrmtest.Customer{Email: "ivan@example.ru", Phone: "+79001112233", FirstName: "Иван"},
		Items: []retailcrmtest.Item{{Name: "Чай", Price: money.RUB(1299, 50), Quantity: "1", Unit: "шт", VAT: "none", PaymentMethod: "full_prepayment", PaymentObject: "commodity"}}})
	payment, invoice, err := s.invoice(order.Number, "tea-msk", money.RUB(1299, 50))
	if err != nil {
		return err
	}
	s.say("   The short link: %s", invoice.Link)
	if err := s.open(ctx, invoice.Link); err != nil {
		return err
	}
	if err := s.open(ctx, invoice.Link); err != nil {
		return err
	}
	for _, o := range s.alfa.Orders() {
		s.say("   At the bank: order %s is %s.", o.Number, o.State)
	}
	orders := s.alfa.Orders()
	if err := s.alfa.Pay(orders[len(orders)-1].ID); err != nil {
		return err
	}
	if err := s.until(ctx, payment.ID, retailcrmtest.PaymentPaid); err != nil {
		return err
	}

	s.say("\n3. The manager gives 300.00 back, then the rest.")
	refund, err := s.crm.Refund(payment.ID, money.RUB(300, 0))
	if err != nil {
		return err
	}
	s.say("   Refund of %s: %s.", refund.Amount, refund.Status)
	if _, err := s.crm.Refund(payment.ID, 0); err != nil {
		return err
	}
	if err := s.until(ctx, payment.ID, retailcrmtest.PaymentReturned); err != nil {
		return err
	}

	s.say("\n4. Two-stage, Sberbank: the money is held, the CRM is asked, then it is taken.")
	if payment, invoice, err = s.invoice(order.Number, "tea-spb", money.RUB(500, 0)); err != nil {
		return err
	}
	if err := s.pay(ctx, invoice.Link); err != nil {
		return err
	}
	if err := s.until(ctx, payment.ID, retailcrmtest.PaymentPaid); err != nil {
		return err
	}

	s.say("\n5. The same, but the manager changed the sum while the customer was paying.")
	if payment, invoice, err = s.invoice(order.Number, "tea-spb", money.RUB(700, 0)); err != nil {
		return err
	}
	if err := s.crm.ChangeAmount(payment.ID, money.RUB(900, 0)); err != nil {
		return err
	}
	if err := s.pay(ctx, invoice.Link); err != nil {
		return err
	}
	if err := s.until(ctx, payment.ID, retailcrmtest.PaymentCanceled); err != nil {
		return err
	}
	if i, ok := s.crm.Invoice(invoice.UUID); ok {
		s.say("   The CRM shows why: %s", i.Details)
	}
	s.say("\nNothing was paid twice, and the hold of step 5 was released.")
	return nil
}

// paste posts the form of the settings page, as the administrator does. text
// is what the page complains of.
func (s *stage) paste(ctx context.Context, key string) (text string, err error) {
	form := url.Values{"system_url": {s.crm.URL}, "api_key": {key}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/settings/connect", strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth("admin", demoPassword)
	resp, err := noRedirects.Do(r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusSeeOther {
		return "", nil
	}
	body, err := io.ReadAll(resp.Body)
	_, rest, _ := strings.Cut(string(body), `role="alert">`)
	text, _, _ = strings.Cut(rest, "</p>")
	if text == "" {
		text = resp.Status
	}
	return text, err
}

var noRedirects = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

func (s *stage) invoice(order, shop string, sum money.Amount) (retailcrmtest.Payment, retailcrmtest.Invoice, error) {
	payment, err := s.crm.AddPayment(order, s.code, shop, sum)
	if err != nil {
		return payment, retailcrmtest.Invoice{}, err
	}
	invoice, err := s.crm.CreateLink(payment.ID)
	return payment, invoice, err
}

// open opens the short link, as the customer's browser does.
func (s *stage) open(ctx context.Context, link string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, link, http.NoBody)
	if err != nil {
		return err
	}
	r.Header.Set("User-Agent", "Mozilla/5.0")
	resp, err := noRedirects.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusFound {
		return fmt.Errorf("the link answers %s", resp.Status)
	}
	s.say("   The customer opens it and is at the bank's page %s", resp.Header.Get("Location"))
	return nil
}

// pay opens the link and pays Sberbank's newest order.
func (s *stage) pay(ctx context.Context, link string) error {
	if err := s.open(ctx, link); err != nil {
		return err
	}
	orders := s.sber.Orders()
	return s.sber.Pay(orders[len(orders)-1].ID)
}

// until waits for the payment's status in the CRM.
func (s *stage) until(ctx context.Context, payment int, status string) error {
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if p, ok := s.crm.Payment(payment); ok && p.Status == status {
			s.say("   In the CRM the payment of %s is %q.", p.Amount, p.Status)
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	p, _ := s.crm.Payment(payment)
	return fmt.Errorf("the payment stays %q in the CRM; %q was expected", p.Status, status)
}

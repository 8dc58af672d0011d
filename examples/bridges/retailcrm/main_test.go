package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/sberbank/sberbanktest"

	"github.com/acquiring-go/acquiring/examples/bridges/retailcrm/bridge"
	"github.com/acquiring-go/acquiring/examples/bridges/retailcrm/retailcrmtest"
)

// TestMain is the module itself, when a test starts this program again in
// order to kill it.
func TestMain(m *testing.M) {
	if config := os.Getenv("RETAILCRM_TEST_CONFIG"); config != "" {
		if err := run(context.Background(), config); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestDemo(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, tell(t.Context(), &out))
	assert.Contains(t, out.String(), "хватает прав: /api/payment/create-invoice, /api/payment/(updateInvoice|check)")
	assert.Contains(t, out.String(), `In the CRM the payment of 1299.50 is "paid".`)
	assert.Contains(t, out.String(), `In the CRM the payment of 1299.50 is "returned".`)
	assert.Contains(t, out.String(), "RetailCRM не подтвердил оплату")
}

func TestExampleConfig(t *testing.T) {
	for _, name := range []string{"ADMIN_PASSWORD", "RETAILCRM_MODULE_SECRET", "SBERBANK_PASSWORD", "SBERBANK_CALLBACK_KEY", "ALFABANK_PASSWORD", "ALFABANK_CALLBACK_KEY", "PAYMASTER_TOKEN", "TOCHKA_TOKEN"} {
		t.Setenv(name, "0123456789abcdef")
	}
	c, err := bridge.ReadConfigFile("config.example.json")
	require.NoError(t, err)
	c.Database = filepath.Join(t.TempDir(), "bridge.db")
	for i, s := range c.Shops {
		if s.Provider == "tochka" { // its token is a JWT, which cannot be made up
			c.Shops = append(c.Shops[:i:i], c.Shops[i+1:]...)
			break
		}
	}
	b, err := bridge.New(t.Context(), c)
	require.NoError(t, err)
	require.NoError(t, b.Close())
}

// module is the module in a process of its own.
type module struct {
	t      *testing.T
	config string
	url    string
	cmd    *exec.Cmd
}

func (m *module) start() {
	m.t.Helper()
	exe, err := os.Executable()
	require.NoError(m.t, err)
	m.cmd = exec.Command(exe)
	m.cmd.Env = append(os.Environ(), "RETAILCRM_TEST_CONFIG="+m.config)
	m.cmd.Stderr = testLog{m.t}
	require.NoError(m.t, m.cmd.Start())
	m.until("the module serves", func() bool {
		resp, err := http.Get(m.url + "/healthz")
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		_, _ = io.Copy(io.Discard, resp.Body)
		return resp.StatusCode == http.StatusOK
	})
}

// kill ends the process as a power cut does.
func (m *module) kill() {
	m.t.Helper()
	require.NoError(m.t, m.cmd.Process.Kill())
	_ = m.cmd.Wait()
}

// quiet says whether the outbox is empty, as the settings page shows it.
func (m *module) quiet() bool {
	m.t.Helper()
	r, err := http.NewRequest(http.MethodGet, m.url+"/settings", http.NoBody)
	require.NoError(m.t, err)
	r.SetBasicAuth("", demoPassword)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	return err == nil && bytes.Contains(page, []byte("В очереди сообщений: 0."))
}

type testLog struct{ t *testing.T }

func (l testLog) Write(b []byte) (int, error) {
	l.t.Logf("module: %s", bytes.TrimSpace(b))
	return len(b), nil
}

func (m *module) until(what string, f func() bool) {
	m.t.Helper()
	require.Eventually(m.t, f, 2*time.Minute, 10*time.Millisecond, what)
}

// install starts an account, a bank and the module, and connects them.
func install(t *testing.T, shop map[string]any) (*retailcrmtest.Server, *sberbanktest.Server, *module) {
	t.Helper()
	account, bank := retailcrmtest.NewServer(), sberbanktest.NewServer()
	t.Cleanup(account.Close)
	t.Cleanup(bank.Close)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := l.Addr().String()
	require.NoError(t, l.Close())
	dir := t.TempDir()
	m := &module{t: t, config: filepath.Join(dir, "bridge.json"), url: "http://" + address}
	c := bank.Config()
	shop["code"], shop["provider"], shop["environment"] = "tea", "sberbank", "test"
	shop["settings"] = map[string]any{"UserName": c.UserName, "Password": c.Password, "BaseURL": c.BaseURL, "CallbackKey": c.CallbackKey}
	doc, err := json.Marshal(map[string]any{"listen": address, "public_url": m.url, "allow_http": true, "database": filepath.Join(dir, "bridge.db"),
		"admin_password": demoPassword, "module": map[string]any{"secret": retailcrmtest.DefaultModuleSecret}, "shops": []map[string]any{shop}})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(m.config, doc, 0o600))
	m.start()
	t.Cleanup(func() { _ = m.cmd.Process.Kill() })
	_, err = account.Connect(m.url + "/simple/connect")
	require.NoError(t, err)
	return account, bank, m
}

// bill issues an invoice of 100.00.
func bill(t *testing.T, account *retailcrmtest.Server) (payment int, inv retailcrmtest.Invoice) {
	t.Helper()
	order := account.AddOrder(retailcrmtest.Order{})
	p, err := account.AddPayment(order.Number, "acquiring-bridge", "tea", money.RUB(100, 0))
	require.NoError(t, err)
	inv, err = account.CreateLink(p.ID)
	require.NoError(t, err)
	return p.ID, inv
}

// TestKilledAgainAndAgain: whenever the module dies between a payment and the
// CRM's knowing of it, in the end each is taken once and told once.
func TestKilledAgainAndAgain(t *testing.T) {
	account, bank, m := install(t, map[string]any{"hold": true})
	s := &stage{out: io.Discard, sber: bank}
	payments := map[int]string{}
	for i := range 6 {
		payment, inv := bill(t, account)
		require.NoError(t, s.open(t.Context(), inv.Link))
		orders := bank.Orders()
		o := orders[len(orders)-1]
		payments[payment] = o.ID
		// The module is killed while it takes the news, asks the CRM, takes the
		// money or tells of it.
		killed := make(chan struct{})
		time.AfterFunc(time.Duration(i*i)*8*time.Millisecond, func() {
			_ = m.cmd.Process.Kill()
			close(killed)
		})
		require.NoError(t, bank.Pay(o.ID))
		<-killed
		_ = m.cmd.Wait()
		m.start()
	}
	again := time.Now()
	m.until("all are paid in the CRM, and nothing more is to be told", func() bool {
		paid := true
		for payment, id := range payments {
			if p, _ := account.Payment(payment); p.Status != retailcrmtest.PaymentPaid {
				paid = false
				if time.Now().After(again) {
					_ = bank.Resend(id) // the bank says it again where it was not heard
				}
			}
		}
		if time.Now().After(again) {
			again = time.Now().Add(time.Second)
		}
		return paid && m.quiet()
	})
	for payment, id := range payments {
		p, _ := account.Payment(payment)
		inv, _ := account.Invoice(p.InvoiceUUID)
		o, _ := bank.Order(id)
		assert.Equal(t, money.RUB(100, 0), o.Captured)
		assert.Zero(t, o.Refunded+o.Released)
		assert.Equal(t, 1, inv.Updates)
	}
	assert.Len(t, bank.Orders(), len(payments), "one order for each")
	m.kill()
}

// TestKilledBetweenCallbackAndAnswer: the bank has heard that its news was
// taken, and the module dies before the CRM has answered. After the next start
// the CRM is told, once, whatever became of the first try.
func TestKilledBetweenCallbackAndAnswer(t *testing.T) {
	for name, fault := range map[string]retailcrmtest.Fault{
		"the CRM had taken it": {Op: retailcrmtest.OpUpdateInvoice, Kind: retailcrmtest.LostAnswer, Delay: time.Minute},
		"the CRM never got it": {Op: retailcrmtest.OpUpdateInvoice, Kind: retailcrmtest.Drop},
	} {
		t.Run(name, func(t *testing.T) {
			account, bank, m := install(t, map[string]any{"check": false})
			payment, inv := bill(t, account)
			s := &stage{out: io.Discard, sber: bank}

			account.Fail(fault)
			require.NoError(t, s.pay(t.Context(), inv.Link))
			// The request is seen in the CRM's log when it was answered or
			// dropped; one whose answer is held back shows in its books.
			m.until("the module has begun to tell", func() bool {
				i, _ := account.Invoice(inv.UUID)
				for _, r := range account.Requests() {
					if r.Op == retailcrmtest.OpUpdateInvoice {
						return true
					}
				}
				return i.Updates > 0
			})
			m.kill()
			for _, d := range bank.Deliveries() {
				assert.Equal(t, 200, d.Answer().Status, "the bank will not say it again")
			}
			m.start()
			m.until("the payment is paid in the CRM, and nothing more is to be told", func() bool {
				p, _ := account.Payment(payment)
				return p.Status == retailcrmtest.PaymentPaid && m.quiet()
			})
			i, _ := account.Invoice(inv.UUID)
			assert.Equal(t, 1, i.Updates, "told once")
			m.kill()
		})
	}
}

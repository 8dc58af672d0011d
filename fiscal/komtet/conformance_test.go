package komtet_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/acquiringtest"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/fiscal/komtet"
	"github.com/acquiring-go/acquiring/fiscal/komtet/komtettest"
)

// TestConformance runs what every cash register must do over the emulator, in
// each way the service may be: with and without the fiscal data in its
// notifications, with the version fixed and by the receipt.
func TestConformance(t *testing.T) {
	for name, way := range map[string]struct {
		options []komtettest.Option
		change  func(*komtet.Config)
		ffd     []fiscal.FFD
	}{
		"bare callbacks": {nil, func(*komtet.Config) {}, nil},
		"full callbacks": {[]komtettest.Option{komtettest.WithFullCallback()}, func(*komtet.Config) {}, nil},
		"version 1":      {nil, func(c *komtet.Config) { c.API = komtet.APIv1 }, []fiscal.FFD{fiscal.FFD105}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			acquiringtest.RunRegister(t, acquiringtest.RegisterHarness{
				Provider: "komtet",
				New: func(t testing.TB, opt acquiringtest.ShopOptions) *acquiringtest.RegisterShop {
					return shop(t, opt, way.options, way.change)
				},
				Quirks: acquiringtest.RegisterQuirks{
					Signature: []string{komtet.SignatureHeader}, UnheardFailure: true, FFD: way.ffd,
				},
				BadConfigs: map[string]func() error{
					"Config.Environment": bad(func(c *komtet.Config) { c.Environment = 0 }),
					"Config.ShopID":      bad(func(c *komtet.Config) { c.ShopID = "" }),
					"Config.Secret":      bad(func(c *komtet.Config) { c.Secret = "" }),
					"Config.QueueID":     bad(func(c *komtet.Config) { c.QueueID = 0 }),
					"Config.BaseURL":     bad(func(c *komtet.Config) { c.BaseURL = "kassa" }),
				},
			})
		})
	}
}

func bad(change func(*komtet.Config)) func() error {
	return func() error {
		c := komtet.Config{Environment: acquiring.Test, ShopID: "shop", Secret: "secret", QueueID: 1}
		change(&c)
		_, err := komtet.New(c)
		return err
	}
}

func shop(t testing.TB, opt acquiringtest.ShopOptions, options []komtettest.Option, change func(*komtet.Config)) *acquiringtest.RegisterShop {
	var mu sync.Mutex
	var got []*http.Request
	var bodies [][]byte
	secret := fmt.Sprintf("secret-of-shop-%d-5a81cc", opt.Number)
	srv := komtettest.NewServer(append([]komtettest.Option{
		komtettest.WithShop(fmt.Sprintf("shop-%d", opt.Number), secret),
		komtettest.WithQueue(komtettest.Queue{ID: 70000 + opt.Number, Shop: fmt.Sprintf("shop-%d", opt.Number), Active: true}),
		komtettest.WithClock(komtettest.NewClock(time.Now())),
		komtettest.WithCallbackHandler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			mu.Lock()
			defer mu.Unlock()
			got, bodies = append(got, r.Clone(t.Context())), append(bodies, body)
		})),
	}, options...)...)
	t.Cleanup(srv.Close)

	cfg := srv.Config()
	cfg.Shop, cfg.Logger, cfg.HTTPClient = opt.Label, opt.Logger, opt.HTTPClient
	cfg.CallbackURL = fmt.Sprintf("https://shop%d.example/hooks/komtet?shop=%d", opt.Number, opt.Number)
	cfg.TaxSystem, cfg.Place = fiscal.TaxGeneral, "https://shop.example"
	change(&cfg)
	open := func(cfg komtet.Config) *komtet.Client {
		c, err := komtet.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	return &acquiringtest.RegisterShop{
		Register: open(cfg), Config: cfg, Secrets: []string{secret},
		Wrong: func() fiscal.Register {
			wrong := cfg
			wrong.Secret = "another-secret"
			return open(wrong)
		},
		Print: func(id string) error {
			err := srv.Print(id)
			srv.Deliver()
			return err
		},
		Refuse: func(id string) error {
			task, ok := srv.Task(id)
			if !ok {
				return errors.New("no such task")
			}
			srv.Refuse(task.ExternalID, "Нет бумаги")
			err := srv.Print(id)
			srv.Deliver()
			return err
		},
		Callbacks: func(id string) (list []*http.Request) {
			mu.Lock()
			defer mu.Unlock()
			for i, r := range got {
				if bytes.Contains(bodies[i], []byte(`"id":`+id+`,`)) || bytes.Contains(bodies[i], []byte(`"id": `+id+`,`)) {
					c := r.Clone(t.Context())
					c.Body = io.NopCloser(bytes.NewReader(bodies[i]))
					c.ContentLength = int64(len(bodies[i]))
					list = append(list, c)
				}
			}
			return list
		},
		Documents: func(receiptID string) (n int) {
			for _, task := range srv.Tasks() {
				if task.ExternalID == receiptID {
					n++
				}
			}
			return n
		},
		Fail: func(f acquiringtest.Fault) error {
			op, ok := map[acquiringtest.Op]string{acquiringtest.OpSubmit: komtettest.OpTask, acquiringtest.OpDocument: komtettest.OpGetTask}[f.Op]
			kind, known := map[acquiringtest.FaultKind]komtettest.FaultKind{
				acquiringtest.ServerError: komtettest.ServerError, acquiringtest.Drop: komtettest.Drop, acquiringtest.HTML: komtettest.HTML,
				acquiringtest.Empty: komtettest.Empty, acquiringtest.RateLimited: komtettest.RateLimit, acquiringtest.LostAnswer: komtettest.LostAnswer,
				acquiringtest.Cut: komtettest.Cut, acquiringtest.Slow: komtettest.Delay,
			}[f.Kind]
			if !ok || !known {
				return errors.ErrUnsupported
			}
			srv.Fail(komtettest.Fault{Op: op, Kind: kind, Times: f.Times, Delay: f.Delay})
			return nil
		},
	}
}

package orangedata_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/acquiringtest"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/fiscal/orangedata"
	"github.com/acquiring-go/acquiring/fiscal/orangedata/orangedatatest"
)

// TestConformance runs the suite over the emulator, with mutual TLS and the
// request signature. The registers belong to a courier group: only such a one
// takes a cashier.
func TestConformance(t *testing.T) {
	acquiringtest.RunRegister(t, acquiringtest.RegisterHarness{
		Provider:  "orangedata",
		New:       newShop,
		UnknownID: "nobody-knows-it",
		Prepare: func(r *fiscal.Receipt) {
			r.Cashier.Name, r.Seller.Address, r.Seller.Place = "Курьер", "Москва, Тверская, 1", "Склад 1"
		},
		Quirks: acquiringtest.RegisterQuirks{UnsignedCallbacks: true, SilentFailure: true, UnheardFailure: true},
		BadConfigs: map[string]func() error{
			"Config.Environment": badConfig(t, func(c *orangedata.Config) { c.Environment = 0 }),
			"Config.INN":         badConfig(t, func(c *orangedata.Config) { c.INN = "" }),
			"Config.PrivateKey":  badConfig(t, func(c *orangedata.Config) { c.PrivateKey = nil }),
			"Config.Certificate": badConfig(t, func(c *orangedata.Config) { c.Certificate = nil }),
		},
	})
}

func badConfig(t *testing.T, change func(*orangedata.Config)) func() error {
	return func() error {
		srv := orangedatatest.NewServer()
		t.Cleanup(srv.Close)
		c := srv.Config()
		change(&c)
		_, err := orangedata.New(c)
		return err
	}
}

func newShop(t testing.TB, opt acquiringtest.ShopOptions) *acquiringtest.RegisterShop {
	srv := orangedatatest.NewServer(orangedatatest.WithSeed(uint64(opt.Number)))
	t.Cleanup(srv.Close)
	cfg := srv.Config()
	cfg.Shop, cfg.Logger = opt.Label, opt.Logger
	cfg.Group, cfg.GroupKind = "Courier_2", orangedata.GroupCourier
	cfg.GroupByFFD = map[fiscal.FFD]string{fiscal.FFD105: "Courier"}
	cfg.CallbackURL, cfg.CallbackSecret = "https://"+opt.Label+".example/hooks/orangedata", "conformance-callback-secret-"+opt.Label
	wrong := cfg
	wrong.Certificate, wrong.CertificateKey = srv.ForeignCertificate() // reads are not signed: only the certificate guards them
	bare := func(id string) string { return id[strings.LastIndexByte(id, '/')+1:] }
	return &acquiringtest.RegisterShop{
		Register: client(t, cfg),
		Wrong:    func() fiscal.Register { return client(t, wrong) },
		Secrets:  []string{cfg.CallbackSecret, string(cfg.PrivateKey), string(cfg.CertificateKey)},
		Config:   cfg,
		Requests: func() int { return len(srv.Requests()) },
		Print:    func(id string) error { return srv.Print(bare(id)) },
		Refuse:   func(id string) error { return srv.Expire(bare(id)) },
		Fail: func(f acquiringtest.Fault) error {
			kind, known := kinds[f.Kind]
			if !known {
				return errors.ErrUnsupported
			}
			switch f.Op {
			case acquiringtest.OpSubmit:
				srv.Fail(orangedatatest.Fault{Op: orangedatatest.OpDocuments, Kind: kind, Times: f.Times, Delay: f.Delay})
			case acquiringtest.OpDocument:
				srv.Fail(orangedatatest.Fault{Op: orangedatatest.OpDocuments + "/status", Kind: kind, Times: f.Times, Delay: f.Delay})
			default:
				return errors.ErrUnsupported
			}
			return nil
		},
		Callbacks: func(id string) (out []*http.Request) {
			for _, d := range srv.Deliveries() {
				if d.Order == bare(id) {
					out = append(out, d.Request())
				}
			}
			return out
		},
		Documents: func(receipt string) (n int) {
			for _, d := range srv.Documents() {
				if d.ID == receipt {
					n++
				}
			}
			return n
		},
	}
}

var kinds = map[acquiringtest.FaultKind]orangedatatest.FaultKind{
	acquiringtest.Drop: orangedatatest.Drop, acquiringtest.LostAnswer: orangedatatest.LostAnswer, acquiringtest.ServerError: orangedatatest.ServerError,
	acquiringtest.HTML: orangedatatest.HTML, acquiringtest.Cut: orangedatatest.Cut, acquiringtest.Empty: orangedatatest.Empty,
	acquiringtest.RateLimited: orangedatatest.RateLimit, acquiringtest.Slow: orangedatatest.Delay,
}

func client(t testing.TB, c orangedata.Config) *orangedata.Client {
	od, err := orangedata.New(c)
	require.NoError(t, err)
	return od
}

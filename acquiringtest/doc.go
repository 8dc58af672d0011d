// Package acquiringtest holds the suites that show that a client keeps the
// contract: [Run] for an acquiring.Acquirer, [RunRegister] for a
// fiscal.Register. The clients of this module pass them over the emulators
// beside them; a client of your own can be held to the same. [Flood] shows what
// memory a stranger's notification can cost. [Memory] and
// [MemoryRegister] are doubles for the unit tests of programs that use the
// library.
//
// # Writing a provider's adapter
//
// A [Harness] tells the suite how to reach the provider from both sides: the
// client, and what the customer and the provider do. With an emulator it is
// one file, conformance_test.go, and most of it is naming:
//
//	func TestConformance(t *testing.T) {
//		acquiringtest.Run(t, acquiringtest.Harness{
//			Provider: "somebank",
//			New:      newShop,
//			BadConfigs: map[string]func() error{
//				"Config.Password":    bad(func(c *somebank.Config) { c.Password = "" }),
//				"Config.Environment": bad(func(c *somebank.Config) { c.Environment = 0 }),
//			},
//			Quirks: acquiringtest.Quirks{Signature: []string{"checksum"}, MaxOrderID: 36},
//			Skip:   map[string]string{"Refund/SameKeyOtherSum": "the bank remembers keys, not their sums"},
//		})
//	}
//
//	func newShop(t testing.TB, opt acquiringtest.ShopOptions) *acquiringtest.Shop {
//		// Number tells shops apart: other credentials, another key. The
//		// callback handler takes what the emulator sends, so that nothing
//		// goes out to the network.
//		srv := somebanktest.NewServer(
//			somebanktest.WithMerchant(fmt.Sprintf("shop%d-api", opt.Number), fmt.Sprintf("Pa55-%d-word", opt.Number)),
//			somebanktest.WithCallbackHandler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})),
//		)
//		t.Cleanup(srv.Close)
//		cfg := srv.Config()
//		cfg.Shop, cfg.Logger, cfg.HTTPClient = opt.Label, opt.Logger, opt.HTTPClient
//		wrong := cfg
//		wrong.Password = "not-the-password"
//		return &acquiringtest.Shop{
//			Acquirer: open(t, cfg),
//			Wrong:    func() acquiring.Acquirer { return open(t, wrong) },
//			Secrets:  []string{cfg.Password, cfg.CallbackKey},
//			Config:   cfg,
//			Pay:      func(id acquiring.PaymentID) error { return srv.Pay(string(id)) },
//			Decline:  func(id acquiring.PaymentID) error { return srv.Decline(string(id)) },
//			Expire:   func(id acquiring.PaymentID) error { return srv.Expire(string(id)) },
//			Fail: func(f acquiringtest.Fault) error {
//				op, kind := ops[f.Op], kinds[f.Kind] // the emulator's own words
//				if op == "" || kind == 0 {
//					return errors.ErrUnsupported
//				}
//				srv.Fail(somebanktest.Fault{Op: op, Kind: kind, Times: f.Times, Delay: f.Delay})
//				return nil
//			},
//			Callbacks: func(id acquiring.PaymentID) (all []*http.Request) {
//				srv.Deliver()
//				for _, d := range srv.Deliveries() {
//					if d.Order == string(id) {
//						all = append(all, acquiringtest.Delivered(d.Method, d.URL, d.Header, d.Body))
//					}
//				}
//				return all
//			},
//			Books: func(id acquiring.PaymentID) (acquiringtest.Books, error) {
//				o, ok := srv.Order(string(id))
//				if !ok {
//					return acquiringtest.Books{}, errors.New("no such order")
//				}
//				return acquiringtest.Books{Captured: o.Captured, Refunded: o.Refunded, Refunds: refundsOf(o)}, nil
//			},
//			Orders: func(orderID string) (ids []acquiring.PaymentID) {
//				for _, o := range srv.Orders() {
//					if acquiringtest.SameOrder(o.Number, orderID) && !closed[o.State] {
//						ids = append(ids, acquiring.PaymentID(o.ID))
//					}
//				}
//				return ids
//			},
//			Now: srv.Now, // when the emulator has a clock of its own
//		}
//	}
//
// An emulator whose answers cannot be late maps [Slow] to an answer that is
// lost after Fault.Delay: the suite's deadline is over by then. The adapter of
// a Register is the same with fewer funcs ([RegisterShop]).
//
// What the client can do beyond the four methods is found out by type
// assertion, and a behaviour of a capability that it has not is skipped.
// Anything else is skipped only by name and with a reason. A func of the Shop
// that is missing fails what needs it.
//
// Four things are easily got wrong. Callbacks must make new requests on each
// call, as the suite reads their bodies. Orders counts what can still be paid,
// or was paid or held, under the number and under its numbers by
// acquiring.Attempt: it is how a second payable link is found out. And
// Fault.Kind says whether the provider carried the request out; only
// LostAnswer, Cut and Slow do. And nothing must be delivered to the addresses
// of the suite's requests, which are those of shop.example.
//
// # What is always checked
//
// Whatever a behaviour is about, each call in it is watched: an error is an
// *acquiring.Error that names the provider, the operation and a known kind,
// and the field when it was refused before sending; no error, log line or Raw
// holds a secret of Shop.Secrets; no request is changed; the sums of a payment
// agree with its status; a card's number is masked.
//
// # Known defects of payment libraries, and where they are found
//
//   - the provider's long IDs are refused: Refund, Hold and Status, all of them
//   - an answer that refuses is taken for a success: Create/WrongCredentials,
//     Refund/Unpaid, Hold/CaptureUnpaid
//   - HTTP 502, or a page of HTML, is taken for a success: Fault
//   - the caller's request is changed: each call, and Create/RequestShared
//   - an error or a log line holds the password or the expected signature: each
//     call, Errors/NoSecretAnywhere, Forgery/SignatureChanged
//   - an empty secret switches verification off: Config/BadRefused
//   - an unsigned or forged callback is believed: Forgery
//   - sums go through binary fractions: Create/Amounts
//   - one merchant for a process: Shops/TwoInOneProcess
//   - a retry after a timeout pays or refunds again: Fault/CreateLostAnswer,
//     RefundFault, Token/ChargeLostAnswer
package acquiringtest

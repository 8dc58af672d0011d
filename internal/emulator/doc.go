// Package emulator is what the providers' emulators share: a clock that can be
// moved, ids from a seed, faults on demand, the delivery of callbacks, the
// payment page, the request log and the books.
//
// It knows no provider. An emulator is a public package beside its provider,
// named as net/http/httptest is (sberbank/sberbanktest), and speaks the
// provider's protocol from its specification, not from our client.
//
// # The shape of every emulator
//
// Whoever knows one emulator knows all of them:
//
//	func NewServer(opts ...Option) *Server   // listens on 127.0.0.1, ready at once
//
//	(*Server).URL string                     // address that payment links and Config use
//	(*Server).Close()                        // stops listening, delivering and the clock's timers
//	(*Server).Handler() http.Handler         // to be mounted on a common mux instead; give WithPublicURL then
//	(*Server).Client() *http.Client          // goes straight to Handler, without the network
//	(*Server).Config() provider.Config       // ready client Config: Environment Test, BaseURL set
//
//	(*Server).Pay(id string) error           // what the customer does on the payment page
//	(*Server).Decline(id string) error
//	(*Server).Expire(id string) error
//
//	(*Server).Fail(Fault)                    // faults on demand, see Fault
//	(*Server).Deliver() int                  // sends the callbacks that are due, now, and waits for the answers
//	(*Server).Deliveries() []Delivery        // every callback with its attempts
//	(*Server).Resend(id string) error        // sends a callback again: a Delivery.ID, or an order's last one
//	(*Server).Forge(id string) error         // sends it changed, with the old signature
//	(*Server).SetCallbackURL(string)         // where the provider notifies, as in its cabinet
//	(*Server).Mischief(Mischief)             // duplicates, loss, delay, reordering of the callbacks to come
//	(*Server).Pending() ([]Fault, Mischief)  // what is still to go wrong
//	(*Server).Advance(d time.Duration)       // moves the clock; expiries and retries on the way happen
//	(*Server).Order(id string) (Order, bool) // the provider's own books, by its id or the shop's number
//	(*Server).Orders() []Order
//	(*Server).Requests() []Exchange          // the last requests with their answers
//
//	func WithClock(*Clock) Option            // NewClock stands still; NewRunningClock goes, as fast as told
//	func WithSeed(uint64) Option             // the same seed gives the same ids; none: random
//	func WithCallbackURL(string) Option      // where the provider notifies
//	func WithCallbackHandler(http.Handler) Option // the same without the network
//	func WithCallbackClient(*http.Client) Option  // also lifts the limit to loopback addresses
//	func WithPublicURL(string) Option        // the address the world sees, when mounted elsewhere
//	func WithoutListening() Option           // Handler and Client only
//	func WithQR(func(payload string) ([]byte, error)) Option // draws the QR picture (PNG) otherwise
//
// Fault, Delivery, Mischief, Clock, Order and Exchange are type aliases of the
// types here in each public package.
//
// # When callbacks are sent
//
// With a running clock (the default) callbacks leave by themselves, one after
// another for the same order, and Deliver waits until those that are due have
// been answered. With a clock that stands still nothing is sent until Deliver
// or Advance, and everything happens in the caller's goroutine: a run is
// repeatable to the byte.
//
// Without an address callbacks are recorded as not configured.
//
// # How an emulator is built from it
//
// Settings holds what the common options set. New makes a Base from it; the
// emulator gives Base.Start its own handler and a function that names the
// provider's method of a request (for faults and the log). A money move goes
// through Books, so that the sums can be compared with the shop's. State is
// kept under the emulator's own lock, which must not be held when a callback
// is delivered: Base.Outbox.Send only queues.
package emulator

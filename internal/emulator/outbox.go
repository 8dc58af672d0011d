package emulator

import (
	"bytes"
	"container/heap"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Outbox delivers callbacks to the shop and keeps the log of it. It is safe
// for concurrent use.
type Outbox struct {
	clock   *Clock
	ids     *IDs
	client  *http.Client
	retries Schedule
	accept  func(int, []byte) bool
	forge   func(Message) Message
	keep    int

	ctx    context.Context
	cancel context.CancelFunc

	mu       sync.Mutex
	idle     sync.Cond // signalled when flying or waiting changes
	log      []*item   // as created; the oldest finished ones are forgotten over keep
	waiting  itemHeap  // state Waiting and no attempt under way
	last     map[string]*item
	lanes    map[string][]*item // running clock: what waits behind an attempt of the same order
	slots    chan struct{}
	flying   int
	seq      uint64
	mischief Mischief
	special  map[string]*Mischief // of an order's own
	timer    *Timer
	timerAt  time.Time
	closed   bool
}

// OutboxOptions configure an Outbox.
type OutboxOptions struct {
	Clock *Clock
	IDs   *IDs
	// Client sends; nil: one of our own that connects to loopback addresses
	// only, waits Timeout at most and follows no redirect.
	Client   *http.Client
	Timeout  time.Duration                      // real time, of an attempt; 0: 10 seconds
	Retries  Schedule                           // nil: NoRetries
	Accepted func(status int, body []byte) bool // nil: status 200
	// Forge changes a message so that it must not be accepted: a sum, an
	// order, a status, with the signature left as it was. nil: a byte of the
	// body, or of the query, is changed.
	Forge func(Message) Message
	Keep  int // finished deliveries in the log; 0: 10,000
}

const answerLimit = 4 << 10

// NewOutbox is an empty one.
func NewOutbox(opt OutboxOptions) *Outbox {
	o := &Outbox{clock: opt.Clock, ids: opt.IDs, client: opt.Client, retries: opt.Retries, accept: opt.Accepted, forge: opt.Forge, keep: opt.Keep,
		last: map[string]*item{}, lanes: map[string][]*item{}, slots: make(chan struct{}, 64)}
	if opt.Timeout == 0 {
		opt.Timeout = 10 * time.Second
	}
	if o.client == nil {
		o.client = loopbackClient()
	}
	own := *o.client
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if own.Timeout == 0 {
		own.Timeout = opt.Timeout
	}
	o.client = &own
	if o.retries == nil {
		o.retries = NoRetries
	}
	if o.accept == nil {
		o.accept = func(status int, _ []byte) bool { return status == http.StatusOK }
	}
	if o.forge == nil {
		o.forge = flipByte
	}
	if o.keep == 0 {
		o.keep = 10_000
	}
	o.ctx, o.cancel = context.WithCancel(context.Background())
	o.idle.L = &o.mu
	return o
}

// errNotLoopback keeps an emulator from calling strangers by a mistyped
// address.
var errNotLoopback = errors.New("not an address of this machine: callbacks go to loopback addresses only, unless the emulator is given an http.Client of its own")

func loopbackClient() *http.Client {
	dialer := &net.Dialer{Timeout: 3 * time.Second}
	return &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			host, port, err := net.SplitHostPort(address)
			if err != nil {
				return nil, err
			}
			if host == "localhost" {
				return dialer.DialContext(ctx, network, address)
			}
			ip, err := netip.ParseAddr(host)
			if err != nil || !ip.IsLoopback() {
				return nil, errNotLoopback
			}
			return dialer.DialContext(ctx, network, net.JoinHostPort(ip.String(), port))
		},
		MaxIdleConnsPerHost: 64, IdleConnTimeout: 30 * time.Second, DisableCompression: true,
	}}
}

// Send queues a message and returns the delivery's id. It waits for nothing
// and may be called under the emulator's lock.
func (o *Outbox) Send(m Message) string { return o.send(m, false, false) }

// SendForged queues what a stranger would send. It is marked as such in the log
// and spared from Mischief.
func (o *Outbox) SendForged(m Message) string { return o.send(m, false, true) }

func (o *Outbox) send(m Message, again, forged bool) string {
	now := o.clock.Now()
	o.mu.Lock()
	defer o.mu.Unlock()
	mis := &o.mischief
	if own, ok := o.special[m.Order]; ok {
		mis = own
	}
	copies := 1
	delay := m.Delay
	lost := false
	if !again && !forged {
		copies += mis.Duplicates
		delay += mis.Delay
		if mis.Lose != 0 {
			mis.Lose--
			lost = true
		}
	}
	first := ""
	for i := range copies {
		wait := delay
		if mis.Reorder > 0 && !again {
			wait += time.Duration(o.ids.IntN(1000)+1) * mis.Reorder / 1000
		}
		it := o.add(m, now, wait, lost)
		it.d.Copy, it.d.Forged = again || i > 0, forged
		it.overtake = mis.Reorder > 0
		if first == "" {
			first = it.d.ID
		}
	}
	if !again && !forged {
		if mis.Forge != 0 {
			mis.Forge--
			it := o.add(o.forge(m), now, delay, false)
			it.d.Forged = true
		}
	}
	o.forget()
	o.kick(now)
	return first
}

func (o *Outbox) add(m Message, now time.Time, wait time.Duration, lost bool) *item {
	o.seq++
	it := &item{seq: o.seq, accepted: m.Accepted, retries: m.Retries, d: Delivery{
		ID: "cb-" + strconv.FormatUint(o.seq, 10), Order: m.Order, Event: m.Event, Created: now, Due: now.Add(wait),
		Method: m.Method, URL: m.URL, Header: m.Header, Body: m.Body, Canonical: m.Canonical, State: Waiting,
	}}
	if it.d.Method == "" {
		it.d.Method = http.MethodGet
		if m.Body != nil {
			it.d.Method = http.MethodPost
		}
	}
	if it.accepted == nil {
		it.accepted = o.accept
	}
	if it.retries == nil {
		it.retries = o.retries
	}
	switch {
	case lost:
		it.d.State = Lost
	case m.URL == "":
		it.d.State = NotConfigured
	case o.closed:
		it.d.State = GivenUp
	default:
		heap.Push(&o.waiting, it)
	}
	o.log = append(o.log, it)
	o.last[m.Order] = it
	return it
}

// Ask sends a question whose answer decides what the provider does next: at
// once whatever the clock, once, and spared from Mischief. It returns when the
// answer is there. The emulator's lock must not be held.
func (o *Outbox) Ask(m Message) Delivery {
	m.Retries = NoRetries
	o.mu.Lock()
	defer o.mu.Unlock()
	it := o.add(m, o.clock.Now(), 0, false)
	if it.d.State == Waiting {
		heap.Remove(&o.waiting, slices.Index(o.waiting, it))
		o.flying++
		o.mu.Unlock()
		o.attempt(it)
		o.mu.Lock()
		o.flying--
		o.idle.Broadcast()
	}
	o.forget()
	return it.d.clone()
}

// fly starts an attempt of a running clock in the background, behind the
// others of its order unless they are to overtake each other.
func (o *Outbox) fly(it *item) {
	o.flying++
	if it.overtake || o.mischief.Reorder > 0 {
		go o.overtake(it)
		return
	}
	if lane, ok := o.lanes[it.d.Order]; ok {
		o.lanes[it.d.Order] = append(lane, it)
		return
	}
	o.lanes[it.d.Order] = nil
	go o.drain(it)
}

// overtake makes an attempt beside the lane of its order.
func (o *Outbox) overtake(it *item) {
	o.slots <- struct{}{}
	o.attempt(it)
	<-o.slots
	o.mu.Lock()
	o.flying--
	o.kick(o.clock.Now())
	o.idle.Broadcast()
	o.mu.Unlock()
}

// drain makes the attempts of one lane, one after another.
func (o *Outbox) drain(it *item) {
	for it != nil {
		o.slots <- struct{}{}
		o.attempt(it)
		<-o.slots
		o.mu.Lock()
		o.flying--
		order := it.d.Order
		it = nil
		if lane := o.lanes[order]; len(lane) > 0 {
			it = lane[0]
			o.lanes[order] = lane[1:]
		} else {
			delete(o.lanes, order)
		}
		o.kick(o.clock.Now())
		o.idle.Broadcast()
		o.mu.Unlock()
	}
}

// Deliver sends everything that is due, in order, and returns when it has been
// answered: how many attempts were made by this call. News that comes up
// meanwhile is sent too. It must not be called from a callback handler.
func (o *Outbox) Deliver() int {
	made := 0
	o.mu.Lock()
	defer o.mu.Unlock()
	for {
		now := o.clock.Now()
		switch {
		case len(o.waiting) > 0 && !o.waiting[0].d.Due.After(now):
			it := heap.Pop(&o.waiting).(*item)
			o.mu.Unlock()
			o.attempt(it)
			o.mu.Lock()
			made++
		case o.flying > 0:
			o.idle.Wait()
		default:
			o.kick(now)
			return made
		}
	}
}

// attempt sends once and enters what came of it.
func (o *Outbox) attempt(it *item) {
	// What is sent never changes after the delivery was made.
	d := &it.d
	try := Attempt{Time: o.clock.Now()}
	var body io.Reader
	if d.Body != nil {
		body = bytes.NewReader(d.Body)
	}
	req, err := http.NewRequestWithContext(o.ctx, d.Method, d.URL, body)
	if err == nil {
		for name, values := range d.Header {
			req.Header[name] = values
		}
		if req.Header.Get("User-Agent") == "" {
			req.Header.Set("User-Agent", "acquiring-emulator")
		}
		var resp *http.Response
		if resp, err = o.client.Do(req); err == nil {
			try.Answer, err = io.ReadAll(io.LimitReader(resp.Body, answerLimit))
			try.Status = resp.StatusCode
			_ = resp.Body.Close()
		}
	}
	if err != nil {
		try.Err = err.Error()
		try.Status = 0
	}
	accepted := err == nil && it.accepted(try.Status, try.Answer)
	now := o.clock.Now()
	o.mu.Lock()
	defer o.mu.Unlock()
	d.Attempts = append(d.Attempts, try)
	switch wait, more := it.retries(len(d.Attempts)); {
	case accepted:
		d.State = Delivered
	case !more || o.closed || d.Forged:
		d.State = GivenUp
	default:
		d.Due = now.Add(wait)
		heap.Push(&o.waiting, it)
	}
}

// find gives the delivery of that id, or the last one of that order.
func (o *Outbox) find(id string) (Message, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	it := o.last[id]
	if it == nil {
		at := slices.IndexFunc(o.log, func(it *item) bool { return it.d.ID == id })
		if at < 0 {
			return Message{}, fmt.Errorf("emulator: no callback %q: give Delivery.ID, or the provider's id of an order that had a callback", id)
		}
		it = o.log[at]
	}
	d := it.d
	return Message{Order: d.Order, Event: d.Event, Method: d.Method, URL: d.URL, Header: d.Header.Clone(), Body: d.Body,
		Canonical: d.Canonical, Retries: it.retries, Accepted: it.accepted}, nil
}

// Resend queues a delivery, or the last one of an order, once more, byte for
// byte.
func (o *Outbox) Resend(id string) error {
	m, err := o.find(id)
	if err == nil {
		o.send(m, true, false)
	}
	return err
}

// Forge queues it changed, with the signature left as it was.
func (o *Outbox) Forge(id string) error {
	m, err := o.find(id)
	if err == nil {
		m = o.forge(m)
		m.Retries = NoRetries
		o.send(m, false, true)
	}
	return err
}

// SetMischief replaces what is done to the callbacks to come: of one order,
// where m names it, else of all.
func (o *Outbox) SetMischief(m Mischief) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case m.Order == "":
		o.mischief, o.special = m, nil
	case o.special == nil:
		o.special = map[string]*Mischief{m.Order: &m}
	default:
		o.special[m.Order] = &m
	}
}

// Mischief is what is done to the callbacks to come, save those of the orders
// that have one of their own.
func (o *Outbox) Mischief() Mischief {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.mischief
}

// Deliveries is the log, oldest first.
func (o *Outbox) Deliveries() []Delivery {
	o.mu.Lock()
	defer o.mu.Unlock()
	out := make([]Delivery, len(o.log))
	for i, it := range o.log {
		out[i] = it.d.clone()
	}
	return out
}

// Close stops delivering: attempts under way are broken off and awaited.
func (o *Outbox) Close() {
	o.mu.Lock()
	o.closed = true
	o.timer.Stop()
	for _, it := range o.waiting {
		it.d.State = GivenUp
	}
	o.waiting = nil
	o.cancel()
	for o.flying > 0 {
		o.idle.Wait()
	}
	o.mu.Unlock()
	o.client.CloseIdleConnections()
}

// flipByte changes one digit or letter in the middle of the body, or of the
// query.
func flipByte(m Message) Message {
	flip := func(text []byte) []byte {
		text = bytes.Clone(text)
		for i := len(text) / 2; i < len(text); i++ {
			switch c := text[i]; {
			case c >= '0' && c <= '8', c >= 'a' && c <= 'y', c >= 'A' && c <= 'Y':
				text[i]++
				return text
			}
		}
		return append(text, '1')
	}
	if len(m.Body) > 0 {
		m.Body = flip(m.Body)
		return m
	}
	base, query, ok := bytes.Cut([]byte(m.URL), []byte("?"))
	if ok {
		m.URL = string(base) + "?" + string(flip(query))
	}
	return m
}

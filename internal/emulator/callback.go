package emulator

import (
	"bytes"
	"net/http"
	"slices"
	"time"
)

// Message is a callback to be delivered.
type Message struct {
	Order     string // the provider's id of the order it is about; messages of one order leave one after another
	Event     string // what it tells, in the provider's words
	Method    string // "": POST, or GET when there is no body
	URL       string // "": not configured
	Header    http.Header
	Body      []byte
	Canonical string        // the text that was signed, for the log
	Delay     time.Duration // of the emulator's clock, before the first attempt
	Retries   Schedule      // nil: the outbox's own
	// Accepted says whether the shop's answer ends the attempts; nil: the
	// outbox's own rule, HTTP 200 unless set otherwise.
	Accepted func(status int, body []byte) bool
}

// Schedule says how long after the n-th failed attempt (1 is the first) the
// next one is made; false: no more attempts.
type Schedule func(failed int) (wait time.Duration, more bool)

// NoRetries gives up after the first attempt.
func NoRetries(int) (time.Duration, bool) { return 0, false }

// Every makes attempts in all, wait apart.
func Every(attempts int, wait time.Duration) Schedule {
	return func(failed int) (time.Duration, bool) { return wait, failed < attempts }
}

// Growing makes attempts in all; the wait after the n-th failure is n times
// step.
func Growing(attempts int, step time.Duration) Schedule {
	return func(failed int) (time.Duration, bool) { return time.Duration(failed) * step, failed < attempts }
}

// Waits makes one attempt more than there are waits.
func Waits(waits ...time.Duration) Schedule {
	return func(failed int) (time.Duration, bool) {
		if failed > len(waits) {
			return 0, false
		}
		return waits[failed-1], true
	}
}

// DeliveryState is where a callback stands.
type DeliveryState string

// The states of a callback.
const (
	Waiting       DeliveryState = "waiting"        // for its first attempt, or the next one
	Delivered     DeliveryState = "delivered"      // the shop took it
	GivenUp       DeliveryState = "given up"       // no attempts are left
	Lost          DeliveryState = "lost"           // by Mischief: never sent
	NotConfigured DeliveryState = "not configured" // there is no address to send it to
)

// Delivery is a callback with its attempts.
type Delivery struct {
	ID        string // "cb-12": of the delivery, for Resend and Forge
	Order     string
	Event     string
	Created   time.Time // by the emulator's clock, as all times here
	Due       time.Time // of the next attempt, while it waits
	Method    string
	URL       string
	Header    http.Header
	Body      []byte
	Canonical string
	State     DeliveryState
	Attempts  []Attempt
	Forged    bool // by Forge or Mischief: it must not be accepted
	Copy      bool // the same news as an earlier one: Mischief or Resend
}

// Attempt is one try to deliver.
type Attempt struct {
	Time   time.Time
	Status int    // 0: there was no answer
	Answer []byte // its first 4 KiB
	Err    string // why there was no answer
}

// Answer is the last attempt's; its zero value: none was made.
func (d Delivery) Answer() Attempt {
	if len(d.Attempts) == 0 {
		return Attempt{}
	}
	return d.Attempts[len(d.Attempts)-1]
}

// Request is the callback as the shop's handler gets it, a new one each time:
// for handing it to a handler or a verifier without the network, as it is or
// tampered with.
func (d Delivery) Request() *http.Request {
	r, err := http.NewRequest(d.Method, d.URL, bytes.NewReader(d.Body))
	if err != nil {
		return nil
	}
	r.Header = d.Header.Clone()
	if r.Header == nil {
		r.Header = http.Header{}
	}
	r.RequestURI = r.URL.RequestURI()
	r.RemoteAddr = "127.0.0.1:443"
	return r
}

func (d Delivery) clone() Delivery {
	d.Attempts = slices.Clone(d.Attempts)
	d.Header = d.Header.Clone()
	return d
}

// Mischief is what the network and foreign people do to callbacks from now on.
// Its zero value is good weather.
type Mischief struct {
	Duplicates int           // each callback is sent so many times more
	Lose       int           // the next so many are never sent; below 0: all
	Delay      time.Duration // of the emulator's clock, before each first attempt
	Reorder    time.Duration // each waits besides a part of it, drawn by lot, so that they overtake each other
	Forge      int           // beside each of the next so many a forged one is sent; below 0: all

	// Order: only to the callbacks about the order of this id (Delivery.Order),
	// in place of what happens to the others. They stay so until all weather is
	// made anew: a Mischief without an Order.
	Order string
}

// item is a delivery under way.
type item struct {
	d        Delivery
	seq      uint64
	accepted func(int, []byte) bool
	retries  Schedule
	overtake bool // the others of its order
}

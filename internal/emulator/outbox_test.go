package emulator

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// shop takes callbacks and answers as told.
type shop struct {
	mu     sync.Mutex
	got    []string
	answer func(n int) int
}

func (s *shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got = append(s.got, r.Method+" "+r.URL.RequestURI()+" "+string(body))
	if s.answer != nil {
		w.WriteHeader(s.answer(len(s.got)))
	}
	_, _ = w.Write([]byte("OK"))
}

func (s *shop) seen() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.got...)
}

func still(t *testing.T, s *shop, set Settings) (*Outbox, *Clock) {
	t.Helper()
	clock := NewClock(noon)
	set.Clock, set.CallbackHandler, set.NoListen, set.Seed = clock, s, true, 5
	b := New(set)
	t.Cleanup(b.Close)
	return b.Outbox, clock
}

func text(body string) Message {
	return Message{Order: "o-1", Event: "paid", URL: "http://shop.test/cb", Body: []byte(body), Canonical: "canon"}
}

func TestDeliverOnlyWhenTold(t *testing.T) {
	s := &shop{}
	o, _ := still(t, s, Settings{})
	o.Send(text("1"))
	o.Send(Message{Order: "o-1", URL: "http://shop.test/cb?a=1"})
	assert.Empty(t, s.seen())
	assert.Equal(t, 2, o.Deliver())
	assert.Equal(t, []string{"POST /cb 1", "GET /cb?a=1 "}, s.seen())
	d := o.Deliveries()
	assert.Equal(t, Delivered, d[0].State)
	assert.Equal(t, "canon", d[0].Canonical)
	assert.Equal(t, Attempt{Time: noon, Status: 200, Answer: []byte("OK")}, d[0].Answer())
	assert.Zero(t, o.Deliver())
}

func TestRetriesOnTheClock(t *testing.T) {
	s := &shop{answer: func(n int) int { return 500 }}
	o, clock := still(t, s, Settings{Retries: Growing(3, 10*time.Minute)})
	o.Send(text("x"))
	clock.Advance(0) // the clock alone delivers too
	assert.Len(t, s.seen(), 1)
	clock.Advance(9 * time.Minute)
	assert.Len(t, s.seen(), 1)
	clock.Advance(24 * time.Hour)
	d := o.Deliveries()[0]
	var at []string
	for _, a := range d.Attempts {
		at = append(at, a.Time.Format("15:04"))
	}
	assert.Equal(t, []string{"12:00", "12:10", "12:30"}, at)
	assert.Equal(t, GivenUp, d.State)
}

func TestSchedules(t *testing.T) {
	s := Waits(time.Second, time.Minute)
	wait, more := s(2)
	assert.Equal(t, time.Minute, wait)
	assert.True(t, more)
	_, more = s(3)
	assert.False(t, more)
	_, more = Every(3, time.Second)(3)
	assert.False(t, more)
	wait, more = Every(3, time.Second)(2)
	assert.True(t, more)
	assert.Equal(t, time.Second, wait)
	_, more = NoRetries(1)
	assert.False(t, more)
}

func TestAcceptedByBodyAndOwnRetries(t *testing.T) {
	s := &shop{answer: func(n int) int { return 201 }}
	o, clock := still(t, s, Settings{})
	m := text("x")
	m.Accepted = func(status int, body []byte) bool { return status == 201 && string(body) == "NO" }
	m.Retries = Every(2, time.Second)
	m.Delay = time.Minute
	o.Send(m)
	assert.Zero(t, o.Deliver())
	clock.Advance(time.Hour)
	assert.Len(t, s.seen(), 2)
	assert.Equal(t, GivenUp, o.Deliveries()[0].State)
}

func TestNotConfigured(t *testing.T) {
	o, _ := still(t, &shop{}, Settings{})
	o.Send(Message{Order: "o", Event: "paid", Body: []byte("x")})
	assert.Zero(t, o.Deliver())
	d := o.Deliveries()[0]
	assert.Equal(t, NotConfigured, d.State)
	assert.Zero(t, d.Answer())
}

func TestMischief(t *testing.T) {
	s := &shop{}
	o, clock := still(t, s, Settings{})
	o.SetMischief(Mischief{Duplicates: 2})
	o.Send(text("twice more"))
	assert.Equal(t, 3, o.Deliver())
	assert.False(t, o.Deliveries()[0].Copy)
	assert.True(t, o.Deliveries()[2].Copy)

	o.SetMischief(Mischief{Lose: 1})
	o.Send(text("lost"))
	o.Send(text("kept"))
	assert.Equal(t, 1, o.Deliver())
	assert.Equal(t, Lost, o.Deliveries()[3].State)

	o.SetMischief(Mischief{Forge: 1})
	o.Send(text(`{"sum":100}`))
	assert.Equal(t, 2, o.Deliver())
	last := o.Deliveries()[6]
	assert.True(t, last.Forged)
	assert.Contains(t, s.seen(), "POST /cb "+string(last.Body))
	assert.NotEqual(t, `{"sum":100}`, string(last.Body))
	assert.Len(t, last.Body, len(`{"sum":100}`))

	o.SetMischief(Mischief{Delay: time.Minute})
	o.Send(text("late"))
	assert.Zero(t, o.Deliver())
	clock.Advance(time.Minute)
	assert.Equal(t, "POST /cb late", s.seen()[len(s.seen())-1])
}

// What happens to one order's callbacks is nobody else's business.
func TestMischiefOfOneOrder(t *testing.T) {
	s := &shop{}
	o, _ := still(t, s, Settings{})
	of := func(order, body string) {
		m := text(body)
		m.Order = order
		o.Send(m)
	}
	o.SetMischief(Mischief{Duplicates: 1})
	o.SetMischief(Mischief{Order: "A", Lose: 1})
	o.SetMischief(Mischief{Order: "B"})
	of("A", "lost")
	of("A", "a")
	of("B", "b")
	of("C", "c")
	o.Deliver()
	assert.Equal(t, []string{"POST /cb a", "POST /cb b", "POST /cb c", "POST /cb c"}, s.seen())
	assert.Equal(t, Mischief{Duplicates: 1}, o.Mischief())
	o.SetMischief(Mischief{})
	o.SetMischief(Mischief{Order: "A", Lose: -1})
	o.SetMischief(Mischief{})
	of("A", "good again")
	o.Deliver()
	assert.Equal(t, "POST /cb good again", s.seen()[4])
}

func TestReorder(t *testing.T) {
	s := &shop{}
	o, clock := still(t, s, Settings{})
	o.SetMischief(Mischief{Reorder: time.Minute})
	var sent []string
	for i := range 20 {
		o.Send(text(fmt.Sprint(i)))
		sent = append(sent, fmt.Sprintf("POST /cb %d", i))
	}
	clock.Advance(time.Minute)
	assert.ElementsMatch(t, sent, s.seen())
	assert.NotEqual(t, sent, s.seen())
}

func TestResendAndForge(t *testing.T) {
	s := &shop{}
	o, _ := still(t, s, Settings{})
	id := o.Send(text("first"))
	o.Send(text("second"))
	o.Send(Message{Order: "o-2", URL: "http://shop.test/cb?sum=100&n=5"})
	o.Deliver()
	require.NoError(t, o.Resend(id))
	require.NoError(t, o.Resend("o-1"))
	require.NoError(t, o.Forge("o-2"))
	require.Error(t, o.Resend("nobody"))
	require.Error(t, o.Forge("nobody"))
	assert.Equal(t, 3, o.Deliver())
	seen := s.seen()
	assert.Equal(t, "POST /cb first", seen[3])
	assert.Equal(t, "POST /cb first", seen[4], "the last of o-1 is the one sent again")
	assert.NotEqual(t, seen[2], seen[5])
	assert.True(t, strings.HasPrefix(seen[5], "GET /cb?"))
	assert.True(t, o.Deliveries()[3].Copy)
	assert.Equal(t, "#1", string(flipByte(Message{Body: []byte("#")}).Body))
	assert.Equal(t, "http://x", flipByte(Message{URL: "http://x"}).URL)
}

func TestLogForgetsOldFinished(t *testing.T) {
	s := &shop{}
	o, _ := still(t, s, Settings{KeepDeliveries: 5})
	o.Send(Message{Order: "waits", URL: "http://shop.test", Delay: time.Hour})
	for i := range 30 {
		o.Send(Message{Order: fmt.Sprint(i), URL: "http://shop.test"})
		o.Deliver()
	}
	d := o.Deliveries()
	assert.Less(t, len(d), 11)
	assert.Equal(t, "waits", d[0].Order)
	require.Error(t, o.Resend("0"))
	require.NoError(t, o.Resend("29"))
}

func TestRunningClockDeliversByItselfInOrder(t *testing.T) {
	s := &shop{answer: func(n int) int {
		if n == 1 {
			return 503
		}
		return 200
	}}
	target := httptest.NewServer(s)
	defer target.Close()
	b := New(Settings{NoListen: true, Clock: NewRunningClock(noon, 1000), Retries: Every(3, time.Second)})
	defer b.Close()
	for i := range 10 {
		m := text(fmt.Sprint(i))
		m.URL = target.URL + "/cb"
		b.Outbox.Send(m)
	}
	b.Outbox.Deliver()
	require.Eventually(t, func() bool { return len(s.seen()) == 11 }, 5*time.Second, time.Millisecond)
	var want []string
	for i := range 10 {
		want = append(want, fmt.Sprintf("POST /cb %d", i))
	}
	assert.Equal(t, want[1:], remove(s.seen(), "POST /cb 0"), "one order's news leaves in order")
}

// Callbacks that wait behind another of their order are not forgotten when the
// order among them is given up meanwhile.
func TestReorderKeepsTheLane(t *testing.T) {
	first, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	s := &shop{}
	b := New(Settings{NoListen: true, CallbackHandler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		once.Do(func() { close(first); <-release })
		s.ServeHTTP(w, r)
	})})
	t.Cleanup(b.Close)
	b.Outbox.Send(text("1"))
	<-first
	b.Outbox.Send(text("2"))
	b.Outbox.Send(text("3"))
	b.Outbox.SetMischief(Mischief{Reorder: 1})
	b.Outbox.Send(text("4"))
	b.Outbox.SetMischief(Mischief{})
	close(release)
	delivered := make(chan struct{})
	go func() { b.Outbox.Deliver(); close(delivered) }()
	select {
	case <-delivered:
	case <-time.After(10 * time.Second):
		t.Fatal("Deliver waits for callbacks that nobody sends")
	}
	assert.Len(t, s.seen(), 4)
}

// One order's callbacks overtake each other while those of the others wait in
// their lanes.
func TestOvertakingOfOneOrder(t *testing.T) {
	held, release := make(chan string, 2), make(chan struct{})
	s := &shop{}
	b := New(Settings{NoListen: true, CallbackHandler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if bytes.HasPrefix(body, []byte("first")) {
			held <- string(body)
			<-release
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		s.ServeHTTP(w, r)
	})})
	t.Cleanup(b.Close)
	b.Outbox.SetMischief(Mischief{Order: "A", Reorder: 1})
	for _, order := range []string{"A", "B"} {
		m := text("first " + order)
		m.Order = order
		b.Outbox.Send(m)
		<-held
		m = text("second " + order)
		m.Order = order
		b.Outbox.Send(m)
	}
	require.Eventually(t, func() bool { return len(s.seen()) == 1 }, 10*time.Second, time.Millisecond)
	assert.Equal(t, []string{"POST /cb second A"}, s.seen())
	close(release)
	b.Outbox.Deliver()
	require.Eventually(t, func() bool { return len(s.seen()) == 4 }, 10*time.Second, time.Millisecond)
}

func remove(list []string, s string) []string {
	var out []string
	for _, e := range list {
		if e != s {
			out = append(out, e)
		}
	}
	return out
}

func TestAdvanceOfARunningClockMakesTheRetries(t *testing.T) {
	s := &shop{answer: func(int) int { return 500 }}
	b := New(Settings{NoListen: true, CallbackHandler: s, Retries: Every(3, time.Minute)})
	defer b.Close()
	b.Outbox.Send(text("x"))
	b.Advance(time.Hour)
	b.Outbox.Deliver()
	assert.Len(t, s.seen(), 3)
}

func TestOnlyLoopback(t *testing.T) {
	b := New(Settings{NoListen: true, Clock: NewClock(noon)})
	defer b.Close()
	for _, u := range []string{"http://192.0.2.1/cb", "http://shop.example/cb", "http://127.0.0.1:1/cb", "://bad"} {
		b.Outbox.Send(Message{Order: u, URL: u, Retries: NoRetries})
	}
	b.Outbox.Deliver()
	d := b.Outbox.Deliveries()
	assert.Contains(t, d[0].Answer().Err, "loopback")
	assert.Contains(t, d[1].Answer().Err, "loopback")
	assert.Contains(t, d[2].Answer().Err, "refused")
	assert.NotEmpty(t, d[3].Answer().Err)
	assert.Equal(t, GivenUp, d[3].State)
}

func TestRedirectIsNotFollowed(t *testing.T) {
	s := &shop{}
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	}))
	defer target.Close()
	b := New(Settings{NoListen: true, Clock: NewClock(noon), CallbackClient: target.Client()})
	defer b.Close()
	b.Outbox.Send(Message{URL: strings.Replace(target.URL, "127.0.0.1", "localhost", 1)})
	b.Outbox.Deliver()
	assert.Equal(t, 302, b.Outbox.Deliveries()[0].Answer().Status)
	assert.Empty(t, s.seen())
}

func TestCloseGivesUpWhatWaits(t *testing.T) {
	s := &shop{}
	o, _ := still(t, s, Settings{})
	o.Send(text("x"))
	o.Close()
	assert.Equal(t, GivenUp, o.Deliveries()[0].State)
	assert.Zero(t, o.Deliver())
	o.Send(text("y"))
	assert.Zero(t, o.Deliver())
	assert.Empty(t, s.seen())
}

func TestNewsDuringDeliveryIsSentToo(t *testing.T) {
	var o *Outbox
	s := &shop{}
	s.answer = func(n int) int {
		if n < 4 {
			o.Send(text(fmt.Sprint(n)))
		}
		return 200
	}
	o, _ = still(t, s, Settings{})
	o.Send(text("0"))
	assert.Equal(t, 4, o.Deliver())
}

func TestAskWaitsForTheAnswer(t *testing.T) {
	s := &shop{}
	o, _ := still(t, s, Settings{Retries: Every(3, time.Second)})
	o.SetMischief(Mischief{Lose: -1, Duplicates: 2})
	o.Send(text("news"))
	d := o.Ask(text("may I?"))
	assert.Equal(t, Delivered, d.State)
	assert.Equal(t, "OK", string(d.Answer().Answer))
	assert.Equal(t, []string{"POST /cb may I?"}, s.seen(), "at once, once, and not lost")
	s.answer = func(int) int { return 500 }
	assert.Equal(t, GivenUp, o.Ask(text("again?")).State, "no repeats")
	assert.Equal(t, NotConfigured, o.Ask(Message{Order: "o-1"}).State)
	require.NoError(t, o.Resend("cb-4"), "it is in the log as any other")
	o.Close()
	assert.Equal(t, GivenUp, o.Ask(text("late")).State)
}

package emulator

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/internal/emulator/qr"
)

func startBase(t *testing.T, s Settings) (*Base, *atomic.Int32) {
	t.Helper()
	done := new(atomic.Int32)
	b := New(s)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /pay.do", func(w http.ResponseWriter, r *http.Request) {
		done.Add(1)
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"got":"` + string(body) + `","filler":"0123456789"}`))
	})
	b.Start(mux, func(r *http.Request) string { return strings.TrimPrefix(r.URL.Path, "/") })
	t.Cleanup(b.Close)
	return b, done
}

// answer is what a client sees of one POST.
type answer struct {
	status     int
	body       string
	header     http.Header
	doErr      error
	readErr    error
	workDone   int32
	tookAtMost time.Duration
}

func post(t *testing.T, c *http.Client, url string) answer {
	t.Helper()
	start := time.Now()
	resp, err := c.Post(url, "text/plain", strings.NewReader("x"))
	if err != nil {
		return answer{doErr: err, tookAtMost: time.Since(start)}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return answer{status: resp.StatusCode, body: string(body), header: resp.Header, readErr: err, tookAtMost: time.Since(start)}
}

func TestFaults(t *testing.T) {
	for _, way := range []string{"network", "straight"} {
		t.Run(way, func(t *testing.T) {
			b, done := startBase(t, Settings{})
			client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
			if way == "straight" {
				client = b.Client()
			}
			do := func(f Fault) answer {
				done.Store(0)
				b.Faults.Add(f)
				a := post(t, client, b.URL+"/pay.do")
				a.workDone = done.Load()
				return a
			}
			a := do(Fault{Kind: Drop})
			require.Error(t, a.doErr)
			assert.Zero(t, a.workDone)

			a = do(Fault{Kind: LostAnswer, Op: "PAY.do"})
			require.Error(t, a.doErr)
			assert.EqualValues(t, 1, a.workDone)

			a = do(Fault{Kind: LostAnswer, Status: 504})
			assert.Equal(t, 504, a.status)
			assert.Contains(t, a.body, "<html>")
			assert.EqualValues(t, 1, a.workDone)

			a = do(Fault{Kind: ServerError})
			assert.Equal(t, 502, a.status)
			assert.Contains(t, a.body, "Bad Gateway")
			assert.Zero(t, a.workDone)

			a = do(Fault{Kind: HTML})
			assert.Equal(t, 200, a.status)
			assert.Contains(t, a.header.Get("Content-Type"), "text/html")
			assert.Zero(t, a.workDone)

			a = do(Fault{Kind: Cut})
			require.NoError(t, a.doErr)
			require.ErrorIs(t, a.readErr, io.ErrUnexpectedEOF)
			assert.NotEmpty(t, a.body)
			assert.EqualValues(t, 1, a.workDone)

			a = do(Fault{Kind: RateLimit, Delay: 1500 * time.Millisecond})
			assert.Equal(t, 429, a.status)
			assert.Equal(t, "2", a.header.Get("Retry-After"))
			assert.Zero(t, a.workDone)

			a = do(Fault{Kind: Empty, Status: 503})
			assert.Equal(t, 503, a.status)
			assert.Empty(t, a.body)

			a = do(Fault{Kind: Delay, Delay: 30 * time.Millisecond})
			assert.Equal(t, 200, a.status)
			assert.GreaterOrEqual(t, a.tookAtMost, 30*time.Millisecond)
			assert.EqualValues(t, 1, a.workDone)

			log := b.Log.Requests()
			assert.Equal(t, "drop", log[0].Fault)
			assert.Zero(t, log[0].Status)
			assert.Equal(t, "pay.do", log[0].Op)
			assert.Equal(t, "x", string(log[len(log)-1].Body))
			assert.Contains(t, string(log[len(log)-1].Answer), `"got":"x"`)
		})
	}
}

func TestFaultTimesAndOps(t *testing.T) {
	b, _ := startBase(t, Settings{NoListen: true})
	status := func() int { return post(t, b.Client(), b.URL+"/pay.do").status }
	b.Faults.Add(Fault{Op: "other.do", Kind: ServerError, Times: -1})
	b.Faults.Add(Fault{Kind: ServerError, Status: 500, Times: 2})
	assert.Equal(t, []int{500, 500, 200}, []int{status(), status(), status()})
	b.Faults.Add(Fault{Kind: Empty, Status: 418, Times: -1})
	assert.Equal(t, []int{418, 418}, []int{status(), status()})
	b.Faults.Clear()
	assert.Equal(t, 200, status())
	assert.Equal(t, "rate limit", RateLimit.String())
	assert.Equal(t, "FaultKind(99)", FaultKind(99).String())
}

func TestFaultDelayEndsWithTheClient(t *testing.T) {
	b, done := startBase(t, Settings{})
	b.Faults.Add(Fault{Kind: LostAnswer, Delay: time.Hour})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	for _, client := range []*http.Client{b.Client(), {}} {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, b.URL+"/pay.do", strings.NewReader("x"))
		require.NoError(t, err)
		_, err = client.Do(req)
		require.ErrorIs(t, err, context.DeadlineExceeded)
	}
	assert.EqualValues(t, 1, done.Load(), "the work was done, only its answer was lost")
}

func TestCloseEndsDelays(t *testing.T) {
	b, _ := startBase(t, Settings{})
	b.Faults.Add(Fault{Kind: LostAnswer, Delay: time.Hour})
	ended := make(chan error)
	go func() {
		_, err := http.Post(b.URL+"/pay.do", "", strings.NewReader("x"))
		ended <- err
	}()
	for b.Faults.count.Load() > 0 {
		time.Sleep(time.Millisecond)
	}
	b.Close()
	require.Error(t, <-ended)
}

func TestBodyAndLogLimits(t *testing.T) {
	b, done := startBase(t, Settings{NoListen: true, KeepRequests: 2, PublicURL: "http://bank.test/pay/"})
	assert.Equal(t, "http://bank.test/pay", b.URL)
	resp, err := b.Client().Post("http://x/pay.do", "", strings.NewReader(strings.Repeat("a", bodyLimit+1)))
	require.NoError(t, err)
	assert.Equal(t, http.StatusRequestEntityTooLarge, resp.StatusCode)
	assert.Zero(t, done.Load())
	for _, path := range []string{"1", "2", "3"} {
		_, err := b.Client().Get("http://x/" + path)
		require.NoError(t, err)
	}
	log := b.Log.Requests()
	require.Len(t, log, 2)
	assert.Equal(t, "/2", log[0].Path)
	assert.Equal(t, 404, log[1].Status)
	none := NewLog(-1)
	none.add(Exchange{})
	assert.Empty(t, none.Requests())
}

func TestTransportKeepsPanics(t *testing.T) {
	c := &http.Client{Transport: Transport(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		panic("a real bug")
	}))}
	assert.PanicsWithValue(t, "a real bug", func() { _, _ = c.Get("http://x/") })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	req, _ := http.NewRequestWithContext(ctx, http.MethodGet, "http://x/", nil)
	_, err := c.Do(req)
	require.True(t, errors.Is(err, context.Canceled))
}

// A header's name written in small letters is the same to a handler, as it is
// behind a network.
func TestTransportNamesOfHeaders(t *testing.T) {
	c := &http.Client{Transport: Transport(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Header.Get("Idempotency-Key"))
	}))}
	req, err := http.NewRequest(http.MethodPost, "http://emulator.test/", http.NoBody)
	require.NoError(t, err)
	const asWritten = "idempotency-key" // a name that a client may send in any case
	req.Header = http.Header{asWritten: {"k-1"}}
	resp, err := c.Do(req)
	require.NoError(t, err)
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, "k-1", string(body))
	require.Equal(t, http.Header{asWritten: {"k-1"}}, req.Header, "the request is not changed")
}

func TestQRImage(t *testing.T) {
	b, _ := startBase(t, Settings{NoListen: true, CallbackURL: "http://shop.test/cb", QR: func(p string) ([]byte, error) {
		if p == "bad" {
			return nil, errors.New("cannot")
		}
		return []byte("PNG " + p), nil
	}})
	assert.Equal(t, "PNG x", string(b.QRImage("x")))
	assert.Nil(t, b.QRImage("bad"))
	assert.Nil(t, b.QRImage(""))
	assert.Equal(t, "http://shop.test/cb", b.CallbackURL())
	b, _ = startBase(t, Settings{NoListen: true})
	own, err := qr.PNG("x")
	require.NoError(t, err)
	assert.Equal(t, own, b.QRImage("x"), "drawn without being told how")
}

// TestClientBelowPrefix: addresses made of a public address with a path are
// those that Client understands.
func TestClientBelowPrefix(t *testing.T) {
	var seen string
	b := New(Settings{NoListen: true, PublicURL: "http://sandbox.test/bank/"})
	b.Start(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = r.URL.Path + " " + r.RequestURI }), func(*http.Request) string { return "" })
	t.Cleanup(b.Close)
	assert.Equal(t, "http://sandbox.test/bank", b.URL)
	for address, want := range map[string]string{b.URL + "/pay?x=1": "/pay /bank/pay?x=1", "http://other.test/pay": "/pay /pay", "http://other.test/banker": "/banker /banker"} {
		resp, err := b.Client().Get(address)
		require.NoError(t, err)
		_ = resp.Body.Close()
		assert.Equal(t, want, seen)
	}
}

// TestPending: what is still to go wrong, until it has.
func TestPending(t *testing.T) {
	b, _ := startBase(t, Settings{NoListen: true})
	b.Faults.Add(Fault{Kind: Empty})
	b.Faults.Add(Fault{Kind: HTML, Times: -1})
	b.Outbox.SetMischief(Mischief{Lose: -1})
	faults, mischief := b.Pending()
	assert.Equal(t, []Fault{{Kind: Empty, Times: 1}, {Kind: HTML, Times: -1}}, faults)
	assert.Equal(t, Mischief{Lose: -1}, mischief)
	for range 2 {
		resp, err := b.Client().Get(b.URL)
		require.NoError(t, err)
		_ = resp.Body.Close()
	}
	faults, _ = b.Pending()
	assert.Equal(t, []Fault{{Kind: HTML, Times: -1}}, faults)
}

package emulator

import (
	"bytes"
	"io"
	"net/http"
	"sync"
	"time"
)

// Exchange is a request to the emulator with its answer.
type Exchange struct {
	Time   time.Time // by the emulator's clock
	Op     string    // the provider's method
	Method string
	Path   string
	Query  string
	Header http.Header
	Body   []byte // its first 64 KiB
	Status int    // 0: no answer was given
	Answer []byte // its first 64 KiB
	Fault  string // what went wrong on purpose; "": nothing
}

const (
	bodyLimit = 1 << 20
	logLimit  = 64 << 10
)

// Log keeps the last requests. It is safe for concurrent use.
type Log struct {
	mu   sync.Mutex
	ring []Exchange
	next int
	keep int
}

// NewLog keeps so many; 0 keeps 1,000, below 0 none.
func NewLog(keep int) *Log {
	if keep == 0 {
		keep = 1000
	}
	return &Log{keep: keep}
}

func (l *Log) add(e Exchange) {
	if l.keep < 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.ring) < l.keep {
		l.ring = append(l.ring, e)
		return
	}
	l.ring[l.next] = e
	l.next = (l.next + 1) % l.keep
}

// Requests are the last requests, oldest first.
func (l *Log) Requests() []Exchange {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append(append([]Exchange(nil), l.ring[l.next:]...), l.ring[:l.next]...)
}

// tee writes the answer through and keeps its beginning.
type tee struct {
	http.ResponseWriter
	status int
	answer bytes.Buffer
}

func (t *tee) WriteHeader(code int) {
	if t.status == 0 {
		t.status = code
	}
	t.ResponseWriter.WriteHeader(code)
}

func (t *tee) Write(b []byte) (int, error) {
	if t.status == 0 {
		t.status = http.StatusOK
	}
	if room := logLimit - t.answer.Len(); room > 0 {
		t.answer.Write(b[:min(room, len(b))])
	}
	return t.ResponseWriter.Write(b)
}

// Flush passes on.
func (t *tee) Flush() {
	if f, ok := t.ResponseWriter.(http.Flusher); ok {
		f.Flush()
	}
}

// Unwrap serves http.ResponseController.
func (t *tee) Unwrap() http.ResponseWriter { return t.ResponseWriter }

// wrap puts faults and the log before the emulator's handler.
func (b *Base) wrap(next http.Handler, op func(*http.Request) string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, bodyLimit+1))
		if err != nil {
			http.Error(w, "", http.StatusBadRequest)
			return
		}
		if len(body) > bodyLimit {
			http.Error(w, "", http.StatusRequestEntityTooLarge)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		e := Exchange{Time: b.Clock.Now(), Op: op(r), Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery,
			Header: r.Header, Body: body[:min(len(body), logLimit)]}
		t := &tee{ResponseWriter: w}
		defer func() {
			e.Status, e.Answer = t.status, t.answer.Bytes()
			b.Log.add(e)
		}()
		fault := b.Faults.take(e.Op)
		if fault.Kind == 0 {
			next.ServeHTTP(t, r)
			return
		}
		e.Fault = fault.Kind.String()
		b.Faults.serve(fault, t, r, next)
	})
}

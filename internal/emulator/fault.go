package emulator

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// FaultKind is what goes wrong.
type FaultKind uint8

const (
	// Delay: the answer comes late by Fault.Delay, otherwise as always.
	Delay FaultKind = iota + 1
	// Drop: the connection is closed before anything is done.
	Drop
	// LostAnswer: the work is done, then no answer comes: the connection is
	// closed after Fault.Delay; with a Fault.Status a web page with that status
	// is answered instead, as a proxy does when it gave up waiting.
	LostAnswer
	// ServerError: a web page with Status (502 if none); nothing is done.
	ServerError
	// HTML: a web page with status 200 (or Status); nothing is done.
	HTML
	// Cut: the work is done, and the answer breaks off in the middle although
	// its Content-Length promises the whole.
	Cut
	// RateLimit: 429 (or Status) with Retry-After of Delay, a second if none;
	// nothing is done.
	RateLimit
	// Empty: an empty body with status 200 (or Status); nothing is done.
	Empty
)

var faultNames = [...]string{"", "delay", "drop", "lost answer", "server error", "html", "cut", "rate limit", "empty"}

// String is the kind in words: "lost answer".
func (k FaultKind) String() string {
	if int(k) < len(faultNames) {
		return faultNames[k]
	}
	return "FaultKind(" + strconv.Itoa(int(k)) + ")"
}

// Fault is one thing that goes wrong when told.
type Fault struct {
	Op     string        // the provider's method, as its emulator names it ("register.do"); "": any
	Kind   FaultKind     //
	Times  int           // how often; 0: once; below 0: until ClearFaults
	Delay  time.Duration // real time, see the kinds; it ends early when the client leaves
	Status int           // HTTP status where the kind has one; 0: the kind's own
}

// Faults are the faults still to happen. The first one that fits a request is
// used up on it. It is safe for concurrent use.
type Faults struct {
	mu     sync.Mutex
	list   []Fault
	count  atomic.Int32
	closed chan struct{}
	once   sync.Once
}

// NewFaults has none.
func NewFaults() *Faults { return &Faults{closed: make(chan struct{})} }

// Add plans a fault.
func (f *Faults) Add(fault Fault) {
	if fault.Times == 0 {
		fault.Times = 1
	}
	f.mu.Lock()
	f.list = append(f.list, fault)
	f.count.Store(int32(len(f.list)))
	f.mu.Unlock()
}

// Pending are those still to happen.
func (f *Faults) Pending() []Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.list)
}

// Clear forgets all of them.
func (f *Faults) Clear() {
	f.mu.Lock()
	f.list = nil
	f.count.Store(0)
	f.mu.Unlock()
}

// Close ends the waits of faults that are under way.
func (f *Faults) Close() { f.once.Do(func() { close(f.closed) }) }

// take uses up the first fault that fits the method; its zero value: none.
func (f *Faults) take(op string) Fault {
	if f.count.Load() == 0 {
		return Fault{}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.list {
		fault := f.list[i]
		if fault.Op != "" && !strings.EqualFold(fault.Op, op) {
			continue
		}
		if fault.Times > 0 {
			f.list[i].Times--
			if f.list[i].Times == 0 {
				f.list = append(f.list[:i:i], f.list[i+1:]...)
				f.count.Store(int32(len(f.list)))
			}
		}
		return fault
	}
	return Fault{}
}

// wait is the fault's delay, ended early by the client or by Close.
func (f *Faults) wait(r *http.Request, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
	case <-f.closed:
	}
}

// serve answers the request with the fault. next does the work.
func (f *Faults) serve(fault Fault, w http.ResponseWriter, r *http.Request, next http.Handler) {
	status := func(own int) int {
		if fault.Status != 0 {
			return fault.Status
		}
		return own
	}
	if fault.Kind != LostAnswer && fault.Kind != RateLimit {
		f.wait(r, fault.Delay)
	}
	switch fault.Kind {
	case Drop:
		panic(http.ErrAbortHandler)
	case LostAnswer:
		next.ServeHTTP(NewRecorder(), r)
		f.wait(r, fault.Delay)
		if fault.Status == 0 {
			panic(http.ErrAbortHandler)
		}
		webPage(w, fault.Status)
	case ServerError:
		webPage(w, status(http.StatusBadGateway))
	case HTML:
		webPage(w, status(http.StatusOK))
	case Cut:
		rec := NewRecorder()
		next.ServeHTTP(rec, r)
		for name, values := range rec.Header() {
			w.Header()[name] = values
		}
		body := rec.Body.Bytes()
		w.Header().Set("Content-Length", strconv.Itoa(max(len(body), 2)))
		w.WriteHeader(rec.Code)
		_, _ = w.Write(body[:len(body)/2])
		if flusher, ok := w.(http.Flusher); ok {
			flusher.Flush()
		}
		panic(http.ErrAbortHandler)
	case RateLimit:
		seconds := max(int64((fault.Delay+time.Second-1)/time.Second), 1)
		w.Header().Set("Retry-After", strconv.FormatInt(seconds, 10))
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(status(http.StatusTooManyRequests))
	case Empty:
		w.WriteHeader(status(http.StatusOK))
	default:
		next.ServeHTTP(w, r)
	}
}

// webPage is what a proxy or a page of maintenance answers.
func webPage(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	text := http.StatusText(status)
	if status == http.StatusOK {
		text = "Технические работы"
	}
	_, _ = w.Write([]byte("<!DOCTYPE html>\n<html><head><title>" + strconv.Itoa(status) + " " + text +
		"</title></head><body><center><h1>" + text + "</h1></center><hr><center>nginx</center></body></html>\n"))
}

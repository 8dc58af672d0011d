package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/sberbank"
	"github.com/acquiring-go/acquiring/simulation/crm"
	"github.com/acquiring-go/acquiring/webhook"
	"github.com/acquiring-go/acquiring/webhook/sqlinbox"
)

// roleVariable makes this binary a server.
const roleVariable = "ACQUIRING_LOAD_SERVER"

// The handlers.
const (
	bare     = "bare"
	trusting = "trusting"
	ordinary = "ordinary"
	stored   = "stored"
)

var names = map[string]string{
	bare:     "bare: body and raw HMAC",
	trusting: "webhook.Handler, TrustCallback, memory inbox",
	ordinary: "webhook.Handler as it is: the payment is read back",
}

// told is what a server is told.
type told struct {
	Kind        string
	Bank        string // where payments are read back
	DSN, Prefix string
}

// handler makes the handler of that kind.
func (t told) handler() (http.Handler, error) {
	if t.Kind == bare {
		return http.HandlerFunc(bareHandler), nil
	}
	address := t.Bank
	if address == "" {
		address = "http://127.0.0.1:1" // nobody is asked
	}
	bank, err := sberbank.New(sberbank.Config{Environment: acquiring.Test, BaseURL: address, UserName: "shop-api", Password: "password", CallbackKey: key,
		HTTPClient: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}})
	if err != nil {
		return nil, err
	}
	quiet := webhook.Logger(slog.New(slog.DiscardHandler))
	process := func(context.Context, webhook.Event) error { return nil }
	switch t.Kind {
	case trusting:
		return webhook.Handler(bank, process, quiet, webhook.TrustCallback(), webhook.WithInbox(webhook.NewMemoryInbox(0))), nil
	case ordinary:
		return webhook.Handler(bank, process, quiet), nil
	}
	place := crm.Postgres(t.DSN, t.Prefix)
	db, err := place.Open(16)
	if err != nil {
		return nil, err
	}
	inbox, err := sqlinbox.New(db, place.Dialect, sqlinbox.Table(t.Prefix+"inbox"))
	if err != nil {
		return nil, err
	}
	insert := "INSERT INTO " + t.Prefix + "ledger (news, number, kopecks) VALUES ($1, $2, $3)"
	return webhook.Handler(bank, func(ctx context.Context, e webhook.Event) error {
		_, err := sqlinbox.Tx(ctx).ExecContext(ctx, insert, e.Key, e.Payment.OrderID, int64(e.Payment.Amount))
		return err
	}, quiet, webhook.TrustCallback(), webhook.WithInbox(inbox)), nil
}

// bareHandler is what has to be done at the least.
func bareHandler(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, webhook.MaxBody))
	if err != nil {
		http.Error(w, "bad", http.StatusBadRequest)
		return
	}
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(body)
	got, err := hex.DecodeString(r.Header.Get("X-Signature"))
	if err != nil || !hmac.Equal(got, mac.Sum(nil)) {
		http.Error(w, "forged", http.StatusForbidden)
		return
	}
	w.WriteHeader(http.StatusOK)
}

// usage is what a server says of itself.
type usage struct {
	CPU             time.Duration
	InUse, Resident uint64
}

// serve is a server, until its parent is gone.
func serve(text string) error {
	var t told
	if err := json.Unmarshal([]byte(text), &t); err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	listener, err := net.FileListener(os.NewFile(3, "listener"))
	if err != nil {
		return err
	}
	control, err := net.FileListener(os.NewFile(4, "control"))
	if err != nil {
		return err
	}
	h, err := t.handler()
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/usage", func(w http.ResponseWriter, r *http.Request) {
		var u usage
		if r.FormValue("collect") != "" {
			runtime.GC()
			debug.FreeOSMemory()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			u.InUse = m.HeapInuse
			if pages, err := os.ReadFile("/proc/self/statm"); err == nil {
				var size uint64
				_, _ = fmt.Sscan(string(pages), &size, &u.Resident)
				u.Resident *= uint64(os.Getpagesize())
			}
		}
		var ru syscall.Rusage
		if syscall.Getrusage(syscall.RUSAGE_SELF, &ru) == nil {
			u.CPU = time.Duration(ru.Utime.Nano() + ru.Stime.Nano())
		}
		_ = json.NewEncoder(w).Encode(u)
	})
	go func() { _ = (&http.Server{Handler: mux, ReadHeaderTimeout: time.Second}).Serve(control) }()
	return (&http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}).Serve(listener)
}

// server is one or more processes on one address.
type server struct {
	address   string
	processes []*exec.Cmd
	stdins    []io.Closer
	controls  []string
	files     []io.Closer
}

func start(t told, replicas int) (*server, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(t)
	if err != nil {
		return nil, err
	}
	s := &server{address: l.Addr().String(), files: []io.Closer{l}}
	for range replicas {
		if err := s.add(l, string(text)); err != nil {
			s.end()
			return nil, err
		}
	}
	return s, nil
}

func (s *server) add(l net.Listener, text string) error {
	file, err := l.(*net.TCPListener).File()
	if err != nil {
		return err
	}
	defer file.Close()
	c, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.files = append(s.files, c)
	control, err := c.(*net.TCPListener).File()
	if err != nil {
		return err
	}
	defer control.Close()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), roleVariable+"="+text)
	cmd.Stderr = os.Stderr
	cmd.ExtraFiles = []*os.File{file, control}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	s.processes, s.stdins, s.controls = append(s.processes, cmd), append(s.stdins, stdin), append(s.controls, c.Addr().String())
	return nil
}

func (s *server) end() {
	for i, p := range s.processes {
		_ = s.stdins[i].Close()
		_ = p.Wait()
	}
	for _, f := range s.files {
		_ = f.Close()
	}
}

func (s *server) usage(query string) (sum usage, err error) {
	for _, c := range s.controls {
		resp, err := http.Get("http://" + c + "/usage" + query)
		if err != nil {
			return sum, err
		}
		var u usage
		err = json.NewDecoder(resp.Body).Decode(&u)
		_ = resp.Body.Close()
		if err != nil {
			return sum, err
		}
		sum.CPU += u.CPU
		sum.InUse += u.InUse
		sum.Resident += u.Resident
	}
	return sum, nil
}

func (s *server) heap() (usage, error) { return s.usage("?collect=yes") }

// measure lets a client of its own send the requests.
func (s *server) measure(r request) (answer, error) {
	before, err := s.usage("")
	if err != nil {
		return answer{}, err
	}
	text, err := json.Marshal(r)
	if err != nil {
		return answer{}, err
	}
	self, err := os.Executable()
	if err != nil {
		return answer{}, err
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), clientVariable+"="+string(text))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return answer{}, err
	}
	var a answer
	if err := json.Unmarshal(out, &a); err != nil {
		return answer{}, err
	}
	after, err := s.usage("")
	a.CPU = after.CPU - before.CPU
	return a, err
}

// newBank answers that each payment is as its callback says: what reading back
// costs without an emulator's own work.
func newBank() *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var q struct {
			OrderID string `json:"orderId"`
		}
		_ = json.NewDecoder(r.Body).Decode(&q)
		number := "S-" + strings.TrimLeft(q.OrderID[strings.LastIndexByte(q.OrderID, '-')+1:], "0")
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"errorCode":"0","orderNumber":%q,"orderStatus":2,"actionCode":0,"amount":154990,"currency":"643","paymentAmountInfo":{"paymentState":"DEPOSITED","approvedAmount":154990,"depositedAmount":154990,"refundedAmount":0}}`, number)
	}))
}

// tables makes the tables of a run.
func tables(dsn string) (crm.Place, func(), error) {
	p := crm.Postgres(dsn, fmt.Sprintf("load%06x_", rand.Uint32N(1<<24)))
	db, err := p.Open(1)
	if err != nil {
		return p, nil, err
	}
	if err := p.Migrate(context.Background(), db); err != nil {
		_ = db.Close()
		return p, nil, err
	}
	return p, func() {
		_ = p.Drop(context.Background(), db)
		_ = db.Close()
	}, nil
}

// counted checks that each event is in the ledger once.
func counted(p crm.Place, events int) error {
	db, err := p.Open(1)
	if err != nil {
		return err
	}
	defer db.Close()
	var lines, news int
	err = db.QueryRow("SELECT COUNT(*), COUNT(DISTINCT news) FROM "+p.Prefix+"ledger").Scan(&lines, &news)
	if err == nil && (lines != events || news != events) {
		err = fmt.Errorf("%d events were sent; the ledger has %d lines about %d", events, lines, news)
	}
	return err
}

// Package stage is where a bridge shows itself without any settings: two
// emulated banks, a file of settings in a temporary folder, and the bridge's
// own server and commands. The CRM is the bridge's.
package stage

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring/examples/internal/bridge"
	"github.com/acquiring-go/acquiring/paymaster/paymastertest"
	"github.com/acquiring-go/acquiring/sberbank/sberbanktest"
)

// Banks are the emulated banks: the shops "sber" and "pm".
type Banks struct {
	Sber *sberbanktest.Server
	PM   *paymastertest.Server
}

// OpenBanks starts them; url is the bridge's address.
func OpenBanks(url string) Banks {
	return Banks{sberbanktest.NewServer(sberbanktest.WithCallbackURL(url + "/hooks/sber")), paymastertest.NewServer(paymastertest.WithRefundTime(time.Millisecond))}
}

// Close stops them.
func (b Banks) Close() {
	b.Sber.Close()
	b.PM.Close()
}

// Shops are their accounts as a bridge's file has them.
func (b Banks) Shops() []any {
	sber, pm := b.Sber.Config(), b.PM.Config()
	return []any{
		map[string]any{"code": "sber", "name": "Сбер", "provider": "sberbank", "settings": map[string]any{"base_url": sber.BaseURL,
			"username": sber.UserName, "password": sber.Password, "callback_key": sber.CallbackKey}},
		map[string]any{"code": "pm", "name": "PayMaster", "provider": "paymaster", "settings": map[string]any{"base_url": pm.BaseURL,
			"merchant_id": pm.MerchantID, "token": pm.Token}},
	}
}

// Pay is the customer on the payment page; the bank's callback is answered
// when it returns.
func (b Banks) Pay(shop, number string) error {
	if shop == "pm" {
		o, ok := b.PM.Order(number)
		if !ok {
			return fmt.Errorf("PayMaster has no order %s", number)
		}
		if err := b.PM.Pay(o.ID); err != nil {
			return err
		}
		b.PM.Deliver()
		return nil
	}
	o, ok := b.Sber.Order(number)
	if !ok {
		return fmt.Errorf("the bank has no order %s", number)
	}
	if err := b.Sber.Pay(o.ID); err != nil {
		return err
	}
	b.Sber.Deliver()
	return nil
}

// Stage is a bridge at work on emulators.
type Stage struct {
	Banks
	URL string

	out     io.Writer
	program bridge.Program
	file    string
	folder  string
	bridge  *bridge.Bridge
	stop    context.CancelFunc
	served  chan error
}

// Open starts everything; section is the CRM's part of the file, under name.
func Open(ctx context.Context, out io.Writer, p bridge.Program, name string, section map[string]any) (_ *Stage, err error) {
	s := &Stage{out: out, program: p, served: make(chan error, 1)}
	p.Log = io.Discard
	p.Outbox.Every, p.Outbox.Settle, p.Outbox.Longest = 20*time.Millisecond, 50*time.Millisecond, 100*time.Millisecond
	s.program = p
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s.URL = "http://" + l.Addr().String()
	s.Banks = OpenBanks(s.URL)
	ctx, s.stop = context.WithCancel(ctx)
	defer func() {
		if err != nil {
			s.stop()
			s.Banks.Close()
			_ = l.Close()
			_ = os.RemoveAll(s.folder)
		}
	}()
	if s.folder, err = os.MkdirTemp("", "bridge"); err != nil {
		return nil, err
	}
	conf, err := json.Marshal(map[string]any{"public_url": s.URL, "database": filepath.Join(s.folder, "bridge.db"), "key": "key-of-the-demonstration",
		"shops": s.Shops(), name: section})
	if err != nil {
		return nil, err
	}
	s.file = filepath.Join(s.folder, "bridge.json")
	if err = os.WriteFile(s.file, conf, 0o600); err != nil {
		return nil, err
	}
	if s.bridge, err = p.Bridge(ctx, s.file); err != nil {
		return nil, err
	}
	go func() { s.served <- s.bridge.Serve(ctx, l) }()
	return s, nil
}

// Close stops everything.
func (s *Stage) Close() {
	s.stop()
	<-s.served
	_ = s.bridge.Close()
	s.Banks.Close()
	_ = os.RemoveAll(s.folder)
}

// Bridge is the bridge at work.
func (s *Stage) Bridge() *bridge.Bridge { return s.bridge }

// Say prints a line.
func (s *Stage) Say(format string, args ...any) { fmt.Fprintf(s.out, format+"\n", args...) }

// Run runs a command of the bridge, shows it and what it printed, and gives
// the first word of that.
func (s *Stage) Run(ctx context.Context, args ...string) (string, error) {
	var out bytes.Buffer
	p := s.program
	p.Out = &out
	s.Say("$ %s %s", p.Name, strings.Join(args, " "))
	err := bridge.Main(ctx, p, append([]string{"-config", s.file}, args...))
	for _, line := range strings.Split(strings.TrimSpace(out.String()), "\n") {
		s.Say("  %s", line)
	}
	first, _, _ := strings.Cut(out.String(), "\t")
	return first, err
}

// Wait waits until it is so.
func (s *Stage) Wait(ctx context.Context, what string, so func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for !so() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("waited in vain: %s", what)
		case err := <-s.served:
			s.served <- err
			return fmt.Errorf("the bridge ended: %w", err)
		case <-time.After(10 * time.Millisecond):
		}
	}
	return nil
}

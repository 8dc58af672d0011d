package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/examples/bridges/autoweboffice/api"
	"github.com/acquiring-go/acquiring/examples/internal/bridge"
	"github.com/acquiring-go/acquiring/examples/internal/outbox"
	"github.com/acquiring-go/acquiring/examples/internal/shops"
)

// config is the file of the bridge.
type config struct {
	bridge.Config
	AutoWebOffice settings `json:"autoweboffice"`
}

// settings are AutoWebOffice's part. What is not known for sure of the
// service, or differs between shops, is here.
type settings struct {
	URL      string `json:"url"`     // https://school.autoweboffice.ru
	KeyGet   string `json:"key_get"` // API KEY GET
	KeySet   string `json:"key_set"` // API KEY SET
	ReadByID bool   `json:"read_by_id"`
	// Prefix stands before the invoice's number in the bank's order number;
	// "awo-" unless set. Another shop of the same bank account needs another.
	Prefix string     `json:"prefix"`
	Fields api.Fields `json:"fields"`
	Status statuses   `json:"status"`
}

// statuses are the numbers of id_account_status; zero ones are those of the
// service's description.
type statuses struct {
	Paid int `json:"paid"` // 5
	// Refunded is set when all the money went back; 0: a person is asked to
	// mark the return (возврат товара) in the invoice's card.
	Refunded int `json:"refunded"`
	// Closed are those in which an invoice is not paid any more and no link is
	// made for it; absent: 2, отказ.
	Closed []int `json:"closed"`
}

// marker marks invoices paid.
type marker struct {
	settings
	api *api.Client
	log *slog.Logger
}

func (s settings) open(get func(string) string, log *slog.Logger) (*marker, error) {
	keyGet, err := shops.Resolve(s.KeyGet, get)
	if err != nil {
		return nil, fmt.Errorf("autoweboffice.key_get: %w", err)
	}
	keySet, err := shops.Resolve(s.KeySet, get)
	if err != nil {
		return nil, fmt.Errorf("autoweboffice.key_set: %w", err)
	}
	if s.Prefix == "" {
		s.Prefix = "awo-"
	}
	if s.Status.Paid == 0 {
		s.Status.Paid = api.StatusPaid
	}
	if s.Status.Closed == nil {
		s.Status.Closed = []int{api.StatusRefused}
	}
	if s.Status.Refunded == s.Status.Paid {
		return nil, fmt.Errorf("autoweboffice.status: refunded is the same as paid")
	}
	m := &marker{settings: s, log: log}
	m.api, err = api.New(api.Config{BaseURL: s.URL, KeyGet: keyGet, KeySet: keySet, Fields: s.Fields, ReadByID: s.ReadByID, Logger: log})
	if err != nil {
		return nil, fmt.Errorf("autoweboffice: %w", err)
	}
	return m, nil
}

// Name is the lane of the outbox.
func (m *marker) Name() string { return "autoweboffice" }

// number reads the number of an invoice.
func number(ref string) (int, error) {
	n, err := strconv.Atoi(ref)
	if err != nil || n <= 0 {
		return 0, acquiring.Invalid("ref", fmt.Sprintf("is %q; it must be the code of an invoice (id_account)", ref))
	}
	return n, nil
}

// Prepare takes the sum from the invoice: what the customer is asked for is
// what AutoWebOffice has, and nothing that was typed again.
func (m *marker) Prepare(ctx context.Context, o *bridge.Order) error {
	id, err := number(o.Ref)
	if err != nil {
		return err
	}
	o.Ref = strconv.Itoa(id) // 007 is 7
	inv, err := m.api.Get(ctx, id)
	if err != nil {
		return err
	}
	conflict := func(format string, args ...any) error {
		return &acquiring.Error{Provider: m.Name(), Kind: acquiring.ErrConflict, Outcome: acquiring.OutcomeRejected, Message: fmt.Sprintf(format, args...)}
	}
	switch {
	case inv.Status == m.Status.Paid:
		return conflict("invoice %d is paid already", id)
	case inv.Deleted:
		return conflict("invoice %d is deleted", id)
	case m.closed(inv.Status):
		return conflict("invoice %d is closed: its status is %d", id, inv.Status)
	case o.Amount != 0 && o.Amount != inv.Sum:
		return conflict("invoice %d is for %s and not for %s", id, inv.Sum, o.Amount)
	case o.Number != "" && o.Number != m.Prefix+o.Ref:
		return acquiring.Invalid("number", "is made from the invoice's code; leave it out")
	}
	o.Number, o.Amount = m.Prefix+strconv.Itoa(id), inv.Sum
	or := func(to *string, value string) {
		if *to == "" {
			*to = value
		}
	}
	or(&o.Email, inv.Email)
	or(&o.Payer, inv.Name)
	// A telephone typed by a customer may be anything; the banks want digits.
	if digits := strings.TrimPrefix(inv.Phone, "+"); len(digits) == 11 && strings.Trim(digits, "0123456789") == "" {
		or(&o.Phone, inv.Phone)
	}
	shown := inv.Number
	if shown == "" {
		shown = strconv.Itoa(id)
	}
	or(&o.Description, "Оплата счёта № "+shown)
	return nil
}

func (m *marker) closed(status int) bool {
	for _, s := range m.Status.Closed {
		if s == status {
			return true
		}
	}
	return false
}

// Post marks the invoice paid if it is for the sum that was paid, or sets the
// status of a refund.
func (m *marker) Post(ctx context.Context, n bridge.News) (string, error) {
	id, err := number(n.Ref)
	if err != nil {
		return "", outbox.NeedsPerson(err)
	}
	inv, err := m.api.Get(ctx, id)
	if errors.Is(err, acquiring.ErrNotFound) {
		return "", outbox.NeedsPerson(err)
	}
	if err != nil {
		return "", fmt.Errorf("reading the invoice before it is changed: %w", err)
	}
	done := fmt.Sprintf("%d", id)
	if n.Kind == bridge.Refund {
		switch {
		case n.Again: // of a second payment: the first one holds
			return done, nil
		case !n.Whole():
			return "", outbox.NeedsPerson(fmt.Errorf("%s of %s was given back for invoice %d: AutoWebOffice has no partial return, write it into the invoice's comment", n.Amount, n.Taken, id))
		case m.Status.Refunded == 0:
			return "", outbox.NeedsPerson(fmt.Errorf("all of %s was given back for invoice %d: mark the return (возврат товара) in its card", n.Taken, id))
		case inv.Status == m.Status.Refunded:
			return done, nil
		}
		return done, m.set(ctx, id, m.Status.Refunded)
	}
	switch {
	case n.Again:
		return "", outbox.NeedsPerson(fmt.Errorf("invoice %d was paid twice: order %s of shop %s brought %s more; give it back with the command refund (-shop %s)", id, n.OrderID, n.Shop, n.Amount, n.Shop))
	case n.Test:
		m.log.Warn("autoweboffice: a payment of the bank's test contour marks an invoice paid", "invoice", id, "order", n.OrderID)
	}
	switch {
	case inv.Sum != n.Amount:
		return "", outbox.NeedsPerson(fmt.Errorf("invoice %d is for %s, and %s was paid (order %s): it is not marked paid", id, inv.Sum, n.Amount, n.OrderID))
	case inv.Deleted:
		return "", outbox.NeedsPerson(fmt.Errorf("invoice %d is deleted, and %s was paid for it (order %s)", id, n.Amount, n.OrderID))
	case inv.Status == m.Status.Paid:
		return done, nil
	}
	return done, m.set(ctx, id, m.Status.Paid)
}

// set changes the status. Twice is the same as once, so an unknown outcome is
// simply tried again, after the invoice was read anew.
func (m *marker) set(ctx context.Context, id, status int) error {
	err := m.api.SetStatus(ctx, id, status)
	if errors.Is(err, acquiring.ErrInvalid) || errors.Is(err, acquiring.ErrConflict) {
		return outbox.NeedsPerson(err) // it will not get better by itself
	}
	return err
}

// Check reads with the key for reading; the key for writing is tried by the
// first payment.
func (m *marker) Check(ctx context.Context, say func(string, ...any)) error {
	if err := m.api.Check(ctx); err != nil {
		return err
	}
	say("AutoWebOffice: API KEY GET reads invoices; API KEY SET is tried by the first payment: make the test purchase of README.md")
	return nil
}

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/acquiring-go/acquiring/simulation/crm"
)

// roleVariable makes this binary the program under test: a process of its own,
// to be killed.
const roleVariable = "ACQUIRING_SIMULATION_REPLICA"

// job is what a replica is told.
type job struct {
	Place                crm.Place
	Providers, Registers map[string]crm.Account
	Pace                 crm.Pace
	Verbose              bool
	Trust                bool
}

// replica is the program: it serves the listener that it was given as its
// third file, which it shares with the others, and works until it is killed.
// When the parent is gone, so is it.
func replica(told string) error {
	var j job
	if err := json.Unmarshal([]byte(told), &j); err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	listener, err := net.FileListener(os.NewFile(3, "listener"))
	if err != nil {
		return fmt.Errorf("the listener: %w", err)
	}
	conf := crm.Config{Place: j.Place, Providers: j.Providers, Registers: j.Registers, Pace: j.Pace, Trust: j.Trust}
	if j.Verbose {
		conf.Log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	}
	shop, err := crm.Open(conf)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: shop.Handler(), ReadHeaderTimeout: 5 * time.Second, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	go func() { _ = shop.Run(context.Background()) }()
	return server.Serve(listener)
}

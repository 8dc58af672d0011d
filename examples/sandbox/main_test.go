package main

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestRun: the program prints a link, serves there, and stops when told.
func TestRun(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	in, out := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- run(ctx, []string{"-addr", "127.0.0.1:0", "-orangedata", "127.0.0.1:0"}, out) }()
	line, err := bufio.NewReader(in).ReadString('\n')
	require.NoError(t, err)
	go func() { _, _ = io.Copy(io.Discard, in) }()
	link := regexp.MustCompile(`http://127\.0\.0\.1:\d+`).FindString(line)
	require.NotEmpty(t, link, line)
	resp, err := http.Get(link)
	require.NoError(t, err)
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	_ = resp.Body.Close()
	assert.Contains(t, string(body), "Пробный заказ")
	stop()
	select {
	case err := <-done:
		require.NoError(t, err)
	case <-time.After(20 * time.Second):
		t.Fatal("it does not stop")
	}
}

// TestWrongFlags: what cannot be served is an error, not a stack.
func TestWrongFlags(t *testing.T) {
	var out strings.Builder
	require.Error(t, run(context.Background(), []string{"-nope"}, &out))
	require.Error(t, run(context.Background(), []string{"-addr", "256.0.0.1:1"}, &out))
	require.Error(t, run(context.Background(), []string{"-addr", "127.0.0.1:0", "-orangedata", "256.0.0.1:1"}, &out))
	require.NoError(t, run(context.Background(), []string{"-h"}, &out), "who asks for help has done nothing wrong")
	ctx, stop := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer stop()
	require.ErrorContains(t, run(ctx, []string{"127.0.0.1:0"}, &out), `what is "127.0.0.1:0"?`)
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer busy.Close()
	for _, args := range [][]string{{"-addr", busy.Addr().String(), "-orangedata", "127.0.0.1:0"}, {"-addr", "127.0.0.1:0", "-orangedata", busy.Addr().String()}} {
		require.ErrorContains(t, run(ctx, args, &out), "-addr and -orangedata choose other ones")
	}
}

package main

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// clientVariable makes this binary a client.
const clientVariable = "ACQUIRING_LOAD_CLIENT"

// key is the secret of the callbacks.
const key = "key of the school's shop"

// request is what a client is told.
type request struct {
	Address     string
	First       int // the number of the first payment
	Requests    int
	Connections int
}

// answer is what it measured.
type answer struct {
	Requests int
	Took     time.Duration
	P50, P99 time.Duration
	CPU      time.Duration // of the servers, filled in by who started them
}

func (a answer) rate() int64 {
	return int64(a.Requests) * int64(time.Second) / max(int64(a.Took), 1)
}

// cpu is tenths of a microsecond for each request.
func (a answer) cpu() int64 { return int64(a.CPU) / 100 / int64(a.Requests) }

// payment is the bank's number of the n-th payment.
func payment(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }

// writer makes requests: a callback of Sberbank's new gateway as it sends them,
// and in a header the HMAC of the body, for the handler that checks that alone.
type writer struct {
	mac       hash.Hash
	body, all bytes.Buffer
}

func newWriter() *writer { return &writer{mac: hmac.New(sha256.New, []byte(key))} }

func (w *writer) request(n int) []byte {
	id, order := payment(n), "S-"+strconv.Itoa(n)
	w.mac.Reset()
	fmt.Fprintf(w.mac, "amount;154990;mdOrder;%s;operation;deposited;orderNumber;%s;status;1;", id, order)
	checksum := strings.ToUpper(hex.EncodeToString(w.mac.Sum(nil)))
	w.body.Reset()
	fmt.Fprintf(&w.body, `{"mdOrder":"%s","orderNumber":"%s","operation":"deposited","status":"1","amount":"154990","checksum":"%s"}`, id, order, checksum)
	w.mac.Reset()
	w.mac.Write(w.body.Bytes())
	w.all.Reset()
	fmt.Fprintf(&w.all, "POST /hooks HTTP/1.1\r\nHost: school.example\r\nContent-Type: application/json\r\nX-Signature: %s\r\nContent-Length: %d\r\n\r\n",
		hex.EncodeToString(w.mac.Sum(nil)), w.body.Len())
	w.all.Write(w.body.Bytes())
	return w.all.Bytes()
}

// client sends the requests over its connections, and writes what it measured
// as JSON.
func client(r request, out io.Writer) error {
	var next atomic.Int64
	var mu sync.Mutex
	var took []time.Duration
	var wg sync.WaitGroup
	errs := make(chan error, r.Connections)
	start := time.Now()
	for range r.Connections {
		wg.Go(func() {
			own, err := connection(r, &next)
			mu.Lock()
			defer mu.Unlock()
			took = append(took, own...)
			if err != nil {
				errs <- err
			}
		})
	}
	wg.Wait()
	a := answer{Requests: len(took), Took: time.Since(start)}
	close(errs)
	if err := <-errs; err != nil {
		return err
	}
	if len(took) != r.Requests {
		return fmt.Errorf("%d of %d requests were answered", len(took), r.Requests)
	}
	slices.Sort(took)
	a.P50, a.P99 = took[len(took)/2], took[len(took)*99/100]
	return json.NewEncoder(out).Encode(a)
}

func connection(r request, next *atomic.Int64) (took []time.Duration, err error) {
	conn, err := net.Dial("tcp", r.Address)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	in := bufio.NewReader(conn)
	w := newWriter()
	for {
		n := next.Add(1)
		if n > int64(r.Requests) {
			return took, nil
		}
		text := w.request(r.First + int(n))
		start := time.Now()
		if _, err := conn.Write(text); err != nil {
			return took, err
		}
		if err := read(in); err != nil {
			return took, err
		}
		took = append(took, time.Since(start))
	}
}

// read reads an answer, which must be a success.
func read(in *bufio.Reader) error {
	status, err := in.ReadSlice('\n')
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(status, []byte("HTTP/1.1 200 ")) {
		return fmt.Errorf("answered %s", bytes.TrimSpace(status))
	}
	length := -1
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return err
		}
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			break
		}
		if name, value, _ := bytes.Cut(line, []byte(":")); bytes.EqualFold(name, []byte("Content-Length")) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return err
			}
		}
	}
	if length < 0 {
		return errors.New("an answer without its length")
	}
	_, err = in.Discard(length)
	return err
}

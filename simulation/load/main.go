// Command load measures what webhook.Handler costs on loopback, with servers
// and clients that are processes of their own and connections that stay open.
//
//	go run -C simulation ./load                         # against a bare handler, in turns
//	go run -C simulation ./load -memory 1000000         # does the heap grow?
//	go run -C simulation ./load -db postgres            # through sqlinbox, one replica and three
//
// The bare handler reads the body up to the same limit, checks an HMAC-SHA256
// of its bytes, and gives the same answer. All handlers get the same requests,
// each of them another payment's news. The address of PostgreSQL is
// ACQUIRING_POSTGRES_DSN.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

func main() {
	if done, err := role(); done {
		if err != nil {
			fmt.Fprintln(os.Stderr, "load:", err)
			os.Exit(1)
		}
		return
	}
	requests := flag.Int("requests", 20000, "in each turn of each handler")
	rounds := flag.Int("rounds", 9, "turns of each handler")
	connections := flag.Int("connections", 16, "that are kept open, for each replica")
	memory := flag.Int("memory", 0, "send so many requests and look at the heap on the way")
	db := flag.String("db", "", "postgres: measure sqlinbox")
	flag.Parse()
	fmt.Printf("%s, %s/%s, %d processors, %s\n\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), time.Now().UTC().Format("2006-01-02 15:04 UTC"))
	var err error
	switch {
	case *memory > 0:
		err = heap(*memory, *connections)
	case *db == "postgres":
		err = database(os.Getenv("ACQUIRING_POSTGRES_DSN"), *requests, *rounds, *connections)
	case *db != "":
		err = fmt.Errorf("no database is called %q here; there is postgres", *db)
	default:
		err = compare(*requests, *rounds, *connections)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

// role is what this binary does when it was started as a server or a client.
func role() (done bool, err error) {
	if told := os.Getenv(roleVariable); told != "" {
		return true, serve(told)
	}
	text := os.Getenv(clientVariable)
	if text == "" {
		return false, nil
	}
	var r request
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		return true, err
	}
	return true, client(r, os.Stdout)
}

// compare lets the handlers take turns.
func compare(requests, rounds, connections int) error {
	kinds := []string{bare, trusting, ordinary}
	servers := map[string]*server{}
	bank := newBank()
	defer bank.Close()
	for _, kind := range kinds {
		s, err := start(told{Kind: kind, Bank: bank.URL}, 1)
		if err != nil {
			return err
		}
		defer s.end()
		servers[kind] = s
	}
	results := map[string][]answer{}
	next := 0
	for round := range rounds + 1 {
		for i := range kinds {
			kind := kinds[(i+round)%len(kinds)]
			n := requests
			if kind == ordinary {
				n /= 5
			}
			a, err := servers[kind].measure(request{Address: servers[kind].address, First: next, Requests: n, Connections: connections})
			if err != nil {
				return fmt.Errorf("%s: %w", kind, err)
			}
			next += n
			if round > 0 { // the first is for warming up
				results[kind] = append(results[kind], a)
			}
		}
	}
	fmt.Printf("%d rounds of %d requests, handlers in turns, %d connections kept open; median (lowest to highest)\n\n", rounds, requests, connections)
	fmt.Println("| handler | requests/s | of the bare one's | CPU of the server, µs/request | of the bare one's | p50 | p99 |")
	fmt.Println("| --- | --- | --- | --- | --- | --- | --- |")
	for _, kind := range kinds {
		var rate, share, cpu, cpuShare, p50, p99 []int64
		for i, a := range results[kind] {
			b := results[bare][i]
			rate, cpu = append(rate, a.rate()), append(cpu, a.cpu())
			share, cpuShare = append(share, 1000*a.rate()/b.rate()), append(cpuShare, 1000*a.cpu()/max(b.cpu(), 1))
			p50, p99 = append(p50, a.P50.Microseconds()), append(p99, a.P99.Microseconds())
		}
		fmt.Printf("| %s | %s | %s | %s | %s | %s µs | %s µs |\n", names[kind], spread(rate, plain), spread(share, percent), spread(cpu, tenth), spread(cpuShare, percent), spread(p50, plain), spread(p99, plain))
	}
	return nil
}

// heap sends many requests and looks at the heap in use on the way.
func heap(requests, connections int) error {
	s, err := start(told{Kind: trusting}, 1)
	if err != nil {
		return err
	}
	defer s.end()
	fmt.Printf("%s: heap in use after a collection, and the process's resident memory\n\n| requests | heap | resident |\n| --- | --- | --- |\n", names[trusting])
	const steps = 10
	for i := range steps + 1 {
		if i > 0 {
			n := requests / steps
			if _, err := s.measure(request{Address: s.address, First: (i - 1) * n, Requests: n, Connections: connections}); err != nil {
				return err
			}
		}
		h, err := s.heap()
		if err != nil {
			return err
		}
		fmt.Printf("| %d | %d KiB | %d KiB |\n", i*requests/steps, h.InUse>>10, h.Resident>>10)
	}
	return nil
}

// database measures sqlinbox with one replica and with three, in turns.
func database(dsn string, requests, rounds, connections int) error {
	if dsn == "" {
		return fmt.Errorf("ACQUIRING_POSTGRES_DSN is not set")
	}
	place, clean, err := tables(dsn)
	if err != nil {
		return err
	}
	defer clean()
	results := map[int][]answer{}
	sets := []int{1, 3}
	next := 0
	for round := range rounds + 1 {
		for _, replicas := range sets {
			s, err := start(told{Kind: stored, DSN: dsn, Prefix: place.Prefix}, replicas)
			if err != nil {
				return err
			}
			_, err = s.measure(request{Address: s.address, First: next, Requests: 200, Connections: connections * replicas})
			next += 200
			if err == nil {
				var a answer
				a, err = s.measure(request{Address: s.address, First: next, Requests: requests, Connections: connections * replicas})
				next += requests
				if round > 0 {
					results[replicas] = append(results[replicas], a)
				}
			}
			s.end()
			if err != nil {
				return err
			}
		}
	}
	if err := counted(place, next); err != nil {
		return err
	}
	fmt.Printf("PostgreSQL through sqlinbox: each event writes the mark and a line of the ledger in one transaction; %d rounds of %d events, %d connections for each replica; median (lowest to highest)\n\n", rounds, requests, connections)
	fmt.Println("| replicas | events/s | p50 | p99 |\n| --- | --- | --- | --- |")
	for _, replicas := range sets {
		var rate, p50, p99 []int64
		for _, a := range results[replicas] {
			rate, p50, p99 = append(rate, a.rate()), append(p50, a.P50.Microseconds()), append(p99, a.P99.Microseconds())
		}
		fmt.Printf("| %d | %s | %s ms | %s ms |\n", replicas, spread(rate, plain), spread(p50, thousandth), spread(p99, thousandth))
	}
	fmt.Printf("\n%d events were sent in all, and each is in the ledger once.\n", next)
	return nil
}

func plain(n int64) string      { return fmt.Sprint(n) }
func percent(n int64) string    { return fmt.Sprintf("%d.%d %%", n/10, n%10) }
func tenth(n int64) string      { return fmt.Sprintf("%d.%d", n/10, n%10) }
func thousandth(n int64) string { return fmt.Sprintf("%d.%d", n/1000, n%1000/100) }

// spread is the median with the lowest and the highest.
func spread(all []int64, write func(int64) string) string {
	if len(all) == 0 {
		return "-"
	}
	s := slices.Sorted(slices.Values(all))
	return strings.Join([]string{write(s[len(s)/2]), " (", write(s[0]), " to ", write(s[len(s)-1]), ")"}, "")
}

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const printed = `goos: linux
cpu: Some(R) Processor
BenchmarkForm/RBS_form,_check/bare-2         	   35038	       600.0 ns/op	     512 B/op	       6 allocs/op
BenchmarkForm/RBS_form,_check/ours-2         	   19831	      1500 ns/op	     704 B/op	       2 allocs/op
BenchmarkForm/RBS_form,_check/url.ParseQuery_and_fmt-2         	    2503	     1200 ns/op	    4728 B/op	      73 allocs/op
BenchmarkEmulator/cycle/bare         	    2503	     100 ns/op	    9000 cycles/s
PASS
`

func TestTable(t *testing.T) {
	var m measured
	for range 3 {
		if err := m.add([]byte(printed)); err != nil {
			t.Fatal(err)
		}
	}
	text := m.markdown()
	for _, want := range []string{
		"| RBS form, check | bare | 600 | 1.00 (1.00–1.00) |  | 6 | 512 |",
		"| RBS form, check | **ours** | 1 500 | 2.50 (2.50–2.50) | 2.00 **missed** | 2 | 704 |",
		"| cycle | bare (9 000 cycles/s) | 100 |",
		"- RBS form, check: url.ParseQuery and fmt takes 0.80 (0.80–0.80) of our time",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	if m.cpu != "Some(R) Processor" || m.rounds != 3 {
		t.Error(m.cpu, m.rounds)
	}
	if err := new(measured).add([]byte("FAIL")); err == nil {
		t.Error("nothing measured, and no error")
	}
}

func TestFootprintTable(t *testing.T) {
	all := programs()
	for i := range all {
		all[i].bytes = map[string]int64{"serverclient": 6_600_000, "serverclientlog": 6_700_000, "sberbank": 7_550_000}[all[i].dir]
	}
	all[0].builds, all[1].builds = []time.Duration{10 * time.Second, 12 * time.Second, 17 * time.Second}, []time.Duration{11 * time.Second, 12500 * time.Millisecond, 15 * time.Second}
	text := markdown(all)
	for _, want := range []string{
		"| server alone | 0 |  | 0 | 0 | 12.0 |  |",
		"| 12.5 | +0.5 (-2.0 to +1.0) |",
		"| server, HTTP client, JSON, log/slog | 6 700 000 | +100 KB | 0 | 0 |  |  |",
		"Sberbank, invoices and callbacks | 7 550 000 | +950 KB; +850 KB beside the one with log/slog | 0 | 0 |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
}

func TestMedian(t *testing.T) {
	for want, figures := range map[float64][]float64{0: nil, 2: {3, 1, 2}, 2.5: {4, 1, 2, 3}} {
		if got := median(figures); got != want {
			t.Errorf("%v: %v", figures, got)
		}
	}
}

func TestReplaceTable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page.md")
	if err := os.WriteFile(path, []byte("head\n"+begin+"old\n"+end+"tail\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := replaceTable(path, "new\n"); err != nil {
			t.Fatal(err)
		}
	}
	if got, _ := os.ReadFile(path); string(got) != "head\n"+begin+"\nnew\n\n"+end+"tail\n" {
		t.Errorf("%s", got)
	}
	if err := os.WriteFile(path, []byte("no marks"), 0o600); err != nil {
		t.Fatal(err)
	}
	if replaceTable(path, "x") == nil {
		t.Error("no marks, and no error")
	}
}

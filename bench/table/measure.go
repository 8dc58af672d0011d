package main

import (
	"bufio"
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// measured is what the rounds gave.
type measured struct {
	cpu    string
	rounds int
	works  []*work
}

// work is one thing to do, and those who did it.
type work struct {
	name string
	by   []*doer
}

// doer has its figures, one for each round.
type doer struct {
	who           string
	ns, cycles    []float64
	bytes, allocs float64
}

var lineForm = regexp.MustCompile(`^Benchmark[^/\s]+/(\S+)/([^/\s]+?)(?:-\d+)?\s+\d+\s+(.*)$`)

// add reads the output of one round.
func (m *measured) add(out []byte) error {
	m.rounds++
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		line := lines.Text()
		if cpu, ok := strings.CutPrefix(line, "cpu: "); ok {
			m.cpu = cpu
		}
		match := lineForm.FindStringSubmatch(line)
		if match == nil {
			continue
		}
		d := m.doer(plain(match[1]), plain(match[2]))
		figures := strings.Fields(match[3])
		for i := 0; i+1 < len(figures); i += 2 {
			value, err := strconv.ParseFloat(figures[i], 64)
			if err != nil {
				return fmt.Errorf("%q: %w", line, err)
			}
			switch figures[i+1] {
			case "ns/op":
				d.ns = append(d.ns, value)
			case "cycles/s":
				d.cycles = append(d.cycles, value)
			case "B/op":
				d.bytes = value
			case "allocs/op":
				d.allocs = value
			}
		}
	}
	if len(m.works) == 0 {
		return fmt.Errorf("no benchmark in what was printed:\n%s", out)
	}
	return nil
}

// plain undoes what the testing package does to a name.
func plain(name string) string {
	return strings.NewReplacer("_", " ", "∕", "/").Replace(name)
}

func (m *measured) doer(name, who string) *doer {
	at := slices.IndexFunc(m.works, func(w *work) bool { return w.name == name })
	if at < 0 {
		at = len(m.works)
		m.works = append(m.works, &work{name: name})
	}
	w := m.works[at]
	for _, d := range w.by {
		if d.who == who {
			return d
		}
	}
	d := &doer{who: who}
	w.by = append(w.by, d)
	return d
}

// over gives the ratios to the bare twin, one for each round.
func (d *doer) over(bare *doer) []float64 {
	var ratios []float64
	for i := range min(len(d.ns), len(bare.ns)) {
		ratios = append(ratios, d.ns[i]/bare.ns[i])
	}
	return ratios
}

// median of the figures; 0 for none.
func median(figures []float64) float64 {
	if len(figures) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(figures))
	half := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[half]
	}
	return (sorted[half-1] + sorted[half]) / 2
}

// budgets are the ratios that ours may have, by the name of the work.
var budgets = map[string]float64{
	"RBS form, check":           2.0,
	"Sberbank JSON to Callback": 3.5,
	"RS256 JWT, check":          1.10,
	"create, Sberbank JSON":     1.6,
	"create, Sberbank form":     1.6,
	"create, Alfa-Bank form":    1.6,
	"create, PayMaster JSON":    1.6,
	"create, Tochka JSON":       1.6,
	"handler, 32 at once":       1.11,
}

// markdown is the table of the benchmarks, and the rows where ours is behind.
func (m *measured) markdown() string {
	var b strings.Builder
	b.WriteString("\n| work | by | ns | × bare | budget | allocations | bytes |\n| --- | --- | --- | --- | --- | --- | --- |\n")
	var behind []string
	for _, w := range m.works {
		at := slices.IndexFunc(w.by, func(d *doer) bool { return d.who == "bare" })
		if at < 0 {
			continue
		}
		bare := w.by[at]
		ours := slices.IndexFunc(w.by, func(d *doer) bool { return d.who == "ours" })
		for _, d := range w.by {
			ratios := d.over(bare)
			budget := ""
			if limit, ok := budgets[w.name]; ok && d.who == "ours" {
				budget = fmt.Sprintf("%.2f", limit)
				if median(ratios) > limit {
					budget += " **missed**"
				}
			}
			name := d.who
			if name == "ours" {
				name = "**ours**"
			}
			if len(d.cycles) > 0 {
				name += fmt.Sprintf(" (%s cycles/s)", thousands(median(d.cycles)))
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %.0f | %s |\n", w.name, name, thousands(median(d.ns)), spread(ratios), budget, d.allocs, thousands(d.bytes))
			if ours >= 0 && d.who != "ours" && d.who != "bare" && median(d.over(w.by[ours])) < 1 {
				behind = append(behind, fmt.Sprintf("%s: %s takes %s of our time", w.name, d.who, spread(d.over(w.by[ours]))))
			}
		}
	}
	if len(behind) == 0 {
		b.WriteString("\nNo peer was quicker than ours on equal work.\n")
	} else {
		fmt.Fprintf(&b, "\nWhere a peer was quicker than ours:\n\n- %s\n", strings.Join(behind, "\n- "))
	}
	return b.String()
}

// spread is the median with the lowest and the highest.
func spread(ratios []float64) string {
	if len(ratios) == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f (%.2f–%.2f)", median(ratios), slices.Min(ratios), slices.Max(ratios))
}

// thousands writes a figure with its groups apart.
func thousands(value float64) string {
	digits := strconv.FormatFloat(value, 'f', 0, 64)
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + " " + digits[at:]
	}
	return digits
}

// Command table measures the library beside its peers and prints a Markdown
// table of ratios: the benchmarks of this module, several times in turn, and
// what each package adds to a small program.
//
//	go run -C bench ./table
//	go run -C bench ./table -write docs/performance.md
//
// It takes about ten minutes on two processors; -cold 0 leaves out the longest
// part.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

func main() {
	rounds := flag.Int("rounds", 9, "how often all benchmarks are run, one after the other")
	each := flag.Duration("time", 100*time.Millisecond, "how long each benchmark runs in a round")
	limit := flag.Duration("limit", 4*time.Minute, "no round begins after this time")
	pattern := flag.String("bench", ".", "which benchmarks")
	sizes := flag.Bool("footprint", true, "build the small programs")
	cold := flag.Int("cold", 3, "how often some of them are built with an empty build cache")
	write := flag.String("write", "", "the file, below the repository's root, whose table is replaced; its place is between two marks")
	flag.Parse()
	if err := run(*rounds, *each, *limit, *pattern, *sizes, *cold, *write); err != nil {
		fmt.Fprintln(os.Stderr, "table:", err)
		os.Exit(1)
	}
}

func run(rounds int, each, limit time.Duration, pattern string, sizes bool, cold int, write string) error {
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	tmp, err := os.MkdirTemp("", "acquiring-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	binary := filepath.Join(tmp, "bench.test")
	if _, err := command(root, nil, "go", "test", "-c", "-o", binary, "."); err != nil {
		return err
	}
	var m measured
	deadline := time.Now().Add(limit)
	for i := range rounds {
		if time.Now().After(deadline) {
			fmt.Fprintf(os.Stderr, "the time is over after %d rounds\n", i)
			break
		}
		fmt.Fprintf(os.Stderr, "round %d of %d\n", i+1, rounds)
		out, err := command(root, nil, binary, "-test.run", "^$", "-test.bench", pattern, "-test.benchtime", each.String(), "-test.benchmem")
		if err != nil {
			return err
		}
		if err := m.add(out); err != nil {
			return err
		}
	}
	var programs []program
	if sizes {
		if programs, err = footprint(root, tmp, cold); err != nil {
			return err
		}
	}
	text := machine(root, m.cpu, m.rounds) + m.markdown() + markdown(programs)
	if write == "" {
		fmt.Print(text)
		return nil
	}
	return replaceTable(filepath.Join(root, "..", write), text)
}

// moduleRoot is the folder of this module.
func moduleRoot() (string, error) {
	out, err := command("", nil, "go", "list", "-m", "-f", "{{.Dir}}")
	return strings.TrimSpace(string(out)), err
}

// command runs a command and gives what it printed.
func command(dir string, env []string, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(context.Background(), name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	var failed bytes.Buffer
	cmd.Stderr = &failed
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w\n%s%s", name, strings.Join(args, " "), err, out, &failed)
	}
	return out, nil
}

// machine says where and with what it was measured.
func machine(root, cpu string, rounds int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Measured on %s: %s, %d processors, %s/%s, %s", time.Now().UTC().Format("2 January 2006"), cpu, runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version())
	if commit, err := command(root, nil, "git", "rev-parse", "--short", "HEAD"); err == nil {
		fmt.Fprintf(&b, ", commit %s", bytes.TrimSpace(commit))
	}
	if peers, err := command(root, nil, "go", "list", "-m", "-f", "{{if not .Main}}{{if not .Indirect}}{{if not .Replace}}{{.Path}} {{.Version}}{{end}}{{end}}{{end}}", "all"); err == nil {
		fmt.Fprintf(&b, "; peers: %s", strings.Join(strings.FieldsFunc(string(peers), func(r rune) bool { return r == '\n' }), ", "))
	}
	fmt.Fprintf(&b, ". Medians of %d rounds, in each of which every benchmark ran once; a ratio is taken within a round, and the brackets hold the lowest and the highest.\n", rounds)
	return b.String()
}

// The marks between which the table of a file stands.
const (
	begin = "<!-- table: go run -C bench ./table -write docs/performance.md -->\n"
	end   = "<!-- end of the table -->\n"
)

// replaceTable puts the table between the marks of the file.
func replaceTable(path, table string) error {
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	head, rest, ok := strings.Cut(string(old), begin)
	_, tail, closed := strings.Cut(rest, end)
	if !ok || !closed {
		return fmt.Errorf("%s has no marks for the table", path)
	}
	return os.WriteFile(path, []byte(head+begin+"\n"+table+"\n"+end+tail), 0o644)
}

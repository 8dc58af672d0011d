package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// program is a small program and what it came to.
type program struct {
	dir, title string
	beside     string // the program without the package
	also       string // another such program, before this one in the table
	module     string // "": the standard library alone
	cold       bool   // built with an empty cache too

	bytes          int64
	modules, links int
	builds         []time.Duration // with an empty cache, one a round
}

const ourModule = "github.com/acquiring-go/acquiring"

// programs in the order of the table.
func programs() []program {
	return []program{
		{dir: "server", title: "server alone", cold: true},
		{dir: "webhook", title: "**ours**: webhook alone", beside: "server", module: ourModule, cold: true},
		{dir: "standardwebhooks", title: "standard-webhooks, checks only", beside: "server", module: "github.com/standard-webhooks/standard-webhooks/libraries", cold: true},
		{dir: "svix", title: "svix, checks only", beside: "server", module: "github.com/svix/svix-webhooks"},
		{dir: "stripewebhook", title: "stripe-go, its webhook package", beside: "server", module: "github.com/stripe/stripe-go/v85", cold: true},
		{dir: "github", title: "go-github, its signature check", beside: "server", module: "github.com/google/go-github/v88"},
		{dir: "serverclient", title: "server, HTTP client, JSON", cold: true},
		{dir: "serverclientlog", title: "server, HTTP client, JSON, log/slog", beside: "serverclient"},
		{dir: "sberbank", title: "**ours**: Sberbank, invoices and callbacks", beside: "serverclient", also: "serverclientlog", module: ourModule, cold: true},
		{dir: "stripeclient", title: "stripe-go, a page and its events", beside: "serverclient", also: "serverclientlog", module: "github.com/stripe/stripe-go/v85", cold: true},
		{dir: "fourbanks", title: "**ours**: four providers", beside: "serverclient", module: ourModule},
	}
}

// footprint builds each program in a module of its own, as its user would.
// Those that are built with an empty cache are built so in turns, cold times:
// one such build says little.
func footprint(root, tmp string, cold int) ([]program, error) {
	all := programs()
	for i := range all {
		p := &all[i]
		fmt.Fprintln(os.Stderr, "building", p.dir)
		dir, err := ownModule(root, tmp, p)
		if err != nil {
			return nil, err
		}
		out := filepath.Join(dir, "program")
		build := []string{"build", "-trimpath", "-ldflags=-s -w", "-o", out, "."}
		if _, err := command(dir, nil, "go", build...); err != nil {
			return nil, err
		}
		info, err := os.Stat(out)
		if err != nil {
			return nil, err
		}
		p.bytes = info.Size()
		graph, err := command(dir, nil, "go", "list", "-m", "all")
		if err != nil {
			return nil, err
		}
		linked, err := command(dir, nil, "go", "version", "-m", out)
		if err != nil {
			return nil, err
		}
		p.modules, p.links = strings.Count(string(graph), "\n")-1, strings.Count(string(linked), "\n\tdep\t")
	}
	for round := range cold {
		for i := range all {
			if !all[i].cold {
				continue
			}
			fmt.Fprintf(os.Stderr, "building %s with an empty cache, round %d of %d\n", all[i].dir, round+1, cold)
			took, err := coldBuild(tmp, filepath.Join(tmp, all[i].dir))
			if err != nil {
				return nil, err
			}
			all[i].builds = append(all[i].builds, took)
		}
	}
	return all, nil
}

func coldBuild(tmp, dir string) (time.Duration, error) {
	cache, err := os.MkdirTemp(tmp, "cache")
	if err != nil {
		return 0, err
	}
	start := time.Now()
	_, err = command(dir, []string{"GOCACHE=" + cache}, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", filepath.Join(dir, "program"), ".")
	took := time.Since(start)
	return took, errors.Join(err, os.RemoveAll(cache))
}

// ownModule copies the program into a module that needs nothing but its package.
func ownModule(root, tmp string, p *program) (string, error) {
	dir := filepath.Join(tmp, p.dir)
	source, err := os.ReadFile(filepath.Join(root, "footprint", p.dir, "main.go"))
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(dir, "main.go"), source, 0o644); err != nil {
		return "", err
	}
	if _, err := command(dir, nil, "go", "mod", "init", "example.com/"+p.dir); err != nil {
		return "", err
	}
	switch p.module {
	case "":
		return dir, nil
	case ourModule:
		_, err = command(dir, nil, "go", "mod", "edit", "-require="+ourModule+"@v0.0.0", "-replace="+ourModule+"="+filepath.Dir(root))
	default:
		var version []byte
		if version, err = command(root, nil, "go", "list", "-m", "-f", "{{.Version}}", p.module); err == nil {
			_, err = command(dir, nil, "go", "mod", "edit", "-require="+p.module+"@"+strings.TrimSpace(string(version)))
		}
	}
	if err == nil {
		_, err = command(dir, nil, "go", "mod", "tidy")
	}
	return dir, err
}

// markdown is the table of the programs; "" for none.
func markdown(all []program) string {
	if len(all) == 0 {
		return ""
	}
	size, builds := map[string]int64{}, map[string][]time.Duration{}
	var b strings.Builder
	b.WriteString("\nA small program with each package, built in a module of its own with `-trimpath -ldflags='-s -w'`; \"more\" is beside the same program without the package, a cold build has an empty build cache (medians of several in turns, and the differences within a turn):\n\n" +
		"| program | bytes | more | modules in the graph | linked | cold build, s | more |\n| --- | --- | --- | --- | --- | --- | --- |\n")
	for _, p := range all {
		size[p.dir], builds[p.dir] = p.bytes, p.builds
		more, cold, longer := "", "", ""
		if p.beside != "" {
			more = fmt.Sprintf("%+d KB", (p.bytes-size[p.beside])/1000)
		}
		if p.also != "" {
			more += fmt.Sprintf("; %+d KB beside the one with log/slog", (p.bytes-size[p.also])/1000)
		}
		if len(p.builds) > 0 {
			cold = fmt.Sprintf("%.1f", median(seconds(p.builds)))
		}
		if before := builds[p.beside]; len(before) > 0 && len(before) == len(p.builds) {
			more := seconds(p.builds)
			for i := range more {
				more[i] -= before[i].Seconds()
			}
			longer = fmt.Sprintf("%+.1f (%+.1f to %+.1f)", median(more), slices.Min(more), slices.Max(more))
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %d | %d | %s | %s |\n", p.title, thousands(float64(p.bytes)), more, p.modules, p.links, cold, longer)
	}
	return b.String()
}

func seconds(all []time.Duration) []float64 {
	s := make([]float64, len(all))
	for i, d := range all {
		s[i] = d.Seconds()
	}
	return s
}

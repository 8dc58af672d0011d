// Doctor says in plain words what works and what does not between this
// machine and a provider: the address, the certificate chain, the credentials
// and the contour they belong to, the callback settings. It moves no money.
//
//	go run ./examples/doctor sberbank
//
// Credentials come from the environment; without an argument it lists them.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/acquiring-go/acquiring/examples/internal/environ"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	os.Exit(run(ctx, os.Args[1:], os.Getenv, os.Stdout))
}

// run is the program; its result is the exit code: 0 all is well, 1 something
// is not, 2 it was called wrongly.
func run(ctx context.Context, args []string, get environ.Getenv, out io.Writer) int {
	if len(args) != 1 || patients[args[0]] == nil {
		fmt.Fprintln(out, "usage: doctor PROVIDER, with the provider's variables in the environment")
		for _, name := range names() {
			fmt.Fprintf(out, "\n%s\n%s", name, environ.Usage(patients[name].variables))
		}
		return 2
	}
	p := patients[args[0]]
	r := &report{out: out}
	r.title(args[0])
	if missing := environ.Missing(p.variables, get); len(missing) > 0 {
		for _, v := range missing {
			r.bad(v.Name+" is not set", v.Doc)
		}
		return r.code()
	}
	for _, v := range p.variables {
		if get(v.Name) != "" && v.Secret {
			r.good(v.Name + " is set")
		} else if get(v.Name) != "" {
			r.good(v.Name + " is " + get(v.Name))
		}
	}
	e, err := p.examine(get)
	if err != nil {
		r.bad("the configuration is not usable: "+err.Error(), "")
		return r.code()
	}
	if r.reach(ctx, e.address) {
		r.credentials(ctx, e)
	}
	r.callbacks(ctx, e)
	return r.code()
}

func names() []string {
	var all []string
	for name := range patients {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

// report prints the findings and counts the bad ones.
type report struct {
	out  io.Writer
	sick int
}

func (r *report) title(name string) { fmt.Fprintf(r.out, "Examining %s\n", name) }
func (r *report) good(text string)  { fmt.Fprintf(r.out, "  ok    %s\n", text) }

func (r *report) note(text, advice string) {
	fmt.Fprintf(r.out, "  note  %s\n", text)
	r.advice(advice)
}

func (r *report) bad(text, advice string) {
	r.sick++
	fmt.Fprintf(r.out, "  BAD   %s\n", text)
	r.advice(advice)
}

func (r *report) advice(text string) {
	if text != "" {
		fmt.Fprintf(r.out, "        %s\n", text)
	}
}

func (r *report) code() int {
	if r.sick > 0 {
		fmt.Fprintf(r.out, "%d thing(s) to mend.\n", r.sick)
		return 1
	}
	fmt.Fprintln(r.out, "All is well.")
	return 0
}

// Package environ reads the configurations of the examples from environment
// variables. Each provider lists its variables, so that a program can say what
// is missing.
package environ

import (
	"errors"
	"fmt"
	"strings"

	"github.com/acquiring-go/acquiring"
)

// Variable is an environment variable that a provider's configuration is read
// from.
type Variable struct {
	Name   string
	Doc    string
	Secret bool
	Needed bool
}

// Getenv reads a variable; os.Getenv is one.
type Getenv func(string) string

// Missing are the needed variables that are empty.
func Missing(vars []Variable, get Getenv) []Variable {
	var out []Variable
	for _, v := range vars {
		if v.Needed && get(v.Name) == "" {
			out = append(out, v)
		}
	}
	return out
}

// Complete names the needed variables that are empty, where some are.
func Complete(vars []Variable, get Getenv) error {
	var lines []string
	for _, v := range Missing(vars, get) {
		lines = append(lines, v.Name+" is not set: "+v.Doc)
	}
	if len(lines) == 0 {
		return nil
	}
	return errors.New(strings.Join(lines, "\n"))
}

// NoArguments is for a program that is told everything by the environment: an
// argument would be passed over in silence.
func NoArguments(args []string) error {
	if len(args) == 0 {
		return nil
	}
	return fmt.Errorf("it takes no arguments, and was given %q: variables of the environment tell it all, and go run ./examples/doctor lists them", args)
}

// None says whether not one of the variables is set: the program was started
// to see what it does, not to reach a provider.
func None(vars []Variable, get Getenv) bool {
	for _, v := range vars {
		if get(v.Name) != "" {
			return false
		}
	}
	return true
}

// Environment reads "test" or "production"; "" is test, as a program that is
// only tried out should be.
func Environment(value string) (acquiring.Environment, error) {
	switch strings.ToLower(value) {
	case "", "test":
		return acquiring.Test, nil
	case "production", "prod":
		return acquiring.Production, nil
	}
	return 0, fmt.Errorf("%q is neither test nor production", value)
}

// Usage is one line for each variable.
func Usage(vars []Variable) string {
	var b strings.Builder
	for _, v := range vars {
		need := ""
		if v.Needed {
			need = " (needed)"
		}
		fmt.Fprintf(&b, "  %-28s %s%s\n", v.Name, v.Doc, need)
	}
	return b.String()
}

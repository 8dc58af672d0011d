package fiscal

import (
	"strconv"
	"strings"
)

// Fault is one thing that is wrong with a receipt.
type Fault struct {
	// Path is the field at fault as its JSON name leads to it: "contact",
	// "items[2].vat", "correction.number". Lines count from 0.
	Path    string `json:"path"`
	Message string `json:"message"` // what is wrong and what to do, in English
	Russian string `json:"russian"` // the same for the person at the counter
}

// Error is the path and the message.
func (f Fault) Error() string { return f.Path + ": " + f.Message }

// Faults are all the things that are wrong with a receipt, in the order of its
// fields. It is the type of every error of this package about a receipt, so
// errors.As finds it also inside an acquirer's or a register's error; each
// Fault in it is found by errors.As too.
type Faults []Fault

// Error lists all faults, one after another.
func (f Faults) Error() string {
	all := make([]string, len(f))
	for i := range f {
		all[i] = f[i].Error()
	}
	return strings.Join(all, "; ")
}

// Russian lists all faults in Russian, a line each, for the person at the
// counter.
func (f Faults) Russian() string {
	all := make([]string, len(f))
	for i := range f {
		all[i] = f[i].Path + ": " + f[i].Russian
	}
	return strings.Join(all, "\n")
}

// Unwrap gives the faults to errors.As.
func (f Faults) Unwrap() []error {
	errs := make([]error, len(f))
	for i := range f {
		errs[i] = f[i]
	}
	return errs
}

// Paths are the paths of the faults.
func (f Faults) Paths() []string {
	paths := make([]string, len(f))
	for i := range f {
		paths[i] = f[i].Path
	}
	return paths
}

// place is where in the receipt a check looks; its path is written only when
// there is a fault to tell.
type place struct {
	line   int // -1: the receipt itself
	prefix string
}

// atReceipt is the receipt itself.
func atReceipt() place { return place{line: -1} }

func linePath(i int) string { return "items[" + strconv.Itoa(i) + "]" }

func (p place) path(field string) string {
	if p.prefix != "" {
		field = strings.TrimSuffix(p.prefix+"."+field, ".")
	}
	if p.line >= 0 {
		field = strings.TrimSuffix(linePath(p.line)+"."+field, ".")
	}
	return field
}

// in is the place one level deeper.
func (p place) in(field string) place {
	if p.prefix != "" {
		field = p.prefix + "." + field
	}
	return place{p.line, field}
}

// list is the i-th element of a list in the place.
func (p place) list(field string, i int) place {
	return p.in(field + "[" + strconv.Itoa(i) + "]")
}

// fault is a single fault as an error, for the functions that stop at the
// first.
func fault(path, message, russian string) Faults { return Faults{{path, message, russian}} }

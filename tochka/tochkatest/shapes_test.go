package tochkatest

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
)

// sameShape compares members and types of an answer with a sample of it.
// Members that stand in optional may be in one of them only.
func sameShape(t *testing.T, path string, want, got any, optional []string) {
	t.Helper()
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !assert.True(t, ok, "%s is %T, the sample has an object", path, got) {
			return
		}
		for name := range w {
			if _, ok := g[name]; !ok && !slices.Contains(optional, path+"."+name) {
				t.Errorf("%s.%s is missing", path, name)
			}
		}
		for name, v := range g {
			sample, ok := w[name]
			if !ok {
				if !slices.Contains(optional, path+"."+name) {
					t.Errorf("%s.%s is not in the sample", path, name)
				}
				continue
			}
			sameShape(t, path+"."+name, sample, v, optional)
		}
	case []any:
		g, ok := got.([]any)
		if !assert.True(t, ok, "%s is %T, the sample has an array", path, got) || len(w) == 0 {
			return
		}
		for _, v := range g {
			sameShape(t, path+"[]", w[0], v, optional)
		}
	case nil:
	default:
		if got != nil && fmt.Sprintf("%T", want) != fmt.Sprintf("%T", got) && !slices.Contains(optional, path) {
			t.Errorf("%s is %T (%v), the sample has %T (%v)", path, got, got, want, want)
		}
	}
}

// noStrangers says that an answer has no member that the sample has not, and
// that its types are the sample's. The document's sums are texts, the bank's
// are numbers.
func noStrangers(t *testing.T, path string, sample, got any) {
	t.Helper()
	switch s := sample.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !assert.True(t, ok, "%s is %T, the document has an object", path, got) {
			return
		}
		for name, v := range g {
			one, ok := s[name]
			if name == "CofToken" {
				continue // of a newer document
			}
			if !assert.True(t, ok, "%s.%s is not in the document", path, name) {
				continue
			}
			noStrangers(t, path+"."+name, one, v)
		}
	case []any:
		g, ok := got.([]any)
		if !assert.True(t, ok, "%s is %T, the document has an array", path, got) {
			return
		}
		for _, v := range g {
			if len(s) > 0 {
				noStrangers(t, path+"[]", s[0], v)
			}
		}
	case string:
		switch got.(type) {
		case string:
		case json.Number:
			assert.Contains(t, []string{"amount"}, path[len(path)-6:], "%s is a number", path)
		default:
			t.Errorf("%s is %T", path, got)
		}
	case json.Number:
		switch v := got.(type) {
		case json.Number:
		case string:
			assert.Equal(t, "orderId", path[len(path)-7:], "%s is the text %q", path, v)
		default:
			t.Errorf("%s is %T", path, got)
		}
	case bool:
		assert.IsType(t, true, got, path)
	}
}

// rule is one row of the published list of what the document demands.
type rule struct {
	Endpoint, Field, Type string
	Required              bool
	MaxLength, MinLength  int
	MinItems              int
	Minimum, Maximum      json.Number
	ExclusiveMinimum      json.Number
	ExclusiveMaximum      json.Number
	Enum                  []string
	Format, Pattern       string
	Const                 string
}

func find(fields []field, path []string) *field {
	name := path[0]
	item := len(name) > 2 && name[len(name)-2:] == "[]"
	if item {
		name = name[:len(name)-2]
	}
	if i := len(name); i > 3 && name[i-1] == '>' {
		name = name[:i-3] // Content<0>
	}
	for i := range fields {
		f := &fields[i]
		if f.name != name {
			continue
		}
		if item {
			f = f.item
		}
		if len(path) == 1 {
			return f
		}
		return find(f.fields, path[1:])
	}
	return nil
}

// TestPublishedErrors gives rise to the errors that were seen at the bank: they
// are the same but for the id.
func TestPublishedErrors(t *testing.T) {
	b := start(t)
	sub := b.subscribe(`"recurring":true`)
	b.link(`"paymentLinkId":"A-15"`)
	for file, ask := range map[string][3]string{
		"400_operation_id_too_long":     {"GET", "acquiring/v1.0/payments/0b8d6a44-93c1-4f0e-9a52-6f7d1e2c3b4a0", ""},
		"403_forbidden_by_consent":      {"GET", "acquiring/v1.0/retailers?customerCode=300777000", ""},
		"404_no_webhook":                {"GET", "webhook/v1.0/" + DefaultClientID, ""},
		"404_statement_slash":           {"GET", "open-banking/v1.0/accounts/40702810900000001234/044525104/statements/1", ""},
		"424_order_not_found":           {"GET", "acquiring/v1.0/payments/nothing", ""},
		"424_subscription_not_found":    {"GET", "acquiring/v1.0/subscriptions/" + sub + "/status", ""},
		"424_duplicate_payment_link_id": {"POST", "acquiring/v1.0/payments", linkBody(`"paymentLinkId":"A-15"`)},
	} {
		want := decode(t, samples(t, "samples/error_"+file+".json"))
		_, got := b.call(ask[0], ask[1], ask[2])
		delete(want, "id")
		delete(got, "id")
		assert.Equal(t, want, got, file)
	}
}

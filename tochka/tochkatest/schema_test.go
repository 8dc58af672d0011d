package tochkatest

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestSchemasAreTheDocuments compares each field of each request with the
// published list of the OpenAPI document's constraints.
func TestSchemasAreTheDocuments(t *testing.T) {
	var rules []rule
	require.NoError(t, json.Unmarshal(samples(t, "samples/openapi_1_91_2_request_constraints.json"), &rules))
	require.NotEmpty(t, rules)
	schemas := map[string][]field{}
	for _, r := range table() {
		schemas[r.method+" "+strings.ReplaceAll(r.pattern, "{clientId}", "{client_id}")] = r.body
	}
	types := map[kind]string{kText: "string", kNumber: "number", kInteger: "integer", kFlag: "boolean", kObject: "object", kList: "array"}
	for _, r := range rules {
		name := r.Endpoint + " " + r.Field
		method, path, _ := strings.Cut(r.Endpoint, " /")
		schema, ok := schemas[method+" "+path]
		require.True(t, ok, r.Endpoint)
		f := find(schema, strings.Split(r.Field, "."))
		if !assert.NotNil(t, f, name) {
			continue
		}
		// Content is required, which of its kinds is checked by hand; a charge
		// is of more than nothing.
		if !strings.Contains(r.Field, "Content<") {
			assert.Equal(t, r.Required, f.required, "%s: required", name)
		}
		assert.Equal(t, r.Type, types[f.kind], "%s: type", name)
		assert.Equal(t, r.MaxLength, f.most, "%s: maxLength", name)
		least := f.least
		if f.kind == kList {
			least = 0
			assert.Equal(t, r.MinItems, f.least, "%s: minItems", name)
		}
		assert.Equal(t, r.MinLength, least, "%s: minLength", name)
		if r.Const != "" {
			r.Enum = []string{r.Const}
		}
		assert.ElementsMatch(t, r.Enum, f.enum, "%s: enum", name)
		assert.Equal(t, r.Format, f.format, "%s: format", name)
		pattern := ""
		if f.pattern != nil {
			pattern = f.pattern.String()
		}
		assert.Equal(t, r.Pattern, pattern, "%s: pattern", name)
		if r.ExclusiveMinimum != "" {
			assert.True(t, f.positive, "%s: above 0", name)
		}
		if r.Minimum == "0" {
			assert.True(t, f.atLeast0, "%s: from 0", name)
		} else if r.Minimum != "" {
			assert.Equal(t, r.Minimum, json.Number(itoa(int(f.min))), "%s: minimum", name)
		}
		if r.Maximum != "" {
			assert.Equal(t, r.Maximum, json.Number(itoa(int(f.max))), "%s: maximum", name)
		}
		if r.ExclusiveMaximum != "" {
			assert.Equal(t, r.ExclusiveMaximum, json.Number(itoa(int(f.below))), "%s: exclusiveMaximum", name)
		}
	}
}

// TestPublishedEnums are those that the document lists and the emulator writes.
func TestPublishedEnums(t *testing.T) {
	var enums map[string][]string
	require.NoError(t, json.Unmarshal(samples(t, "samples/openapi_1_91_2_enums.json"), &enums))
	for name, ours := range map[string][]string{
		"AcquiringPaymentMode": modes, "AcquiringPaymentStatus": statuses, "VatType": vatTypes, "Measure": measures, "UnitCodeEnum": unitCodes, "NdsKindEnum": ndsKinds,
		"WebhookTypeEnum": hookTypes, "ExternalConsentTypeEnum": permissions,
	} {
		assert.ElementsMatch(t, enums[name], ours, name)
	}
}

func TestNumbersInRequests(t *testing.T) {
	for text, good := range map[string]bool{`1`: true, `"1.5"`: true, `"1e2"`: true, `""`: false, `"0x10"`: false, `"1_0"`: false, `" 1"`: false, `true`: false, `[]`: false,
		`1e400`: true, `"1/3"`: false} {
		var v any
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		require.NoError(t, d.Decode(&v))
		_, ok := rational(v)
		assert.Equal(t, good, ok, text)
	}
	assert.JSONEq(t, "0.0", string(decimal("x")))
	assert.Nil(t, number(true))
	assert.JSONEq(t, "3.5", string(number("3.5").(json.RawMessage)))
	long := &faults{}
	for range 40 {
		long.add("something", "Field required")
	}
	assert.Len(t, []rune(long.text()), 603, "cut as the bank cuts it")
}

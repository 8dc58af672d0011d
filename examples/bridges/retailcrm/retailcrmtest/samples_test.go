package retailcrmtest_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/examples/bridges/retailcrm/retailcrmtest"
	"github.com/acquiring-go/acquiring/money"
)

// sample reads a published sample, or skips.
func sample(t *testing.T, name string, into any) {
	t.Helper()
	b, err := os.ReadFile("../../../../../shared/samples/alfabank/retailcrm/" + name)
	if os.IsNotExist(err) {
		t.Skip("the published samples are not here: ../shared/samples/alfabank/retailcrm beside the repository")
	}
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, into))
}

// TestPublishedTokens: the tokens of the official clients' tests.
func TestPublishedTokens(t *testing.T) {
	var in struct {
		Vectors []struct {
			APIKey, Secret, Token string
			Valid                 bool
		}
	}
	sample(t, "simple_connect_tokens.json", &in)
	require.NotEmpty(t, in.Vectors)
	for _, v := range in.Vectors {
		assert.Equal(t, v.Valid, retailcrmtest.Token(v.APIKey, v.Secret) == v.Token, v.Token)
	}
}

// TestPublishedUpdates: what the official module's validator takes, the
// emulator takes, and nothing else.
func TestPublishedUpdates(t *testing.T) {
	var in struct{ Cases []map[string]any }
	sample(t, "update_invoice_validation.json", &in)
	require.NotEmpty(t, in.Cases)
	crm, m := start(t, retailcrmtest.WithStatuses("UNKNOW_STATUS"))
	for _, c := range in.Cases {
		_, i := invoiced(t, crm)
		valid := c["valid"].(bool)
		body := map[string]any{}
		for name, v := range c {
			if name == "valid" || name == "note" || strings.Contains(name, " ") {
				continue
			}
			if v == "<uuid>" {
				v = i.UUID
			}
			body[name] = v
		}
		b, err := json.Marshal(body)
		require.NoError(t, err)
		status, answer := m.call("payment/update-invoice", "updateInvoice", string(b))
		assert.Equal(t, valid, status == 200, string(b)+answer)
	}
}

// TestPublishedCalls: the calls of the official client's tests are taken, with
// this account's own ids in them, and answered as there.
func TestPublishedCalls(t *testing.T) {
	var in []struct {
		Call, Field  string
		JSON         map[string]any
		Response     json.RawMessage
		ResponseText string `json:"response_text"`
	}
	sample(t, "module_to_crm.json", &in)
	require.NotEmpty(t, in)
	for _, c := range in {
		method, path, _ := strings.Cut(c.Call, " ")
		if method == "GET" {
			_, m := start(t)
			status, answer := m.call(path, "", "")
			assert.Equal(t, 404, status)
			assert.JSONEq(t, string(c.Response), answer)
			continue
		}
		crm, m := start(t)
		p, i := invoiced(t, crm)
		if amount, ok := c.JSON["amount"]; ok {
			raw, err := json.Marshal(amount)
			require.NoError(t, err)
			exact, err := money.Parse(string(raw))
			require.NoError(t, err)
			require.NoError(t, crm.ChangeAmount(p.ID, exact))
		}
		for name := range c.JSON {
			switch {
			case name == "invoiceUuid":
				c.JSON[name] = i.UUID
			case name == "paymentId" && c.Field == "updateInvoice":
				c.JSON[name] = own
			case name == "paymentId":
				c.JSON[name] = p.ID
			}
		}
		b, err := json.Marshal(c.JSON)
		require.NoError(t, err)
		status, answer := m.call(path, c.Field, string(b))
		require.Equal(t, 200, status, c.Call+string(b)+answer)
		var want, got map[string]any
		text := string(c.Response)
		if c.ResponseText != "" {
			text = c.ResponseText
		}
		require.NoError(t, json.Unmarshal([]byte(text), &want))
		require.NoError(t, json.Unmarshal([]byte(answer), &got))
		for name := range want {
			assert.Contains(t, got, name, c.Call)
		}
		assert.Equal(t, true, got["success"])
	}
}

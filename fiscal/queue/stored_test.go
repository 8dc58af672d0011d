package queue

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/fiscal"
)

// FuzzStored: a row may have been written by an earlier version, or by hand.
// What stands in it is read or is an error that names the receipt; what was
// read is written and read again as the same.
func FuzzStored(f *testing.F) {
	receipt, err := json.Marshal(sale("R-1"))
	require.NoError(f, err)
	for _, d := range []*fiscal.Document{nil, printedAs(nil), refusedDocument(true), {ID: "1", Raw: json.RawMessage(`{"id":1}`)}, {ID: "1", Raw: json.RawMessage(`<html>`)}} {
		document, err := encodeDocument(d)
		require.NoError(f, err)
		f.Add(string(receipt), document)
	}
	f.Add(`{"Lines":[{"Price":"1.005"}]}`, `null`)
	f.Add(`null`, `{"Raw":null,"Status":255}`)
	f.Add(`{"Lines":[{"Quantity":-1,"Price":-1}]}`, `{"Fiscal":{"Time":"2026-11-21T14:05:33.123456789+14:00","Total":"x"}}`)
	f.Add(`{`, `[]`)
	f.Fuzz(func(t *testing.T, receipt, document string) {
		it, err := read(func(dst ...any) error {
			for i, v := range []any{"komtet", "R-1", "queued", int64(1), receipt, "9001", document, 1, 0, "", int64(0), "", int64(1), int64(2), int64(3)} {
				reflect.ValueOf(dst[i]).Elem().Set(reflect.ValueOf(v).Convert(reflect.TypeOf(dst[i]).Elem()))
			}
			return nil
		})
		if err != nil {
			if !strings.Contains(err.Error(), "R-1") || it != nil {
				t.Fatalf("%v, %v", it, err)
			}
			return
		}
		if !json.Valid([]byte(receipt)) || document != "" && !json.Valid([]byte(document)) {
			t.Fatal("read, though it is not JSON")
		}
		if !it.NextAt.Equal(time.UnixMilli(1)) || it.Register != "komtet" || it.documentID != "9001" {
			t.Fatalf("the columns are mixed up: %+v", it)
		}
		text, err := encodeDocument(it.Document)
		if err != nil {
			return // a moment after the year 9999
		}
		again, err := decodeDocument(text)
		if err != nil {
			t.Fatalf("%q became %q: %v", document, text, err)
		}
		if more, err := encodeDocument(again); err != nil || more != text {
			t.Fatalf("%q became %q, and that %q, %v", document, text, more, err)
		}
		if again != nil && again.Raw != nil && !json.Valid(again.Raw) {
			t.Fatalf("the service's answer is %q", again.Raw)
		}
		if kept, err := json.Marshal(it.Receipt); err == nil {
			var back fiscal.Receipt
			require.NoError(t, json.Unmarshal(kept, &back))
			require.Equal(t, it.Receipt.Total(), back.Total())
			once, err := json.Marshal(back)
			require.NoError(t, err)
			require.Equal(t, string(kept), string(once))
		}
	})
}

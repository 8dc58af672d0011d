package tochka

import (
	"bytes"
	"encoding/json"
	"reflect"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/internal/rest"
)

// reply is what an answer says around its Data.
type reply struct {
	Data  any // where Data was read into
	Links Links
	Meta  Meta

	raw json.RawMessage // Data as it came
}

// decode reads an answer's envelope, and its Data into out. An ordinary answer
// is read in one go; any other is read envelope first, which tells what is
// wrong with it.
func decode(client *rest.Client, r request, resp *rest.Response, out any) (*reply, error) {
	if a := readWhole(resp.Body, out); a != nil {
		return a, nil
	}
	return readParts(client, rest.Call{Op: r.op}, resp, out)
}

// readParts reads the envelope, and then its Data.
func readParts(client *rest.Client, call rest.Call, resp *rest.Response, out any) (*reply, error) {
	var e envelope
	if err := client.DecodeJSON(call, resp, &e); err != nil {
		return nil, err
	}
	a := &reply{Data: out, Links: e.Links, Meta: e.Meta, raw: e.Data}
	if out == nil {
		return a, nil
	}
	if len(e.Data) == 0 || string(e.Data) == "null" {
		return nil, client.Error(call, resp, acquiring.ErrProtocol, acquiring.OutcomeUnknown, "", "the answer has no Data")
	}
	if err := json.Unmarshal(e.Data, out); err != nil {
		return nil, client.Error(call, resp, acquiring.ErrProtocol, acquiring.OutcomeUnknown, "", "the answer is not what the bank answers: "+err.Error())
	}
	return a, nil
}

// readWhole reads an answer that has one Data, which fits out; nil: it is
// another, and out is as empty as it was.
func readWhole(body []byte, out any) *reply {
	if out == nil {
		return nil
	}
	a := &reply{Data: out}
	o, one := out.(*Operation)
	if one {
		a.Data = (*plainOperation)(o) // Raw is known here without a second reading
	}
	if json.Unmarshal(body, a) == nil && a.Data != nil {
		if a.raw = onlyData(body); a.raw != nil {
			if one {
				o.Raw = a.raw
			}
			return a
		}
	}
	reflect.ValueOf(out).Elem().SetZero()
	return nil
}

var nameOfData = []byte("Data")

// onlyData is the Data of an answer; nil: there is none, or more than one.
func onlyData(body []byte) json.RawMessage {
	var found json.RawMessage
	count := 0
	err := rest.Members(body, func(name, value []byte) bool {
		if bytes.EqualFold(name, nameOfData) {
			found = value[:len(value):len(value)]
			count++
		}
		return true
	})
	if err != nil || count != 1 {
		return nil
	}
	return found
}

package rest

import (
	"encoding/json"
	"reflect"
	"sync"
)

// looseTypes remembers of each type whether an any lies in it.
var looseTypes sync.Map // of reflect.Type: bool

var unmarshaler = reflect.TypeFor[json.Unmarshaler]()

// holdsAny says whether decoding JSON into v can meet an any, where a number
// must become a json.Number. Only json.Decoder does that; for all other types
// json.Unmarshal gives the same with less work.
func holdsAny(v any) bool {
	t := reflect.TypeOf(v)
	if t == nil {
		return true
	}
	if known, ok := looseTypes.Load(t); ok {
		return known.(bool)
	}
	loose := loose(t, map[reflect.Type]bool{})
	looseTypes.Store(t, loose)
	return loose
}

func loose(t reflect.Type, seen map[reflect.Type]bool) bool {
	// A type that decodes itself is out of the decoder's reach.
	if seen[t] || t.Implements(unmarshaler) || reflect.PointerTo(t).Implements(unmarshaler) {
		return false
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Interface:
		return true
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		return loose(t.Elem(), seen)
	case reflect.Struct:
		for i := range t.NumField() {
			if loose(t.Field(i).Type, seen) {
				return true
			}
		}
	}
	return false
}

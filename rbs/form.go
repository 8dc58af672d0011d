package rbs

import (
	"maps"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"sync"

	"github.com/google/go-querystring/query"

	"github.com/acquiring-go/acquiring"
)

// Form encodes a request, a struct with url tags, as the form gateways read
// it. Empty parameters are left out: they sign nothing and some methods refuse
// them. A sum is in kopecks; a nested value must be a query.Encoder, as
// [JSONText] is; a list of texts is a parameter for each. Extra parameters are
// added as they are; one that the request has already is refused with
// ErrInvalid. A request that is url.Values already is copied as it is, with
// its empty parameters.
func Form(request any, extra map[string]string) (url.Values, error) {
	return new(forms).encode(request, extra)
}

// Form is the function of that name; the Gateway remembers how each type of
// request is written.
func (g *Gateway) Form(request any, extra map[string]string) (url.Values, error) {
	return g.forms.encode(request, extra)
}

// forms remembers the fields of the types of requests: go-querystring, whose
// tags these are, reads a type's tags anew for every request.
type forms struct{ plans sync.Map } // of reflect.Type: []formField

type formField struct {
	name      string
	index     []int
	omitEmpty bool
	encoder   bool
}

var encoderType = reflect.TypeFor[query.Encoder]()

func (f *forms) plan(t reflect.Type) []formField {
	if known, ok := f.plans.Load(t); ok {
		return known.([]formField)
	}
	var fields []formField
	for _, field := range reflect.VisibleFields(t) {
		tag, tagged := field.Tag.Lookup("url")
		if !field.IsExported() || tag == "-" || (field.Anonymous && !tagged) || !within(t, field.Index) {
			continue
		}
		name, options, _ := strings.Cut(tag, ",")
		if name == "" {
			name = field.Name
		}
		fields = append(fields, formField{name, field.Index, options == "omitempty", field.Type.Implements(encoderType)})
	}
	f.plans.Store(t, fields)
	return fields
}

// within says whether the structs around a field are embedded to be flattened:
// a tagged one is a field itself.
func within(t reflect.Type, index []int) bool {
	for i := 1; i < len(index); i++ {
		if _, tagged := t.FieldByIndex(index[:i]).Tag.Lookup("url"); tagged {
			return false
		}
	}
	return true
}

// ordinary is how many parameters a request has at most, as a rule: one more
// than this, and the map would be made twice as large.
const ordinary = 14

func (f *forms) encode(request any, extra map[string]string) (url.Values, error) {
	v, written := request.(url.Values)
	if written {
		v = maps.Clone(v)
	} else {
		v = make(url.Values, ordinary)
		if err := f.fields(v, reflect.ValueOf(request)); err != nil {
			return nil, acquiring.Invalid("request", "cannot be written as a form: "+err.Error())
		}
	}
	for name, value := range extra {
		if v.Has(name) {
			return nil, acquiring.Invalid("Extra["+name+"]", "is a field that the request has already")
		}
		if value != "" {
			v.Set(name, value)
		}
	}
	return v, nil
}

func (f *forms) fields(v url.Values, request reflect.Value) error {
	if request.Kind() != reflect.Struct {
		return errNotAStruct
	}
	plan := f.plan(request.Type())
	room := make([]string, 0, min(len(plan), ordinary)) // for the texts of all the fields
	add := func(name string, value reflect.Value) error {
		text, err := scalar(name, value)
		switch {
		case err != nil || text == "":
			return err
		case v.Has(name):
			v[name] = append(v[name], text)
		default:
			room = append(room, text)
			v[name] = room[len(room)-1 : len(room) : len(room)]
		}
		return nil
	}
	for _, field := range plan {
		value, err := request.FieldByIndexErr(field.index)
		if err != nil {
			continue // inside an embedded pointer that is nil
		}
		if (field.omitEmpty && isEmpty(value)) || (value.Kind() == reflect.Pointer && value.IsNil()) {
			continue
		}
		if field.encoder {
			if err := value.Interface().(query.Encoder).EncodeValues(field.name, &v); err != nil {
				return err
			}
			if s := v[field.name]; len(s) == 1 && s[0] == "" {
				delete(v, field.name)
			}
			continue
		}
		if value.Kind() == reflect.Slice {
			for i := range value.Len() {
				if err := add(field.name, value.Index(i)); err != nil {
					return err
				}
			}
			continue
		}
		if err := add(field.name, value); err != nil {
			return err
		}
	}
	return nil
}

type formError string

func (e formError) Error() string { return string(e) }

const errNotAStruct = formError("it is not a struct")

// scalar is the text of a scalar.
func scalar(name string, value reflect.Value) (string, error) {
	for value.Kind() == reflect.Pointer {
		value = value.Elem()
	}
	switch value.Kind() {
	case reflect.String:
		return value.String(), nil
	case reflect.Bool:
		return strconv.FormatBool(value.Bool()), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return strconv.FormatInt(value.Int(), 10), nil
	}
	return "", formError("the field " + name + " is neither a scalar nor a query.Encoder")
}

// isEmpty is what omitempty leaves out.
func isEmpty(value reflect.Value) bool {
	switch value.Kind() {
	case reflect.Slice, reflect.Map, reflect.String:
		return value.Len() == 0
	case reflect.Struct:
		z, ok := value.Interface().(interface{ IsZero() bool })
		return ok && z.IsZero()
	}
	return value.IsZero()
}

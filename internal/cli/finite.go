package cli

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
)

// object keeps its fields in the order of the structure that it stands for.
type object []field

// field is a key of an object with its value. An object is a list of them, since a result's keys are in the order of
// its structure.
type field struct {
	name  string
	value any
}

// MarshalJSON writes the fields in their order.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, f := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(f.name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(f.value)
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// finite is a value as encoding/json writes it, with null for each number that is none (an infinity, NaN): a result of
// which one figure does not exist is still a result.
func finite(v reflect.Value) any {
	if !v.IsValid() {
		return nil
	}
	if out, ok := own(v); ok {
		return out
	}
	switch v.Kind() {
	case reflect.Float32, reflect.Float64:
		if f := v.Float(); math.IsInf(f, 0) || math.IsNaN(f) {
			return nil
		}
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return nil
		}
		return finite(v.Elem())
	case reflect.Struct:
		return fields(v)
	case reflect.Map:
		if v.IsNil() {
			return nil
		}
		out := object{} // by keys, as encoding/json orders them
		for iter := v.MapRange(); iter.Next(); {
			out = append(out, field{fmt.Sprint(iter.Key().Interface()), finite(iter.Value())})
		}
		slices.SortFunc(out, func(a, b field) int { return strings.Compare(a.name, b.name) })
		return out
	case reflect.Slice, reflect.Array:
		if v.Kind() == reflect.Slice && (v.IsNil() || v.Type().Elem().Kind() == reflect.Uint8) {
			return v.Interface()
		}
		out := make([]any, v.Len())
		for i := range out {
			out[i] = finite(v.Index(i))
		}
		return out
	}
	return v.Interface()
}

// own is a value that writes itself, if it can: what does not, for an infinity in it, is taken apart.
func own(v reflect.Value) (any, bool) {
	if v.Kind() == reflect.Pointer && v.IsNil() {
		return nil, true
	}
	x := v.Interface()
	switch x.(type) {
	case json.Marshaler, encoding.TextMarshaler:
		if data, err := json.Marshal(x); err == nil {
			return json.RawMessage(data), true
		}
	}
	return nil, false
}

// fields of a structure, by its tags; those of an embedded one stand among them.
func fields(v reflect.Value) object {
	out := object{}
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct {
			out = append(out, fields(v.Field(i))...)
			continue
		}
		if !f.IsExported() || name == "-" && options == "" {
			continue
		}
		if name == "" {
			name = f.Name
		}
		value := v.Field(i)
		if strings.Contains(options, "omitempty") && empty(value) ||
			strings.Contains(options, "omitzero") && zero(value) {
			continue
		}
		out = append(out, field{name, finite(value)})
	}
	return out
}

// zero is what omitzero leaves out.
func zero(v reflect.Value) bool {
	if z, ok := v.Interface().(interface{ IsZero() bool }); ok && (v.Kind() != reflect.Pointer || !v.IsNil()) {
		return z.IsZero()
	}
	return v.IsZero()
}

// empty is what omitempty leaves out.
func empty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		return false
	}
	return v.IsZero()
}

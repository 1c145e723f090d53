package api

import (
	"encoding"
	"encoding/json"
	"reflect"
	"strings"
	"sync"
)

// filled returns a value as it is sent: a list or map that is nil becomes an empty one, wherever it stands, so that
// none of them is null to who reads it. What is shared with the ledger's state is copied and not changed. Types that
// write their own JSON are left alone.
func filled[T any](value T) T {
	v := reflect.ValueOf(&value).Elem()
	if !holdsLists(v.Type()) {
		return value
	}
	v.Set(fill(v))
	return value
}

var (
	jsonMarshaler = reflect.TypeFor[json.Marshaler]()
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
	listsIn       sync.Map // by type: whether it can hold a list
)

// writesItself says whether a type has JSON of its own.
func writesItself(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return t.Implements(jsonMarshaler) || t.Implements(textMarshaler) || p.Implements(jsonMarshaler) ||
		p.Implements(textMarshaler)
}

// holdsLists says whether a value of a type can have a list or map in it. Each type is looked at once.
func holdsLists(t reflect.Type) bool {
	if known, ok := listsIn.Load(t); ok {
		return known.(bool)
	}
	listsIn.Store(t, true) // a type that holds itself holds it by a pointer or list
	holds := false
	switch t.Kind() {
	case reflect.Slice, reflect.Map, reflect.Interface:
		holds = true
	case reflect.Pointer, reflect.Array:
		holds = holdsLists(t.Elem())
	case reflect.Struct:
		for i := 0; i < t.NumField() && !holds; i++ {
			holds = t.Field(i).IsExported() && holdsLists(t.Field(i).Type)
		}
	}
	holds = holds && !writesItself(t)
	listsIn.Store(t, holds)
	return holds
}

// fill is a copy of a value in which no list and no map is nil. What is given stays as it is, as others may read it.
func fill(v reflect.Value) reflect.Value {
	t := v.Type()
	if !holdsLists(t) {
		return v
	}
	switch t.Kind() {
	case reflect.Interface, reflect.Pointer:
		if v.IsNil() {
			return v
		}
		if t.Kind() == reflect.Interface {
			return fill(v.Elem()).Convert(t)
		}
		p := reflect.New(t.Elem())
		p.Elem().Set(fill(v.Elem()))
		return p
	case reflect.Slice:
		list := reflect.MakeSlice(t, v.Len(), v.Len())
		for i := range v.Len() {
			list.Index(i).Set(fill(v.Index(i)))
		}
		return list
	case reflect.Map:
		m := reflect.MakeMapWithSize(t, v.Len())
		for i := v.MapRange(); i.Next(); { // any order: a map again
			m.SetMapIndex(i.Key(), fill(i.Value()))
		}
		return m
	}
	c := reflect.New(t).Elem()
	c.Set(v)
	if t.Kind() == reflect.Array {
		for i := range t.Len() {
			c.Index(i).Set(fill(v.Index(i)))
		}
		return c
	}
	for i := range t.NumField() {
		f := t.Field(i)
		// What is left out when it is zero must stay zero.
		if f.IsExported() && !(strings.Contains(f.Tag.Get("json"), "omitzero") && v.Field(i).IsZero()) {
			c.Field(i).Set(fill(v.Field(i)))
		}
	}
	return c
}

package contract_test

import (
	"reflect"
	"testing"

	"github.com/aqsha/aqsha/contract"
)

// texts lists the places of all texts of a value.
func texts(v reflect.Value) (all []reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		return []reflect.Value{v}
	case reflect.Struct:
		for i := range v.NumField() {
			all = append(all, texts(v.Field(i))...)
		}
	case reflect.Slice:
		for i := range v.Len() {
			all = append(all, texts(v.Index(i))...)
		}
	}
	return all
}

// A definition comes encoded from anybody who may register one, with any text of it emptied or spoiled, which no file of a
// template has: it is compiled or refused, and never ends the program.
func TestNoTextOfADefinitionEndsTheCompiler(t *testing.T) {
	t.Parallel()
	for n, name := range contract.TemplateNames {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, _ := contract.Template(name)
			source, problems := contract.Parse(text)
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			d := source.Definition
			places := texts(reflect.ValueOf(&d).Elem())
			step := 1
			if contract.Raced {
				step = 10
			}
			for i := n % step; i < len(places); i += step {
				before := places[i].String()
				for _, with := range []string{"", "any"} {
					places[i].SetString(with)
					compiled(t, &d, before, with)
				}
				places[i].SetString(before)
			}
			t.Logf("%d texts", len(places))
		})
	}
}

func compiled(t *testing.T, d *contract.Definition, before, with string) {
	defer func() {
		if reason := recover(); reason != nil {
			t.Errorf("%q as %q: %v", before, with, reason)
		}
	}()
	if program, problems := contract.Compile(d); program != nil && len(problems) == 0 {
		_ = program.Explain()
	}
}

package cash

import (
	"errors"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// asRefusal says what was wrong with a body, naming the field by its place (a JSON pointer with dots). What the
// decoder says is not passed on: it names types of the program.
func asRefusal(err error) *Refusal {
	var refused *Refusal
	var semantic *json.SemanticError
	var syntactic *jsontext.SyntacticError
	field, rule := "body", "is not JSON"
	code := Malformed
	switch {
	case errors.As(err, &semantic):
		field = dotted(string(semantic.JSONPointer))
		rule = "is not what belongs there"
		if semantic.GoType != nil {
			rule = "must be " + expected(semantic.GoType.String())
		}
	case errors.As(err, &syntactic):
		field = dotted(string(syntactic.JSONPointer))
		rule = "is not JSON of one name each in UTF-8"
	}
	if errors.As(err, &refused) {
		code, rule = refused.Code, refused.Rule
		if field == "body" {
			field = refused.Field
		}
	}
	return refuse(code, field, "%s", rule)
}

// dotted writes a JSON pointer as the fields of refusals are written.
func dotted(pointer string) string {
	if pointer == "" {
		return "body"
	}
	return strings.ReplaceAll(strings.TrimPrefix(pointer, "/"), "/", ".")
}

// expected says a type in the words of JSON.
func expected(name string) string {
	switch {
	case strings.HasPrefix(name, "[]"):
		return "a list"
	case strings.Contains(name, "string"):
		return "a text"
	case strings.Contains(name, "int"):
		return "a whole number"
	case strings.Contains(name, "bool"):
		return "true or false"
	default:
		return "an object"
	}
}

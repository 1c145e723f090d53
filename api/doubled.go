package api

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/aqsha/aqsha/token"
)

// doubledField is the code of a request that says one field twice: of two readers each could believe another of the two
// (RFC 8259, section 4), and a page that shows one would sign the other.
const doubledField token.Code = "doubled-field"

// maxNested bounds how deep a request's JSON is looked into, as encoding/json does.
const maxNested = 10_000

// checkDoubled refuses JSON in which one object has a field twice. Names are compared as Go's decoder fills fields by
// them, in capitals or not. What is no JSON is left to who decodes it.
func checkDoubled(content []byte) error {
	type level struct {
		fields map[string]bool // nil of a list
		value  bool            // of an object: what comes is a value
	}
	var levels []level
	d := json.NewDecoder(bytes.NewReader(content))
	d.UseNumber()
	for {
		t, err := d.Token()
		if err != nil || len(levels) > maxNested {
			return nil
		}
		top := len(levels) - 1
		if name, text := t.(string); text && top >= 0 && levels[top].fields != nil && !levels[top].value {
			folded := strings.ToLower(name)
			if levels[top].fields[folded] {
				return token.Errorf(doubledField, short(name), "it is there twice")
			}
			levels[top].fields[folded], levels[top].value = true, true
			continue
		}
		if top >= 0 {
			levels[top].value = false
		}
		switch t {
		case json.Delim('{'):
			levels = append(levels, level{fields: map[string]bool{}})
		case json.Delim('['):
			levels = append(levels, level{})
		case json.Delim('}'), json.Delim(']'):
			levels = levels[:top]
		}
	}
}

// short bounds a name that a request brings.
func short(name string) string {
	const most = 40
	if len(name) > most {
		return strings.ToValidUTF8(name[:most], "") + "…"
	}
	return name
}

// strictJSON is the framework's format of JSON, but for requests that say a field twice.
func strictJSON(f huma.Format) huma.Format {
	decode := f.Unmarshal
	f.Unmarshal = func(content []byte, v any) error {
		if err := checkDoubled(content); err != nil {
			return err
		}
		return decode(content, v)
	}
	return f
}

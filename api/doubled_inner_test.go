package api

import (
	"encoding/json"
	"testing"
)

// FuzzCheckDoubled holds that what is written by a marshaler from a map is never said to be doubled, and that no text makes the
// look fail or run on.
func FuzzCheckDoubled(f *testing.F) {
	for _, text := range []string{`{"a":1,"a":2}`, `{"a":{"a":1},"b":[{"a":1},{"a":2}]}`, `[[[`, `{"a"`, `{"a":"a","b":"a"}`, ``,
		`{"\u0061":1,"a":2}`, `{"a":[],"a":{}}`, `}`, `{"a":1}{"a":1}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		_ = checkDoubled(text)
		var fields map[string]json.RawMessage
		if json.Unmarshal(text, &fields) != nil {
			return
		}
		folded := map[string]any{}
		for name := range fields {
			folded["x"+string(rune('a'+len(folded)%26))+string(rune('a'+len(folded)/26))] = name
		}
		again, err := json.Marshal(folded)
		if err == nil && checkDoubled(again) != nil {
			t.Errorf("%s", again)
		}
	})
}

package oldnames_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/internal/oldnames"
)

func Example() {
	then := []byte(`{"acceptedHashes": "12", "why": "acceptedHashes"}`)
	now := oldnames.Read(then)
	fmt.Println(string(now))
	fmt.Println(string(oldnames.Write(now)))
	// Output:
	// {"accepted_hashes": "12", "why": "acceptedHashes"}
	// {"acceptedHashes": "12", "why": "acceptedHashes"}
}

func TestOnlyKeysAreRespelled(t *testing.T) {
	for _, c := range []struct{ name, then, now string }{
		{"values", `["rateMHs",{"a":"rateMHs"}]`, `["rateMHs",{"a":"rateMHs"}]`},
		{"layout", "{\n \"rateMHs\" \t: 1.50e3}", "{\n \"rate_mhs\" \t: 1.50e3}"},
		{"nested", `{"a":[{"lostTiyn":{"lostTiyn":-0}}]}`, `{"a":[{"lost_tiyn":{"lost_tiyn":-0}}]}`},
		{"others", `{"farmName":1,"S19-0001":2}`, `{"farmName":1,"S19-0001":2}`},
		{"escapes", `{"a\"rateMHs":1,"b":"\\","rateMHs":2}`, `{"a\"rateMHs":1,"b":"\\","rate_mhs":2}`},
		{"cut in a string", `{"rateMHs`, `{"rateMHs`},
		{"cut behind an escape", `{"rateMHs\`, `{"rateMHs\`},
		{"a lone quote", `"`, `"`},
		{"nothing", "", ""},
	} {
		if got := string(oldnames.Read([]byte(c.then))); got != c.now {
			t.Errorf("%s: %s, want %s", c.name, got, c.now)
		}
		if back := string(oldnames.Write([]byte(c.now))); back != c.then {
			t.Errorf("%s back: %s, want %s", c.name, back, c.then)
		}
	}
}

// What keeps no old key comes back byte for byte, whatever it is; what is JSON stays JSON of the same values.
func TestRespellingIsHarmless(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.SliceOf(rapid.Byte()), rapid.Map(rapid.StringMatching(`[{}\[\]":, \\a-zA-Z0-9]*`), func(s string) []byte { return []byte(s) })).Draw(t, "text")
		now := oldnames.Read(text)
		if json.Valid(text) != json.Valid(now) {
			t.Fatalf("%q became %q", text, now)
		}
		if again := oldnames.Read(now); string(again) != string(now) {
			t.Fatalf("read twice: %q, then %q", now, again)
		}
	})
}

package contract_test

import (
	"strings"
	"testing"

	"github.com/aqsha/aqsha/contract"
)

// What always fails is found where it is always computed, with the smallest part that is at fault; what stands behind
// a condition, or can be computed for some values, is nobody's fault. No template has any.
func TestWhatCanNeverBeComputed(t *testing.T) {
	const form = `contract: x
parties: [a, b]
terms: {n: int}
state: {s: START}
create: {by: a, when: GUARD, takes: {tenge: terms.n}}
actions:
  go: {by: b, when: WHEN, pay: [{to: b, amount: "min(PAY, left.tenge)"}], set: {s: SET}}
end: {at: END, pay: {a: 1}}
`
	usual := map[string]string{"START": "0", "GUARD": "terms.n > 0", "WHEN": "state.s == 0", "PAY": "terms.n", "SET": "state.s + 1", "END": "created + day"}
	for _, test := range []struct{ place, text, where, part string }{
		{"", "", "", ""},
		{"END", "day / 0", "end.at", "day / 0"},
		{"END", "created + day / (hour - 60 * minute)", "end.at", "day / (hour - 60 * minute)"},
		{"END", "created + 9223372036854775807 * 2", "end.at", "9223372036854775807 * 2"},
		{"START", "1 % 0", "state.s", "1 % 0"},
		{"GUARD", "terms.n > 1 / 0", "create", "1 / 0"},
		{"PAY", "[terms.n, 7 / 0][0]", "actions.go", "7 / 0"},
		{"SET", "max(state.s, 1 / 0)", "actions.go", "1 / 0"},
		{"SET", "1 / 0 > 0 ? 1 : 2", "actions.go", "1 / 0"},
		{"WHEN", "terms.n > 0 || 1 / 0 > 0", "", ""},
		{"WHEN", "terms.n > 0 && 1 / 0 > 0", "", ""},
		{"SET", "terms.n > 0 ? state.s + 1 : 1 / 0", "", ""},
		{"END", "created + day / terms.n", "", ""},
		{"END", "created + 30 * day", "", ""},
	} {
		text := form
		for place, as := range usual {
			if place == test.place {
				as = test.text
			}
			text = strings.ReplaceAll(text, place, quoted(place, as))
		}
		source, problems := contract.Parse([]byte(text))
		if len(problems) > 0 {
			t.Fatalf("%s %q: %v", test.place, test.text, problems)
		}
		p, problems := contract.Compile(&source.Definition)
		if len(problems) > 0 {
			t.Fatalf("%s %q: %v", test.place, test.text, problems)
		}
		never := p.Never()
		switch {
		case test.where == "" && len(never) > 0:
			t.Errorf("%s %q: %v", test.place, test.text, never)
		case test.where != "" && (len(never) != 1 || never[0].Where != test.where || !strings.Contains(never[0].What, "`"+test.part+"`")):
			t.Errorf("%s %q: %v, want %s: %s", test.place, test.text, never, test.where, test.part)
		}
	}
	for _, name := range contract.TemplateNames {
		p, err := contract.TemplateProgram(name)
		if err != nil {
			t.Fatal(err)
		}
		if never := p.Never(); len(never) > 0 {
			t.Errorf("%s: %v", name, never)
		}
	}
}

// quoted is an expression as YAML takes it: within min(…) it stands in quotes already.
func quoted(place, text string) string {
	if place == "PAY" {
		return text
	}
	return "'" + text + "'"
}

package contract

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var rewrite = flag.Bool("update", false, "write what the tests produce into docs and vectors")

// mistakes are what people write, as a change to a definition that is right.
var mistakes = []struct {
	title    string
	template string
	old, new string
}{
	{"Paying more than may be there", "subscription", "pay: [{to: merchant, amount: terms.price}]", "pay: [{to: merchant, amount: 2 * terms.price}]"},
	{"Time as a date or a duration", "subscription", "from: state.next", `from: timestamp("2026-01-01T00:00:00Z")`},
	{"Comparing a number with a text", "vat-split", `seller.role == "vat-payer"`, `seller.category == "vat-payer"`},
	{"A party where its member is meant", "escrow", "when: args.to_seller >= 0", "when: seller != buyer && args.to_seller >= 0"},
	{"A state that is never reached", "refund", "when: state.returned == 1", "when: state.returned == 2"},
	{"An end that depends on what happens", "escrow", "at: created + terms.days * day", "at: now + terms.days * day"},
	{"An end that pays whoever calls", "escrow", "pay: {buyer: 1}", "pay: {caller: 1}"},
	{"Fractions", "vat-split", "part(terms.net, terms.rate, 100) &&", "terms.net * 0.16 &&"},
	{"An action that asks for no document and looks at it", "htlc", "when: size(args.secret) == 32", "when: size(document) == 32"},
	{"Paying after the rest", "escrow", "      - {to: seller, amount: args.to_seller}\n      - {to: buyer, amount: rest}", "      - {to: buyer, amount: rest}\n      - {to: seller, amount: args.to_seller}"},
	{"A condition that grows with its input", "htlc", "args: {secret: bytes}\n    when: size(args.secret) == 32",
		"args: {secret: bytes, list: ints}\n    when: args.list.all(a, args.list.all(b, args.list.all(c, a + b + c > 0))) && size(args.secret) == 32"},
	{"A wrong name", "school-meals", "args.price <= terms.meal_most", "args.price <= terms.meals_most"},
}

// A maintainer of definitions finds in docs/contracts.md what each mistake is answered.
func TestMistakesAreExplained(t *testing.T) {
	var page strings.Builder
	for _, m := range mistakes {
		text, _ := Template(m.template)
		changed := strings.Replace(string(text), m.old, m.new, 1)
		if changed == string(text) {
			t.Fatalf("%s: %q is not in the template %s", m.title, m.old, m.template)
		}
		source, problems := Parse([]byte(changed))
		if problems == nil {
			_, problems = source.Check()
		}
		if len(problems) == 0 {
			t.Errorf("%s: accepted", m.title)
			continue
		}
		if problems[0].Line == 0 || problems[0].Write == "" {
			t.Errorf("%s: %+v does not say where, or what to write instead", m.title, problems[0])
		}
		fmt.Fprintf(&page, "**%s** (`%s`)\n\n", m.title, m.template)
		fmt.Fprintf(&page, "```yaml\n%s\n```\n\n", strings.Trim(m.new, "\n"))
		for _, p := range problems {
			fmt.Fprintf(&page, "```text\nline %d, %s\n```\n\n", p.Line, p)
		}
	}
	onPage(t, "../docs/contracts.md", "mistakes", page.String())
}

// onPage compares a part of a page with what the test produces, or writes it.
func onPage(t *testing.T, file, name, want string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	begin, end := "<!-- "+name+" -->\n", "<!-- /"+name+" -->"
	before, rest, ok := strings.Cut(string(data), begin)
	found, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no part %q", file, name)
	}
	if found == want {
		return
	}
	if !*rewrite {
		t.Fatalf("%s is out of date; run go test ./contract -update", file)
	}
	if err := os.WriteFile(file, []byte(before+begin+want+end+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

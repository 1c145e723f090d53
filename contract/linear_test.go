package contract

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"cel.dev/cel-go/cel"

	"github.com/aqsha/aqsha/token"
)

// Raced says whether the race detector is at work, which takes twenty times as long over an expression.
var Raced bool

// draws is how many conditions a test draws of those that were asked for.
func draws(n int) int {
	if Raced {
		return min(n, max(1000, n/10)) // as few as find each verdict
	}
	return n
}

var verdicts = flag.Int("verdicts", 3000, "random conditions whose verdicts are held against brute force")

// anyCondition is a random condition over three small numbers.
func anyCondition(r *rand.Rand, depth int) string {
	var sum func(depth int) string
	sum = func(depth int) string {
		switch n := r.IntN(7); {
		case depth == 0 || n < 3:
			return []string{"terms.a", "terms.b", "terms.c", fmt.Sprint(r.IntN(9) - 4)}[r.IntN(4)]
		case n == 3:
			return fmt.Sprintf("(%d * %s)", r.IntN(5)-2, sum(depth-1))
		case n == 4:
			return fmt.Sprintf("min(%s, %s)", sum(depth-1), sum(depth-1))
		}
		return fmt.Sprintf("(%s %s %s)", sum(depth-1), []string{"+", "-"}[r.IntN(2)], sum(depth-1))
	}
	var parts []string
	for range 1 + r.IntN(4) {
		part := fmt.Sprintf("%s %s %s", sum(depth), []string{"<", "<=", ">", ">=", "==", "!="}[r.IntN(6)], sum(depth))
		if r.IntN(8) == 0 {
			part = fmt.Sprintf("(%s || terms.a > 1)", part)
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, " && ")
}

// No verdict is false: what is proved holds of every state, what is refuted of none.
func TestVerdictsHoldAgainstBruteForce(t *testing.T) {
	const most = 3 // each number is of −most to most
	d := &Definition{Terms: []Field{{"a", token.IntValue}, {"b", token.IntValue}, {"c", token.IntValue}}}
	c, err := newCompiler(environmentOf(NewestRules), fixedVariables(d))
	if err != nil {
		t.Fatal(err)
	}
	var facts []linear
	for _, f := range []string{"terms.a >= -3", "terms.a <= 3", "terms.b >= -3", "terms.b <= 3", "terms.c >= -3", "terms.c <= 3"} {
		x, problem := c.compile("", f, cel.BoolType)
		if problem != nil {
			t.Fatal(problem)
		}
		facts = append(facts, inequalities(x.tree, x.textOf)...)
	}
	r, seen := rand.New(rand.NewPCG(2026, 11)), map[Verdict]int{}
	for range draws(*verdicts) {
		text := anyCondition(r, 2)
		x, problem := c.compile("", text, cel.BoolType)
		if problem != nil {
			continue // too long
		}
		verdict := judge(facts, x.tree, x.textOf)
		seen[verdict]++
		if verdict == NotKnown {
			continue
		}
		instance := Instance{Terms: make([]token.Value, 3)}
		s := &scope{getters: c.getters, instance: &instance}
		for n := range 7 * 7 * 7 {
			for i, v := range []int{n % 7, n / 7 % 7, n / 49} {
				instance.Terms[i] = token.Int(int64(v - most))
			}
			if holds, err := x.bool(s); err != nil || holds != (verdict == Proved) {
				t.Fatalf("%s is %s, and for %v it is %v, %v", text, verdict, instance.Terms, holds, err)
			}
		}
	}
	if seen[Proved] == 0 || seen[Refuted] == 0 || seen[NotKnown] == 0 {
		t.Errorf("verdicts %v: the conditions test nothing", seen)
	}
}

// What can never be called is found, and only that.
func TestContradictoryTimesAndConditionsAreFound(t *testing.T) {
	const form = `
contract: c
parties: [a, b]
terms: {n: int}
create: {by: a, when: terms.n > 0 && terms.n < 10, takes: {tenge: any}}
actions:
  go: {by: b, %s}
end: {at: created + 30 * day, pay: {a: 1}}
`
	for body, sound := range map[string]bool{ // any order: each by itself
		"from: ends, ends: true":                                                    false,
		"from: ends + day, ends: true":                                              false,
		"from: created + 30 * day, ends: true":                                      false,
		"from: created + (terms.n + 30) * day, ends: true":                          false,
		"from: created + 2 * day, until: created + day, ends: true":                 false,
		"from: created + day, until: created + day, ends: true":                     false,
		"when: terms.n > 5 && terms.n < 3, ends: true":                              false,
		"when: terms.n > 10, ends: true":                                            false,
		"when: now > ends, ends: true":                                              false,
		"when: held.tenge < 0, ends: true":                                          false,
		"when: now < created + day, from: created + 2 * day, ends: true":            false,
		"from: ends - 1, ends: true":                                                true,
		"from: created + 29 * day, until: created + 300 * day, ends: true":          true,
		"when: terms.n > 5 && terms.n < 7, ends: true":                              true,
		"from: created + 2 * day, until: created + (terms.n + 2) * day, ends: true": true,
	} {
		source, problems := Parse([]byte(fmt.Sprintf(form, body)))
		if problems == nil {
			_, problems = source.Check()
		}
		if sound != (len(problems) == 0) {
			t.Errorf("%s: %v", body, problems)
		}
		if len(problems) > 0 && problems[0].Write == "" {
			t.Errorf("%s: %v does not say what to write", body, problems)
		}
	}
}

// Coverage is judged on the expression: what an unparser cannot write is not like anything, and a sum of texts is no sum.
func TestCoverageIsJudgedOnTheExpression(t *testing.T) {
	const form = `
contract: c
parties: [a, b]
terms: {l: ints, y: int}
create: {by: a, takes: {tenge: any}}
actions:
  go: {by: b, takes: {tenge: "%s"}, pay: [%s], ends: true}
end: {at: created + 30 * day, pay: {a: 1}}
`
	for _, c := range []struct {
		takes, pay string
		sound      bool
	}{
		{"terms.l.exists(x, x > 0) ? 1 : 2", `{to: b, amount: "terms.l.exists(x, x > 5) ? 100000000 : 200000000"}`, false},
		{"terms.l.exists(x, x > 0) ? 1 : 2", `{to: b, amount: "terms.l.exists(x, x > 0) ? 1 : 2"}`, true},
		{"terms.y > 0 ? 1 : 2 + terms.y", `{to: b, amount: "terms.y > 0 ? 1 : 2"}, {to: b, amount: terms.y}`, false},
		{"(terms.y > 0 ? 1 : 2) + terms.y", `{to: b, amount: "terms.y > 0 ? 1 : 2"}, {to: b, amount: terms.y}`, true},
	} {
		source, problems := Parse([]byte(fmt.Sprintf(form, c.takes, c.pay)))
		if problems == nil {
			_, problems = source.Check()
		}
		if c.sound != (len(problems) == 0) {
			t.Errorf("takes %s, pays %s: %v", c.takes, c.pay, problems)
		}
	}
}

// Distinct parties and demanded assets are words of a definition, and conditions of creating.
func TestDistinctAndAssetsAreDemanded(t *testing.T) {
	source, problems := Parse([]byte(`
contract: c
parties: [a, b, c]
distinct: [a, b, c]
assets: {tenge: plain, vat: revenue/VAT, other: any}
create: {by: a, when: "1 == 1 || 2 == 3", takes: {tenge: any, vat: any, other: any}}
actions: {go: {by: b, ends: true}}
end: {at: created + 30 * day, pay: {a: 1}}
`))
	if problems != nil {
		t.Fatal(problems)
	}
	want := `(1 == 1 || 2 == 3) && a.id != b.id && a.id != c.id && b.id != c.id && purpose.tenge == "plain" && purpose.vat == "revenue/VAT"`
	if got := source.Definition.Create.When; got != want {
		t.Errorf("creating asks for\n%s, want\n%s", got, want)
	}
	if _, problems := source.Check(); problems != nil {
		t.Error(problems)
	}
	for _, bad := range []string{"distinct: [a, 'b == 1 || true']", "assets: {tenge: beef}", "assets: {tenge: 'ministry/m\u0435als'}"} {
		if _, problems := Parse([]byte("contract: c\nparties: [a, b]\n" + bad + "\nactions: {go: {}}\nend: {at: created + day, pay: {a: 1}}\n")); len(problems) == 0 {
			t.Errorf("%s is taken", bad)
		}
	}
}

func TestASecondDocumentIsRefused(t *testing.T) {
	text, _ := Template("escrow")
	if _, problems := Parse([]byte(string(text) + "\n---\ncontract: other\n")); len(problems) == 0 || !strings.Contains(problems[0].What, "second document") {
		t.Errorf("%v", problems)
	}
	if _, problems := ParsePurpose([]byte(mealsText + "\n---\npurpose: other\n")); len(problems) == 0 || !strings.Contains(problems[0].What, "second document") {
		t.Errorf("%v", problems)
	}
}

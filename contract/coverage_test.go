package contract

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// anyPaying is a definition whose one action pays amounts under a guard, drawn near what is just covered and just not.
func anyPaying(r *rand.Rand) string {
	amounts := []string{"args.x", "args.y", "terms.n", "1", "2", "args.x + args.y", "2 * args.x", "args.x - 1", "paid.tenge", "held.tenge", "left.tenge",
		"min(args.x, left.tenge)", "min(held.tenge, args.y)", "part(held.tenge, 1, 2)", "part(left.tenge, 3, 2)", "max(0, left.tenge - args.x)", "held.tenge - args.x", "(args.x > 0 ? args.x : args.y)"}
	one := func(of []string) string { return of[r.IntN(len(of))] }
	var pay, sum []string
	for range 1 + r.IntN(3) {
		amount := one(amounts)
		pay, sum = append(pay, fmt.Sprintf("{to: b, amount: \"%s\"}", amount)), append(sum, amount)
	}
	guards := []string{"args.x >= 0", "args.y >= 0", "args.x <= held.tenge", "args.y < held.tenge", "args.x + args.y <= held.tenge", "2 * args.x <= held.tenge", "terms.n <= args.x",
		"args.x == args.y", "terms.n < paid.tenge", "held.tenge >= 2", "args.x <= paid.tenge", "held.tenge > 3 + args.y", "(args.x > 1 || args.y > 1)", strings.Join(sum, " + ") + " <= held.tenge"}
	var when []string
	for range 1 + r.IntN(3) {
		when = append(when, one(guards))
	}
	takes := one([]string{"", "takes: {tenge: any}, ", "takes: {tenge: \"args.x\"}, ", "takes: {tenge: \"" + strings.Join(sum, " + ") + "\"}, "})
	return fmt.Sprintf(`
contract: c
parties: [a, b]
terms: {n: int}
create: {by: a, takes: {tenge: any}}
actions: {go: {args: {x: int, y: int}, %swhen: "%s", pay: [%s]}}
end: {at: created + 30 * day, pay: {a: 1}}
`, takes, strings.Join(when, " && "), strings.Join(pay, ", "))
}

// What the checks call covered is covered in every small state: no payout of a definition that they accept exceeds what is left,
// and what they say is never covered never is.
func TestCoverageHoldsAgainstBruteForce(t *testing.T) {
	r, seen := rand.New(rand.NewPCG(2026, 12)), map[string]int{}
	for range draws(max(400, *verdicts/10)) {
		text := anyPaying(r)
		source, problems := Parse([]byte(text))
		if len(problems) > 0 {
			continue
		}
		d := &source.Definition
		program, problems := CompileRegistered(NewestRules, d) // to play what is refused too
		if len(problems) > 0 {
			continue
		}
		verdict := "accepted"
		if _, problems := Compile(d); len(problems) > 0 {
			if verdict = "not known"; strings.Contains(problems.Error(), "is never covered") {
				verdict = "refuted"
			} else if !strings.Contains(problems.Error(), "is not shown to be covered") {
				continue // it is never called, or the like
			}
		}
		seen[verdict]++
		if verdict == "not known" {
			continue
		}
		instance := Instance{Terms: make([]token.Value, 1), EndsMillis: 1 << 40, CreatedMillis: 1, Parties: make([]token.WalletID, 2)}
		people := [2]Party{}
		for n := range 4 * 4 * 6 * 6 * 3 {
			held, paid, x, y := money.Tiyn(n%4), money.Tiyn(n/4%4), int64(n/16%6-1), int64(n/96%6-1)
			instance.Terms[0] = token.Int(int64(n/576 - 1))
			_, refusal := program.Act(&instance, &Call{Caller: &people[0], Party: func(i int) *Party { return &people[i] }, Now: 5,
				Held: []money.Tiyn{held}, Paid: []money.Tiyn{paid}, Args: []token.Value{token.Int(x), token.Int(y)}})
			switch {
			case verdict == "accepted" && refusal != nil && refusal.Code == NotCovered && !negative(program):
				t.Fatalf("%s\nis called covered; of %d held and %d paid with x = %d, y = %d, n = %d: %v", text, held, paid, x, y, instance.Terms[0].Int, refusal)
			case verdict == "refuted" && refusal == nil:
				t.Fatalf("%s\nis called never covered, and was paid of %d held and %d paid with x = %d, y = %d", text, held, paid, x, y)
			}
		}
	}
	if seen["accepted"] == 0 || seen["refuted"] == 0 || seen["not known"] == 0 {
		t.Errorf("verdicts %v: the definitions test nothing", seen)
	}
	t.Logf("%v", seen)
}

// negative says whether a payout of the action that was called is less than nothing: it is refused for that, covered or not.
func negative(p *Program) bool {
	for _, payout := range p.actions[0].pay {
		if n, err := payout.amount.int(&p.scope); err == nil && n < 0 {
			return true
		}
	}
	return false
}

// What follows from the guard is proved, whatever form it has; under earlier rules only the form counts.
func TestCoverageThatFollowsIsProved(t *testing.T) {
	const form = `
contract: c
parties: [a, b]
terms: {y: int}
create: {by: a, when: terms.y >= 0, takes: {tenge: any}}
actions:
  go: {by: b, args: {x: int}, when: "%s", pay: [{to: b, amount: args.x}, {to: a, amount: terms.y}], ends: true}
end: {at: created + 30 * day, pay: {a: 1}}
`
	for when, want := range map[string][2]bool{ // of versions 3 and 4; any order: each by itself
		"args.x + terms.y <= held.tenge":                {true, true},
		"args.x + terms.y < held.tenge":                 {false, true},
		"args.x <= held.tenge - terms.y":                {false, true},
		"args.x <= 5 && held.tenge >= terms.y + 5":      {false, true},
		"args.x <= held.tenge":                          {false, false},
		"args.x > held.tenge":                           {false, false},
		"args.x <= held.tenge && terms.y <= held.tenge": {false, false},
	} {
		source, problems := Parse([]byte(fmt.Sprintf(form, when)))
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		for i, rules := range []uint32{3, 4} {
			_, problems := CompileUnder(rules, &source.Definition)
			if want[i] != (len(problems) == 0) {
				t.Errorf("%s under version %d: %v", when, rules, problems)
			}
		}
	}
}

// A guard says what is left before any payout; an amount that reads it after one is another number, and not what was bounded.
func TestAGuardDoesNotBoundWhatIsLeftLater(t *testing.T) {
	source, problems := Parse([]byte(`
contract: c
parties: [a, b]
create: {by: a, takes: {tenge: any}}
actions:
  go: {by: a, args: {x: int, y: int}, when: "args.x + (args.y - left.tenge) <= held.tenge", pay: [{to: b, amount: args.x}, {to: b, amount: args.y - left.tenge}]}
end: {at: created + 30 * day, pay: {a: 1}}
`))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	program, problems := CompileUnder(3, &source.Definition) // as networks have it registered
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	p, err := tryBegin(t, program, tenge(3))
	if err != nil {
		t.Fatal(err)
	}
	three := token.Int(int64(tenge(3)[0]))
	want(t, p.act("a", "go", tenge(0), three, three), NotCovered) // the guard held: 3 + (3 − 3) of 3
	if _, problems := CompileUnder(4, &source.Definition); len(problems) == 0 {
		t.Error("it is called covered, and is not")
	}
}

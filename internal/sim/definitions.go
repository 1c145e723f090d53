package sim

import (
	"fmt"
	"math/rand/v2"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/token"
)

// Definition draws a definition of three parties with random guards, payouts and updates. Some fail their checks.
func Definition(r *rand.Rand) *contract.Definition {
	d := &contract.Definition{Name: "drawn", Parties: []string{"alice", "bob", "carol"}, Assets: []string{"tenge"},
		Terms:  []contract.Field{{Name: "n", Type: token.IntValue}},
		State:  []contract.Var{{Name: "a", Start: "0"}, {Name: "b", Start: "terms.n"}},
		Create: contract.Action{Takes: []contract.Take{{Asset: "tenge", Amount: contract.Any}}}}
	one := func(of ...string) string { return of[r.IntN(len(of))] }
	var number func(depth int) string
	number = func(depth int) string {
		if depth == 0 {
			return one("0", "1", "250", "terms.n", "state.a", "state.b", "held.tenge", "left.tenge", "args.x",
				"now - created")
		}
		return one(number(0), fmt.Sprintf("%s %s %s", number(depth-1), one("+", "-", "*", "/", "%"), number(depth-1)),
			fmt.Sprintf("min(%s, %s)", number(depth-1), number(depth-1)),
			fmt.Sprintf("part(%s, 2, 5)", number(depth-1)))
	}
	truth := func() string { return fmt.Sprintf("%s %s %s", number(1), one("<", "<=", "==", "!=", ">"), number(1)) }
	for i := range 1 + r.IntN(4) {
		a := contract.Action{Name: fmt.Sprintf("act%d", i), Args: []contract.Field{{Name: "x", Type: token.IntValue}},
			Ends: r.IntN(6) == 0}
		if r.IntN(2) == 0 {
			a.By = []string{one(d.Parties...)}
		}
		if r.IntN(2) == 0 {
			a.When = truth()
		}
		if r.IntN(3) == 0 {
			a.Takes = []contract.Take{{Asset: "tenge", Amount: contract.Any}}
		}
		for range r.IntN(3) {
			a.Pay = append(a.Pay, contract.Payout{To: one("alice", "bob", "carol", contract.Caller), Asset: "tenge",
				Amount: one("min("+number(1)+", left.tenge)", contract.Rest, number(1))})
		}
		for _, v := range d.State {
			if r.IntN(2) == 0 {
				a.Set = append(a.Set, contract.Assign{Name: v.Name, Value: number(1)})
			}
		}
		d.Actions = append(d.Actions, a)
	}
	// Shares that need not divide: rounding is met as well.
	d.End = contract.End{At: "created + day", Pay: []contract.Share{{To: "alice", Share: 1 + r.Uint64N(4)},
		{To: "bob", Share: 1 + r.Uint64N(4)}, {To: "carol", Share: 1}}}
	return d
}

package bench

import (
	"slices"
	"strings"
	"testing"
)

// Every function that expressions have is measured, and whatever is measured holds where it is evaluated.
func TestEveryFunctionIsMeasured(t *testing.T) {
	costs, err := UnitCosts(1, func(string, int, int) {})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "!", "||", "?", "min(", "max(", "part(", "size(", "bytes(", ".startsWith(", ".endsWith(", " in ", "[63]",
		".all(", ".exists(", "sha256(", "uint64(", "verify(", "chain(", "included(", "replaced(", "empty(", "next_due("} {
		if !slices.ContainsFunc(costs, func(c UnitCost) bool { return strings.Contains(c.Expression, name) }) {
			t.Errorf("%s is not measured", name)
		}
	}
	for _, c := range costs {
		t.Logf("%6.1f ns/unit  %8.1f units %10.1f ns  %s", c.NanosPerUnit, c.Units, c.Nanos, c.Expression)
	}
}

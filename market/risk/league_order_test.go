package risk

import (
	"testing"

	"pgregory.net/rapid"
)

// The order of the league is one: of any two standings at most one comes first, what is equal is equal both ways, and
// of three the order of the first and the last follows.
func TestTheOrderOfStandings(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string) Standing {
			s := Standing{Passes: rapid.Bool().Draw(t, label+" passes")}
			if rapid.IntRange(0, 3).Draw(t, label+" has a loss") > 0 {
				loss := float64(rapid.IntRange(0, 3).Draw(t, label)) / 3
				s.Loss = &loss
			}
			return s
		}
		a, b, c := draw("a"), draw("b"), draw("c")
		if standingOrder(a, a) != 0 {
			t.Fatalf("not equal to itself: %+v", a)
		}
		if standingOrder(a, b) != -standingOrder(b, a) {
			t.Fatalf("both ways %d and %d: %+v, %+v", standingOrder(a, b), standingOrder(b, a), a, b)
		}
		if standingOrder(a, b) <= 0 && standingOrder(b, c) <= 0 && standingOrder(a, c) > 0 {
			t.Fatalf("no order of three: %+v, %+v, %+v", a, b, c)
		}
		if standingOrder(a, b) == 0 && standingOrder(b, c) == 0 && standingOrder(a, c) != 0 {
			t.Fatalf("equal to one, and not to each other: %+v, %+v, %+v", a, b, c)
		}
		league := []Standing{a, b, c}
		rank(league)
		for i := range league[1:] {
			if standingOrder(league[i], league[i+1]) > 0 || league[i+1].Rank != i+2 {
				t.Fatalf("ranked %+v", league)
			}
		}
	})
}

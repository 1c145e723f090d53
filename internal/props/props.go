// Package props checks properties whose worlds are drawn at random and counted: a property that holds of a hundred worlds shows
// little when none of them was of the kind that it is about.
package props

import (
	"testing"

	"pgregory.net/rapid"
)

// rounds bounds how often worlds are drawn anew. With a hundred worlds each, a kind that one world in five hundred is of is met in
// all but two runs of a hundred; tests ask for kinds that are far more frequent.
const rounds = 20

// Check draws worlds as rapid.Check does, and goes on with further ones until met says that enough of each kind were among them.
// A count that luck alone kept small fails no test; one that stays small after all rounds does, with what is missing: met returns
// it, or "" when there is enough.
func Check(t *testing.T, property func(*rapid.T), met func() (missing string)) {
	t.Helper()
	for range rounds {
		rapid.Check(t, property)
		if t.Failed() || met() == "" {
			return
		}
	}
	t.Errorf("after %d rounds: %s: the worlds that are drawn show nothing", rounds, met())
}

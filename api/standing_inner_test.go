package api

import (
	"reflect"
	"testing"
)

// What is owed, and from when, follows the states of a metered contract and of an order: nothing before a bill or a
// delivery, a dispute is the arbiter's, and never more than is in it.
func TestWhatIsOwed(t *testing.T) {
	for name, c := range map[string]struct { // any order
		kind StandingKind
		n    map[string]int64
		want Standing
	}{
		"no bill":           {Metered, map[string]int64{}, Standing{}},
		"a bill":            {Metered, map[string]int64{"state due": 70, "state billed": 400}, Standing{Owed: 400, From: 70}},
		"above the deposit": {Metered, map[string]int64{"state due": 70, "state billed": 5_000}, Standing{Owed: 1_000, From: 70}},
		"disputed":          {Metered, map[string]int64{"state due": 70, "state billed": 400, "state open": 1}, Standing{Owed: 400, From: 70, Disputed: true}},
		"without a reading": {Metered, map[string]int64{"state due": 70, "state open": 2}, Standing{Disputed: true}},
		"none delivered": {Order, map[string]int64{"term milestones": 3, "term price": 300, "state done": 1, "state due": 50},
			Standing{Due: 50, Done: 1, Of: 3}},
		"delivered late": {Order, map[string]int64{"term milestones": 3, "term price": 300, "term inspect": 7, "state delivered": 60, "state penalty": 20, "state due": 50},
			Standing{Owed: 280, From: 67, Of: 3}},
		"delivery disputed": {Order, map[string]int64{"term milestones": 3, "term price": 300, "term inspect": 7, "state delivered": 60, "state disputed": 1},
			Standing{Owed: 300, Disputed: true, Of: 3}},
		"decided": {Order, map[string]int64{"term milestones": 3, "term price": 300, "term inspect": 7, "state delivered": 60, "state disputed": 2, "state penalty": 300},
			Standing{From: 67, Of: 3}},
		"all delivered": {Order, map[string]int64{"term milestones": 3, "term price": 300, "state done": 3, "state due": 50}, Standing{Done: 3, Of: 3}},
	} {
		s := Standing{MayTake: 1_000}
		if c.kind == Metered {
			s.bill(c.n)
		} else {
			s.delivery(c.n)
		}
		if c.want.MayTake = 1_000; !reflect.DeepEqual(s, c.want) {
			t.Errorf("%s: %+v, want %+v", name, s, c.want)
		}
	}
}

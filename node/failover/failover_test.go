package failover

import "testing"

// groups are the bounds within which everything is tried.
var groups = map[string]bounds{
	"two followers, one acknowledges":    {followers: 2, acks: 1, writes: 2, promotions: 1, crashes: 1, restore: true},
	"two followers, both acknowledge":    {followers: 2, acks: 2, writes: 2, promotions: 1, crashes: 1},
	"two promotions, one acknowledges":   {followers: 2, acks: 1, writes: 1, promotions: 2},
	"two promotions, both acknowledge":   {followers: 2, acks: 2, writes: 1, promotions: 2},
	"one follower acknowledges":          {followers: 1, acks: 1, writes: 2, promotions: 2, crashes: 1, restore: true},
	"three followers, two promotions":    {followers: 3, acks: 2, promotions: 2},
	"three followers, two acknowledge":   {followers: 3, acks: 2, writes: 1, promotions: 1},
	"two look first, one acknowledges":   {followers: 2, acks: 1, promotions: 2, crashes: 1, looks: true},
	"two look first, both acknowledge":   {followers: 2, acks: 2, promotions: 2, crashes: 1, looks: true},
	"three of three look first":          {followers: 3, acks: 2, promotions: 3, looks: true},
	"three look first, one acknowledges": {followers: 3, acks: 1, promotions: 3, looks: true},
	"three followers, one acknowledges":  {followers: 3, acks: 1, writes: 1, promotions: 1},
}

// Nothing that was answered or shown is lost or contradicted, and honest nodes accuse nobody, whatever happens in whatever order.
func TestNothingToldIsLost(t *testing.T) {
	for name, group := range groups {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fault, worlds := (&model{rules: theRules(), bounds: group}).explore()
			t.Logf("%d worlds", worlds)
			if fault != "" {
				t.Error(fault)
			}
			if worlds < 1000 {
				t.Errorf("%d worlds: too few to show anything", worlds)
			}
		})
	}
}

// Each rule is needed: without it the model finds what operators once found.
func TestTheModelFindsFaultsPutBack(t *testing.T) {
	for name, putBack := range map[string]func(r *rules) string{
		"a promotion asks nobody": func(r *rules) string {
			r.mayLead = func(int, int, bool) bool { return true }
			return "two followers, one acknowledges"
		},
		"a follower that left goes on acknowledging": func(r *rules) string {
			r.mayAcknowledge = func(Ballot, Ballot) bool { return true }
			return "two followers, one acknowledges"
		},
		"two promotions at once, of which neither asks anybody": func(r *rules) string {
			r.mayLead = func(int, int, bool) bool { return true }
			r.alone = func(int, int, bool) bool { return true }
			r.dropsAcks = true
			return "two promotions, both acknowledge"
		},
		"a promise is taken back for a later candidate": func(r *rules) string {
			r.mayPromise = func(promised Ballot, led uint64, asked Ballot, _ ...Ballot) bool {
				return asked.Epoch > led && (asked.Epoch > promised.Epoch || asked == promised)
			}
			return "three followers, two promotions"
		},
		"two candidates that need nobody": func(r *rules) string {
			r.alone = func(int, int, bool) bool { return true }
			return "two promotions, both acknowledge"
		},
		"two candidates of three followers": func(r *rules) string {
			r.alone = func(followers, promised int, stopped bool) bool { return 2*promised >= followers || stopped }
			return "three followers, two promotions"
		},
		"a promotion forgets acks": func(r *rules) string {
			r.dropsAcks = true
			r.alone = func(int, int, bool) bool { return true } // else the second candidate would ask the first
			return "two promotions, both acknowledge"
		},
		"followers show what they have": func(r *rules) string {
			r.shown = func(has, _ uint64) uint64 { return has }
			return "two followers, both acknowledge"
		},
		"what a promotion left behind is called fraud": func(r *rules) string {
			r.abandoned = func(uint64, uint64, uint64) bool { return false }
			return "two followers, both acknowledge"
		},
		"an old copy of a leader goes on": func(r *rules) string {
			r.whole = func(int, int, int) bool { return true }
			return "two followers, one acknowledges"
		},
		"a leader promises whom its promise is of no use to": func(r *rules) string {
			r.maySwitch = func(bool, bool) bool { return true }
			return "two look first, one acknowledges"
		},
		"what a refused candidate was promised spreads": func(r *rules) string {
			r.maySwitch = func(leads, whole bool) bool { return !leads || whole } // alone it stops nobody
			r.spreads = true
			return "two look first, both acknowledge"
		},
		"who follows copies what a replaced leader has beyond the fence": func(r *rules) string {
			r.mayCopy = func(uint64, uint64, uint64, uint64) bool { return true }
			return "two followers, one acknowledges"
		},
		"a candidate does not count who answers": func(r *rules) string {
			r.countsLate = true
			return "three of three look first"
		},
		"a candidate does not look whom the others promised": func(r *rules) string {
			r.refuses = func([]Seen, uint64, Ballot, ...Ballot) int { return -1 }
			return "three of three look first"
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := theRules()
			group := putBack(&r)
			fault, worlds := (&model{rules: r, bounds: groups[group]}).explore()
			t.Logf("%d worlds: %s", worlds, fault)
			if fault == "" {
				t.Error("the model does not notice")
			}
		})
	}
}

package ledger_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/token"
)

// standing is a key set and since when it stands.
type standing struct {
	keys  token.KeySet
	since uint64
}

// setsOf lists every key set of a state by whose it is.
func setsOf(m *ledger.Model) map[string]standing {
	sets := map[string]standing{}
	for i, s := range m.Central.Sets {
		sets[(token.RoleRoot + token.Role(i)).String()] = standing{s.KeySet, s.SinceMillis}
	}
	for id, i := range m.Intermediaries {
		sets["bank "+id.String()] = standing{i.Keys, i.SinceMillis}
	}
	for _, id := range m.Agencies() {
		a, _ := m.Agency(id)
		sets["agency "+id.String()] = standing{a.Keys, a.SinceMillis}
	}
	return sets
}

// checkStanding holds that a set stands since now if its keys are not those of before, and since then if they are.
func checkStanding(t interface{ Fatalf(string, ...any) }, before, after map[string]standing, now uint64) {
	for whose, s := range after {
		want := now
		if old, was := before[whose]; was && old.keys.Equal(s.keys) {
			want = old.since
		}
		if s.since != want {
			t.Fatalf("the keys of %s stand since %d, want %d", whose, s.since, want)
		}
	}
}

// standingBlock is machine.block with checkStanding around it.
func (m *machine) standingBlock(t *rapid.T) {
	before := setsOf(m.model)
	m.block(t)
	checkStanding(t, before, setsOf(m.model), m.plain.Now)
}

// Genesis, enactment, admission and renewal put a set in its place; a proposal, a veto, a suspension, a registration,
// and the same keys put again do not.
func TestKeySetsStandSinceTheyWerePut(t *testing.T) {
	w := newTown(t)
	start := w.Now
	since := func(whose string, want uint64) {
		t.Helper()
		if got := setsOf(w.model)[whose].since; got != want {
			t.Errorf("the keys of %s stand since %d, want %d", whose, got, want)
		}
	}
	bank := "bank " + w.bank.String()
	since("issue", sim.StartMillis)
	since("root", sim.StartMillis)
	since(bank, start)

	w.Now += 1000
	agencyID := token.RegisteredID(w.Must(&token.SetAgency{Sequence: w.policySequence(), Name: "ministry", Keys: w.setOf("ministry")}).ID())
	agency := "agency " + agencyID.String()
	granted := w.Now
	since(agency, granted)

	// Nothing of this is about the keys.
	w.Now += 1000
	w.register("dana", 1)
	w.issue(kzt)
	w.suspend()
	w.Must(&token.Suspend{Sequence: w.policySequence(), Intermediary: w.bank})
	w.Must(&token.SetAgency{Sequence: w.policySequence(), Agency: agencyID, Name: "the ministry", Keys: w.setOf("ministry"), Suspended: true})
	w.Must(&token.RenewIntermediary{Sequence: w.policySequence(), Intermediary: w.bank, Keys: w.model.Intermediaries[w.bank].Keys})
	w.expect(ledger.UnknownIntermediary, &token.RenewIntermediary{Sequence: w.policySequence(), Intermediary: w.alice, Keys: w.setOf("k")})
	since(bank, start)
	since(agency, granted)

	// What is proposed stands from its enactment on; what is vetoed, never.
	propose := func(role token.Role, keys token.KeySet) *token.Transaction {
		return w.Must(&token.Propose{By: token.RoleRoot, Sequence: w.model.Central.Set(token.RoleRoot).Sequence, Change: token.Change{Set: role, Keys: &keys}})
	}
	propose(token.RoleIssue, w.setOf("issue new"))
	propose(token.RolePolicy, w.model.Central.Set(token.RolePolicy).KeySet)
	vetoed := propose(token.RoleEnforcement, w.setOf("enforcement new"))
	w.Must(&token.Veto{Sequence: w.model.Central.Set(token.RoleRoot).Sequence, Proposal: vetoed.ID()})
	since("issue", sim.StartMillis)
	w.Now += w.model.Central.DelayMillis + 5000 // not when it fell due, but with the block
	w.Block()
	since("issue", w.Now)
	for _, role := range []string{"root", "policy", "enforcement"} {
		since(role, sim.StartMillis)
	}

	w.Now += 1000
	w.Must(&token.RenewIntermediary{Sequence: w.policySequence(), Intermediary: w.bank, Keys: w.setOf("bank new")})
	w.Must(&token.SetAgency{Sequence: w.policySequence(), Agency: agencyID, Name: "the ministry", Keys: w.setOf("ministry new")})
	since(bank, w.Now)
	since(agency, w.Now)

	// The same keys under another threshold are another set.
	w.Now += 1000
	two := token.KeySet{Threshold: 1, Keys: []token.PublicKey{w.Key("a").Public(), w.Key("b").Public()}}
	for _, threshold := range []uint8{1, 2} {
		two.Threshold = threshold
		w.Now += 1000
		w.Must(&token.RenewIntermediary{Sequence: w.policySequence(), Intermediary: w.bank, Keys: two})
		since(bank, w.Now)
	}

	again := ledger.NewModel()
	if err := w.Replay(again); err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(setsOf(again)), fmt.Sprint(setsOf(w.model)); got != want {
		t.Errorf("the log gives %s, want %s", got, want)
	}
}

package ledger_test

import (
	"strings"
	"testing"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/token"
)

// proposeRules has root announce a version of the rules from a height on.
func (w *town) proposeRules(rules uint32, height uint64) *token.Transaction {
	return w.Must(&token.Propose{By: token.RoleRoot, Sequence: w.model.Central.Set(token.RoleRoot).Sequence, Change: token.Change{Rules: rules, Height: height}})
}

func (w *town) later(millis uint64) {
	w.Now += millis
	w.issue(kzt) // any block
}

func TestRulesBeginAtTheirHeightAfterTheDelay(t *testing.T) {
	w := townUnder(t, 1)
	begins := w.Leaf.Height + 6
	w.proposeRules(2, begins)
	w.later(1000)
	if w.Leaf.Rules != 1 || w.model.Central.Upgrade.Rules != 0 {
		t.Error("they begin before the delay")
	}
	w.later(w.model.Central.DelayMillis)
	if u := w.model.Central.Upgrade; w.Leaf.Rules != 1 || u.Height != begins {
		t.Errorf("block %d follows version %d, and %+v waits", w.Leaf.Height, w.Leaf.Rules, u)
	}
	for w.Leaf.Height < begins-1 {
		w.later(1)
		if w.Leaf.Rules != 1 {
			t.Errorf("block %d follows version %d", w.Leaf.Height, w.Leaf.Rules)
		}
	}
	w.later(1)
	if w.Leaf.Rules != 2 || w.Leaf.Height != begins || w.model.Central.Rules != 2 || w.model.Central.Upgrade.Rules != 0 {
		t.Errorf("block %d follows version %d; %+v", w.Leaf.Height, w.Leaf.Rules, w.model.Central)
	}
	w.expect(ledger.StaleVersion, &token.Propose{By: token.RoleRoot, Sequence: 2, Change: token.Change{Rules: 2, Height: 1}})
	if err := w.Replay(ledger.NewModel()); err != nil {
		t.Error(err)
	}
}

// A height that is past when the delay is over means the next block, never one that has been made.
func TestRulesNeverBeginInThePast(t *testing.T) {
	w := townUnder(t, 1)
	w.proposeRules(2, 1)
	w.Now += w.model.Central.DelayMillis
	w.Block() // the proposal takes effect in a block of version 1
	if w.Leaf.Rules != 1 {
		t.Error("the block that brings them follows them already")
	}
	w.later(1)
	if w.Leaf.Rules != 2 {
		t.Error("they have not begun")
	}
}

func TestRootVetoesRules(t *testing.T) {
	w := townUnder(t, 1)
	proposal := w.proposeRules(2, 1)
	w.Must(&token.Veto{Sequence: 2, Proposal: proposal.ID()})
	w.later(2 * w.model.Central.DelayMillis)
	w.later(1)
	if w.Leaf.Rules != 1 {
		t.Error("the veto was not heard")
	}
}

// A block that states other rules than the log gives, or rules that this program does not know, is not replayed; the
// latter says what to do.
func TestABlockFollowsTheRulesThatTheLogGives(t *testing.T) {
	w := townUnder(t, 1)
	for rules, code := range map[uint32]token.Code{2: ledger.NotDerived, ledger.LatestRules + 1: ledger.UnknownRules, 0: ledger.UnknownRules} { // any order: each by itself
		replay := ledger.NewReplay(ledger.NewModel(), false)
		last := len(w.Blocks) - 1
		for i, block := range w.Blocks {
			if i == last {
				e, err := ledger.DecodeEntry(block[0])
				if err != nil {
					t.Fatal(err)
				}
				e.Leaf.Rules = rules
				block = append([][]byte{e.Leaf.Encode()}, block[1:]...)
			}
			_, err := replay.Block(block, token.Hash(w.Roots[i]))
			var refusal *token.Error
			if i < last && err != nil || i == last && !asRefusal(err, &refusal) {
				t.Fatalf("block %d under version %d: %v", i, rules, err)
			}
			if i == last && refusal.Code != code {
				t.Errorf("version %d: %v, want %s", rules, err, code)
			}
		}
	}
}

func asRefusal(err error, refusal **token.Error) bool {
	r, ok := err.(*token.Error)
	*refusal = r
	return ok
}

// Networks that exist keep their ids: the first leaf of version 1 has the bytes that it always had, and says its version.
func TestTheGenesisSaysItsRules(t *testing.T) {
	for rules := uint32(ledger.FirstRules); rules <= ledger.LatestRules; rules++ {
		w := townUnder(t, rules)
		e, err := ledger.DecodeEntry(w.Blocks[0][0])
		if err != nil {
			t.Fatal(err)
		}
		if g := e.Leaf.Genesis; g.Rules != rules || g.Network() != w.Network {
			t.Errorf("the genesis of version %d says %d, and is of network %s", rules, g.Rules, g.Network())
		}
	}
	unknown := newTown(t).Genesis
	unknown.Rules = ledger.LatestRules + 1
	if err := unknown.Check(); err == nil || err.Code != ledger.UnknownRules {
		t.Errorf("a network is founded under rules that nobody has: %v", err)
	}
}

// holes are uses of what version 2 forbids, or version 5: each is done under version 1, in the state that it needs.
var holes = map[string]func(f *fair){
	"a stranger re-keys a suspense wallet": func(f *fair) {
		f.Must(&token.Rekey{Wallet: ledger.SuspenseOf(f.bank), Version: 1, By: token.RoleWallet, Key: f.Key("thief").Public()})
	},
	"nobody cancels the bank's re-key": func(f *fair) {
		suspense := ledger.SuspenseOf(f.bank)
		f.Must(&token.Suspend{Sequence: f.policySequence(), Intermediary: f.bank})
		f.Must(&token.Rekey{Wallet: suspense, Version: 1, By: token.RoleIntermediary, Key: f.Key("clerk").Public()})
		f.Must(&token.CancelRekey{Wallet: suspense, Version: 2})
	},
	"a bank takes a suspense wallet": func(f *fair) {
		f.Must(&token.Suspend{Sequence: f.policySequence(), Intermediary: f.bank})
		f.Must(&token.Rekey{Wallet: ledger.SuspenseOf(f.bank), Version: 1, By: token.RoleIntermediary, Key: f.Key("clerk").Public()})
	},
	"a bank closes a wallet that a contract names": func(f *fair) {
		f.Must(&token.Suspend{Sequence: f.policySequence(), Intermediary: f.bank})
		seller := f.holder("seller", "person", 0)
		f.escrowFor(seller, 100*kzt)
		f.Must(&token.Close{Wallet: seller, Version: 1, By: token.RoleIntermediary})
	},
	"the policy set takes the owner's time to cancel away": func(f *fair) {
		policy := f.model.Central.Policy
		policy.RekeyDelayMillis = 1000
		f.Must(&token.SetPolicy{Sequence: f.policySequence(), Policy: policy})
	},
	"a stolen key takes the recovery key away": func(f *fair) {
		f.Must(&token.Suspend{Sequence: f.policySequence(), Intermediary: f.bank})
		saved := token.RegisteredID(f.Must(&token.Register{Registrar: f.bank, Sequence: f.model.Intermediaries[f.bank].Sequence,
			Key: f.Key("saved").Public(), Recovery: f.Key("recovery").Public()}).ID())
		f.Must(&token.Rekey{Wallet: saved, Version: 1, By: token.RoleWallet, Key: f.Key("thief").Public(), Recovery: f.Key("thief 2").Public()})
	},
	"a definition that never comes to an end": func(f *fair) {
		d := contract.Definition{Name: "endless", Parties: []string{"a"}, Assets: []string{"tenge"}, Create: contract.Action{Takes: []contract.Take{{Asset: "tenge", Amount: contract.Any}}},
			Actions: []contract.Action{{Name: "act", Args: []contract.Field{{Name: "l", Type: token.IntsValue}}, From: "created", When: endless("args.l"), Ends: true}},
			End:     contract.End{At: "created + day", Pay: []contract.Share{{To: "a", Share: 1}}}}
		f.Must(&token.Define{Registrar: token.Authority, Sequence: f.policySequence(), Definition: d.Encode()})
	},
}

// endless is a condition of eleven loops over a list, which is taken 64¹¹ times where it has 64 items: more than 64 bits hold.
func endless(list string) string {
	return strings.Repeat(list+".all(x, ", 11) + "true" + strings.Repeat(")", 11)
}

// Logs of version 1 replay unchanged, uses of its holes and all, and whoever replays them is told of each.
func TestUsesOfOldHolesAreReported(t *testing.T) {
	for name, use := range holes { // any order: each by itself
		f, _ := three(t, 1)
		replayed := func() (uses []ledger.Breach) {
			replay := ledger.NewReplay(ledger.NewModel(), false)
			replay.Outlawed = func(u ledger.Breach) { uses = append(uses, u) }
			for i, block := range f.Blocks {
				if _, err := replay.Block(block, token.Hash(f.Roots[i])); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
			}
			return uses
		}
		if uses := replayed(); len(uses) != 0 {
			t.Fatalf("before: %+v", uses)
		}
		use(f)
		if uses := replayed(); len(uses) == 0 || uses[len(uses)-1].Height != f.Leaf.Height || uses[len(uses)-1].Refusal == nil {
			t.Errorf("%s: reported are %+v", name, uses)
		}
	}
}

// Until its network is upgraded, a new program makes no block that uses a hole.
func TestAStrictExecutorRefusesWhatLaterRulesForbid(t *testing.T) {
	for name, use := range holes { // any order: each by itself
		f, _ := three(t, 1)
		f.Strict(true)
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: it was executed", name)
				}
			}()
			use(f)
		}()
	}
}

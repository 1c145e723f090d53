package ledger_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/token"
)

// setting sets validators by name.
func (w *town) setting(names ...string) *token.SetValidators {
	t := &token.SetValidators{Sequence: sim.RootSequence(w.model)}
	for _, name := range names {
		t.Validators = append(t.Validators, w.Validator(name))
	}
	return t
}

// Validators come and go by transactions of the root keys, and the heights of all changes stay.
func TestValidatorsComeAndGo(t *testing.T) {
	w := newTown(t)
	for i, names := range [][]string{{"a", "b", "c", "d"}, {"a", "b", "c", "d", "e"}, {"a", "c", "d", "e"},
		{"a", "c", "d", "f"}} {
		w.Must(w.setting(names...))
		v := w.model.Central.Validators
		if len(v.Changes) != i+1 || v.Changes[i] != w.Leaf.Height || len(v.Members) != len(names) ||
			v.Members[1].Name != names[1] {
			t.Fatalf("after %v: %+v", names, v)
		}
	}
	rotated := w.setting("a", "c", "d", "f")
	rotated.Validators[3].Vote = w.Key("f's next").Public()
	w.Must(rotated)
	moved := w.setting("a", "c", "d", "f")
	moved.Validators[3] = rotated.Validators[3]
	for i := range moved.Validators { // another name for peers is no other key
		moved.Validators[i].Peer[3]++
	}
	w.Must(moved)
}

// Whoever would order the ledger without the authority does not: neither a stranger, nor too few of the root keys, nor
// any other set, nor an old transaction of its own.
func TestNobodyElseSetsValidators(t *testing.T) {
	w := newTown(t)
	set := w.setting("a", "b", "c", "d")
	w.expectTx(ledger.MissingSignature, w.Sign(set, w.Now+1))
	w.expectTx(ledger.MissingSignature, w.Sign(set, w.Now+1, w.By(token.RoleRoot, 1)))
	for _, role := range []token.Role{token.RolePolicy, token.RoleIssue, token.RoleEnforcement} {
		w.expectTx(ledger.NotAuthorised, w.Sign(set, w.Now+1, w.By(role, 2)))
	}
	tx := w.Must(set)
	w.expectTx(ledger.StaleVersion, tx)
	old := townUnder(t, 4)
	old.expect(ledger.LaterRules, old.setting("a"))
}

// However many there are, more than two thirds of them stay through each change, or all but one.
func TestMostValidatorsStay(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newTown(t)
		names := []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p"}
		n := rapid.IntRange(1, len(names)).Draw(rt, "present")
		w.Must(w.setting(names[:n]...))
		leave := rapid.IntRange(0, n).Draw(rt, "leave")
		next := w.setting(names[:n]...)
		gone := rapid.Permutation(seq(n)).Draw(rt, "who")[:leave]
		if rapid.Bool().Draw(rt, "get other keys") {
			for _, i := range gone {
				next.Validators[i].Checkpoint = w.Key("next " + names[i]).Public()
			}
		} else if leave == n {
			next.Validators = []token.Validator{w.Validator("somebody")}
		} else {
			kept := next.Validators
			next.Validators = nil
			for i := range kept {
				if !slices.Contains(gone, i) {
					next.Validators = append(next.Validators, kept[i])
				}
			}
		}
		refused := w.Try(w.Make(next))
		quorum := 2*n/3 + 1
		may := leave <= n-quorum || leave <= 1
		if may && refused != nil || !may && (refused == nil || refused.Code != ledger.TooManyLeave) {
			rt.Fatalf("%d of %d leave: %v", leave, n, refused)
		}
	})
}

func seq(n int) (all []int) {
	for i := range n {
		all = append(all, i)
	}
	return all
}

// A set that could not order is no transaction: nobody, too many, or somebody or a key twice.
func TestSetsThatCannotOrder(t *testing.T) {
	w := newTown(t)
	for name, c := range map[string]struct {
		code   token.Code
		change func(*token.SetValidators)
	}{
		"nobody": {token.TooFew, func(s *token.SetValidators) { s.Validators = nil }},
		"too many": {token.TooMany, func(s *token.SetValidators) {
			for i := range token.MaxValidators {
				s.Validators = append(s.Validators, w.Validator("more-"+string(rune('a'+i))))
			}
		}},
		"a name twice": {token.Repeated, func(s *token.SetValidators) { s.Validators[1].Name = "a" }},
		"a vote twice": {token.Repeated, func(s *token.SetValidators) { s.Validators[1].Vote = s.Validators[0].Vote }},
		"a peer twice": {token.Repeated, func(s *token.SetValidators) { s.Validators[1].Peer = s.Validators[0].Peer }},
		"one key as both": {token.Repeated, func(s *token.SetValidators) {
			s.Validators[1].Vote = s.Validators[1].Checkpoint
		}},
		"a checkpoint key twice": {token.Repeated, func(s *token.SetValidators) {
			s.Validators[1].Checkpoint = s.Validators[0].Checkpoint
		}},
		"another's vote to sign": {token.Repeated, func(s *token.SetValidators) {
			s.Validators[1].Checkpoint = s.Validators[0].Vote
		}},
		"a key of small order": {token.WeakKey, func(s *token.SetValidators) {
			s.Validators[1].Vote = token.PublicKey{byte(token.Ed25519), 1}
		}},
		"no name":     {token.OutOfRange, func(s *token.SetValidators) { s.Validators[1].Name = "" }},
		"a blank":     {token.OutOfRange, func(s *token.SetValidators) { s.Validators[1].Name = "a b" }},
		"much reason": {token.OutOfRange, func(s *token.SetValidators) { s.Reason = string(make([]byte, 65)) }},
	} {
		set := w.setting("a", "b")
		c.change(set)
		if _, err := token.New(set, 1); err == nil || codeOf(err) != c.code {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
	}
}

// validatorsProvocations break the rules of validators by name.
var validatorsProvocations = map[token.Code]func(w *town, code token.Code){
	ledger.TooManyLeave: func(w *town, code token.Code) {
		w.Must(w.setting("a", "b", "c", "d"))
		w.expect(code, w.setting("a", "b"))
		w.expect(code, w.setting("a", "b", "e", "f", "g"))
		w.expect("", w.setting("a", "b", "c", "e", "f"))
	},
	ledger.ValidatorsChanged: func(w *town, code token.Code) {
		first := w.setting("a", "b")
		second := w.setting("a", "b", "c")
		second.Sequence++
		refused := w.Block(w.Make(first), w.Make(second))
		if refused[0] != nil || refused[1] == nil || refused[1].Code != code {
			w.t.Errorf("two changes in a block: %v", refused)
		}
	},
	ledger.StaleVersion: func(w *town, code token.Code) {
		w.Must(w.setting("a"))
		late := w.setting("a", "b")
		late.Sequence--
		w.expect(code, late)
	},
}

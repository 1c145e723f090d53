package ledger_test

import (
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// town is a small network on a Model: a bank with money, three wallets of it and a court.
type town struct {
	*sim.Chain
	t                             *testing.T
	model                         *ledger.Model
	bank, alice, bob, rich, court token.WalletID
}

const kzt = money.Tenge

func newTown(t *testing.T) *town { return townUnder(t, ledger.LatestRules) }

// townUnder is a town under a version of the rules.
func townUnder(t *testing.T, rules uint32) *town {
	w := &town{t: t, model: ledger.NewModel()}
	w.Chain = sim.NewWorldUnder(rules, 1).NewChain(w.model)
	if recording != nil {
		recording.watch(w.Chain)
	}
	keepChain(t, w.Chain)
	admit, bank := w.Admit("bank", 1, w.Now+1000)
	w.mustTry(admit)
	w.bank = bank
	w.alice = w.register("alice", 1) // normal: 500,000 at once, 1,000,000 a day, 5,000,000 held
	w.bob = w.register("bob", 0)     // limited: 12,975 at once, a day, held; 20 payments
	w.rich = w.register("rich", 2)   // without limits
	w.court = token.RegisteredID(w.Must(&token.Register{Sequence: w.policySequence(), Key: w.Key("court").Public(), Tier: 2, Attributes: token.Attributes{Role: ledger.CourtRole}}).ID())
	w.issue(50_000_000 * kzt)
	w.fund(w.alice, 2_000_000*kzt)
	w.fund(w.rich, 20_000_000*kzt)
	return w
}

func (w *town) mustTry(tx *token.Transaction) {
	w.t.Helper()
	if err := w.Try(tx); err != nil {
		w.t.Fatalf("%s refused: %v", tx.Body.Kind(), err)
	}
}

func (w *town) policySequence() uint64 { return w.model.Central.Set(token.RolePolicy).Sequence }

func (w *town) register(name string, tier uint8) token.WalletID {
	sequence := w.model.Intermediaries[w.bank].Sequence
	return token.RegisteredID(w.Must(&token.Register{Registrar: w.bank, Sequence: sequence, Key: w.Key(name).Public(), Tier: tier}).ID())
}

func (w *town) issue(amount money.Tiyn) *token.Transaction {
	return w.Must(&token.Issue{Sequence: w.model.Central.Set(token.RoleIssue).Sequence, To: w.bank, Amounts: []money.Tiyn{amount}})
}

func (w *town) version(id token.WalletID) uint64 { return uint64(w.model.Wallets[id].Version) }

// tokensOf lists a wallet's live tokens in id order.
func (w *town) tokensOf(id token.WalletID) (ids []token.ID) {
	for tokenID, t := range w.model.Tokens {
		if t.Wallet == id {
			ids = append(ids, tokenID)
		}
	}
	slices.SortFunc(ids, func(a, b token.ID) int { return slices.Compare(a[:], b[:]) })
	return ids
}

// payment spends all of a wallet's tokens: an amount to the payee, the rest back.
func (w *town) payment(from, to token.WalletID, amount money.Tiyn) *token.Transfer {
	b := &token.Transfer{Parties: []token.WalletID{from, to}, Payers: 1, Inputs: w.tokensOf(from), Outputs: []token.Output{{Party: 1, Amount: amount}}}
	if rest := w.model.Wallets[from].Balance - amount; rest > 0 {
		b.Outputs = append(b.Outputs, token.Output{Party: 0, Amount: rest})
	}
	return b
}

func (w *town) fund(to token.WalletID, amount money.Tiyn) { w.Must(w.payment(w.bank, to, amount)) }

// expect executes a body, signed by whom it needs, and wants it refused under a code, or executed when
// the code is empty. A refusal must change nothing.
func (w *town) expect(code token.Code, body token.Body) {
	w.t.Helper()
	w.expectTx(code, w.Make(body))
}

func (w *town) expectTx(code token.Code, tx *token.Transaction) {
	w.t.Helper()
	before := copyOf(w.model)
	err := w.Try(tx)
	switch {
	case err == nil && code != "":
		w.t.Errorf("%s executed, want %s", tx.Body.Kind(), code)
	case err != nil && err.Code != code:
		w.t.Errorf("%s refused with %v, want %q", tx.Body.Kind(), err, code)
	case err != nil:
		if diff := difference(before, w.model); diff != "" {
			w.t.Errorf("a refusal (%s) changed the state: %s", code, diff)
		}
	}
}

// difference says in what two states differ. Mostly they do not, which is quicker to find out.
func difference(a, b *ledger.Model) string {
	if reflect.DeepEqual(a, b) {
		return ""
	}
	return cmp.Diff(a, b, ledger.InDepth, cmpopts.EquateEmpty())
}

// copyOf copies a state in depth.
func copyOf(m *ledger.Model) *ledger.Model {
	c := &ledger.Model{Tokens: maps.Clone(m.Tokens), Wallets: maps.Clone(m.Wallets), Details: maps.Clone(m.Details), Intermediaries: maps.Clone(m.Intermediaries), Central: m.Central, Programs: m.Programs.Clone()}
	c.Central.Proposals = slices.Clone(m.Central.Proposals)
	c.Central.Reserves = slices.Clone(m.Central.Reserves)
	for i := range c.Central.Reserves {
		c.Central.Reserves[i].Keysets = slices.Clone(m.Central.Reserves[i].Keysets)
	}
	c.Central.Policy.Tiers = slices.Clone(m.Central.Policy.Tiers)
	return c
}

func (w *town) freeze(id token.WalletID, mode token.FreezeMode) {
	w.Must(&token.Freeze{Wallet: id, Version: w.version(id), Mode: mode, Case: "case 1"})
}

func (w *town) suspend() {
	w.Must(&token.Suspend{Sequence: w.policySequence(), Intermediary: w.bank, Suspended: true})
}

func (w *town) rekeyByBank(id token.WalletID, name string) {
	w.Must(&token.Rekey{Wallet: id, Version: w.version(id), By: token.RoleIntermediary, Key: w.Key(name).Public()})
}

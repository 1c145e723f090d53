package ledger_test

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// at is a copy of a model in which a block of a time was begun, and its executor.
func at(chain *sim.Chain, m *ledger.Model, height, now uint64) (*ledger.Model, *ledger.Executor) {
	c := ledger.NewModel()
	sim.Copy(c, m)
	x := ledger.NewExecutor(chain.Network, c)
	x.TrustSignatures, x.Strict = true, true
	x.Begin(height, now)
	return c, x
}

// What is said of a contract's next steps is what becomes of them, after every block of a story in which contracts
// live, at several times, for every caller; where it depends on what the caller gives, the call is refused for that
// alone or is executed.
func TestNextStepsAreWhatBecomesOfThem(t *testing.T) {
	whole := ledger.NewModel()
	chain, _ := sim.NewWorld(1).Story(whole)
	model := ledger.NewModel()
	replay := ledger.NewReplay(model, true)
	seen := map[token.Code]int{}
	for i, block := range chain.Blocks {
		leaf, err := replay.Block(block, token.Hash(chain.Roots[i]))
		if err != nil {
			t.Fatal(err)
		}
		for _, ahead := range []uint64{1, 3_600_000, 86_400_000} {
			height, now := leaf.Height+1, leaf.TimeMillis+ahead
			state, _ := at(chain, model, height, now)
			for id := range state.EachContract() {
				holdSteps(t, chain, model, height, now, id, seen)
			}
		}
	}
	if seen[""] < 3 || seen["wrong-caller"] == 0 || len(seen) < 4 {
		t.Errorf("too few kinds of verdicts: %v", seen)
	}
}

func holdSteps(t *testing.T, chain *sim.Chain, model *ledger.Model, height, now uint64, id token.WalletID,
	seen map[token.Code]int) {
	t.Helper()
	state, _ := at(chain, model, height, now)
	c := state.Contract(id)
	with := ledger.NeededFor(state, height, c).Prepare()
	for _, caller := range append([]token.WalletID{{}, {9}}, c.Parties...) {
		steps, refused := ledger.NextSteps(chain.Network, state, height, now, id, caller, with)
		if refused != nil {
			t.Fatal(refused)
		}
		for _, s := range steps {
			_, x := at(chain, model, height, now)
			tx, err := token.New(&token.Act{Contract: id, Version: c.Version, Action: s.Action, Caller: s.Caller,
				Paid: make([]money.Tiyn, len(c.Assets))}, now+1000)
			if err != nil {
				t.Fatal(err)
			}
			says, becomes := code(s.Refused), code(x.Apply(tx, nil))
			seen[becomes]++
			switch {
			case s.Open && (becomes == "bad-arguments" || becomes == "wrong-document" || becomes == "wrong-payment" ||
				becomes == "guard-not-met"):
			case len(s.Takes) > 0 && says == "" && becomes == "wrong-payment": // the call brought nothing
			case s.Refused != nil && becomes == "bad-arguments": // more than one rule stands against it
			case says != becomes:
				t.Errorf("%s by %s at %d: said %q, executed %q", s.Action, s.Caller, now, says, becomes)
			}
			if s.Open && s.Refused != nil {
				t.Errorf("%s is open and refused", s.Action)
			}
		}
	}
}

func code(err *token.Error) token.Code {
	if err == nil {
		return ""
	}
	return err.Code
}

// Whether marked money may be paid is what becomes of such a payment; without money of the mark nothing is told but
// that.
func TestWhatIsSaidOfMarkedMoneyBecomesOfIt(t *testing.T) {
	whole := ledger.NewModel()
	chain, _ := sim.NewWorld(1).Story(whole)
	model := ledger.NewModel()
	replay := ledger.NewReplay(model, true)
	r := rand.New(rand.NewPCG(3, 3))
	verdicts := map[token.Code]int{}
	for i, block := range chain.Blocks {
		leaf, err := replay.Block(block, token.Hash(chain.Roots[i]))
		if err != nil {
			t.Fatal(err)
		}
		height, now := leaf.Height+1, leaf.TimeMillis+1
		for _, id := range slices.SortedFunc(maps.Keys(model.Tokens), func(a, b token.ID) int {
			return bytes.Compare(a[:], b[:])
		}) {
			earmarked := model.Tokens[id]
			if earmarked.Asset.Purpose == 0 {
				continue
			}
			for _, payee := range slices.SortedFunc(maps.Keys(model.Wallets), func(a, b token.WalletID) int {
				return bytes.Compare(a[:], b[:])
			}) {
				if payee == earmarked.Wallet {
					continue
				}
				amount := 1 + money.Tiyn(r.Int64N(int64(earmarked.Amount)))
				of := ledger.EarmarkedPayment{Purpose: earmarked.Asset.Purpose, Payer: earmarked.Wallet, Payee: payee,
					Amount: amount, Inputs: []token.ID{id}}
				becomes, refused := ledger.MayPay(chain.Network, model, height, now, of,
					ledger.NeededFor(model, height, nil, of.Purpose).Prepare())
				outputs := []token.EarmarkedOutput{{Party: 1, Amount: amount, From: of.Purpose, Becomes: becomes}}
				if rest := earmarked.Amount - amount; rest > 0 {
					outputs = append(outputs, token.EarmarkedOutput{Amount: rest, From: of.Purpose,
						Becomes: of.Purpose})
				}
				tx, err := token.New(&token.EarmarkedTransfer{Parties: []token.WalletID{of.Payer, payee},
					Inputs: of.Inputs, Outputs: outputs}, now+1000)
				if err != nil {
					t.Fatal(err)
				}
				_, x := at(chain, model, height, now)
				if got := code(x.Apply(tx, nil)); got != code(refused) {
					t.Fatalf("said %q, executed %q: %+v", code(refused), got, of)
				}
				verdicts[code(refused)]++
				if refused != nil || amount < 2 {
					continue
				}
				// A payment that the purpose allows, and the payer's tier does not: only the whole of it says so.
				policy := model.Central.Policy
				model.Central.Policy.Tiers = slices.Clone(policy.Tiers)
				for i := range model.Central.Policy.Tiers {
					model.Central.Policy.Tiers[i].MaxPayment = amount - 1
				}
				_, refused = ledger.MayPay(chain.Network, model, height, now, of,
					ledger.NeededFor(model, height, nil, of.Purpose).Prepare())
				_, x = at(chain, model, height, now)
				if got := code(x.Apply(tx, nil)); got != code(refused) {
					t.Fatalf("over a limit: said %q, executed %q: %+v", code(refused), got, of)
				}
				model.Central.Policy = policy
				verdicts[code(refused)]++
			}
		}
	}
	if verdicts[ledger.LimitPayment] < 3 {
		t.Errorf("too few payments over a limit: %v", verdicts)
	}
	if verdicts[""] < 3 || verdicts["purpose-forbids"] < 3 {
		t.Errorf("too few kinds of verdicts: %v", verdicts)
	}
	for payee := range model.Wallets { // whoever it is: who has nothing of the mark is told that alone
		of := ledger.EarmarkedPayment{Purpose: 1, Payer: token.WalletID{9}, Payee: payee, Amount: 1}
		if _, refused := ledger.MayPay(chain.Network, model, 99, 99, of,
			ledger.Prepared{}); code(refused) != ledger.UnknownWallet {
			t.Errorf("%v", refused)
		}
	}
}

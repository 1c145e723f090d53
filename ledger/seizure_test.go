package ledger_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// seizure takes an amount out of all that a wallet has of a purpose.
func (f *fair) seizure(from token.WalletID, purpose uint32, amount money.Tiyn) *token.Seize {
	return &token.Seize{Wallet: from, Inputs: f.of(from, purpose), Amount: amount, Change: f.balanceOf(from, purpose) - amount, Court: f.court, Case: "case 1"}
}

// What a court takes of marked money is plain, what it leaves keeps its mark and its hops.
func TestASeizureEndsTheMark(t *testing.T) {
	f := newFair(t)
	f.endow(100 * kzt)
	first := f.school
	f.school = f.holder("school 2", "school", 2)
	f.Must(f.earmarked(first, f.school, 100*kzt, f.meals, f.meals)) // a hop
	f.fund(f.school, 7*kzt)
	seized := f.seizure(f.school, f.meals, 60*kzt)
	f.expect(ledger.NotFrozen, seized)
	f.freeze(f.school, token.FreezeDebits)
	hops := f.model.Tokens[f.of(f.school, f.meals)[0]].Hops
	f.expect("", seized)
	f.holds("court", f.court, 60*kzt, 0)
	f.holds("school", f.school, 7*kzt, 40*kzt)
	if p := f.model.Purpose(f.meals); p.Left != 60*kzt || p.Live() != 40*kzt {
		t.Errorf("purpose: %+v", p)
	}
	if rest := f.model.Tokens[f.of(f.school, f.meals)[0]]; rest.Hops != hops || hops == 0 {
		t.Errorf("the rest has used %d hops, before %d", rest.Hops, hops)
	}
	f.Must(f.payment(f.court, f.shop, 60*kzt)) // plain: to anybody

	// All of it, without change; then plain money as ever.
	f.expect("", f.seizure(f.school, f.meals, 40*kzt))
	f.expect("", f.seizure(f.school, 0, 7*kzt))
	f.holds("court", f.court, 47*kzt, 0)
	if f.model.Wallets[f.school].Tokens != 0 {
		t.Error("the school still holds tokens")
	}
	again := ledger.NewModel()
	if err := f.Replay(again); err != nil {
		t.Fatal(err)
	}
	if diff := difference(f.model, again); diff != "" {
		t.Error(diff)
	}
}

func TestSeizuresOfMarkedMoneyThatAreRefused(t *testing.T) {
	f := newFair(t)
	f.endow(100 * kzt)
	f.fund(f.school, 7*kzt)
	f.freeze(f.school, token.FreezeDebits)
	earmarked, plain := f.seizure(f.school, f.meals, 60*kzt), f.seizure(f.school, 0, kzt)
	both := *earmarked
	both.Inputs, both.Change = append(f.of(f.school, f.meals), f.of(f.school, 0)...), 47*kzt
	f.expect(ledger.UnknownAsset, &both) // of two purposes at once, whichever is named first
	both.Inputs = append(f.of(f.school, 0), f.of(f.school, f.meals)...)
	f.expect(ledger.UnknownAsset, &both)
	unbalanced := *earmarked
	unbalanced.Change++
	f.expect(ledger.NotBalanced, &unbalanced)
	f.Now = f.until
	f.Block() // it returns
	f.expect(ledger.TokenNotLive, earmarked)
	f.expect("", plain)

	// When more has expired than a block returns, the rest is nobody's to seize.
	f = newFair(t)
	f.endow(1000 * kzt)
	for rest := 1000 * kzt; len(f.of(f.school, f.meals)) <= ledger.MaxPaidPerBlock+1; { // two blocks are needed
		split := &token.EarmarkedTransfer{Parties: []token.WalletID{f.school}}
		for _, id := range f.of(f.school, f.meals) {
			if f.model.Tokens[id].Amount == rest {
				split.Inputs = []token.ID{id}
			}
		}
		for range 60 {
			split.Outputs = append(split.Outputs, token.EarmarkedOutput{Amount: kzt, From: f.meals, Becomes: f.meals})
		}
		rest -= 60 * kzt
		split.Outputs = append(split.Outputs, token.EarmarkedOutput{Amount: rest, From: f.meals, Becomes: f.meals})
		f.Must(split)
	}
	f.freeze(f.school, token.FreezeDebits)
	ids := f.of(f.school, f.meals)
	late := ids[len(ids)-1] // they return in this order
	f.Now = f.until - 1
	seize := f.Make(&token.Seize{Wallet: f.school, Inputs: []token.ID{late}, Amount: f.model.Tokens[late].Amount, Court: f.court, Case: "case 1"})
	f.Now = f.until
	if err := f.Try(seize); err == nil || err.Code != contract.PurposeExpired {
		t.Errorf("expired money was seized: %v", err)
	}
	if f.model.Tokens[late].Wallet != f.school || f.balanceOf(f.court, 0) != 0 {
		t.Error("the refusal changed something")
	}
	f.Block()
	f.holds("school", f.school, 0, 0)
}

// However often money is marked, paid on, seized and returned: each purpose has what came in less what left, and all
// tenge is where it was issued.
func TestSeizuresConserveEveryPurpose(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		f := newFair(t)
		other := f.purpose(sim.Meals(f.treasury, f.Now))
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			purpose := rapid.SampledFrom([]uint32{0, f.meals, other}).Draw(rt, "purpose")
			switch rapid.IntRange(0, 2).Draw(rt, "step") {
			case 0:
				if purpose != 0 {
					f.Must(f.earmarked(f.treasury, f.school, money.Tiyn(rapid.Int64Range(1, 1000).Draw(rt, "marked")), 0, purpose))
				}
			case 1:
				if has := f.balanceOf(f.school, purpose); purpose != 0 && has > 0 {
					f.Must(f.earmarked(f.school, f.canteen, money.Tiyn(rapid.Int64Range(1, int64(has)).Draw(rt, "spent")), purpose, 0))
				}
			case 2:
				has := f.balanceOf(f.school, purpose)
				if has == 0 {
					continue
				}
				amount := money.Tiyn(rapid.Int64Range(1, int64(has)).Draw(rt, "seized"))
				before, court := f.model.LiveOf(purpose), f.balanceOf(f.court, 0)
				f.freeze(f.school, token.FreezeDebits)
				f.expect("", f.seizure(f.school, purpose, amount))
				f.Must(&token.Unfreeze{Wallet: f.school, Version: f.version(f.school), Case: "case 1"})
				if purpose != 0 && f.model.LiveOf(purpose) != before-amount || f.balanceOf(f.court, 0) != court+amount {
					rt.Fatalf("purpose %d had %s, %s were seized, it has %s", purpose, before, amount, f.model.LiveOf(purpose))
				}
			}
			for number := uint32(1); int(number) <= f.model.Purposes(); number++ {
				if p := f.model.Purpose(number); p.Live() != f.model.LiveOf(number) {
					rt.Fatalf("purpose %d states %s, its tokens are %s", number, p.Live(), f.model.LiveOf(number))
				}
			}
			if a := f.model.Central; f.model.LiveTotal() != a.Circulating() {
				rt.Fatalf("live %s, circulating %s", f.model.LiveTotal(), a.Circulating())
			}
		}
	})
}

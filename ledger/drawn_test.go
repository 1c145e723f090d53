package ledger_test

import (
	"math/rand/v2"
	"testing"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// Of definitions that pass their checks, whatever is done: what comes out is what went in, and at the deadline a contract
// is emptied, whether its parties are frozen, closed, over their limits or at a suspended bank.
func TestDrawnContractsAreEmptied(t *testing.T) {
	accepted, acted, seeds := 0, 0, 150
	if testing.Short() {
		seeds = 40
	}
	for seed := range seeds {
		r := rand.New(rand.NewPCG(uint64(seed), 11))
		d := sim.Definition(r)
		if _, problems := contract.Compile(d); len(problems) > 0 {
			continue
		}
		accepted++
		f := newFair(t)
		parties := []token.WalletID{f.holder("p0", "person", 0), f.holder("p1", "person", 0), f.holder("p2", "person", 2)}
		for _, id := range parties {
			f.fund(id, 10_000*kzt)
		}
		paid := money.Tiyn(1 + r.IntN(5000))
		create := &token.Create{Creator: parties[2], Definition: f.define(d.Encode()), Parties: parties, Assets: []uint32{0},
			Terms: []token.Value{token.Int(r.Int64N(3000))}, Inputs: f.of(parties[2], 0), Paid: []money.Tiyn{paid}}
		id := token.RegisteredID(f.Must(create).ID())
		for range 8 {
			c := f.model.Contract(id)
			if c == nil {
				break
			}
			a := d.Actions[r.IntN(len(d.Actions))]
			act := f.action(id, parties[r.IntN(3)], a.Name, token.Int(r.Int64N(3000)))
			if len(a.Takes) > 0 {
				if act = f.paying(act, money.Tiyn(r.IntN(500))); act.Paid[0] == 0 {
					act.Inputs = nil
				}
			}
			f.Now += uint64(r.IntN(3_600_000))
			if f.Try(f.Make(act)) == nil {
				acted++
			}
		}
		f.misfortune(r, parties)
		held := money.Tiyn(0)
		if c := f.model.Contract(id); c != nil {
			held = f.balanceOf(id, 0)
		}
		before := money.Tiyn(0)
		for _, p := range parties {
			before += f.balanceOf(p, 0) + f.balanceOf(token.HeldFor(p), 0)
		}
		f.Now += 2 * dayMillis
		f.Block()
		after := money.Tiyn(0)
		for _, p := range parties {
			after += f.balanceOf(p, 0) + f.balanceOf(token.HeldFor(p), 0)
		}
		if f.model.Contract(id) != nil || after-before != held {
			t.Fatalf("seed %d: %s was held, %s came out", seed, held, after-before)
		}
	}
	if accepted < seeds/4 || acted < accepted {
		t.Errorf("%d definitions accepted, %d actions done: the test shows nothing", accepted, acted)
	}
}

// misfortune freezes, empties and closes, or leaves alone each party; at times the bank is suspended.
func (f *fair) misfortune(r *rand.Rand, parties []token.WalletID) {
	for _, id := range parties {
		switch r.IntN(3) {
		case 0:
			f.freeze(id, token.FreezeAll)
		case 1:
			if f.balanceOf(id, 0) > 0 {
				f.Must(f.payment(id, f.rich, f.model.Wallets[id].Balance))
			}
			if f.balanceOf(token.HeldFor(id), 0) > 0 {
				continue
			}
			f.Must(&token.Close{Wallet: id, Version: f.version(id), By: token.RoleWallet})
		}
	}
	if r.IntN(4) == 0 {
		f.suspend()
	}
}

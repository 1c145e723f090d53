package payout_test

import (
	"fmt"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/pool/payout"
	"github.com/aqsha/aqsha/pool/stratum"
)

// Three miners with equal work share 50 BTC; the satoshi left over go to the lowest numbers.
func ExampleDivide() {
	equal := big.NewInt(1)
	for _, c := range payout.Divide(50*money.Bitcoin, []payout.Weight{{User: 1, Units: equal}, {User: 2, Units: equal}, {User: 3, Units: equal}}) {
		fmt.Println(c.User, int64(c.Amount))
	}
	// Output:
	// 1 1666666667
	// 2 1666666667
	// 3 1666666666
}

const difficultyOneBits = 0x1d00ffff

var one = must(bitcoin.TargetOfBits(difficultyOneBits))

func units(n uint64) *big.Int { return payout.Units(stratum.Difficulty{N: n}) }

func amounts(credits []payout.Credit) map[uint64]money.Satoshi {
	all := map[uint64]money.Satoshi{}
	for _, c := range credits {
		all[c.User] += c.Amount
	}
	return all
}

// Network difficulty 1: W is one unit of difficulty.
func TestNetworkUnits(t *testing.T) {
	if got := payout.NetworkUnits(one, 1); got.Cmp(units(1)) != 0 {
		t.Errorf("W at difficulty 1 is %v, want %v", got, units(1))
	}
	if got := payout.Hashes(units(1)); got != float64(1<<48)/65535 {
		t.Errorf("difficulty 1 is %v hashes", got)
	}
}

// PPLNS's window is 2 W: the oldest share is cut to fit, an unfilled window divides by what it holds.
func TestWindows(t *testing.T) {
	var h payout.History
	h.Add(0, 1, units(1))
	for _, tc := range []struct {
		add    uint64 // user of the next share of difficulty 1
		scheme string
		want   map[uint64]money.Satoshi
	}{
		{0, payout.PPLNS, map[uint64]money.Satoshi{1: 1200}},
		{2, payout.PPLNS, map[uint64]money.Satoshi{1: 600, 2: 600}},
		{2, payout.PPLNS, map[uint64]money.Satoshi{2: 1200}},
		{0, payout.TIDES, map[uint64]money.Satoshi{1: 400, 2: 800}},
		{0, payout.PROP, map[uint64]money.Satoshi{1: 400, 2: 800}},
	} {
		position := h.Len()
		if tc.add != 0 {
			h.Add(position, tc.add, units(1))
			position++
		}
		credits, err := h.Split(tc.scheme, 0, payout.Reward{Total: 1200, Target: one, Position: position})
		if err != nil || fmt.Sprint(amounts(credits)) != fmt.Sprint(tc.want) {
			t.Errorf("%s at %d: %v, %v; want %v", tc.scheme, position, credits, err, tc.want)
		}
	}
	// A share of difficulty 3 in front of half the window: cut to 1.5.
	h.Add(3, 3, payout.Units(stratum.Difficulty{N: 1, K: 1}))
	h.Add(4, 4, units(3))
	h.Add(5, 5, payout.Units(stratum.Difficulty{N: 1, K: 1}))
	credits, err := h.Split(payout.PPLNS, 0, payout.Reward{Total: 1000, Target: one, Position: 6})
	if got := amounts(credits); err != nil || got[4] != 750 || got[5] != 250 {
		t.Errorf("got %v, %v", got, err)
	}
}

// An orphan's shares are in the next round.
func TestOrphanReturnsTheRound(t *testing.T) {
	var h payout.History
	for i := range uint64(4) {
		h.Add(i, i+1, units(1))
	}
	h.Rounds.Close(2, 2, 2)
	round := func() string {
		return fmt.Sprint(amounts(must(h.Split(payout.PROP, 0, payout.Reward{Total: 120, Target: one, Position: 4}))))
	}
	if got := round(); got != "map[3:0.00000060 4:0.00000060]" {
		t.Errorf("after a block: %s", got)
	}
	h.Rounds.Reopen(2, 3)
	if got := round(); got != "map[1:0.00000030 2:0.00000030 3:0.00000030 4:0.00000030]" {
		t.Errorf("after its orphan: %s", got)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// PPS pays work · S / W, less the fee in force at each share: at difficulty 1, a share of difficulty 1 earns the
// subsidy. A new fee changes nothing that was earned before.
func TestAccrual(t *testing.T) {
	var a payout.Accrual
	add := func(user uint64, d stratum.Difficulty, feePPM uint64) {
		t.Helper()
		if err := a.Add(user, payout.Units(d), 1001, difficultyOneBits, feePPM); err != nil {
			t.Fatal(err)
		}
	}
	quarter := stratum.Difficulty{N: 1, K: 2}
	for range 3 {
		add(7, quarter, 0)
	}
	if got, err := a.Take(7); err != nil || got != 750 { // 3/4 · 1001 = 750.75
		t.Errorf("earned %d, %v", got, err)
	}
	add(7, quarter, 0)
	if got, _ := a.Earned(7); got != 251 {
		t.Errorf("earned %d: the fractions are lost", got)
	}
	add(8, stratum.Difficulty{N: 100}, 10_000)
	add(8, stratum.Difficulty{N: 1}, 20_000)
	if got, _ := a.Earned(8); got != 99_099+980 { // 100,100 less 1 %, 1,001 less 2 %
		t.Errorf("with a new fee for the last share: %d", got)
	}
	if got := payout.ShareRate(payout.FPPS, 1000, 10); got != 1010 {
		t.Errorf("FPPS rate %d", got)
	}
}

type share struct{ user, difficulty uint64 }

func history(shares []share) *payout.History {
	h := new(payout.History)
	for i, s := range shares {
		h.Add(uint64(i), s.user, units(s.difficulty))
	}
	return h
}

var anyShares = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) share {
	return share{rapid.Uint64Range(1, 6).Draw(t, "user"), rapid.Uint64Range(1, 9).Draw(t, "difficulty")}
}), 1, 60)

// Every scheme that pays at blocks pays exactly the reward; more work never earns less, neither than
// before it nor than a user who worked less.
func TestExactAndMonotone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		shares := anyShares.Draw(t, "shares")
		total := money.Satoshi(rapid.Int64Range(0, int64(50*money.Bitcoin)).Draw(t, "reward"))
		fee := rapid.Uint64Range(0, 1_000_000).Draw(t, "fee")
		bits := rapid.SampledFrom([]uint32{0x1d00ffff, 0x1c7fff80, 0x1c00ffff, 0x1d7fffff}).Draw(t, "bits")
		network, _ := bitcoin.TargetOfBits(bits)
		scheme := rapid.SampledFrom([]string{payout.PPLNS, payout.TIDES, payout.PROP}).Draw(t, "scheme")
		split := func(shares []share) map[uint64]money.Satoshi {
			credits := must(history(shares).Split(scheme, fee, payout.Reward{Total: total, Target: network, Position: uint64(len(shares))}))
			var sum money.Satoshi
			for _, c := range credits {
				if c.Amount < 0 {
					t.Fatalf("negative credit %v", c)
				}
				sum += c.Amount
			}
			if sum != total {
				t.Fatalf("%s pays %d of %d", scheme, sum, total)
			}
			return amounts(credits)
		}
		before := split(shares)
		if scheme == payout.PROP {
			work := map[uint64]uint64{}
			for _, s := range shares {
				work[s.user] += s.difficulty
			}
			for a := range work {
				for b := range work {
					if work[a] > work[b] && before[a] < before[b] {
						t.Fatalf("user %d worked %d and gets %d, user %d %d and %d", a, work[a], before[a], b, work[b], before[b])
					}
				}
			}
		}
		// One more share of a user at the end never lowers that user's part.
		user := rapid.Uint64Range(1, 6).Draw(t, "user")
		more := append(append([]share(nil), shares...), share{user, rapid.Uint64Range(1, 9).Draw(t, "more")})
		if after := split(more); after[user] < before[user] {
			t.Fatalf("%s: user %d falls from %d to %d by working", scheme, user, before[user], after[user])
		}
	})
}

// Coinbases pay exactly the total; nobody's money disappears, whatever the room.
func TestLay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		shares := anyShares.Draw(t, "shares")
		total := money.Satoshi(rapid.Int64Range(0, 2_000_000).Draw(t, "reward"))
		credits := must(history(shares).Split(payout.PROP, rapid.Uint64Range(0, 100_000).Draw(t, "fee"),
			payout.Reward{Total: total, Target: one, Position: uint64(len(shares))}))
		var owed []payout.Owed
		want := map[uint64]money.Satoshi{}
		for _, c := range credits {
			if c.User == 0 {
				continue
			}
			o := payout.Owed{User: c.User, Credit: c.Amount, Debt: money.Satoshi(rapid.Int64Range(0, 200_000).Draw(t, "debt")), Bytes: rapid.IntRange(31, 43).Draw(t, "bytes")}
			owed, want[c.User] = append(owed, o), o.Credit+o.Debt
		}
		room := rapid.IntRange(0, 300).Draw(t, "room")
		var paid money.Satoshi
		used := 0
		for i, l := range payout.Lay(total, owed, room) {
			paid += l.Paid
			if i == 0 {
				continue
			}
			if l.Paid < 0 || l.Debt < 0 || l.Paid+l.Debt != want[l.User] || l.Paid > 0 && l.Paid < payout.Dust {
				t.Fatalf("user %d: paid %d, owed %d, of %d", l.User, l.Paid, l.Debt, want[l.User])
			}
			delete(want, l.User)
			for _, o := range owed {
				if o.User == l.User && l.Paid > 0 {
					used += o.Bytes
				}
			}
		}
		if paid != total || len(want) != 0 || used > room {
			t.Fatalf("paid %d of %d, forgot %v, used %d of %d bytes", paid, total, want, used, room)
		}
	})
}

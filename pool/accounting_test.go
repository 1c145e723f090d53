package pool

import (
	"fmt"
	"testing"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/pool/payout"
	"github.com/aqsha/aqsha/pool/sharelog"
	"github.com/aqsha/aqsha/pool/stratum"
	"pgregory.net/rapid"
)

// drawHistory makes the records of a pool's life: workers, jobs whose splits are laid out as the
// pool does, shares, blocks, orphans and returns.
func drawHistory(t *rapid.T, scheme string, inCoinbase bool) []sharelog.Record {
	config := Config{Scheme: scheme, FeePPM: rapid.SampledFrom([]uint64{0, 10_000, 333_333}).Draw(t, "fee"), PayInCoinbase: inCoinbase}
	records := []sharelog.Record{&sharelog.Scheme{Name: scheme, FeePPM: config.FeePPM}}
	live := newAccounting() // what the pool itself would know at each point
	add := func(r sharelog.Record) {
		records = append(records, r)
		if _, err := live.apply(r); err != nil {
			t.Fatalf("record %d, %+v: %v", len(records)-1, r, err)
		}
	}
	live.position = 0
	if _, err := live.apply(records[0]); err != nil {
		t.Fatal(err)
	}
	users := rapid.IntRange(1, 4).Draw(t, "users")
	for w := range users + 2 {
		add(&sharelog.Worker{Number: uint64(w + 1), User: uint64(w%users + 1), Address: fmt.Sprint("user", w%users), Name: fmt.Sprint(w)})
	}
	const bits = 0x1d00ffff
	job := func(number uint64) {
		j := &sharelog.Job{
			Number: number, Height: 100 + number, Bits: bits, CoinbaseValue: money.Satoshi(rapid.Int64Range(1, 500_000).Draw(t, "reward")), Fees: 1, Position: live.position,
			MeanFees: 77,
		}
		laid := []payout.Laid{{Paid: j.CoinbaseValue}}
		if inCoinbase {
			target, _ := bitcoin.TargetOfBits(bits)
			credits, err := live.history.Split(scheme, config.FeePPM, payout.Reward{Total: j.CoinbaseValue, Target: target, Position: live.position})
			if err != nil {
				t.Fatal(err)
			}
			var owed []payout.Owed
			for _, c := range credits {
				if c.User != 0 {
					owed = append(owed, payout.Owed{User: c.User, Credit: c.Amount, Debt: live.debt(c.User), Bytes: 31})
				}
			}
			laid = payout.Lay(j.CoinbaseValue, owed, rapid.IntRange(0, 100).Draw(t, "room"))
		}
		v := sharelog.Variant{Head: []byte("h"), Tail: []byte("t")}
		for _, l := range laid {
			v.Payees = append(v.Payees, sharelog.Payee{User: l.User, Amount: l.Paid, Debt: l.Debt})
		}
		j.Variants = []sharelog.Variant{v}
		add(j)
	}
	number := uint64(1)
	job(number)
	for step := range rapid.IntRange(1, 40).Draw(t, "steps") {
		switch rapid.IntRange(0, 9).Draw(t, "what") {
		default:
			add(&sharelog.Share{
				TimeMillis: int64(step), Worker: uint64(rapid.IntRange(1, users+2).Draw(t, "worker")), Job: number, Nonce: uint32(step), Extranonce: []byte{1},
				Difficulty:  rapid.SampledFrom([]stratum.Difficulty{{N: 1}, {N: 3}, {N: 1, K: 4}}).Draw(t, "difficulty"),
				SolvesBlock: rapid.IntRange(0, 3).Draw(t, "solves") == 0,
			})
		case 0, 1:
			number++
			job(number)
		case 2, 3, 4:
			if n := len(live.blocks); n > 0 {
				b := live.blocks[rapid.IntRange(0, n-1).Draw(t, "block")]
				add(&sharelog.Status{TimeMillis: int64(step), Hash: b.Hash, Status: rapid.Uint64Range(1, 3).Draw(t, "status")})
			}
		}
	}
	return records
}

// For random histories, orphans and restarts: every entry balances, replaying gives the same
// balances, users together are owed what blocks that stand have brought less what was paid, and an
// orphan leaves no trace.
func TestBooksFollowTheLog(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		scheme := rapid.SampledFrom([]string{payout.PPLNS, payout.TIDES, payout.PROP, payout.SOLO, payout.PPS, payout.FPPS}).Draw(t, "scheme")
		records := drawHistory(t, scheme, !payout.PerShare(scheme) && scheme != payout.SOLO && rapid.Bool().Draw(t, "in coinbase"))
		first, second := newAccounting(), newAccounting()
		for i, r := range records {
			if _, err := first.apply(r); err != nil {
				t.Fatal(err)
			}
			// The second reads what was written, as after a restart.
			back, err := sharelog.Decode(sharelog.Append(nil, r))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := second.apply(back); err != nil {
				t.Fatalf("record %d again: %v", i, err)
			}
		}
		var sum money.Satoshi
		for account, amount := range first.balance {
			sum += amount
			if second.balance[account] != amount {
				t.Fatalf("%s: %d, again %d", account, amount, second.balance[account])
			}
		}
		if sum != 0 {
			t.Fatalf("books are off by %d satoshi", sum)
		}
		var standing money.Satoshi
		for _, b := range first.blocks {
			if b.Status != sharelog.StatusOrphaned {
				for _, p := range b.entry.Postings {
					if p.Account == "immature" {
						standing -= p.Amount
					}
				}
			}
		}
		if got := -first.balance["immature"] - first.balance["wallet"]; got != standing {
			t.Fatalf("assets are %d, blocks that stand brought %d", got, standing)
		}
	})
}

// A block, its orphan and its return: the balances come, go and come.
func TestOrphanAndReturn(t *testing.T) {
	a := newAccounting()
	var block *poolBlock
	apply := func(r sharelog.Record) {
		t.Helper()
		if _, err := a.apply(r); err != nil {
			t.Fatal(err)
		}
	}
	apply(&sharelog.Scheme{Name: payout.PROP, FeePPM: 100_000})
	apply(&sharelog.Worker{Number: 1, User: 1, Address: "a"})
	apply(&sharelog.Job{Number: 1, Bits: 0x1d00ffff, CoinbaseValue: 1000, Variants: []sharelog.Variant{{}}})
	apply(&sharelog.Share{Worker: 1, Job: 1, Difficulty: stratum.Difficulty{N: 1}})
	apply(&sharelog.Job{Number: 2, Bits: 0x1d00ffff, CoinbaseValue: 1000, Position: 4, Variants: []sharelog.Variant{{}}})
	apply(&sharelog.Share{Worker: 1, Job: 2, Difficulty: stratum.Difficulty{N: 1}, SolvesBlock: true})
	block = a.blocks[0]
	for _, tc := range []struct {
		status              uint64
		user, wallet, owned money.Satoshi
	}{
		{0, 900, 0, 0}, // provisional: owed, not yet certain
		{sharelog.StatusOrphaned, 0, 0, 0},
		{sharelog.StatusOrphaned, 0, 0, 0},
		{sharelog.StatusRestored, 900, 0, 0},
		{sharelog.StatusConfirmed, 900, -1000, 900},
	} {
		if tc.status != 0 {
			apply(&sharelog.Status{Hash: block.Hash, Status: tc.status})
		}
		if a.balance["user:1"] != tc.user || a.balance["wallet"] != tc.wallet || a.debt(1) != tc.owned {
			t.Errorf("status %d: %v, certain %d", tc.status, a.balance, a.debt(1))
		}
	}
}

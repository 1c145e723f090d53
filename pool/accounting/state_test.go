package accounting_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/pool/accounting"
	"github.com/aqsha/aqsha/pool/payout"
	"github.com/aqsha/aqsha/pool/sharelog"
	"github.com/aqsha/aqsha/pool/stratum"
)

// life is a pool's life as it is drawn: the log so far and the accounts that follow it.
type life struct {
	t       *rapid.T
	records []sharelog.Record
	live    *accounting.State // what the pool itself would know at each point
	users   int
	job     uint64
	height  uint64
	tip     byte
	ended   []uint64 // jobs of former tips, for late shares
	headers map[int]bitcoin.Hash
}

// easy, hard: difficulties that jump by more than a period allows, as test networks' do.
var drawnBits = []uint32{0x1d00ffff, 0x1d00ffff, 0x1c7fff80, 0x1d7fffff, 0x1c3fffc0}

func newLife(t *rapid.T) *life {
	l := &life{t: t, live: accounting.New(), users: rapid.IntRange(1, 4).Draw(t, "users"), height: 100, headers: map[int]bitcoin.Hash{}}
	l.live.Recall = func(number, before uint64) (*sharelog.Job, uint64, error) {
		for i := int(before) - 1; i >= 0; i-- {
			if j, ok := l.records[i].(*sharelog.Job); ok && j.Number == number {
				return j, uint64(i), nil
			}
		}
		return nil, 0, nil
	}
	l.scheme()
	for w := range l.users + 2 {
		l.add(&sharelog.Worker{Number: uint64(w + 1), User: uint64(w%l.users + 1), Address: fmt.Sprint("user", w%l.users), Name: fmt.Sprint(w)})
	}
	l.newJob(true)
	return l
}

func (l *life) add(r sharelog.Record) {
	l.t.Helper()
	l.records = append(l.records, r)
	if _, err := l.live.Apply(r); err != nil {
		l.t.Fatalf("record %d, %+v: %v", len(l.records)-1, r, err)
	}
}

// scheme begins one, as each start does; also with another fee, and other ways of paying.
func (l *life) scheme() {
	s := &sharelog.Scheme{
		Name:   rapid.SampledFrom(payout.Schemes).Draw(l.t, "scheme"),
		FeePPM: rapid.SampledFrom([]uint64{0, 10_000, 333_333, 1_000_000}).Draw(l.t, "fee"), Rules: sharelog.RulesAtBlock,
	}
	s.InCoinbase = !payout.PerShare(s.Name) && s.Name != payout.SOLO && rapid.Bool().Draw(l.t, "in coinbase")
	l.add(s)
}

// newJob hands one out, whose split is laid out as the pool does.
func (l *life) newJob(newTip bool) {
	l.ended = append(l.ended, l.job)
	l.job++
	if newTip {
		l.height++
		l.tip++
	}
	j := &sharelog.Job{
		Number: l.job, TimeMillis: int64(len(l.records)) + 1, Height: l.height, Previous: bitcoin.Hash{l.tip}, Position: uint64(len(l.records)), Fees: 1,
		Bits:          rapid.SampledFrom(drawnBits).Draw(l.t, "bits"),
		CoinbaseValue: money.Satoshi(rapid.Int64Range(1, 500_000).Draw(l.t, "reward")),
		MeanFees:      money.Satoshi(rapid.Int64Range(0, 99).Draw(l.t, "mean fees")),
	}
	laid := []payout.Laid{{Paid: j.CoinbaseValue}}
	if s := l.live.Scheme; s.InCoinbase {
		target, _ := bitcoin.TargetOfBits(j.Bits)
		credits, err := l.live.History.Split(s.Name, s.FeePPM, payout.Reward{Total: j.CoinbaseValue, Target: target, Position: j.Position})
		if err != nil {
			l.t.Fatal(err)
		}
		credit := map[uint64]money.Satoshi{}
		for _, c := range credits {
			credit[c.User] = c.Amount
		}
		var owed []payout.Owed
		for user := uint64(1); user <= uint64(l.users); user++ {
			owed = append(owed, payout.Owed{User: user, Credit: credit[user], Debt: l.live.Debt(user), Bytes: 31})
		}
		laid = payout.Lay(j.CoinbaseValue, owed, rapid.IntRange(0, 130).Draw(l.t, "room"))
	}
	v := sharelog.Variant{Head: []byte{byte(l.job), byte(l.job >> 8)}, Tail: []byte("t")}
	for _, one := range laid {
		v.Payees = append(v.Payees, sharelog.Payee{User: one.User, Amount: one.Paid, Debt: one.Debt})
	}
	j.Variants = []sharelog.Variant{v}
	l.add(j)
}

func (l *life) share() {
	number := l.job
	if n := len(l.ended); n > 1 && rapid.IntRange(0, 9).Draw(l.t, "late") == 0 {
		if late := max(l.ended[rapid.IntRange(0, n-1).Draw(l.t, "job")], 1); l.mayBeSolved(late) {
			number = late
		}
	}
	s := &sharelog.Share{
		TimeMillis: int64(len(l.records)), Worker: uint64(rapid.IntRange(1, l.users+2).Draw(l.t, "worker")), Job: number, Nonce: uint32(len(l.records)), Extranonce: []byte{1},
		Difficulty:  rapid.SampledFrom([]stratum.Difficulty{{N: 1}, {N: 3}, {N: 1, K: 4}, {N: 40}}).Draw(l.t, "difficulty"),
		SolvesBlock: rapid.IntRange(0, 5).Draw(l.t, "solves") == 0,
	}
	l.add(s)
	if s.SolvesBlock {
		l.headers[len(l.records)-1] = l.live.Blocks[len(l.live.Blocks)-1].Hash
	}
}

// mayBeSolved tells whether a job may still be: no block that was found since is final, which takes longer than
// any job lives.
func (l *life) mayBeSolved(number uint64) bool {
	_, index, _ := l.live.Recall(number, uint64(len(l.records)))
	for _, b := range l.live.Blocks {
		if b.Share > index && b.Status == sharelog.StatusConfirmed {
			return false
		}
	}
	return true
}

// step is whatever may happen next.
func (l *life) step() {
	switch what := rapid.IntRange(0, 19).Draw(l.t, "what"); {
	case what < 11:
		l.share()
	case what < 14:
		l.newJob(rapid.Bool().Draw(l.t, "new tip"))
	case what == 14: // the chain goes back
		l.tip -= byte(rapid.IntRange(0, 3).Draw(l.t, "back"))
		l.newJob(false)
	case what == 15:
		l.scheme()
	case what == 16:
		l.pay()
	default:
		if n := len(l.live.Blocks); n > 0 {
			b := l.live.Blocks[rapid.IntRange(0, n-1).Draw(l.t, "block")]
			l.add(&sharelog.Status{TimeMillis: int64(len(l.records)), Hash: b.Hash, Status: rapid.Uint64Range(1, 3).Draw(l.t, "status")})
		}
	}
}

// pay pays somebody, and sometimes settles it.
func (l *life) pay() {
	p := &sharelog.Payment{Number: uint64(len(l.live.Payments) + 1)}
	for user := uint64(1); user <= uint64(l.users); user++ {
		if amount := l.live.Payable(user); amount > 0 {
			p.Payees = append(p.Payees, sharelog.Payee{User: user, Amount: amount})
		}
	}
	if len(p.Payees) == 0 {
		return
	}
	l.add(p)
	l.add(&sharelog.Sent{Number: p.Number, TxID: bitcoin.Hash{1}, Fee: 3})
	if outcome := rapid.Uint64Range(0, 3).Draw(l.t, "outcome"); outcome > 0 {
		l.add(&sharelog.Settled{Number: p.Number, Outcome: outcome, TxID: bitcoin.Hash{1}, Fee: 3})
		if outcome != sharelog.OutcomeDropped && rapid.Bool().Draw(l.t, "moved") {
			l.add(&sharelog.Settled{Number: p.Number, Outcome: outcome, TxID: bitcoin.Hash{1}, Fee: 3, Height: 9, Block: bitcoin.Hash{9}})
		}
	}
}

// For random lives with any scheme, fee, difficulty, reorganisation, late share, payment and restart: each
// block's credits are what the definitions give in exact fractions, to the satoshi, and sum to its reward with
// the fee; so is what shares have earned one by one; users together are owed what blocks that stand have
// brought them less what was paid; every entry balances; and replaying gives the same.
func TestSchemesAgainstTheirDefinitions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := newLife(t)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			l.step()
		}
		ref := &reference{l.records, l.headers}
		want := map[uint64]money.Satoshi{} // balances
		for user, amount := range ref.perShare() {
			want[user] += amount
		}
		for _, b := range l.live.Blocks {
			credits := ref.credits(int(b.Share))
			scheme, _, _ := ref.terms(int(b.Share))
			if payout.PerShare(scheme.Name) {
				credits = map[uint64]money.Satoshi{}
			} else {
				compareCredits(t, b, credits)
			}
			if ref.standing(int(b.Share), len(l.records)) {
				for user, amount := range credits {
					want[user] += amount
				}
				for _, p := range b.Job.Variants[0].Payees {
					if p.User != 0 {
						want[p.User] -= p.Amount
					}
				}
			}
		}
		for _, p := range l.live.Payments {
			for _, payee := range p.Payees {
				if p.Settled == nil || p.Settled.Outcome == sharelog.OutcomeConfirmed {
					want[payee.User] -= payee.Amount
				}
			}
		}
		for user := uint64(1); user <= uint64(l.users); user++ {
			if got := l.live.Balance[accounting.UserAccount(user)]; got != want[user] {
				t.Fatalf("user %d has %d, by the definitions %d", user, got, want[user])
			}
		}
		replay(t, l)
	})
}

func compareCredits(t *rapid.T, b *accounting.Block, want map[uint64]money.Satoshi) {
	t.Helper()
	var sum money.Satoshi
	got := map[uint64]money.Satoshi{}
	for _, c := range b.Credits {
		got[c.User] += c.Amount
		sum += c.Amount
	}
	if sum != b.Job.CoinbaseValue {
		t.Fatalf("block of entry %d: credits sum to %d of %d", b.Share, sum, b.Job.CoinbaseValue)
	}
	for user := range want {
		if got[user] != want[user] {
			t.Fatalf("block of entry %d, %s at %d: user %d gets %d, by the definition %d", b.Share, b.Scheme.Name, b.Position, user, got[user], want[user])
		}
	}
}

// replay reads what was written, as a restart and an auditor do.
func replay(t *rapid.T, l *life) {
	again := accounting.New()
	again.Recall = l.live.Recall
	for i, r := range l.records {
		if _, err := again.ApplyEntry(sharelog.Append(nil, r)); err != nil {
			t.Fatalf("record %d again: %v", i, err)
		}
	}
	var sum money.Satoshi
	for account, amount := range l.live.Balance {
		sum += amount
		if again.Balance[account] != amount {
			t.Fatalf("%s: %d, again %d", account, amount, again.Balance[account])
		}
	}
	if sum != 0 {
		t.Fatalf("books are off by %d satoshi", sum)
	}
	for user := uint64(1); user <= uint64(l.users); user++ {
		if l.live.Debt(user) != again.Debt(user) || l.live.Payable(user) != again.Payable(user) {
			t.Fatalf("user %d: %d payable of %d, again %d of %d", user, l.live.Payable(user), l.live.Debt(user), again.Payable(user), again.Debt(user))
		}
	}
}

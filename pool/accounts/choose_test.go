package accounts

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/pool/commit"
	"github.com/aqsha/aqsha/pool/payout"
	"github.com/aqsha/aqsha/pool/sharelog"
	"github.com/aqsha/aqsha/pool/stratum"
	"github.com/aqsha/aqsha/txlog"
)

// owing are accounts of a TIDES pool that owes three users of one block, for certain: the first's debt is the oldest,
// whatever the numbers say. It returns how records are added.
func owing(t *testing.T) (*Accounts, func(...sharelog.Record)) {
	t.Helper()
	dir := t.TempDir()
	log, err := txlog.Open(filepath.Join(dir, "shares"), txlog.Options{Origin: "test", SegmentBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	writer := commit.New(log, func(err error) { t.Error(err) })
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { writer.Run(ctx); close(ended) }()
	t.Cleanup(func() { stop(); <-ended })
	a, err := Open(Options{Log: log, Writer: writer, File: filepath.Join(dir, "books.sqlite")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	add := func(records ...sharelog.Record) {
		t.Helper()
		for _, r := range records {
			if err := a.RecordDurably(ctx, r); err != nil {
				t.Fatal(err)
			}
		}
	}
	add(&sharelog.Scheme{Name: payout.TIDES, Rules: sharelog.RulesAtBlock, InCoinbase: true})
	for user, address := range []string{"a", "b", "c"} {
		n := uint64(user) + 1
		add(&sharelog.Worker{Number: n, User: n, Address: address})
	}
	add(paying(1, 1, sharelog.Payee{Amount: 10_000}))
	hard := stratum.Difficulty{N: 1}
	block := func(number uint64, tip byte, payees ...sharelog.Payee) {
		t.Helper()
		j := paying(number, tip, append([]sharelog.Payee{{Amount: 10_000}}, payees...)...)
		j.Position = a.Position()
		add(j, &sharelog.Share{Worker: 1, Job: number, Difficulty: hard, SolvesBlock: true, Extranonce: []byte{byte(number)}})
		blocks := a.Blocks()
		add(&sharelog.Status{Hash: blocks[len(blocks)-1].Hash, Status: sharelog.StatusConfirmed})
	}
	add(&sharelog.Share{Worker: 3, Job: 1, Difficulty: hard, TimeMillis: 1000, Extranonce: []byte{100}})
	block(2, 1, sharelog.Payee{User: 3, Debt: 10_000})
	add(&sharelog.Share{Worker: 2, Job: 2, Difficulty: hard, TimeMillis: 2000, Extranonce: []byte{101}})
	block(3, 2, sharelog.Payee{User: 2, Debt: 5_000}, sharelog.Payee{User: 3, Debt: 15_000})
	return a, add
}

func chosen(t *testing.T, a *Accounts, minimum money.Satoshi, sweep time.Duration) map[uint64]money.Satoshi {
	t.Helper()
	payees, err := a.Choose(context.Background(), minimum, sweep)
	if err != nil {
		t.Fatal(err)
	}
	amounts := map[uint64]money.Satoshi{}
	for _, p := range payees {
		amounts[p.User] = p.Amount
	}
	return amounts
}

// laid are the debts that the next coinbase would pay.
func laid(t *testing.T, a *Accounts) map[uint64]money.Satoshi {
	t.Helper()
	target, _ := bitcoin.TargetOfBits(0x1d00ffff)
	template := &bitcoin.Template{Height: 9, CoinbaseValue: 10_000, Target: target, Bits: 0x1d00ffff}
	_, owed, err := a.Split(payout.TIDES, 0, template, func(uint64) []byte { return nil })
	if err != nil {
		t.Fatal(err)
	}
	debts := map[uint64]money.Satoshi{}
	for _, o := range owed {
		if o.Debt != 0 {
			debts[o.User] = o.Debt
		}
	}
	return debts
}

// The oldest debt comes first, and what is below the minimum waits, unless its user has left.
func TestWhoIsPaid(t *testing.T) {
	a, _ := owing(t)
	all := laid(t, a)
	if len(all) < 2 || all[2] == 0 || all[3] <= all[2] {
		t.Fatalf("owed %v", all)
	}
	payees, err := a.Choose(context.Background(), 1, 0)
	if err != nil || len(payees) < 2 || payees[0].User != 3 {
		t.Errorf("%+v, %v; the third user's debt is the oldest", payees, err)
	}
	if got := chosen(t, a, all[3], 0); len(got) != 1 || got[3] != all[3] {
		t.Errorf("with a minimum of %d: %v", all[3], got)
	}
	if got := chosen(t, a, all[3]+1, 0); len(got) != 0 {
		t.Errorf("with a minimum above all: %v", got)
	}
	if got := chosen(t, a, all[3]+1, time.Hour); got[2] != all[2] || got[3] != all[3] {
		t.Errorf("users who have left: %v, want %v", got, all)
	}
}

// What the wallet is about to pay no coinbase does, and what a coinbase that is out pays the wallet does not.
func TestADebtIsPaidInOnePlace(t *testing.T) {
	a, add := owing(t)
	all := laid(t, a)
	if got := chosen(t, a, all[3], 0); len(got) != 1 {
		t.Fatal(got)
	}
	if got := laid(t, a); got[3] != 0 || got[2] != all[2] {
		t.Errorf("a coinbase would pay %v while the wallet pays user 3", got)
	}
	a.Unclaim([]sharelog.Payee{{User: 3}})
	if got := laid(t, a); got[3] != all[3] {
		t.Errorf("the payment was not made, and a coinbase would pay %v", got)
	}
	out := paying(4, 3, sharelog.Payee{Amount: 0}, sharelog.Payee{User: 3, Amount: 6_000, Debt: all[3] - 6_000})
	add(out)
	if got := chosen(t, a, 1, 0); got[3] != all[3]-6_000 || got[2] != all[2] {
		t.Errorf("chosen %v while a coinbase pays 6,000 of %d", got, all[3])
	}
}

// While it may be that the log has lost payments, no coinbase pays older debts either.
func TestNoCoinbasePaysWhatMayHaveBeenPaid(t *testing.T) {
	a, _ := owing(t)
	if _, fault := a.SetOutside(errors.New("the chain has more")); fault == nil {
		t.Error("nothing stops payments")
	}
	if got := laid(t, a); len(got) != 0 {
		t.Errorf("a coinbase would pay %v", got)
	}
	before, fault := a.SetOutside(nil)
	if before == nil || fault != nil || len(laid(t, a)) == 0 {
		t.Errorf("afterwards: %v, %v", before, fault)
	}
}

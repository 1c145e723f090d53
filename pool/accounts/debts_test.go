package accounts

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/pool/accounting"
	"github.com/aqsha/aqsha/pool/audit"
	"github.com/aqsha/aqsha/pool/payout"
	"github.com/aqsha/aqsha/pool/sharelog"
	"github.com/aqsha/aqsha/pool/stratum"
	"github.com/aqsha/aqsha/txlog"
)

// applier feeds records to accounts.
func applier(t *testing.T, a *accounting.State) func(records ...sharelog.Record) {
	t.Helper()
	return func(records ...sharelog.Record) {
		t.Helper()
		for _, r := range records {
			if _, err := a.Apply(r); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func paying(number uint64, tip byte, payees ...sharelog.Payee) *sharelog.Job {
	return &sharelog.Job{
		Number: number, Height: uint64(tip), Previous: bitcoin.Hash{tip}, Bits: 0x1d00ffff, CoinbaseValue: 10_000,
		Variants: []sharelog.Variant{{Head: []byte{byte(number)}, Payees: payees}},
	}
}

var unit = stratum.Difficulty{N: 1}

// However many coinbases a tip has, as under SOLO with thousands of users, a share of the first still counts;
// jobs of former tips are forgotten, and found again in the log for a share that is late.
func TestJobsLiveWithTheirTip(t *testing.T) {
	a := accounting.New()
	apply := applier(t, a)
	recalled := 0
	a.Recall = func(number, before uint64) (*sharelog.Job, uint64, error) {
		recalled++
		return paying(number, 1), 3, nil
	}
	apply(&sharelog.Scheme{Name: payout.SOLO, Rules: sharelog.RulesAtBlock, InCoinbase: true}, &sharelog.Worker{Number: 1, User: 1, Address: "a"})
	for n := range uint64(10_000) {
		apply(paying(n+1, 1))
	}
	apply(&sharelog.Share{Worker: 1, Job: 1, Difficulty: unit})
	if recalled != 0 {
		t.Error("a job of the tip was forgotten")
	}
	apply(paying(10_001, 2), paying(10_002, 3))
	if len(a.Jobs) != 2 {
		t.Errorf("%d jobs are kept of former tips", len(a.Jobs))
	}
	apply(&sharelog.Share{Worker: 1, Job: 2, Difficulty: unit})
	if recalled != 1 {
		t.Errorf("looked up %d times", recalled)
	}
}

// A debt that a coinbase pays which is still out is not payable from the wallet, until its tip and the next have gone.
func TestADebtIsInOnePlace(t *testing.T) {
	a := accounting.New()
	apply := applier(t, a)
	apply(&sharelog.Scheme{Name: payout.TIDES, Rules: sharelog.RulesAtBlock, InCoinbase: true},
		&sharelog.Worker{Number: 1, User: 1, Address: "a"},
		paying(1, 1, sharelog.Payee{Amount: 10_000}),
		&sharelog.Share{Worker: 1, Job: 1, Difficulty: unit})
	first := paying(2, 1, sharelog.Payee{Amount: 10_000}, sharelog.Payee{User: 1, Debt: 10_000}) // no room: owed
	first.Position = a.Position
	apply(first, &sharelog.Share{Worker: 1, Job: 2, Difficulty: unit, SolvesBlock: true})
	apply(&sharelog.Status{Hash: a.Blocks[0].Hash, Status: sharelog.StatusConfirmed})
	if a.Debt(1) != 10_000 || a.Payable(1) != 10_000 {
		t.Fatalf("owed %d, payable %d", a.Debt(1), a.Payable(1))
	}
	out := paying(3, 2, sharelog.Payee{Amount: 0}, sharelog.Payee{User: 1, Amount: 10_000, Debt: 4_000})
	apply(out)
	if a.Payable(1) != 4_000 {
		t.Errorf("while a coinbase pays 6,000 of 10,000 the wallet may pay %d", a.Payable(1))
	}
	apply(paying(4, 3, sharelog.Payee{Amount: 10_000}))
	if a.Payable(1) != 4_000 {
		t.Error("a late share may still solve the job of the last tip")
	}
	apply(paying(5, 4, sharelog.Payee{Amount: 10_000}))
	if a.Payable(1) != 10_000 {
		t.Errorf("with the coinbase gone the wallet may pay %d of 10,000", a.Payable(1))
	}
}

// What one block brings is not certain because another pays an old debt: with both provisional, nothing of the
// first is payable.
func TestProvisionalCreditsAreNotPayable(t *testing.T) {
	a := accounting.New()
	apply := applier(t, a)
	apply(&sharelog.Scheme{Name: payout.TIDES, Rules: sharelog.RulesAtBlock, InCoinbase: true},
		&sharelog.Worker{Number: 1, User: 1, Address: "a"},
		paying(1, 1, sharelog.Payee{Amount: 10_000}),
		&sharelog.Share{Worker: 1, Job: 1, Difficulty: unit})
	block := func(number uint64, tip byte, payees ...sharelog.Payee) {
		t.Helper()
		j := paying(number, tip, payees...)
		j.Position = a.Position
		apply(j, &sharelog.Share{Worker: 1, Job: number, Difficulty: unit, SolvesBlock: true})
	}
	block(2, 1, sharelog.Payee{Amount: 10_000}, sharelog.Payee{User: 1, Debt: 10_000})
	apply(&sharelog.Status{Hash: a.Blocks[0].Hash, Status: sharelog.StatusConfirmed}) // an old certain debt
	block(3, 2, sharelog.Payee{Amount: 10_000}, sharelog.Payee{User: 1, Debt: 20_000})
	block(4, 3, sharelog.Payee{Amount: 0}, sharelog.Payee{User: 1, Amount: 20_000, Debt: 0}) // its credit and the old debt
	if got := a.Debt(1); got != 0 {
		t.Errorf("%d of a provisional block are payable", got)
	}
	apply(&sharelog.Status{Hash: a.Blocks[1].Hash, Status: sharelog.StatusOrphaned})
	if got := a.Balance["user:1"]; got != 0 {
		t.Errorf("after the orphan: %d", got)
	}
}

// Under PPS a new fee counts from its entry on, and another scheme settles what shares have earned before.
func TestSchemesApplyFromTheirEntry(t *testing.T) {
	a := accounting.New()
	apply := applier(t, a)
	job := func(number uint64) *sharelog.Job {
		j := paying(number, 1)
		j.CoinbaseValue = 1_000_000
		return j
	}
	share := func(number uint64) *sharelog.Share { return &sharelog.Share{Worker: 1, Job: number, Difficulty: unit} }
	apply(&sharelog.Scheme{Name: payout.PPS, FeePPM: 10_000, Rules: sharelog.RulesAtBlock}, &sharelog.Worker{Number: 1, User: 1, Address: "a"}, job(1))
	for range 100 {
		apply(share(1))
	}
	apply(job(2))
	if got := a.Balance["user:1"]; got != 99_000_000 {
		t.Fatalf("100 shares at 1 %%: %d", got)
	}
	apply(&sharelog.Scheme{Name: payout.PPS, FeePPM: 20_000, Rules: sharelog.RulesAtBlock}, share(2), job(3))
	if got := a.Balance["user:1"]; got != 99_980_000 {
		t.Errorf("one more at 2 %%: %d", got)
	}
	apply(share(3), &sharelog.Scheme{Name: payout.PPLNS, Rules: sharelog.RulesAtBlock})
	if got := a.Balance["user:1"]; got != 100_960_000 {
		t.Errorf("one more, and then another scheme: %d", got)
	}
}

// A log with a record that the accounts do not understand opens, its other records count, and nobody is paid.
func TestAnUnknownRecordStopsPaymentsOnly(t *testing.T) {
	for name, entry := range map[string][]byte{
		"a later kind":       {200, 1, 2},
		"an unknown job":     sharelog.Append(nil, &sharelog.Share{Worker: 1, Job: 99, Difficulty: unit, Extranonce: []byte{1}}),
		"an unknown worker":  sharelog.Append(nil, &sharelog.Share{Worker: 9, Job: 1, Difficulty: unit, Extranonce: []byte{1}}),
		"an unknown payment": sharelog.Append(nil, &sharelog.Paid{Number: 7}),
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			log, err := txlog.Open(filepath.Join(dir, "shares"), txlog.Options{Origin: "test", SegmentBytes: 1 << 20})
			if err != nil {
				t.Fatal(err)
			}
			defer log.Close()
			entries := [][]byte{
				sharelog.Append(nil, &sharelog.Scheme{Name: payout.PPS, Rules: sharelog.RulesAtBlock}),
				sharelog.Append(nil, &sharelog.Worker{Number: 1, User: 1, Address: "a"}), sharelog.Append(nil, paying(1, 1)), entry,
				sharelog.Append(nil, &sharelog.Share{Worker: 1, Job: 1, Difficulty: unit, Extranonce: []byte{1}}), sharelog.Append(nil, paying(2, 1)),
			}
			batch, err := log.Stage(entries)
			if err == nil {
				err = log.Commit(batch)
			}
			if err != nil {
				t.Fatal(err)
			}
			accounts, err := openOn(log, filepath.Join(dir, "books.sqlite"))
			if err != nil {
				t.Fatalf("the log does not open: %v", err)
			}
			defer accounts.Close()
			var bad *accounting.RecordError
			if fault := accounts.Fault(); !errors.As(fault, &bad) || bad.Entry != 3 {
				t.Errorf("payments go on: %v", fault)
			}
			if got := accounts.state.Balance["user:1"]; got != 10_000 {
				t.Errorf("what follows counts for %d", got)
			}
		})
	}
}

// The operator goes on without such entries: those before the override and within its bounds, over restarts; the auditor
// shows the entry with the reason. Others go on stopping payments.
func TestAnOverrideHasPaymentsGoOn(t *testing.T) {
	dir := t.TempDir()
	records := paidLog()
	log := logOf(t, dir, records...)
	bad := uint64(len(records))
	share := &sharelog.Share{Worker: 1, Job: 99, Difficulty: unit, Extranonce: []byte{1}}
	appendTo(t, log, share, share)
	for _, tc := range []struct {
		over    sharelog.Override
		stopped uint64 // entry; 0: payments go on
	}{
		{sharelog.Override{First: bad + 3, Last: bad + 9, Reason: "ahead of time"}, bad},
		{sharelog.Override{First: bad, Last: bad, Reason: "the first"}, bad + 1},
		{sharelog.Override{First: 0, Last: bad + 1, Reason: "lost with a disk"}, 0},
	} {
		appendTo(t, log, &tc.over)
		for range 2 {
			accounts, err := openOn(log, filepath.Join(dir, "books.sqlite"))
			if err != nil {
				t.Fatal(err)
			}
			var refused *accounting.RecordError
			fault := accounts.Fault()
			if errors.As(fault, &refused) != (tc.stopped != 0) || refused != nil && refused.Entry != tc.stopped {
				t.Errorf("after %+v: %v", tc.over, fault)
			}
			if got := accounts.state.Balance["user:1"]; got != 9_900 {
				t.Errorf("the user has %d", got)
			}
			if err := accounts.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	appendTo(t, log, share) // a later one is none of what was looked at
	accounts, err := openOn(log, filepath.Join(dir, "books.sqlite"))
	if err != nil {
		t.Fatal(err)
	}
	defer accounts.Close()
	if accounts.Fault() == nil {
		t.Error("a later entry is covered by an earlier override")
	}
	auditor, err := audit.Replay(log, false)
	if err != nil {
		t.Fatal(err)
	}
	said := fmt.Sprint(auditor.Contradictions())
	if !strings.Contains(said, fmt.Sprintf("log entry %d, record", bad)) || !strings.Contains(said, "lost with a disk") {
		t.Errorf("the auditor says %s", said)
	}
}

// The log names the least payment: one below it convicts, unless the user had left or the minimum was another then.
func TestPaymentsAreHeldAgainstTheirTerms(t *testing.T) {
	const day = 24 * 60 * 60 * 1000
	pay := func(amount money.Satoshi, day int64) *sharelog.Payment {
		return &sharelog.Payment{Number: 1, TimeMillis: day, Payees: []sharelog.Payee{{User: 1, Amount: amount}}}
	}
	back := &sharelog.Share{Worker: 1, Job: 2, Difficulty: unit, Extranonce: []byte{8}, TimeMillis: 40 * day}
	for name, tc := range map[string]struct {
		records []sharelog.Record
		convict bool
	}{
		"no terms":              {[]sharelog.Record{pay(5_000, day)}, false},
		"above":                 {[]sharelog.Record{&sharelog.PaymentTerms{Minimum: 5_000}, pay(5_000, day)}, false},
		"below":                 {[]sharelog.Record{&sharelog.PaymentTerms{Minimum: 5_001}, pay(5_000, day)}, true},
		"below, and never left": {[]sharelog.Record{&sharelog.PaymentTerms{Minimum: 5_001, SweepMillis: 30 * day}, pay(5_000, 30*day)}, true},
		"below, and left":       {[]sharelog.Record{&sharelog.PaymentTerms{Minimum: 5_001, SweepMillis: 30 * day}, pay(5_000, 30*day+1)}, false},
		"lowered":               {[]sharelog.Record{&sharelog.PaymentTerms{Minimum: 9_000}, &sharelog.PaymentTerms{Minimum: 5_000}, pay(5_000, day)}, false},
		"raised afterwards":     {[]sharelog.Record{&sharelog.PaymentTerms{Minimum: 5_000}, pay(5_000, day), &sharelog.PaymentTerms{Minimum: 9_000}}, false},
		"back while being paid": {[]sharelog.Record{&sharelog.PaymentTerms{Minimum: 5_001, SweepMillis: 30 * day}, back, pay(5_000, 40*day+1000)}, false},
		"back for long":         {[]sharelog.Record{&sharelog.PaymentTerms{Minimum: 5_001, SweepMillis: 30 * day}, back, pay(5_000, 41*day)}, true},
	} {
		t.Run(name, func(t *testing.T) {
			log := logOf(t, t.TempDir(), append(paidLog()[:5:5], tc.records...)...)
			auditor, err := audit.Replay(log, false)
			if err != nil {
				t.Fatal(err)
			}
			convicted := ""
			for _, c := range auditor.Contradictions() {
				if c.Field == "payment" {
					convicted = c.String()
				}
			}
			if tc.convict != (convicted != "") {
				t.Errorf("convicted: %q", convicted)
			}
		})
	}
}

// FPPS over months is one number a user: as many blocks as there are, each with a rate of its own.
func TestAccrualStaysSmall(t *testing.T) {
	var a payout.Accrual
	for block := range 20_000 {
		for user := range uint64(3) {
			if err := a.Add(user, payout.Units(unit), money.Satoshi(5_000_000+block), 0x1d00ffff, 10_000); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := a.Take(1); err != nil {
			t.Fatal(err)
		}
	}
	want := money.Satoshi(0)
	for block := range 20_000 {
		want += money.Satoshi(5_000_000+block) * 99
	}
	if got, err := a.Earned(2); err != nil || got != want/100 {
		t.Errorf("earned %d, %v; want %d", got, err, want/100)
	}
	if fmt.Sprint(a.Users()) != "[0 1 2]" {
		t.Error(a.Users())
	}
}

package audit

import (
	"iter"
	"testing"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/params"
	"github.com/aqsha/aqsha/pool/payout"
	"github.com/aqsha/aqsha/pool/sharelog"
)

// written is a log as its records.
type written []sharelog.Record

func (w written) Size() uint64 { return uint64(len(w)) }
func (w written) Entries(from, to uint64) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for _, r := range w[from:to] {
			if !yield(sharelog.Append(nil, r), nil) {
				return
			}
		}
	}
}

// A block of a quarter's last day that becomes final in the next is in exactly one of the two reports, whenever
// they are written; a payment is in none before it is confirmed.
func TestReportsOfPastDaysNeverChange(t *testing.T) {
	at := func(text string) int64 {
		when, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return when.UnixMilli()
	}
	j := &sharelog.Job{
		Number: 1, Height: 1, Previous: bitcoin.Hash{1}, Bits: 0x1d00ffff, CoinbaseValue: 10_000,
		Variants: []sharelog.Variant{{Head: []byte{1}, Payees: []sharelog.Payee{{Amount: 4_000}, {User: 1, Amount: 6_000}}}},
	}
	share := &sharelog.Share{TimeMillis: at("2026-03-31T20:00:00Z"), Worker: 1, Job: 1, Difficulty: one, SolvesBlock: true, Extranonce: []byte{1}}
	header, err := share.Header(j)
	if err != nil {
		t.Fatal(err)
	}
	log := written{
		&sharelog.Scheme{Name: payout.TIDES, Rules: sharelog.RulesAtBlock, InCoinbase: true}, &sharelog.Worker{Number: 1, User: 1, Address: "a"}, j, share,
		&sharelog.Payment{Number: 1, TimeMillis: at("2026-03-31T21:00:00Z"), Payees: []sharelog.Payee{{User: 1, Amount: 700}}},
		&sharelog.Sent{Number: 1, TimeMillis: at("2026-03-31T21:00:00Z")},
		&sharelog.Status{TimeMillis: at("2026-04-01T12:00:00Z"), Hash: header.Hash(), Status: sharelog.StatusConfirmed},
		&sharelog.Settled{Number: 1, TimeMillis: at("2026-04-02T12:00:00Z"), Outcome: sharelog.OutcomeConfirmed},
	}
	for _, tc := range []struct {
		records       int
		first, second int // distributions in each quarter
	}{{6, 0, 0}, {7, 0, 1}, {8, 0, 2}} {
		audit, err := Replay(log[:tc.records], false)
		if err != nil {
			t.Fatal(err)
		}
		for quarter, want := range map[[2]params.Date]int{{"2026-01-01", "2026-03-31"}: tc.first, {"2026-04-01", "2026-06-30"}: tc.second} {
			if paid, _ := audit.Distributions(nil, quarter[0], quarter[1], time.UTC); len(paid) != want {
				t.Errorf("after %d records, %v: %v, want %d", tc.records, quarter, paid, want)
			}
		}
	}
}

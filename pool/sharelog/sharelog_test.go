package sharelog_test

import (
	"bytes"
	"fmt"
	"reflect"
	"testing"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/pool/sharelog"
	"github.com/aqsha/aqsha/pool/stratum"
)

// A share can be checked by whoever has the log.
func ExampleShare_Verify() {
	job := &sharelog.Job{Number: 7, Bits: 0x207fffff, Variants: []sharelog.Variant{{Head: []byte("head"), Tail: []byte("tail")}}}
	share := &sharelog.Share{Job: 7, Difficulty: stratum.Difficulty{N: 1, K: 32}, Extranonce: []byte("extra")}
	for ; ; share.Nonce++ {
		header, _ := share.Header(job)
		hash := header.Hash()
		share.HashPrefix = [16]byte(hash[:16])
		if share.Verify(job) == nil {
			break
		}
	}
	share.Difficulty = stratum.Difficulty{N: 1000}
	fmt.Println(share.Verify(job) != nil)
	// Output: true
}

func records() []sharelog.Record {
	hash := bitcoin.HashOf([]byte("x"))
	return []sharelog.Record{
		&sharelog.Share{
			TimeMillis: 1_800_000_000_123, Worker: 3, Job: 9, Variant: 2, Difficulty: stratum.Difficulty{N: 1, K: 12}, Version: 0x20002000,
			Time: 1_800_000_001, Nonce: 42, Extranonce: []byte{1, 2, 3, 4, 5, 6, 7, 8, 9}, HashPrefix: [16]byte{9}, SolvesBlock: true,
		},
		&sharelog.Job{
			Number: 9, TimeMillis: 5, Height: 900_000, Previous: hash, Version: 0x20000000, Bits: 0x1d00ffff, MinTime: 7, CoinbaseValue: 312_500_000,
			Fees: 11, MeanFees: 12, Position: 1000, Branch: []bitcoin.Hash{hash, hash}, Variants: []sharelog.Variant{
				{Name: "unknown", Head: []byte("h"), Tail: []byte("t"), Witness: true, Payees: []sharelog.Payee{{User: 1, Amount: 5, Debt: 6}}}, {Name: "s21", Head: []byte{}, Tail: []byte{}},
			},
		},
		&sharelog.Worker{Number: 4, User: 3, Address: "bc1q", Name: "rig"},
		&sharelog.Status{TimeMillis: 7, Hash: hash, Status: sharelog.StatusOrphaned},
		&sharelog.Payment{Number: 3, TimeMillis: 8, Payees: []sharelog.Payee{{User: 4, Amount: 99}}},
		&sharelog.Paid{Number: 3, TimeMillis: 9, TxID: hash, Fee: 7},
		&sharelog.Lease{First: 65536, Count: 65536},
		&sharelog.Scheme{Name: "tides", FeePPM: 10_000, Address: "bc1p"},
		&sharelog.Scheme{Name: "tides", FeePPM: 10_000, Address: "bc1p", Rules: sharelog.RulesAtBlock, InCoinbase: true},
		&sharelog.Sent{Number: 4, TimeMillis: 5, TxID: bitcoin.Hash{6}, Fee: 7, Height: 8},
		&sharelog.Child{Number: 4, TimeMillis: 5, TxID: bitcoin.Hash{6}, Parent: bitcoin.Hash{9}, Fee: 7, Height: 8},
		&sharelog.Settled{Number: 4, TimeMillis: 5, Outcome: sharelog.OutcomeConflicted, TxID: bitcoin.Hash{6}, Fee: 7, Height: 8, Block: bitcoin.Hash{9}},
		&sharelog.PaymentTerms{Minimum: 100_000, SweepMillis: 86_400_000},
		&sharelog.Reconciled{TimeMillis: 7, Height: 840_000},
		&sharelog.Recovered{Number: 3, TimeMillis: 8, TxID: bitcoin.Hash{5}, Fee: 200, Height: 9, Block: bitcoin.Hash{6},
			Payees: []sharelog.Payee{{User: 1, Amount: 2, Debt: 3}}, Reason: "a backup was put back"},
		&sharelog.Recovered{TimeMillis: 8, TxID: bitcoin.Hash{7}, Coinbase: true, Reason: "another's"},
		&sharelog.Override{TimeMillis: 5, First: 3, Last: 4, Reason: "two shares of a job that a bug has lost"},
	}
}

func TestRoundTrip(t *testing.T) {
	for _, record := range records() {
		entry := sharelog.Append(nil, record)
		back, err := sharelog.Decode(entry)
		if err != nil || !reflect.DeepEqual(back, record) {
			t.Errorf("%+v comes back as %+v, %v", record, back, err)
		}
		for cut := range entry {
			if back, err := sharelog.Decode(entry[:cut]); err == nil {
				if _, isShare := back.(*sharelog.Share); !isShare { // a share's extranonce is the rest of its entry
					t.Errorf("%T cut to %d bytes decodes", record, cut)
				}
			}
		}
	}
}

// Whatever decodes has one encoding: the bytes it came from.
func FuzzDecode(f *testing.F) {
	for _, record := range records() {
		f.Add(sharelog.Append(nil, record))
	}
	f.Fuzz(func(t *testing.T, entry []byte) {
		record, err := sharelog.Decode(entry)
		if err == nil && !bytes.Equal(sharelog.Append(nil, record), entry) {
			t.Fatalf("%x decodes to %+v, which encodes as %x", entry, record, sharelog.Append(nil, record))
		}
	})
}

func BenchmarkAppendShare(b *testing.B) {
	share := records()[0].(*sharelog.Share)
	var buffer []byte
	b.ReportAllocs()
	for b.Loop() {
		buffer = sharelog.AppendShare(buffer[:0], share)
	}
}

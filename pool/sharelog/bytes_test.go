package sharelog_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/pool/sharelog"
	"github.com/aqsha/aqsha/pool/stratum"
)

// What is in a log keeps its bytes, by which its root stands: those of a record of each kind, as they were first written.
func TestBytesOfRecordsStay(t *testing.T) {
	hash := strings.Repeat("ab", 32)
	of := bitcoin.Hash(bytes.Repeat([]byte{0xab}, 32))
	for want, record := range map[string]sharelog.Record{
		"018c07030902010020002001d2496b2a000000" + "09000000000000000000000000000000" + "0102": &sharelog.Share{TimeMillis: 7,
			Worker: 3, Job: 9, Variant: 2, Difficulty: stratum.Difficulty{N: 1, K: 12}, Version: 0x20002000,
			Time: 1_800_000_001, Nonce: 42, Extranonce: []byte{1, 2}, HashPrefix: [16]byte{9}, SolvesBlock: true},
		"0209050a0b0c0d0e0f1011" + hash + "01" + hash + "01" + "0161" + "01" + "0168" + "0174" + "01010506": &sharelog.Job{
			Number: 9, TimeMillis: 5, Height: 10, Version: 11, Bits: 12, MinTime: 13, CoinbaseValue: 14, Fees: 15,
			MeanFees: 16, Position: 17, Previous: of, Branch: []bitcoin.Hash{of}, Variants: []sharelog.Variant{{Name: "a",
				Head: []byte("h"), Tail: []byte("t"), Witness: true, Payees: []sharelog.Payee{{User: 1, Amount: 5, Debt: 6}}}}},
		"03" + "0403" + "0461646472" + "03726967":        &sharelog.Worker{Number: 4, User: 3, Address: "addr", Name: "rig"},
		"05" + "07" + hash + "02":                        &sharelog.Status{TimeMillis: 7, Hash: of, Status: sharelog.StatusOrphaned},
		"06" + "80800480" + "8004":                       &sharelog.Lease{First: 65536, Count: 65536},
		"07" + "057469646573" + "904e" + "0162":          &sharelog.Scheme{Name: "tides", FeePPM: 10_000, Address: "b"},
		"0a" + "057469646573" + "904e" + "0162" + "0201": &sharelog.Scheme{Name: "tides", FeePPM: 10_000, Address: "b", Rules: sharelog.RulesAtBlock, InCoinbase: true},
		"08" + "0308" + "01" + "046300":                  &sharelog.Payment{Number: 3, TimeMillis: 8, Payees: []sharelog.Payee{{User: 4, Amount: 99}}},
		"09" + "0309" + hash + "07":                      &sharelog.Paid{Number: 3, TimeMillis: 9, TxID: of, Fee: 7},
		"0b" + "0405" + hash + "0708":                    &sharelog.Sent{Number: 4, TimeMillis: 5, TxID: of, Fee: 7, Height: 8},
		"0f" + "0405" + hash + hash + "0708":             &sharelog.Child{Number: 4, TimeMillis: 5, TxID: of, Parent: of, Fee: 7, Height: 8},
		"0c" + "040502" + hash + "0708" + hash:           &sharelog.Settled{Number: 4, TimeMillis: 5, Outcome: 2, TxID: of, Fee: 7, Height: 8, Block: of},
		"0d" + "a08d06" + "80b89929":                     &sharelog.PaymentTerms{Minimum: 100_000, SweepMillis: 86_400_000},
		"0e" + "050304" + "0362756" + "7":                &sharelog.Override{TimeMillis: 5, First: 3, Last: 4, Reason: "bug"},
		"10" + "07" + "c0a233":                           &sharelog.Reconciled{TimeMillis: 7, Height: 840_000},
		"11" + "0308" + hash + "0701" + "09" + hash + "01" + "010203" + "0177": &sharelog.Recovered{Number: 3, TimeMillis: 8,
			TxID: of, Fee: 7, Coinbase: true, Height: 9, Block: of, Payees: []sharelog.Payee{{User: 1, Amount: 2, Debt: 3}},
			Reason: "w"},
	} {
		entry := sharelog.Append([]byte("before"), record)
		if got := hex.EncodeToString(entry[6:]); got != want || string(entry[:6]) != "before" {
			t.Errorf("%T is\n%s, want\n%s", record, got, want)
		}
		bytesOf, err := hex.DecodeString(want)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := sharelog.Decode(bytesOf); err != nil || !reflect.DeepEqual(back, record) {
			t.Errorf("%s is %+v, %v", want, back, err)
		}
		if sharelog.IsShare(bytesOf) != (want[:2] == "01") {
			t.Errorf("%T: is it a share?", record)
		}
		if _, err := sharelog.Decode(append(bytesOf, make([]byte, 65)...)); err == nil {
			t.Errorf("%T with something behind it is read", record)
		}
	}
}

// wholes are numbers in the form of the log, and what is no number of it: too large for its field, or not in the
// shortest form.
func wholes(values ...uint64) (to []byte) {
	for _, v := range values {
		to = binary.AppendUvarint(to, v)
	}
	return to
}

// Each field has its bound: at it the record is read, one beyond it is none, whoever wrote it.
func TestBoundsOfRecords(t *testing.T) {
	hash := make([]byte, 32)
	const millis, amount, height = 1<<50 - 1, uint64(bitcoin.MaxMoney)*1000 - 1, 1<<31 - 1
	cat := func(parts ...[]byte) []byte { return slices.Concat(parts...) }
	job := func(value func(i int) uint64) []byte {
		var fields []uint64
		for i := range 10 {
			fields = append(fields, value(i))
		}
		return cat([]byte{2}, wholes(fields...), hash, wholes(0, 0))
	}
	ends := []uint64{1<<64 - 1, millis, height, 1<<32 - 1, 1<<32 - 1, 1<<32 - 1, amount, amount, amount, 1<<64 - 1}
	list := func(n int, each []byte) []byte { return cat(wholes(uint64(n)), bytes.Repeat(each, n)) }
	empty := job(func(int) uint64 { return 0 })
	jobWith := func(branch, variants []byte) []byte { return cat(empty[:len(empty)-2], branch, variants) }
	variant := []byte{0, 0, 0, 0, 0}
	for what, c := range map[string][2][]byte{
		"when, of a status":      {cat([]byte{5}, wholes(millis), hash, wholes(1)), cat([]byte{5}, wholes(millis+1), hash, wholes(1))},
		"a status":               {cat([]byte{5}, wholes(1), hash, wholes(3)), cat([]byte{5}, wholes(1), hash, wholes(4))},
		"a fee of a payment":     {cat([]byte{9}, wholes(1, 1), hash, wholes(amount)), cat([]byte{9}, wholes(1, 1), hash, wholes(amount+1))},
		"an operator's share":    {cat([]byte{7, 0}, wholes(1_000_000), []byte{0}), cat([]byte{7, 0}, wholes(1_000_001), []byte{0})},
		"rules of terms":         {[]byte{10, 0, 0, 0, 2, 1}, []byte{10, 0, 0, 0, 3, 1}},
		"rules that are older":   {[]byte{10, 0, 0, 0, 2, 0}, []byte{10, 0, 0, 0, 1, 0}},
		"yes or no":              {[]byte{10, 0, 0, 0, 2, 1}, []byte{10, 0, 0, 0, 2, 2}},
		"a height":               {cat([]byte{16}, wholes(1, height)), cat([]byte{16}, wholes(1, height+1))},
		"an outcome":             {cat([]byte{12}, wholes(1, 1, 3), hash, wholes(1, 1), hash), cat([]byte{12}, wholes(1, 1, 4), hash, wholes(1, 1), hash)},
		"no outcome":             {cat([]byte{12}, wholes(1, 1, 1), hash, wholes(1, 1), hash), cat([]byte{12}, wholes(1, 1, 0), hash, wholes(1, 1), hash)},
		"entries, first to last": {[]byte{14, 1, 4, 4, 0}, []byte{14, 1, 5, 4, 0}},
		"payees":                 {cat([]byte{8, 1, 1}, list(4096, []byte{1, 1, 1})), cat([]byte{8, 1, 1}, list(4097, []byte{1, 1, 1}))},
		"a text":                 {cat([]byte{14, 1, 4, 4}, list(39_999, []byte("a"))), cat([]byte{14, 1, 4, 4}, list(40_000, []byte("a")))},
		"a branch":               {jobWith(list(32, hash), []byte{0}), jobWith(list(33, hash), []byte{0})},
		"variants":               {jobWith([]byte{0}, list(64, variant)), jobWith([]byte{0}, list(65, variant))},
		"a number's form":        {[]byte{6, 1, 1}, []byte{6, 0x81, 0x00, 1}},
		"a number's size":        {cat([]byte{6}, wholes(1<<64-1, 1)), append(append([]byte{6}, bytes.Repeat([]byte{0xff}, 10)...), 1, 1)},
		"a kind":                 {[]byte{6, 1, 1}, []byte{4, 1, 1}},
		"a kind that comes":      {[]byte{6, 1, 1}, []byte{18, 1, 1}},
		"anything":               {[]byte{6, 1, 1}, nil},
	} {
		if _, err := sharelog.Decode(c[0]); err != nil {
			t.Errorf("%s at its bound: %v", what, err)
		}
		if record, err := sharelog.Decode(c[1]); err == nil {
			t.Errorf("%s beyond its bound: %.80s", what, fmt.Sprintf("%+v", record))
		}
	}
	for i, end := range ends {
		at := func(n uint64) error {
			_, err := sharelog.Decode(job(func(j int) uint64 {
				if j == i {
					return n
				}
				return 0
			}))
			return err
		}
		if err := at(end); err != nil {
			t.Errorf("field %d of a job at %d: %v", i, end, err)
		}
		if end < 1<<64-1 && at(end+1) == nil {
			t.Errorf("field %d of a job at %d is read", i, end+1)
		}
	}
}

// drawJob is a job with coinbases and siblings.
func drawJob(t *rapid.T) *sharelog.Job {
	octets := func(name string, n int) []byte { return rapid.SliceOfN(rapid.Byte(), n, n).Draw(t, name) }
	j := &sharelog.Job{Number: rapid.Uint64().Draw(t, "number"), TimeMillis: rapid.Int64Range(0, 1<<50-1).Draw(t, "when"),
		Height: uint64(rapid.IntRange(0, 1<<31-1).Draw(t, "height")), Previous: bitcoin.Hash(octets("previous", 32)),
		Version: rapid.Uint32().Draw(t, "version"), Bits: 0x207fffff, MinTime: rapid.Uint32().Draw(t, "time"),
		CoinbaseValue: money.Satoshi(rapid.Int64Range(0, int64(bitcoin.MaxMoney)).Draw(t, "value")),
		Position:      rapid.Uint64().Draw(t, "position")}
	for range rapid.IntRange(0, 5).Draw(t, "siblings") {
		j.Branch = append(j.Branch, bitcoin.Hash(octets("sibling", 32)))
	}
	for i := range rapid.IntRange(1, 3).Draw(t, "variants") {
		j.Variants = append(j.Variants, sharelog.Variant{Name: fmt.Sprint(i), Head: octets("head", 9), Tail: octets("tail", 5),
			Witness: rapid.Bool().Draw(t, "witness")})
	}
	return j
}

// drawShare is work for a job.
func drawShare(t *rapid.T, j *sharelog.Job) *sharelog.Share {
	return &sharelog.Share{TimeMillis: rapid.Int64Range(0, 1<<50-1).Draw(t, "found"), Worker: rapid.Uint64().Draw(t, "worker"),
		Job: j.Number, Variant: uint64(rapid.IntRange(0, len(j.Variants)-1).Draw(t, "variant")),
		Difficulty: stratum.Difficulty{N: 1, K: 40}, Version: rapid.Uint32().Draw(t, "rolled"), Time: rapid.Uint32().Draw(t, "second"),
		Nonce:      rapid.Uint32().Draw(t, "nonce"),
		Extranonce: rapid.SliceOfN(rapid.Byte(), 1, 64).Draw(t, "extranonce"), SolvesBlock: rapid.Bool().Draw(t, "block")}
}

// naiveHash is the header's hash as Bitcoin's rules say it, with the standard library's SHA-256 and nothing of ours.
func naiveHash(s *sharelog.Share, j *sharelog.Job) [32]byte {
	twice := func(b []byte) []byte {
		once := sha256.Sum256(b)
		again := sha256.Sum256(once[:])
		return again[:]
	}
	v := j.Variants[s.Variant]
	root := twice(slices.Concat(v.Head, s.Extranonce, v.Tail))
	for _, sibling := range j.Branch {
		root = twice(slices.Concat(root, sibling[:]))
	}
	header := binary.LittleEndian.AppendUint32(nil, s.Version)
	header = slices.Concat(header, j.Previous[:], root)
	for _, n := range []uint32{s.Time, j.Bits, s.Nonce} {
		header = binary.LittleEndian.AppendUint32(header, n)
	}
	return [32]byte(twice(header))
}

// A share proves the header that Bitcoin's own rules give; with any byte of it other, or another job's, it proves
// nothing.
func TestSharesAgainstBitcoinsRules(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		j := drawJob(t)
		s := drawShare(t, j)
		hash := naiveHash(s, j)
		header, err := s.Header(j)
		if err != nil || [32]byte(header.Hash()) != hash {
			t.Fatalf("%v, by the rules %x (%v)", header.Hash(), hash, err)
		}
		s.HashPrefix = [16]byte(hash[:16])
		if got := s.Difficulty.Target(); (s.Verify(j) == nil) != got.Met(bitcoin.Hash(hash)) {
			t.Fatalf("%v of hash %x at %s", s.Verify(j), hash, s.Difficulty)
		}
		back, err := sharelog.Decode(sharelog.Append(nil, s))
		if err != nil || !reflect.DeepEqual(back, s) {
			t.Fatalf("%+v comes back as %+v, %v", s, back, err)
		}
		again, err := sharelog.Decode(sharelog.Append(nil, j))
		if err != nil || !reflect.DeepEqual(again, j) {
			t.Fatalf("%+v comes back as %+v, %v", j, again, err)
		}
		for what, change := range map[string]func(s *sharelog.Share){
			"version": func(s *sharelog.Share) { s.Version++ }, "time": func(s *sharelog.Share) { s.Time++ },
			"nonce":      func(s *sharelog.Share) { s.Nonce++ },
			"extranonce": func(s *sharelog.Share) { s.Extranonce = append(slices.Clone(s.Extranonce), 0) },
			"hash":       func(s *sharelog.Share) { s.HashPrefix[15] ^= 1 },
			"job":        func(s *sharelog.Share) { s.Job++ },
			"variant":    func(s *sharelog.Share) { s.Variant = uint64(len(j.Variants)) },
			"difficulty": func(s *sharelog.Share) { s.Difficulty = stratum.Difficulty{N: 1 << 50} },
		} {
			other := *s
			change(&other)
			if other.Verify(j) == nil {
				t.Fatalf("with another %s it proves its work", what)
			}
		}
	})
}

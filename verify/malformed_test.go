package verify_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/token"
)

var update = flag.Bool("update", false, "write the vectors in testdata/vectors anew")

type malformedVectors struct {
	Comment string          `json:"comment"`
	Kind    string          `json:"kind"`
	Cases   []malformedCase `json:"cases"`
}

type malformedCase struct {
	Kind        string     `json:"kind"`        // of the transaction it was made from
	Transaction string     `json:"transaction"` // its bytes
	Code        token.Code `json:"code"`        // that our reader gives; another's order of reading may give another
}

// formCodes are those of form that bytes can break; the others need a transaction of 65,000 bytes, or cannot be written.
var formCodes = []token.Code{token.NotCanonical, token.WrongType, token.UnknownKind, token.OutOfRange, token.TooMany, token.TooFew,
	token.Repeated, token.Unused, token.AmountZero, token.AmountOverflow, token.WeakKey}

// casesOfEach is how many cases of each code the vectors have.
const casesOfEach = 6

// Transactions that are none, for each code of form: one item of a good one altered.
func TestMalformedVectors(t *testing.T) {
	h := newHistory(t, ledger.LatestRules, 1)
	var good []*token.Transaction
	for _, block := range h.chain.Blocks {
		for _, data := range block {
			if e, err := ledger.DecodeEntry(data); err == nil && e.Transaction != nil {
				good = append(good, e.Transaction)
			}
		}
	}
	v := malformedVectors{Comment: "transactions that are none by their form alone; bytes in hexadecimal", Kind: "malformed"}
	r, counts := rand.New(rand.NewPCG(26, 1)), map[token.Code]int{}
	for draws := 0; draws < 400_000 && len(v.Cases) < casesOfEach*len(formCodes); draws++ {
		tx := good[r.IntN(len(good))]
		changed := withPartTwice(r, tx.Encode())
		if r.IntN(2) == 0 {
			changed = h.altered(r, tx.Encode())
		}
		_, err := ledger.DecodeEntry(ledger.AppendTransactionEntry(nil, changed))
		var refusal *token.Error
		if !errors.As(err, &refusal) || !slices.Contains(formCodes, refusal.Code) || counts[refusal.Code] == casesOfEach {
			continue
		}
		counts[refusal.Code]++
		v.Cases = append(v.Cases, malformedCase{tx.Body.Kind().String(), hex.EncodeToString(changed), refusal.Code})
	}
	for _, code := range formCodes {
		if counts[code] == 0 {
			t.Errorf("no transaction is malformed by %s", code)
		}
	}
	got, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	const path = "../testdata/vectors/malformed.json"
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("malformed.json is not what the reader refuses now: go test ./verify -run Malformed -update")
	}
}

// withPartTwice puts an item of an encoding in the place of another of its type.
func withPartTwice(r *rand.Rand, b []byte) []byte {
	all := parts(b)
	from, to := all[r.IntN(len(all))], all[r.IntN(len(all))]
	if from.major != to.major {
		return b
	}
	return slices.Concat(b[:to.start], b[from.start:from.end], b[to.end:])
}

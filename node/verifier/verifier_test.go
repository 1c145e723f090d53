package verifier_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/aqsha/aqsha/internal/sim"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node/verifier"
	"github.com/aqsha/aqsha/token"
)

// payments are of one payer or two, each signed as it must be; keys are in order of the witnesses.
func payments(w *sim.World, n int) (txs []*token.Transaction, keys [][]token.PublicKey) {
	for i := range n {
		body := &token.Transfer{Parties: []token.WalletID{{byte(i), 1}, {byte(i), 2}, {byte(i), 3}}, Payers: 1 + i%2, Inputs: []token.ID{{byte(i)}},
			Outputs: []token.Output{{Party: 1, Amount: money.Tenge}, {Party: 2, Amount: money.Tenge}}}
		var signatures []sim.Signature
		var public []token.PublicKey
		for k := range body.Payers {
			key := w.Key(fmt.Sprint(i%7, k))
			signatures, public = append(signatures, sim.Signature{Role: token.RoleWallet, Index: k, Key: key}), append(public, key.Public())
		}
		txs, keys = append(txs, w.Sign(body, 1, signatures)), append(keys, public)
	}
	return txs, keys
}

// Among good transactions, those with a forged signature are told with the first that is, those with a key that is no
// point apart; the cache, however small, changes nothing.
func TestVerifyTellsWhichIsForged(t *testing.T) {
	w := sim.NewWorld(1)
	random := rand.New(rand.NewPCG(1, 2))
	notAPoint := token.PublicKey{0: byte(token.Ed25519), 1: 2}
	for _, size := range []int{1, 1 << 20} {
		v := &verifier.Verifier{Cache: verifier.NewCache(size), Network: w.Network}
		for round := range 30 {
			txs, keys := payments(w, round)
			want := make([]int, len(txs))
			v.Reset()
			for i := range txs {
				switch random.IntN(5) {
				case 0:
					last := len(keys[i]) - 1
					keys[i][last] = w.Key("somebody else").Public()
					want[i] = last + 1
				case 1:
					keys[i][0] = notAPoint
					want[i] = verifier.Unchecked
				}
				v.Add(txs[i], keys[i])
			}
			var got []int
			if err := v.Verify(func(forged int) { got = append(got, forged) }); err != nil {
				t.Fatal(err)
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("round %d: told %v, want %v", round, got, want)
			}
		}
	}
	hits, misses := func() (uint64, uint64) {
		v := &verifier.Verifier{Cache: verifier.NewCache(1 << 20), Network: w.Network}
		for range 3 {
			txs, keys := payments(w, 14)
			v.Reset()
			for i := range txs {
				v.Add(txs[i], keys[i])
			}
			if err := v.Verify(func(int) {}); err != nil {
				t.Fatal(err)
			}
		}
		return v.Cache.Counts()
	}()
	if misses < 11 || hits < 2*21 {
		t.Errorf("%d hits, %d misses", hits, misses)
	}
}

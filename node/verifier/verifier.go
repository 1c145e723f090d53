package verifier

import (
	"crypto/rand"

	"github.com/aqsha/aqsha/token"
)

// Verifier gathers transactions and checks all their signatures in one batch. It keeps its memory from use to
// use, and is used by one goroutine.
type Verifier struct {
	Cache   *Cache
	Network token.NetworkID

	batch  token.Batch
	counts []int // signatures of each transaction added
	valid  []bool
}

// Reset empties it.
func (v *Verifier) Reset() {
	v.batch.Reset()
	v.counts = v.counts[:0]
}

// Add adds a transaction, whose witnesses must be of the given keys in order. It is not added, and false comes
// back, when one of the keys is no point of the curve.
func (v *Verifier) Add(tx *token.Transaction, keys []token.PublicKey) bool {
	var room [2]token.DecodedKey
	decoded := room[:0]
	for _, key := range keys {
		d, ok := v.Cache.Decode(key)
		if !ok {
			return false
		}
		decoded = append(decoded, d)
	}
	for i := range keys {
		w := &tx.Witnesses[i]
		digest := token.Digest(v.Network, tx.ID(), w.Role)
		v.batch.Add(&keys[i], &decoded[i], &digest, &w.Signature)
	}
	v.counts = append(v.counts, len(keys))
	return true
}

// Len is how many signatures were added.
func (v *Verifier) Len() int { return v.batch.Len() }

// Verify checks everything that was added and tells, in order of adding, each transaction's first witness whose
// signature is not valid, counted from 1; 0 for none.
func (v *Verifier) Verify(tell func(forged int)) error {
	valid, err := v.batch.Verify(rand.Reader, v.valid)
	v.valid = valid
	if err != nil {
		return err
	}
	for _, count := range v.counts {
		forged := 0
		for i := range count {
			if !valid[i] && forged == 0 {
				forged = i + 1
			}
		}
		valid = valid[count:]
		tell(forged)
	}
	return nil
}

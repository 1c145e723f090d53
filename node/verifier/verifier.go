package verifier

import (
	"crypto/rand"
	"slices"

	"github.com/aqsha/aqsha/token"
)

// Verifier gathers transactions and checks all their signatures in one batch. It keeps its memory from use to
// use, and is used by one goroutine.
type Verifier struct {
	Cache   *Cache
	Network token.NetworkID

	batch token.Batch
	txs   []*token.Transaction
	keys  []token.PublicKey // of all signatures, in order

	decoded []token.DecodedKey
	ok      []bool
	missing []int // keys that the cache lacks
	valid   []bool

	keyPlain []bool // of each of keys, whether it is known to have no component of small order
	known    []bool // the same of the signatures in the batch
	plain    []bool
	plainOf  []token.PublicKey // the keys of the signatures in the batch
}

// Reset empties it.
func (v *Verifier) Reset() {
	v.batch.Reset()
	clear(v.txs)
	v.txs, v.keys = v.txs[:0], v.keys[:0]
}

// Add adds a transaction, whose witnesses must be of the given keys in order, one for each.
func (v *Verifier) Add(tx *token.Transaction, keys []token.PublicKey) {
	v.txs, v.keys = append(v.txs, tx), append(v.keys, keys...)
}

// Unchecked is told of a transaction of which a key is no point of the curve.
const Unchecked = -1

// Verify checks everything that was added and tells, in order of adding, each transaction's first witness whose
// signature is not valid, counted from 1; 0 for none.
func (v *Verifier) Verify(notify func(forged int)) error {
	v.decodeKeys()
	next := 0
	for _, tx := range v.txs {
		count := len(tx.Witnesses)
		// A transaction of which a key did not decode puts nothing into the batch: one such entry would fail all the
		// others with it.
		if !slices.Contains(v.ok[next:next+count], false) {
			for i := range tx.Witnesses {
				w := &tx.Witnesses[i]
				digest := token.Digest(v.Network, tx.ID(), w.Role)
				v.batch.Add(&v.keys[next+i], &v.decoded[next+i], &digest, &w.Signature)
			}
		}
		next += count
	}
	valid, err := v.batch.Verify(rand.Reader, v.valid)
	v.valid = valid
	if err != nil {
		return err
	}
	next = 0
	for _, tx := range v.txs {
		count, forged := len(tx.Witnesses), 0
		if slices.Contains(v.ok[next:next+count], false) {
			notify(Unchecked)
			next += count
			continue
		}
		for i := range count {
			if !valid[i] && forged == 0 {
				forged = i + 1
			}
		}
		valid = valid[count:]
		next += count
		notify(forged)
	}
	return nil
}

// Plain tells of each transaction that was added, in order, whether verifiers of all kinds take its signatures
// (token.PlainSignature); its answer counts for those that Verify, which comes first, found valid.
func (v *Verifier) Plain(notify func(plain bool)) error {
	v.known, v.plainOf = v.known[:0], v.plainOf[:0]
	next := 0
	for _, tx := range v.txs {
		count := len(tx.Witnesses)
		if !slices.Contains(v.ok[next:next+count], false) {
			for i := range count {
				v.known, v.plainOf = append(v.known, v.keyPlain[next+i]), append(v.plainOf, v.keys[next+i])
			}
		}
		next += count
	}
	var err error
	if v.plain, err = v.batch.Plain(rand.Reader, v.known, v.plain); err != nil {
		return err
	}
	for i, plain := range v.plain {
		if plain && !v.known[i] {
			v.Cache.keepPlain(v.plainOf[i])
		}
	}
	next, plain := 0, v.plain
	for _, tx := range v.txs {
		count := len(tx.Witnesses)
		checked := !slices.Contains(v.ok[next:next+count], false)
		next += count
		if !checked {
			notify(false)
			continue
		}
		notify(!slices.Contains(plain[:count], false))
		plain = plain[count:]
	}
	return nil
}

// decodeKeys takes keys from the cache, and decodes those that are not there together, which costs less. Only keys
// that decode are kept: others would let strangers fill the cache.
func (v *Verifier) decodeKeys() {
	n := len(v.keys)
	v.decoded, v.ok, v.missing = slices.Grow(v.decoded[:0], n)[:n], slices.Grow(v.ok[:0], n)[:n], v.missing[:0]
	v.keyPlain = slices.Grow(v.keyPlain[:0], n)[:n]
	for i, key := range v.keys {
		if v.decoded[i], v.keyPlain[i], v.ok[i] = v.Cache.find(key); !v.ok[i] {
			v.missing = append(v.missing, i)
		}
	}
	if len(v.missing) == 0 {
		return
	}
	keys, decoded, ok := make([]token.PublicKey, len(v.missing)), make([]token.DecodedKey, len(v.missing)),
		make([]bool, len(v.missing))
	for k, i := range v.missing {
		keys[k] = v.keys[i]
	}
	token.DecodeKeys(keys, decoded, ok)
	for k, i := range v.missing {
		if v.decoded[i], v.ok[i] = decoded[k], ok[k]; ok[k] {
			v.Cache.keep(keys[k], decoded[k])
		}
	}
}

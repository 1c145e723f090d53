package token_test

import (
	"crypto/rand"
	"fmt"
	"testing"

	"github.com/oasisprotocol/curve25519-voi/primitives/ed25519"

	"github.com/aqsha/aqsha/token"
)

// batchCase is n signatures by n keys.
type batchCase struct {
	keys       []token.PublicKey
	decoded    []token.DecodedKey
	digests    [][32]byte
	signatures []token.Signature
}

func newBatchCase(n int) *batchCase {
	c := &batchCase{}
	for i := range n {
		key := token.NewPrivateKey([32]byte{byte(i), byte(i >> 8), 7})
		digest := token.Digest(token.NetworkID{1}, token.TransactionID{byte(i), byte(i >> 8)}, token.RoleWallet)
		signature, err := key.Sign(digest)
		if err != nil {
			panic(err)
		}
		decoded, ok := token.DecodeKey(key.Public())
		if !ok {
			panic("key does not decode")
		}
		c.keys, c.decoded = append(c.keys, key.Public()), append(c.decoded, decoded)
		c.digests, c.signatures = append(c.digests, digest), append(c.signatures, signature)
	}
	return c
}

func (c *batchCase) fill(b *token.Batch) {
	b.Reset()
	for i := range c.keys {
		b.Add(&c.keys[i], &c.decoded[i], &c.digests[i], &c.signatures[i])
	}
}

// Whatever is altered, the batch finds just the signatures that Verify refuses.
func TestBatchFindsTheCulprits(t *testing.T) {
	var b token.Batch
	for _, n := range []int{1, 2, 3, 64, 257} {
		for _, bad := range [][]int{nil, {0}, {n - 1}, {0, n / 2, n - 1}} {
			c := newBatchCase(n)
			for k, i := range bad {
				switch k {
				case 0:
					c.signatures[i][40] ^= 1 // s
				case 1:
					c.digests[i][0] ^= 1
				case 2:
					c.signatures[i][1] ^= 1 // R, perhaps no point at all
				}
			}
			c.fill(&b)
			valid, err := b.Verify(rand.Reader, nil)
			if err != nil {
				t.Fatal(err)
			}
			for i := range valid {
				if want := token.Verify(c.keys[i], c.digests[i], &c.signatures[i]); valid[i] != want {
					t.Fatalf("n %d, altered %v: signature %d is %v in the batch, %v alone", n, bad, i, valid[i], want)
				}
			}
		}
	}
}

// BenchmarkBatch compares the library's batches without and with expanded keys with ours, per signature.
func BenchmarkBatch(b *testing.B) {
	for _, n := range []int{256, 1024, 2048, 4096} {
		c := newBatchCase(n)
		options := &ed25519.Options{Verify: ed25519.VerifyOptionsZIP_215}
		perSignature := func(b *testing.B) { b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/sig") }
		b.Run(fmt.Sprintf("library/%d", n), func(b *testing.B) {
			for b.Loop() {
				v := ed25519.NewBatchVerifierWithCapacity(n)
				for i := range c.keys {
					v.AddWithOptions(c.keys[i][1:], c.digests[i][:], c.signatures[i][1:], options)
				}
				if !v.VerifyBatchOnly(rand.Reader) {
					b.Fatal("invalid")
				}
			}
			perSignature(b)
		})
		expanded := make([]*ed25519.ExpandedPublicKey, n)
		for i := range expanded {
			expanded[i], _ = ed25519.NewExpandedPublicKey(c.keys[i][1:])
		}
		b.Run(fmt.Sprintf("expanded/%d", n), func(b *testing.B) {
			for b.Loop() {
				v := ed25519.NewBatchVerifierWithCapacity(n)
				for i := range c.keys {
					v.AddExpandedWithOptions(expanded[i], c.digests[i][:], c.signatures[i][1:], options)
				}
				if !v.VerifyBatchOnly(rand.Reader) {
					b.Fatal("invalid")
				}
			}
			perSignature(b)
		})
		b.Run(fmt.Sprintf("ours/%d", n), func(b *testing.B) {
			var batch token.Batch
			var valid []bool
			for b.Loop() {
				c.fill(&batch)
				var err error
				if valid, err = batch.Verify(rand.Reader, valid); err != nil || !valid[0] {
					b.Fatal("invalid")
				}
			}
			perSignature(b)
		})
	}
}

package token_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/token"
)

// forged makes a case of n whose signatures at some places are spoiled in s: they decode, so that only an equation tells.
func forged(n int, at []int) *batchCase {
	c := newBatchCase(n)
	for _, i := range at {
		c.digests[i][3] ^= 1
	}
	return c
}

// However many are forged and wherever they stand, what is done beyond one equation over all is bounded: a single
// forgery costs less than one more and a few by themselves.
func TestForgeriesCostLittle(t *testing.T) {
	const n = 1024
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	every := func(step int) (at []int) {
		for i := 5; i < n; i += step {
			at = append(at, i)
		}
		return at
	}
	for _, test := range []struct {
		name   string
		at     []int
		summed int // at most, in tenths of all
		alone  int // at most
	}{
		{"none", nil, 10, 0}, {"first", all[:1], 20, 24}, {"last", all[n-1:], 20, 24}, {"middle", all[n/2 : n/2+1], 20, 24},
		{"ten", every(103), 40, 240}, {"one in sixty-four", every(64), 40, 16 * 24}, {"one in eight", every(8), 30, n}, {"half", every(2), 20, n}, {"all", all, 20, n},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := forged(n, test.at)
			var b token.Batch
			c.fill(&b)
			valid, err := b.Verify(rand.Reader, nil)
			if err != nil {
				t.Fatal(err)
			}
			bad := 0
			for _, v := range valid {
				if !v {
					bad++
				}
			}
			if bad != len(test.at) {
				t.Errorf("%d of %d forgeries were found", bad, len(test.at))
			}
			if summed, alone := b.Work(); summed*10 > test.summed*n || alone > test.alone {
				t.Errorf("%d were summed and %d verified by themselves, want at most %d and %d", summed, alone, test.summed*n/10, test.alone)
			}
		})
	}
}

// A batch of any size with any forgeries says of each what Verify says.
func TestBatchIsEachAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 300).Draw(t, "n")
		seed := rapid.Uint64().Draw(t, "seed")
		part := rapid.SampledFrom([]int{1, 2, 10, 64, 1000}).Draw(t, "one in")
		r := mathrand.New(mathrand.NewPCG(seed, 1))
		c := newBatchCase(n)
		for i := range n {
			if r.IntN(part) > 0 {
				continue
			}
			switch r.IntN(4) {
			case 0:
				c.signatures[i][33+r.IntN(31)] ^= 1 << r.IntN(8)
			case 1:
				c.signatures[i][1+r.IntN(32)] ^= 1 << r.IntN(8)
			case 2:
				c.digests[i][r.IntN(32)] ^= 1
			case 3:
				c.signatures[i] = c.signatures[(i+1)%n]
			}
		}
		var b token.Batch
		c.fill(&b)
		valid, err := b.Verify(rand.Reader, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := range valid {
			if want := token.Verify(c.keys[i], c.digests[i], &c.signatures[i]); valid[i] != want {
				t.Fatalf("signature %d of %d is %v in the batch, %v alone", i, n, valid[i], want)
			}
		}
	})
}

// Without randomness nothing is called valid.
func TestBatchWithoutRandomness(t *testing.T) {
	c := newBatchCase(70)
	var b token.Batch
	c.fill(&b)
	valid, err := b.Verify(io.LimitReader(rand.Reader, 100), nil)
	if !errors.Is(err, io.ErrUnexpectedEOF) || valid != nil {
		t.Errorf("%v, %v", valid, err)
	}
}

// BenchmarkBatchForged is what a unit of 1,024 costs with so many forgeries in it, and what verifying each would.
func BenchmarkBatchForged(b *testing.B) {
	const n = 1024
	for _, count := range []int{0, 1, 10, 16, 41, 102, n} {
		b.Run(fmt.Sprint(count), func(b *testing.B) {
			var at []int
			for k := range count {
				at = append(at, (k*n/count+5)%n)
			}
			c := forged(n, at)
			var batch token.Batch
			var valid []bool
			for b.Loop() {
				c.fill(&batch)
				var err error
				if valid, err = batch.Verify(rand.Reader, valid); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(b.Elapsed().Seconds()*1000/float64(b.N), "ms/unit")
		})
	}
	b.Run("singly", func(b *testing.B) {
		c := newBatchCase(n)
		for b.Loop() {
			for i := range c.keys {
				if !token.Verify(c.keys[i], c.digests[i], &c.signatures[i]) {
					b.Fatal("invalid")
				}
			}
		}
		b.ReportMetric(b.Elapsed().Seconds()*1000/float64(b.N), "ms/unit")
	})
}

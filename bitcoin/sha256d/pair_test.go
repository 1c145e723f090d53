package sha256d_test

import (
	"math/rand/v2"
	"testing"

	"github.com/aqsha/aqsha/bitcoin/sha256d"
)

// Pair is the standard library's double hash, over a hundred thousand inputs.
func TestPair(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	var data [64]byte
	for range 100_000 {
		for i := range data {
			data[i] = byte(random.Uint32())
		}
		if got, want := sha256d.Pair(&data), sha256d.Sum(data[:]); got != want {
			t.Fatalf("Pair(%x) = %x, want %x", data, got, want)
		}
	}
}

func BenchmarkPair(b *testing.B) {
	var data [64]byte
	b.Run("assembly", func(b *testing.B) {
		for b.Loop() {
			sha256d.Pair(&data)
		}
	})
	b.Run("standard library", func(b *testing.B) {
		for b.Loop() {
			sha256d.Sum(data[:])
		}
	})
}

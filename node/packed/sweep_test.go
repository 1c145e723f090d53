package packed_test

import (
	"bytes"
	"io"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/aqsha/aqsha/node/packed"
)

// Streams of every length come back as they were, whatever the lengths in which they are written and read: around pieces too.
func TestStreamsOfEverySize(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	all := make([]byte, 3*packed.PieceBytes)
	for i := range all { // half of it cannot be packed
		if i/4096%2 == 0 {
			all[i] = byte(rng.Uint32())
		}
	}
	var sizes []int
	for n := range 5_001 {
		if os.Getenv("SWEEP") == "all" || n%97 == 0 || n < 10 {
			sizes = append(sizes, n)
		}
	}
	for _, n := range []int{packed.PieceBytes, 2 * packed.PieceBytes} {
		sizes = append(sizes, n-1, n, n+1)
	}
	for _, n := range sizes {
		var stored bytes.Buffer
		w := packed.NewWriter(&stored)
		for rest := all[:n]; len(rest) > 0; {
			some := 1 + rng.IntN(len(rest))
			if _, err := w.Write(rest[:some]); err != nil {
				t.Fatal(err)
			}
			rest = rest[some:]
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		r := packed.NewReader(bytes.NewReader(stored.Bytes()))
		got, err := io.ReadAll(r)
		r.Close()
		if err != nil || !bytes.Equal(got, all[:n]) {
			t.Fatalf("%d bytes came back as %d: %v", n, len(got), err)
		}
	}
}

package points

import (
	"math/rand/v2"
	"testing"

	"github.com/oasisprotocol/curve25519-voi/curve"
)

// edges are encodings at which decoders differ: small order, y of p and more, x of zero with either sign.
func edges() (list []Encoded) {
	for low := range 40 {
		for _, rest := range []byte{0, 0xff} {
			for _, top := range []byte{0, 0x7f, 0x80, 0xff} {
				e := Encoded{0: byte(low)}
				if rest != 0 {
					e[0] = 0xff - byte(low)
				}
				for i := 1; i < 31; i++ {
					e[i] = rest
				}
				e[31] = top
				list = append(list, e)
			}
		}
	}
	return list
}

// same holds decoded points against the library's own decoding.
func same(t testing.TB, encoded []Encoded) (on, off int) {
	t.Helper()
	points, valid := make([]curve.EdwardsPoint, len(encoded)), make([]bool, len(encoded))
	Decode(points, encoded, valid)
	for i := range encoded {
		var want curve.EdwardsPoint
		_, err := want.SetCompressedY((*curve.CompressedEdwardsY)(&encoded[i]))
		if (err == nil) != valid[i] {
			t.Fatalf("%x: valid %v, the library says %v", encoded[i], valid[i], err)
		}
		if err != nil {
			off++
			continue
		}
		on++
		// Equal compares x and y; the sum with another point uses T as well.
		var a, b curve.EdwardsPoint
		a.Add(&points[i], curve.ED25519_BASEPOINT_POINT)
		b.Add(&want, curve.ED25519_BASEPOINT_POINT)
		if points[i].Equal(&want) != 1 || a.Equal(&b) != 1 {
			t.Fatalf("%x decodes to another point", encoded[i])
		}
	}
	return on, off
}

func TestDecodingAgreesWithTheLibrary(t *testing.T) {
	if !wide {
		t.Log("this processor decodes one at a time")
	}
	same(t, edges())
	random := rand.New(rand.NewPCG(1, 2))
	on, off := 0, 0
	for n := range 400 {
		encoded := make([]Encoded, n%19)
		for i := range encoded {
			for k := range encoded[i] {
				encoded[i][k] = byte(random.Uint32())
			}
		}
		a, b := same(t, encoded)
		on, off = on+a, off+b
	}
	if on < 1000 || off < 1000 {
		t.Errorf("%d on the curve, %d not", on, off)
	}
}

func FuzzDecode(f *testing.F) {
	for _, e := range edges()[:64] {
		f.Add(e[:])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var encoded []Encoded
		for len(data) >= 32 && len(encoded) < 20 {
			encoded, data = append(encoded, Encoded(data[:32])), data[32:]
		}
		same(t, encoded)
	})
}

func BenchmarkDecode(b *testing.B) {
	encoded := make([]Encoded, 1024)
	for i := range encoded {
		encoded[i] = Encoded{0: 0x58}
		for k := 1; k < 32; k++ {
			encoded[i][k] = 0x66
		}
	}
	points, valid := make([]curve.EdwardsPoint, len(encoded)), make([]bool, len(encoded))
	for _, side := range []bool{true, false} {
		name := map[bool]string{true: "wide", false: "one by one"}[side]
		b.Run(name, func(b *testing.B) {
			defer func(was bool) { wide = was }(wide)
			wide = wide && side
			for range b.N {
				Decode(points, encoded, valid)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(encoded)), "ns/point")
		})
	}
}

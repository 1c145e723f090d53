package curve

import (
	"encoding/binary"
	"io"
	"math/big"
	"math/rand/v2"
)

// entropy is an endless stream that a seed decides.
func entropy(seed uint64) io.Reader {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	return rand.NewChaCha8(key)
}

// draw draws a scalar.
func draw(source io.Reader) Scalar {
	var b [32]byte
	for {
		if _, err := io.ReadFull(source, b[:]); err != nil {
			panic(err)
		}
		if s, err := ParseScalar(b[:]); err == nil {
			return s
		}
	}
}

// notes are n pairs of a signer: secrets' points and their signatures.
func notes(s *Signer, n int, source io.Reader) (ys, cs []Point) {
	for range n {
		b := draw(source).Bytes()
		y := HashToCurve(b[:])
		ys, cs = append(ys, y), append(cs, plainTimes(y, s.k))
	}
	return ys, cs
}

// plainTimes is k·P by the library.
func plainTimes(p Point, k Scalar) Point {
	q := multiplyVar(&p, &k.value)
	return q.affineVar()
}

func randomCoefficients(n int, source io.Reader) []coefficient {
	all := make([]coefficient, n)
	if err := binary.Read(source, binary.LittleEndian, all); err != nil {
		panic(err)
	}
	return all
}

func (d coefficient) big() *big.Int {
	n := new(big.Int).SetUint64(d[1])
	return n.Lsh(n, 64).Or(n, new(big.Int).SetUint64(d[0]))
}

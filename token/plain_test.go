package token_test

import (
	stdlib "crypto/ed25519"
	"crypto/rand"
	"crypto/sha512"
	"encoding/hex"
	"math/big"
	mathrand "math/rand/v2"
	"testing"

	"github.com/oasisprotocol/curve25519-voi/curve"
	"github.com/oasisprotocol/curve25519-voi/curve/scalar"

	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/token/points"
)

// torsion are the encodings of points of order 1, 2, 4 and 8 (the first as RFC 8032 has it).
var torsion = []string{
	"0100000000000000000000000000000000000000000000000000000000000000",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"0000000000000000000000000000000000000000000000000000000000000080",
	"0000000000000000000000000000000000000000000000000000000000000000",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
}

func pointOf(t testing.TB, encoded string) *curve.EdwardsPoint {
	t.Helper()
	b, err := hex.DecodeString(encoded)
	if err != nil {
		t.Fatal(err)
	}
	var c curve.CompressedEdwardsY
	copy(c[:], b)
	var p curve.EdwardsPoint
	if _, err := p.SetCompressedY(&c); err != nil {
		t.Fatal(err)
	}
	return &p
}

// oddSignature signs a digest with a seed's key after moving key and commitment by points of small order.
func oddSignature(t testing.TB, seed [32]byte, digest [32]byte, moveKey,
	moveR string) (token.PublicKey, token.Signature) {
	t.Helper()
	expanded := sha512.Sum512(seed[:])
	expanded[0] &= 248
	expanded[31] = expanded[31]&63 | 64
	var a, r, k, s scalar.Scalar
	if _, err := a.SetBits(expanded[:32]); err != nil {
		t.Fatal(err)
	}
	nonce := sha512.Sum512(append(expanded[32:], digest[:]...))
	if _, err := r.SetBytesModOrderWide(nonce[:]); err != nil {
		t.Fatal(err)
	}
	encode := func(x *scalar.Scalar, move string) (b [32]byte) {
		var p curve.EdwardsPoint
		p.MulBasepoint(curve.ED25519_BASEPOINT_TABLE, x)
		p.Add(&p, pointOf(t, move))
		var c curve.CompressedEdwardsY
		c.SetEdwardsPoint(&p)
		copy(b[:], c[:])
		return b
	}
	key, commitment := encode(&a, moveKey), encode(&r, moveR)
	challenge := sha512.Sum512(append(append(append([]byte(nil), commitment[:]...), key[:]...), digest[:]...))
	if _, err := k.SetBytesModOrderWide(challenge[:]); err != nil {
		t.Fatal(err)
	}
	s.Mul(&k, &a)
	s.Add(&s, &r)
	public, signature := token.PublicKey{1}, token.Signature{1}
	copy(public[1:], key[:])
	copy(signature[1:], commitment[:])
	var bytes [32]byte
	if err := s.ToBytes(bytes[:]); err != nil {
		t.Fatal(err)
	}
	copy(signature[33:], bytes[:])
	return public, signature
}

// What Plain lets through, the standard library takes; what the standard library refuses though ZIP-215 takes it, Plain
// refuses.
func TestPlainIsWhatOtherVerifiersTake(t *testing.T) {
	split := 0
	for round := range byte(4) {
		for _, moveKey := range torsion {
			for _, moveR := range torsion {
				digest := [32]byte{round, 7}
				key, signature := oddSignature(t, [32]byte{round}, digest, moveKey, moveR)
				if !token.Verify(key, digest, &signature) {
					t.Fatalf("ZIP-215 refuses key + %s, R + %s", moveKey, moveR)
				}
				taken := stdlib.Verify(key[1:], digest[:], signature[1:])
				plain := token.PlainSignature(key, &signature)
				if plain && !taken {
					t.Errorf("key + %s, R + %s: plain, and the standard library refuses it", moveKey, moveR)
				}
				if !taken {
					split++
				}
				if plain != (moveKey == torsion[0] && moveR == torsion[0]) {
					t.Errorf("key + %s, R + %s: plain is %t", moveKey, moveR, plain)
				}
			}
		}
	}
	if split == 0 {
		t.Fatal("no signature on which verifiers differ: the test says nothing")
	}
}

// A batch of any size finds the signatures that others refuse, wherever they stand.
func TestPlainInBatches(t *testing.T) {
	var batch token.Batch
	for _, n := range []int{1, 2, 39, 40, 41, 100, 300} {
		for _, odd := range [][]int{nil, {0}, {n - 1}, {n / 2, n / 3}} {
			batch.Reset()
			want := make([]bool, n)
			for i := range n {
				want[i] = true
			}
			for _, i := range odd {
				want[i] = false
			}
			for i := range n {
				digest := [32]byte{byte(i), byte(i >> 8), byte(n)}
				move := torsion[0]
				if !want[i] {
					move = torsion[1+i%(len(torsion)-1)]
				}
				key, signature := oddSignature(t, [32]byte{byte(i), 1}, digest, torsion[0], move)
				decoded, ok := token.DecodeKey(key)
				if !ok {
					t.Fatal("key is not decoded")
				}
				batch.Add(&key, &decoded, &digest, &signature)
			}
			valid, err := batch.Verify(rand.Reader, nil)
			if err != nil {
				t.Fatal(err)
			}
			plain, err := batch.Plain(rand.Reader, make([]bool, n), nil)
			if err != nil {
				t.Fatal(err)
			}
			for i := range n {
				if !valid[i] || plain[i] != want[i] {
					t.Fatalf("%d signatures, odd %v: number %d valid %t, plain %t", n, odd, i, valid[i], plain[i])
				}
			}
		}
	}
}

// A commitment in another encoding than the curve's is not plain: the encodings of y = 0 … 18 as p … 2^255 − 1, and of
// points without an x with a sign.
func TestPlainEncodings(t *testing.T) {
	key := token.NewPrivateKey([32]byte{1}).Public()
	p := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	for y := range int64(19) {
		var s token.Signature
		s[0] = 1
		new(big.Int).Add(p, big.NewInt(y)).FillBytes(s[1:33])
		for i := range 16 { // little-endian
			s[1+i], s[32-i] = s[32-i], s[1+i]
		}
		if token.PlainSignature(key, &s) {
			t.Errorf("y = p + %d is plain", y)
		}
	}
	var s token.Signature
	s[0], s[1], s[32] = 1, 1, 0x80 // the identity, with a sign
	if token.PlainSignature(key, &s) {
		t.Error("the identity with a sign is plain")
	}
	if s[32] = 0; !token.PlainSignature(key, &s) {
		t.Error("the identity is not plain")
	}
}

func BenchmarkPlain(b *testing.B) {
	for _, n := range []int{1, 32, 128, 1024} {
		b.Run(big.NewInt(int64(n)).String(), func(b *testing.B) {
			var batch token.Batch
			key := token.NewPrivateKey([32]byte{1})
			public := key.Public()
			decoded, _ := token.DecodeKey(public)
			known := make([]bool, n)
			for i := range n {
				digest := [32]byte{byte(i), byte(i >> 8)}
				signature, _ := key.Sign(digest)
				batch.Add(&public, &decoded, &digest, &signature)
				known[i] = true
			}
			if _, err := batch.Verify(rand.Reader, nil); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if _, err := batch.Plain(rand.Reader, known, nil); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/signature")
		})
	}
}

// Sums over subsets by buckets are what adding each point to each sum that it is in gives.
func TestSubsetSums(t *testing.T) {
	random := mathrand.New(mathrand.NewPCG(3, 4))
	var all []*curve.EdwardsPoint
	var in []uint32
	for range 60 {
		var x scalar.Scalar
		x.SetUint64(random.Uint64())
		p := new(curve.EdwardsPoint)
		p.MulBasepoint(curve.ED25519_BASEPOINT_TABLE, &x)
		p.Add(p, pointOf(t, torsion[random.IntN(len(torsion))]))
		all, in = append(all, p), append(in, random.Uint32())
	}
	for first := 0; first < 32; first += 8 {
		sums, _ := token.SubsetSums(all, in, first)
		for bit, got := range sums {
			var want curve.EdwardsPoint
			want.Identity()
			for i, p := range all {
				if in[i]>>(first+bit)&1 == 1 {
					want.Add(&want, p)
				}
			}
			if got.Equal(&want) != 1 {
				t.Errorf("subset %d has another sum", first+bit)
			}
		}
	}
}

// To know of a thousand signatures whether others take them, each point is added once to a bucket, which is what makes
// it cheaper than verifying them: not once to each random sum that it is in.
func TestPlainAddsEachPointOnce(t *testing.T) {
	const n = 256
	var batch token.Batch
	key := token.NewPrivateKey([32]byte{1})
	public := key.Public()
	decoded, _ := token.DecodeKey(public)
	known := make([]bool, n)
	for i := range n {
		digest := [32]byte{byte(i)}
		signature, _ := key.Sign(digest)
		batch.Add(&public, &decoded, &digest, &signature)
		known[i] = true
	}
	if _, err := batch.Verify(rand.Reader, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := batch.Plain(rand.Reader, known, nil); err != nil {
		t.Fatal(err)
	}
	columns := 1
	if !points.Wide() {
		columns = 4 // one after another, and not side by side
	}
	if added := batch.Added(); added != n*columns {
		t.Errorf("%d points were added %d times", n, added)
	}
	// The same without wide instructions, wherever this runs.
	var narrow token.Batch
	all, in := make([]*curve.EdwardsPoint, n), make([]uint32, n)
	for i := range all {
		var x scalar.Scalar
		x.SetUint64(uint64(i + 1))
		all[i] = new(curve.EdwardsPoint)
		all[i].MulBasepoint(curve.ED25519_BASEPOINT_TABLE, &x)
		in[i] = uint32(i) * 0x9e3779b1
	}
	if !narrow.SubsetsTorsionFree(all, in) || narrow.Added() != 4*n {
		t.Errorf("%d points were added %d times without wide instructions", n, narrow.Added())
	}
}

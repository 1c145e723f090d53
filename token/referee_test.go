package token_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"testing"

	"filippo.io/edwards25519"
	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/internal/props"
	"github.com/aqsha/aqsha/token"
)

// referee is the rule of a valid signature as ZIP-215 writes it down, over another library's arithmetic, slowly: A and R are
// any encodings of points, S is below the group's order, and [8][S]B = [8]R + [8][k]A with k the SHA-512 of R, A and the
// message. What decides in the ledger is held against it, so that no change of a library changes the rule unseen.
func referee(key token.PublicKey, digest [32]byte, s token.Signature) bool {
	if key[0] != byte(token.Ed25519) || s[0] != byte(token.Ed25519) {
		return false
	}
	a, errA := new(edwards25519.Point).SetBytes(key[1:])
	r, errR := new(edwards25519.Point).SetBytes(s[1:33])
	scalar, errS := new(edwards25519.Scalar).SetCanonicalBytes(s[33:])
	if errA != nil || errR != nil || errS != nil {
		return false
	}
	hash := sha512.New()
	hash.Write(s[1:33])
	hash.Write(key[1:])
	hash.Write(digest[:])
	k, err := new(edwards25519.Scalar).SetUniformBytes(hash.Sum(nil))
	if err != nil {
		panic(err)
	}
	left := new(edwards25519.Point).ScalarBaseMult(scalar)
	left.Subtract(left, r)
	left.Subtract(left, new(edwards25519.Point).ScalarMult(k, a))
	return left.MultByCofactor(left).Equal(edwards25519.NewIdentityPoint()) == 1
}

// verdicts are those of every way in which the project verifies: alone, under an expanded key, in a batch of its own.
func verdicts(t interface{ Fatal(...any) }, c signed) map[string]bool {
	all := map[string]bool{"alone": token.Verify(c.key, c.digest, &c.s)}
	if expanded, err := token.ExpandKey(c.key); err == nil {
		all["expanded"] = token.VerifyExpanded(expanded, c.digest, &c.s)
	} else {
		all["expanded"] = false
	}
	decoded, ok := token.DecodeKey(c.key)
	if !ok {
		all["batch"] = false
		return all
	}
	var b token.Batch
	b.Add(&c.key, &decoded, &c.digest, &c.s)
	each, err := b.Verify(rand.Reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	all["batch"] = each[0]
	return all
}

// crafted signs with a chosen nonce, and adds points of small order to the key and to R: what only who knows the secret can
// make, and where rules differ.
func crafted(secret, nonce *edwards25519.Scalar, keyTorsion, nonceTorsion *edwards25519.Point, digest [32]byte) signed {
	a := new(edwards25519.Point).ScalarBaseMult(secret)
	a.Add(a, keyTorsion)
	r := new(edwards25519.Point).ScalarBaseMult(nonce)
	r.Add(r, nonceTorsion)
	c := signed{digest: digest}
	c.key[0], c.s[0] = byte(token.Ed25519), byte(token.Ed25519)
	copy(c.key[1:], a.Bytes())
	copy(c.s[1:], r.Bytes())
	hash := sha512.Sum512(bytes.Join([][]byte{r.Bytes(), a.Bytes(), digest[:]}, nil))
	k, err := new(edwards25519.Scalar).SetUniformBytes(hash[:])
	if err != nil {
		panic(err)
	}
	copy(c.s[33:], edwards25519.NewScalar().MultiplyAdd(k, secret, nonce).Bytes())
	return c
}

func drawScalar(t *rapid.T, label string) *edwards25519.Scalar {
	s, err := new(edwards25519.Scalar).SetUniformBytes(rapid.SliceOfN(rapid.Byte(), 64, 64).Draw(t, label))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func drawTorsion(t *rapid.T, label string) *edwards25519.Point {
	encoded, err := hex.DecodeString(rapid.SampledFrom(smallOrder).Draw(t, label))
	if err != nil {
		t.Fatal(err)
	}
	p, err := new(edwards25519.Point).SetBytes(encoded)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Signatures as an honest signer, a dishonest one and a broken line make them: every way of verifying gives the referee's
// verdict, and what the standard library takes is taken.
func TestEveryVerdictIsTheReferees(t *testing.T) {
	valid, torsion := 0, 0
	props.Check(t, func(t *rapid.T) {
		digest := [32]byte(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "digest"))
		c := crafted(drawScalar(t, "secret"), drawScalar(t, "nonce"), drawTorsion(t, "of the key"), drawTorsion(t, "of R"), digest)
		for range rapid.IntRange(0, 2).Draw(t, "flips") {
			at, bit := rapid.IntRange(0, 97).Draw(t, "byte"), byte(1)<<rapid.IntRange(0, 7).Draw(t, "bit")
			if at < 33 {
				c.key[at] ^= bit
			} else {
				c.s[at-33] ^= bit
			}
		}
		want := referee(c.key, c.digest, c.s)
		for way, got := range verdicts(t, c) { // any order: each by itself
			if got != want {
				t.Fatalf("%s says %v, the referee %v: key %x, signature %x, digest %x", way, got, want, c.key, c.s, c.digest)
			}
		}
		standard := c.key[0] == byte(token.Ed25519) && c.s[0] == byte(token.Ed25519) && ed25519.Verify(c.key[1:], c.digest[:], c.s[1:])
		if standard && !want {
			t.Fatalf("the standard library takes what the referee refuses: key %x, signature %x", c.key, c.s)
		}
		if want {
			valid++
			if !standard {
				torsion++
			}
		}
	}, func() string {
		if valid == 0 || torsion == 0 || torsion == valid {
			return fmt.Sprintf("%d were valid, %d of them only with the cofactor", valid, torsion)
		}
		return ""
	})
}

// The standard library signs for us and we for it.
func TestTheStandardLibraryAndWeUnderstandEachOther(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := [32]byte(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "seed"))
		digest := [32]byte(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "digest"))
		theirs, ours := ed25519.NewKeyFromSeed(seed[:]), token.NewPrivateKey(seed)
		s, err := ours.Sign(digest)
		if err != nil {
			t.Fatal(err)
		}
		public := ours.Public()
		if !bytes.Equal(public[1:], theirs.Public().(ed25519.PublicKey)) || !bytes.Equal(s[1:], ed25519.Sign(theirs, digest[:])) {
			t.Fatal("another key or signature of one seed (RFC 8032, 5.1.5 and 5.1.6)")
		}
	})
}

func FuzzVerdicts(f *testing.F) {
	k := keyNamed("fuzzed")
	s, err := k.Sign([32]byte{9})
	if err != nil {
		f.Fatal(err)
	}
	public := k.Public()
	f.Add(public[:], s[:], []byte{9})
	for _, a := range smallOrder[:4] {
		encoded, err := hex.DecodeString(a)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(append([]byte{1}, encoded...), append(append([]byte{1}, encoded...), make([]byte, 32)...), []byte{})
	}
	f.Fuzz(func(t *testing.T, key, signature, message []byte) {
		var c signed
		copy(c.key[:], key)
		copy(c.s[:], signature)
		copy(c.digest[:], message)
		want := referee(c.key, c.digest, c.s)
		for way, got := range verdicts(t, c) { // any order: each by itself
			if got != want {
				t.Errorf("%s says %v, the referee %v", way, got, want)
			}
		}
	})
}

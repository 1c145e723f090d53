package curve

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"pgregory.net/rapid"
)

// A note goes round: blinded, signed, unblinded, it is k·Y; its proofs hold for the payee who is shown r, and for no
// other key, note or signature; and what entropy says changes nothing.
func TestNotesGoRound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k, r, other := anyScalar().Draw(t, "k"), anyScalar().Draw(t, "r"), anyScalar().Draw(t, "other")
		secret := rapid.SliceOf(rapid.Byte()).Draw(t, "secret")
		signer, y := NewSigner(k), HashToCurve(secret)
		b_ := Blind(y, r)
		c_, proof, err := signer.Sign(b_, entropy(rapid.Uint64().Draw(t, "seed")))
		if err != nil {
			t.Fatal(err)
		}
		again, proofAgain, err := signer.Sign(b_, entropy(rapid.Uint64().Draw(t, "seed")))
		if err != nil || again != c_ || proofAgain != proof {
			t.Fatalf("signed again: %s, %v; before %s", again, err, c_)
		}
		c := Unblind(c_, r, signer.Key())
		if want := plainTimes(y, k); c != want || !signer.Valid(y, c) {
			t.Fatalf("the note is %s, k·Y = %s", c, want)
		}
		if !VerifyDLEQ(signer.Key(), b_, c_, proof) || !VerifyNoteDLEQ(signer.Key(), secret, c, r, proof) {
			t.Fatal("a true proof is refused")
		}
		if other == k || other == r {
			return
		}
		one, err := ParseScalar(append(make([]byte, ScalarSize-1), 1))
		if err != nil {
			t.Fatal(err)
		}
		itself := k == one // what this key signs is what it was given, and rightly so
		stranger := NewSigner(other)
		wrong := DLEQ{proof.E, other}
		if stranger.Valid(y, c) || signer.Valid(b_, c) || signer.Valid(y, Point{}) || signer.Valid(Point{}, c) || signer.Valid(Point{}, Point{}) {
			t.Error("a false note is taken")
		}
		if VerifyDLEQ(stranger.Key(), b_, c_, proof) || VerifyDLEQ(signer.Key(), y, c_, proof) || (!itself && VerifyDLEQ(signer.Key(), b_, b_, proof)) ||
			(wrong != proof && VerifyDLEQ(signer.Key(), b_, c_, wrong)) || VerifyDLEQ(signer.Key(), b_, c_, DLEQ{}) ||
			VerifyDLEQ(Point{}, b_, c_, proof) || VerifyDLEQ(signer.Key(), Point{}, Point{}, proof) {
			t.Error("a false proof is taken")
		}
		if VerifyNoteDLEQ(signer.Key(), append(secret, 'x'), c, r, proof) || VerifyNoteDLEQ(signer.Key(), secret, c, other, proof) ||
			(!itself && VerifyNoteDLEQ(signer.Key(), secret, y, r, proof)) || VerifyNoteDLEQ(signer.Key(), secret, c, Scalar{}, proof) {
			t.Error("a false proof of a note is taken")
		}
	})
}

// A signature that a mint made with another key than it announced verifies for nobody, even if its proof is honest
// for that key.
func TestAKeyOfOnesOwnIsRecognised(t *testing.T) {
	source := entropy(3)
	announced, tracking := NewSigner(draw(source)), NewSigner(draw(source))
	b_ := Blind(HashToCurve([]byte("note")), draw(source))
	c_, proof, err := tracking.Sign(b_, source)
	if err != nil || !VerifyDLEQ(tracking.Key(), b_, c_, proof) {
		t.Fatal(err)
	}
	if VerifyDLEQ(announced.Key(), b_, c_, proof) {
		t.Error("signed with a key that was not announced, and taken")
	}
}

// A false signature that unblinds to infinity is no note.
func TestUnblindingToInfinity(t *testing.T) {
	source := entropy(4)
	key, r := PublicKey(draw(source)), draw(source)
	c := Unblind(plainTimes(key, r), r, key)
	if !c.IsZero() {
		t.Errorf("C_ = r·K unblinds to %s", c)
	}
}

func TestWhatIsNoPointIsNotSigned(t *testing.T) {
	signer := NewSigner(draw(entropy(1)))
	if c_, proof, err := signer.Sign(Point{}, entropy(2)); !errors.Is(err, &Error{Code: Infinity}) || !c_.IsZero() || proof != (DLEQ{}) {
		t.Errorf("infinity signed: %s, %v", c_, err)
	}
	y := HashToCurve(nil)
	if c_, _, err := NewSigner(Scalar{}).Sign(y, entropy(2)); err == nil {
		t.Errorf("signed without a key: %s", c_)
	}
	for n := range 80 { // an entropy that ends anywhere gives an error, and no signature
		if c_, _, err := signer.Sign(y, io.LimitReader(entropy(2), int64(n))); err == nil || !c_.IsZero() {
			t.Errorf("signed after %d bytes of entropy: %s", n, c_)
		}
	}
}

// Batches of all sizes find exactly the false ones, wherever they stand.
func TestBatchesFindTheFalseNotes(t *testing.T) {
	source := entropy(8)
	signer, stranger := NewSigner(draw(source)), NewSigner(draw(source))
	goodY, goodC := notes(signer, 130, source)
	_, badC := notes(stranger, 130, source)
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.SampledFrom([]int{0, 1, 2, 15, 16, 17, 31, 32, 33, 64, 100, 130}).Draw(t, "n")
		ys, cs := bytesOfPoints(goodY[:n]), bytesOfPoints(goodC[:n])
		want := make([]bool, n)
		for i := range want {
			want[i] = true
		}
		for range rapid.IntRange(0, 3).Draw(t, "false ones") {
			if n == 0 {
				break
			}
			i := rapid.IntRange(0, n-1).Draw(t, "at")
			want[i] = false
			switch rapid.IntRange(0, 3).Draw(t, "how") {
			case 0:
				cs[i] = badC[i]
			case 1:
				cs[i] = Point{}
			case 2:
				ys[i] = Point{}
			case 3: // what cancels a false one next to it, if coefficients were equal
				cs[i] = plus(goodC[i], generator)
				if j := (i + 1) % n; j != i {
					opposite := generator
					opposite.y.negate(&opposite.y)
					cs[j], ys[j], want[j] = plus(goodC[j], opposite), goodY[j], false
				}
			}
		}
		got := signer.ValidBatch(ys, cs, entropy(rapid.Uint64().Draw(t, "seed")))
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("note %d of %d: the batch says %v, want %v", i, n, got[i], want[i])
			}
			if (!want[i] || i == 0) && signer.Valid(ys[i], cs[i]) != want[i] {
				t.Fatalf("note %d of %d, alone: want %v", i, n, want[i])
			}
		}
	})
	// Without entropy there are no sums, but the answer is the same.
	if got := signer.ValidBatch(goodY[:40], append(bytesOfPoints(goodC[:39]), badC[0]), bytes.NewReader(nil)); !got[0] || got[39] {
		t.Errorf("without entropy: %v", got)
	}
}

func bytesOfPoints(points []Point) []Point { return append([]Point(nil), points...) }

func plus(p, q Point) Point {
	sum := p.jacobian()
	sum.addAffineVar(&q)
	return sum.affineVar()
}

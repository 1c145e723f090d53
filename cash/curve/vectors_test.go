package curve

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"
)

func readVectors(t *testing.T, file string, into any) {
	t.Helper()
	data, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatal(err)
	}
}

func fromHex(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func point(t testing.TB, text string) Point {
	t.Helper()
	p, err := ParsePoint(fromHex(t, text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return p
}

func scalar(t testing.TB, text string) Scalar {
	t.Helper()
	s, err := ParseScalar(fromHex(t, text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return s
}

func hexScalar(s Scalar) string {
	b := s.Bytes()
	return hex.EncodeToString(b[:])
}

func TestVectorsOfNUT00(t *testing.T) {
	var vectors struct {
		HashToCurve []struct{ Message, Point string } `json:"hash_to_curve"`
		Messages    []struct{ X, R, B_ string }       `json:"blinded_messages"`
		Signatures  []struct{ K, B_, C_ string }      `json:"blinded_signatures"`
	}
	readVectors(t, "nut-00.json", &vectors)
	if len(vectors.HashToCurve) != 3 || len(vectors.Messages) != 2 || len(vectors.Signatures) != 2 {
		t.Fatalf("the file has fewer vectors than were published: %+v", vectors)
	}
	for _, v := range vectors.HashToCurve {
		if got := HashToCurve(fromHex(t, v.Message)).String(); got != v.Point {
			t.Errorf("hash of %s: %s, want %s", v.Message, got, v.Point)
		}
	}
	for _, v := range vectors.Messages {
		if got := Blind(HashToCurve(fromHex(t, v.X)), scalar(t, v.R)).String(); got != v.B_ {
			t.Errorf("%s blinded: %s, want %s", v.X, got, v.B_)
		}
	}
	for _, v := range vectors.Signatures {
		got, _, err := NewSigner(scalar(t, v.K)).Sign(point(t, v.B_), entropy(1))
		if err != nil || got.String() != v.C_ {
			t.Errorf("%s signed by %s: %s (%v), want %s", v.B_, v.K, got, err, v.C_)
		}
	}
}

func TestVectorsOfNUT12(t *testing.T) {
	var vectors struct {
		Hash          struct{ R1, R2, K, C_, Hash string } `json:"hash_e"`
		Deterministic struct{ A, B_, C_, E, S string }
		Signature     struct{ A, B_, C_, E, S string } `json:"blind_signature"`
		Proof         struct{ A, Secret, C, E, S, R string }
	}
	readVectors(t, "nut-12.json", &vectors)
	h := vectors.Hash
	if got := hexScalar(challenge(point(t, h.R1), point(t, h.R2), point(t, h.K), point(t, h.C_))); got != h.Hash {
		t.Errorf("hash_e: %s, want %s", got, h.Hash)
	}
	d := vectors.Deterministic
	signer := NewSigner(scalar(t, "0000000000000000000000000000000000000000000000000000000000000002"))
	for seed := range uint64(3) { // whatever the entropy
		c_, proof, err := signer.Sign(point(t, d.B_), entropy(seed))
		if err != nil || c_.String() != d.C_ || hexScalar(proof.E) != d.E || hexScalar(proof.S) != d.S {
			t.Errorf("signature %s, e %s, s %s (%v); want %+v", c_, hexScalar(proof.E), hexScalar(proof.S), err, d)
		}
		if !VerifyDLEQ(signer.Key(), point(t, d.B_), c_, proof) {
			t.Error("the proof is not taken for one")
		}
	}
	s := vectors.Signature
	if !VerifyDLEQ(point(t, s.A), point(t, s.B_), point(t, s.C_), DLEQ{scalar(t, s.E), scalar(t, s.S)}) {
		t.Error("the published proof of a blind signature is refused")
	}
	p := vectors.Proof
	if !VerifyNoteDLEQ(point(t, p.A), []byte(p.Secret), point(t, p.C), scalar(t, p.R), DLEQ{scalar(t, p.E), scalar(t, p.S)}) {
		t.Error("the published proof of a note is refused")
	}
}

package token_test

import (
	"bytes"
	stdlib "crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/aqsha/aqsha/token"
)

var updateVectors = flag.Bool("update", false, "write the vectors in testdata/vectors anew")

type signatureVectors struct {
	Comment string            `json:"comment"`
	Kind    string            `json:"kind"`
	Cases   []signatureVector `json:"cases"`
}

type signatureVector struct {
	About     string `json:"about"`
	Key       string `json:"key"`     // 33 bytes
	Message   string `json:"message"` // the 32 bytes that are signed
	Signature string `json:"signature"`
	ZIP215    bool   `json:"zip215"` // the log's rule
	Plain     bool   `json:"plain"`  // a node lets it in, which takes both
	Go        bool   `json:"go"`     // what crypto/ed25519 of the standard library says, which has no cofactor
}

// The vectors show where verifiers of Ed25519 differ, and on which side the log's rule stands: honest signatures moved by points of small
// order, all encodings of those as key and commitment (as the vectors of ZIP-215 have them), and scalars beyond the order.
func TestZIP215Vectors(t *testing.T) {
	v := signatureVectors{Comment: "signatures about which verifiers of Ed25519 differ (ZIP-215); bytes in hexadecimal", Kind: "signatures"}
	add := func(about string, key token.PublicKey, digest [32]byte, s token.Signature) {
		v.Cases = append(v.Cases, signatureVector{about, hex.EncodeToString(key[:]), hex.EncodeToString(digest[:]), hex.EncodeToString(s[:]),
			token.Verify(key, digest, &s), token.Verify(key, digest, &s) && token.PlainSignature(key, &s), stdlib.Verify(key[1:], digest[:], s[1:])})
	}
	seed, digest := [32]byte{42}, [32]byte{7, 7}
	for i, moveKey := range torsion {
		for j, moveR := range torsion {
			key, signature := oddSignature(t, seed, digest, moveKey, moveR)
			add(fmt.Sprintf("key moved by small point %d, commitment by %d", i, j), key, digest, signature)
		}
	}
	for i, a := range smallOrder {
		for j, r := range smallOrder {
			var key token.PublicKey
			var s token.Signature
			key[0], s[0] = 1, 1
			for k, text := range []string{a, r} {
				b, err := hex.DecodeString(text)
				if err != nil {
					t.Fatal(err)
				}
				copy([][]byte{key[1:], s[1:33]}[k], b)
			}
			add(fmt.Sprintf("key %d and commitment %d of small order, scalar 0", i, j), key, digest, s)
		}
	}
	honest, signature := oddSignature(t, seed, digest, torsion[0], torsion[0])
	order, err := hex.DecodeString("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010")
	if err != nil {
		t.Fatal(err)
	}
	carry := 0
	for i, b := range order {
		carry += int(signature[33+i]) + int(b)
		signature[33+i] = byte(carry)
		carry >>= 8
	}
	add("the scalar plus the order", honest, digest, signature)
	got, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	const path = "../testdata/vectors/zip215.json"
	if *updateVectors {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("zip215.json is not what the rule says now: go test ./token -run ZIP215Vectors -update")
	}
	differ := 0
	for _, c := range v.Cases {
		if c.ZIP215 != c.Go {
			differ++
		}
		if c.Plain && !c.Go {
			t.Errorf("%s: let in, and refused by the standard library", c.About)
		}
	}
	if differ < 20 {
		t.Errorf("verifiers differ about %d cases only", differ)
	}
}

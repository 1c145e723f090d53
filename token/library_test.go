package token_test

import (
	"testing"

	"github.com/aqsha/aqsha/token"
)

// An expanded key answers as the key does.
func TestExpandedKeyIsTheKey(t *testing.T) {
	key := token.NewPrivateKey([32]byte{5})
	expanded, err := token.ExpandKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	digest := [32]byte{1}
	good, err := key.Sign(digest)
	if err != nil {
		t.Fatal(err)
	}
	for i := range good {
		for _, flip := range []byte{0, 1} {
			s := good
			s[i] ^= flip
			if token.VerifyExpanded(expanded, digest, &s) != token.Verify(key.Public(), digest, &s) || (flip == 0) != token.VerifyExpanded(expanded, digest, &s) {
				t.Errorf("byte %d ^ %d: they differ", i, flip)
			}
		}
	}
}

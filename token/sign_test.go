package token_test

import (
	"crypto/rand"
	"encoding/hex"
	"slices"
	"testing"

	"github.com/oasisprotocol/curve25519-voi/primitives/ed25519"

	"github.com/aqsha/aqsha/token"
)

// smallOrder are all encodings, canonical or not, of the curve's points of small order: where
// implementations of Ed25519 differ most (ZIP-215; "It's 255:19AM", H. de Valence, 2020).
var smallOrder = []string{
	"0100000000000000000000000000000000000000000000000000000000000000",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"0000000000000000000000000000000000000000000000000000000000000080",
	"0000000000000000000000000000000000000000000000000000000000000000",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
	"0100000000000000000000000000000000000000000000000000000000000080",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
}

func point(t *testing.T, text string) [32]byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != 32 {
		t.Fatal(text, err)
	}
	return [32]byte(b)
}

type signed struct {
	key    token.PublicKey
	digest [32]byte
	s      token.Signature
}

func (s signed) batchOf(v *ed25519.BatchVerifier) {
	v.AddWithOptions(ed25519.PublicKey(s.key[1:]), s.digest[:], s.s[1:], &ed25519.Options{Verify: ed25519.VerifyOptionsZIP_215})
}

func TestZIP215SingleAndBatchAgree(t *testing.T) {
	var cases []signed
	var want []bool
	add := func(s signed, valid bool) { cases, want = append(cases, s), append(want, valid) }
	// Small order twice and a scalar of zero: valid under ZIP-215, for whatever message.
	for _, a := range smallOrder {
		for _, r := range smallOrder {
			pa, pr := point(t, a), point(t, r)
			s := signed{digest: [32]byte{7}}
			copy(s.key[:], append([]byte{1}, pa[:]...))
			copy(s.s[:], append([]byte{1}, pr[:]...))
			add(s, true)
		}
	}
	honest := keyNamed("honest")
	digest := [32]byte{1, 2, 3}
	signature, err := honest.Sign(digest)
	if err != nil {
		t.Fatal(err)
	}
	good := signed{honest.Public(), digest, signature}
	add(good, true)
	for i := 1; i < 65; i += 7 { // damaged signatures
		bad := good
		bad.s[i] ^= 4
		add(bad, false)
	}
	// The scalar plus the group's order: the same value in a second form, which every rule refuses.
	order, _ := hex.DecodeString("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010")
	second, carry := good, 0
	for i := range order {
		sum := int(good.s[33+i]) + int(order[i]) + carry
		second.s[33+i], carry = byte(sum), sum>>8
	}
	add(second, false)

	batch := ed25519.NewBatchVerifier()
	for i, c := range cases {
		if got := token.Verify(c.key, c.digest, &c.s); got != want[i] {
			t.Errorf("case %d alone: %v, want %v", i, got, want[i])
		}
		c.batchOf(batch)
		one := ed25519.NewBatchVerifier()
		c.batchOf(one)
		if ok, _ := one.Verify(rand.Reader); ok != want[i] {
			t.Errorf("case %d as a batch of one: %v, want %v", i, ok, want[i])
		}
	}
	if _, each := batch.Verify(rand.Reader); !slices.Equal(each, want) {
		t.Error("in one batch of the library's the verdicts differ")
	}
	var ours token.Batch
	for _, c := range cases {
		decoded, ok := token.DecodeKey(c.key)
		if !ok {
			t.Fatalf("%s is not decoded", c.key)
		}
		ours.Add(&c.key, &decoded, &c.digest, &c.s)
	}
	each, err := ours.Verify(rand.Reader, nil)
	if err != nil || !slices.Equal(each, want) {
		t.Error("in one batch of ours the verdicts differ: ", err)
	}
}

func TestKeysOfSmallOrderAreRefused(t *testing.T) {
	for _, text := range smallOrder {
		p := point(t, text)
		_, err := token.New(&token.Register{Key: token.PublicKey(append([]byte{1}, p[:]...))}, 1)
		expectViolation(t, err, token.WeakKey, "key")
	}
}

func TestSignaturesAreBoundToNetworkTransactionAndRole(t *testing.T) {
	k := keyNamed("bound")
	networks := []token.NetworkID{{1}, {2}}
	txs := []token.TransactionID{{1}, {2}}
	seen := map[[32]byte]bool{}
	for _, n := range networks {
		for _, tx := range txs {
			for role := token.RoleRoot; role <= token.RolePossession; role++ {
				digest := token.Digest(n, tx, role)
				if seen[digest] {
					t.Fatalf("two meanings have one digest: %s", role)
				}
				seen[digest] = true
				s, err := k.Sign(digest)
				if err != nil || !token.Verify(k.Public(), digest, &s) {
					t.Fatal("a good signature is not valid")
				}
				if other := token.Digest(n, tx, role%9+1); token.Verify(k.Public(), other, &s) {
					t.Fatalf("a signature as %s is valid as %s", role, role%9+1)
				}
			}
		}
	}
}

func TestUnknownAlgorithmsVerifyNothing(t *testing.T) {
	k := keyNamed("tag")
	s, _ := k.Sign([32]byte{})
	key := k.Public()
	key[0] = 2
	if token.Verify(key, [32]byte{}, &s) {
		t.Error("a key of another algorithm")
	}
	s[0] = 2
	if token.Verify(k.Public(), [32]byte{}, &s) {
		t.Error("a signature of another algorithm")
	}
}

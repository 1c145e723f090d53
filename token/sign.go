package token

import (
	"crypto/sha256"
	"io"

	"github.com/oasisprotocol/curve25519-voi/primitives/ed25519"
)

// signDomain keeps a signature made for another use from being valid here.
const signDomain = "aqsha sign v1\x00"

// Digest is what a key in a role signs: SHA-256(domain ‖ network ‖ transaction id ‖ role).
// The role is part of it, so that nobody can pass a signature off as made in another capacity,
// even where one key is used in two (a treasury's key that is also in the issue set, or a new key
// that proves possession).
func Digest(network NetworkID, id TransactionID, role Role) [32]byte {
	var preimage [len(signDomain) + 65]byte
	n := copy(preimage[:], signDomain)
	n += copy(preimage[n:], network[:])
	n += copy(preimage[n:], id[:])
	preimage[n] = byte(role)
	return sha256.Sum256(preimage[:])
}

// Signer holds a private key, perhaps in other hardware. Sign returns the signature of a digest.
type Signer interface {
	Public() PublicKey
	Sign(digest [32]byte) (Signature, error)
}

// SignAs adds the signer's signature in a role to a transaction.
func (t *Transaction) SignAs(network NetworkID, role Role, index int, signer Signer) error {
	signature, err := signer.Sign(Digest(network, t.id, role))
	if err != nil {
		return err
	}
	t.Add(Witness{Role: role, Index: uint16(index), Signature: signature})
	return nil
}

// PrivateKey is a Signer in memory: the 32-byte seed of RFC 8032.
type PrivateKey struct {
	expanded ed25519.PrivateKey
	public   PublicKey
}

// NewPrivateKey expands a seed.
func NewPrivateKey(seed [32]byte) PrivateKey {
	k := PrivateKey{expanded: ed25519.NewKeyFromSeed(seed[:])}
	k.public[0] = byte(Ed25519)
	copy(k.public[1:], k.expanded.Public().(ed25519.PublicKey))
	return k
}

// GenerateKey makes a key from 32 bytes of randomness.
func GenerateKey(random io.Reader) (PrivateKey, error) {
	var seed [32]byte
	if _, err := io.ReadFull(random, seed[:]); err != nil {
		return PrivateKey{}, err
	}
	return NewPrivateKey(seed), nil
}

// Seed is the secret from which NewPrivateKey makes the key again.
func (k PrivateKey) Seed() [32]byte { return [32]byte(k.expanded.Seed()) }

func (k PrivateKey) Public() PublicKey { return k.public }

func (k PrivateKey) Sign(digest [32]byte) (Signature, error) {
	var s Signature
	s[0] = byte(Ed25519)
	copy(s[1:], ed25519.Sign(k.expanded, digest[:]))
	return s, nil
}

// zip215 are the validation rules used everywhere, singly and in batches.
var zip215 = &ed25519.Options{Verify: ed25519.VerifyOptionsZIP_215}

// Verify checks one signature over a digest under ZIP-215 rules.
func Verify(key PublicKey, digest [32]byte, s *Signature) bool {
	return key.Algorithm() == Ed25519 && Algorithm(s[0]) == Ed25519 &&
		ed25519.VerifyWithOptions(ed25519.PublicKey(key[1:]), digest[:], s[1:], zip215)
}

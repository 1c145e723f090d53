package token

import (
	"fmt"
	"io"

	"github.com/oasisprotocol/curve25519-voi/primitives/ed25519"
)

// LibraryBatch is the Ed25519 library's own batch verification, the yardstick for Batch.
type LibraryBatch struct{ v *ed25519.BatchVerifier }

// LibraryKey is a key expanded as the library does.
type LibraryKey = ed25519.ExpandedPublicKey

// ExpandKey expands a key; an error means that it is of another algorithm or no point of the curve.
func ExpandKey(key PublicKey) (*LibraryKey, error) {
	if Algorithm(key[0]) != Ed25519 {
		return nil, fmt.Errorf("algorithm %d is not known", key[0])
	}
	return ed25519.NewExpandedPublicKey(key[1:])
}

// VerifyExpanded answers as Verify does, for a key expanded before: worth its 2 kB where a key
// verifies often and alone, such as that of a payment channel.
func VerifyExpanded(key *LibraryKey, digest [32]byte, s *Signature) bool {
	return Algorithm(s[0]) == Ed25519 && ed25519.VerifyExpandedWithOptions(key, digest[:], s[1:], zip215)
}

// NewLibraryBatch makes an empty batch.
func NewLibraryBatch(capacity int) LibraryBatch {
	return LibraryBatch{ed25519.NewBatchVerifierWithCapacity(capacity)}
}

// Add adds a signature, under the expanded key if there is one.
func (b LibraryBatch) Add(key *PublicKey, expanded *LibraryKey, digest *[32]byte, signature *Signature) {
	if expanded != nil {
		b.v.AddExpandedWithOptions(expanded, digest[:], signature[1:], zip215)
		return
	}
	b.v.AddWithOptions(key[1:], digest[:], signature[1:], zip215)
}

// Verify says whether all signatures are valid.
func (b LibraryBatch) Verify(random io.Reader) bool { return b.v.VerifyBatchOnly(random) }

package txlog

import (
	"errors"
	"fmt"
	"math/bits"
)

// ErrProof is wrapped by every error of a proof that does not hold.
var ErrProof = errors.New("proof does not hold")

// MaxProofHashes bounds a proof: the tree is at most 64 levels high, and a
// consistency proof has at most one hash more.
const MaxProofHashes = 65

// VerifyInclusion checks that leaf is the entry hash at index in the log of the
// given size and root (RFC 9162 section 2.1.3.2).
func VerifyInclusion(leaf Hash, index, size uint64, proof []Hash, root Hash) error {
	if index >= size {
		return fmt.Errorf("%w: index %d is beyond the size %d", ErrProof, index, size)
	}
	node, last, h := index, size-1, leaf
	for _, sibling := range proof {
		if last == 0 {
			return fmt.Errorf("%w: too many hashes", ErrProof)
		}
		if node&1 == 1 || node == last {
			h = NodeHash(sibling, h)
			// A right edge without a sibling of its own moves up unchanged.
			for node&1 == 0 && node != 0 {
				node >>= 1
				last >>= 1
			}
		} else {
			h = NodeHash(h, sibling)
		}
		node >>= 1
		last >>= 1
	}
	if last != 0 {
		return fmt.Errorf("%w: too few hashes", ErrProof)
	}
	if h != root {
		return fmt.Errorf("%w: it leads to root %v, not %v", ErrProof, h, root)
	}
	return nil
}

// VerifyConsistency checks that the log of newSize and newRoot extends the one of
// oldSize and oldRoot (RFC 9162 section 2.1.4.2). Everything extends the empty log.
func VerifyConsistency(oldSize, newSize uint64, oldRoot, newRoot Hash, proof []Hash) error {
	switch {
	case oldSize > newSize:
		return fmt.Errorf("%w: size %d does not extend to %d", ErrProof, oldSize, newSize)
	case oldSize == newSize && oldRoot != newRoot:
		return fmt.Errorf("%w: two roots at size %d: %v and %v", ErrProof, oldSize, oldRoot, newRoot)
	case oldSize == 0 && oldRoot != EmptyRoot:
		return fmt.Errorf("%w: %v is not the root of an empty log", ErrProof, oldRoot)
	case oldSize == 0 || oldSize == newSize:
		if len(proof) != 0 {
			return fmt.Errorf("%w: too many hashes", ErrProof)
		}
		return nil
	}
	node, last := oldSize-1, newSize-1
	shift := bits.TrailingZeros64(^node)
	node >>= shift
	last >>= shift
	// A complete old tree is a node of the new one and is left out of the proof.
	var oldHash, newHash Hash
	if node == 0 {
		oldHash, newHash = oldRoot, oldRoot
	} else {
		if len(proof) == 0 {
			return fmt.Errorf("%w: too few hashes", ErrProof)
		}
		oldHash, newHash, proof = proof[0], proof[0], proof[1:]
	}
	for _, sibling := range proof {
		if last == 0 {
			return fmt.Errorf("%w: too many hashes", ErrProof)
		}
		if node&1 == 1 || node == last {
			oldHash = NodeHash(sibling, oldHash)
			newHash = NodeHash(sibling, newHash)
			for node&1 == 0 && node != 0 {
				node >>= 1
				last >>= 1
			}
		} else {
			newHash = NodeHash(newHash, sibling)
		}
		node >>= 1
		last >>= 1
	}
	switch {
	case last != 0:
		return fmt.Errorf("%w: too few hashes", ErrProof)
	case oldHash != oldRoot:
		return fmt.Errorf("%w: it leads to old root %v, not %v", ErrProof, oldHash, oldRoot)
	case newHash != newRoot:
		return fmt.Errorf("%w: it leads to new root %v, not %v", ErrProof, newHash, newRoot)
	}
	return nil
}

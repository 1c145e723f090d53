package curve

import (
	"crypto/sha256"
	"encoding/binary"
)

// BlockProof proves of a whole list that one key made each of its pairs: outᵢ = k·inᵢ. In the public log in and out are
// (B_, C_) of the notes signed, or (Y, C) of those redeemed.
//
// It is a DLEQ over Σ dᵢ·inᵢ and Σ dᵢ·outᵢ, as RFC 9497 §2.2 composes proofs, with one difference: there each
// coefficient follows from its own pair only, and a signer who chooses the outᵢ freely can look for a thousand wrong
// ones whose errors cancel (Wagner's generalized birthday: 2^23 tries a pair at a thousand pairs). Here every
// coefficient follows from the whole list.
type BlockProof struct{ E, S Scalar }

// MaxBlock is the most pairs that one proof covers.
const MaxBlock = 1 << 20

// checkBits are the coefficients' upper bits, at least, with which a signer checks its own list.
const checkBits = 24

// blockDomain begins what a block's coefficients and challenge are hashed from.
const blockDomain = "Aqsha_Block_v1"

// ProveBlock proves that this key made every out[i] of in[i], under a context that names where the list stands
// (network, log, block, keyset, denomination, which of the two lists): a proof holds in no other. It refuses a list
// that its own key did not make, or in which a point stands twice.
func (s *Signer) ProveBlock(context []byte, in, out []Point) (BlockProof, error) {
	seed, err := blockSeed(context, s.key, in, out)
	if err != nil {
		return BlockProof{}, err
	}
	coefficients := blockCoefficients(seed, len(in))
	k := s.k.Bytes()
	t, factor := masksOf(derive(k[:], append([]byte(splitNonce), seed[:]...)))
	sum := newCombination(coefficients)
	// Whoever verifies computes the sums of both lists and is misled with a chance of 2^-128. Here the second is k
	// times the first. What an office must not do, prove a list that a fault has spoilt, is found by the
	// coefficients' upper bits, on the way to the whole sum, and missed with a chance of 2^-24.
	var sums [2]jacobian
	middle := max(0, (coefficientBits-checkBits)/sum.c)
	sum.add(sum.windows, middle, sums[:], in, out)
	upperIn, upperOut := affinePair(&sums[0], &sums[1])
	if upperIn.IsZero() || s.multiply(&upperIn, &t, &factor) != upperOut {
		return BlockProof{}, errorf(NotSigned, "a pair of the block was not made with this key")
	}
	sum.add(middle, 0, sums[:1], in)
	m := sums[0].affineVar()
	if m.IsZero() {
		return BlockProof{}, errorf(NotSigned, "the block adds up to infinity")
	}
	z := s.multiply(&m, &t, &factor)
	r := derive(k[:], append([]byte(blockNonce), seed[:]...))
	r1, r2 := multiplyBase(&r), newLadder(&m, &factor).multiply(r.value)
	commitment1, commitment2 := affinePair(&r1, &r2)
	e := blockChallenge(seed, m, z, commitment1, commitment2)
	return BlockProof{E: e, S: s.respond(r, e, &t)}, nil
}

// VerifyBlock checks a proof of ProveBlock against the public key.
func VerifyBlock(context []byte, key Point, in, out []Point, p BlockProof) bool {
	if p.E.IsZero() || p.S.IsZero() {
		return false
	}
	seed, err := blockSeed(context, key, in, out)
	if err != nil {
		return false
	}
	coefficients := blockCoefficients(seed, len(in))
	m, z := linear(coefficients, in, out)
	if m.IsZero() || z.IsZero() {
		return false
	}
	r1, r2, ok := commitments(key, m, z, DLEQ(p))
	return ok && blockChallenge(seed, m, z, r1, r2) == p.E
}

// blockSeed hashes all that the proof is about, after the checks of form.
func blockSeed(context []byte, key Point, in, out []Point) (seed [sha256.Size]byte, err error) {
	switch {
	case len(in) != len(out):
		return seed, errorf(Unequal, "%d points and %d signatures", len(in), len(out))
	case len(in) == 0:
		return seed, errorf(Empty, "a proof over no points")
	case len(in) > MaxBlock:
		return seed, errorf(TooMany, "%d points: a proof covers at most %d", len(in), MaxBlock)
	case key.IsZero() || anyZero(in) || anyZero(out):
		return seed, errorf(Infinity, "infinity stands in the block")
	}
	hash := sha256.New()
	hash.Write([]byte(blockDomain + "_seed"))
	// Lengths before what varies in length: no two blocks are hashed from the same bytes.
	hash.Write(binary.BigEndian.AppendUint64(nil, uint64(len(context))))
	hash.Write(context)
	raw := key.Bytes()
	hash.Write(raw[:])
	hash.Write(binary.BigEndian.AppendUint64(nil, uint64(len(in))))
	seen := make(map[Point]struct{}, len(in))
	for i := range in {
		// One point twice would be one note counted twice, which the sum would prove as readily as two notes.
		if _, twice := seen[in[i]]; twice {
			return seed, errorf(Repeated, "point %d stands twice in the block", i)
		}
		seen[in[i]] = struct{}{}
		a, b := in[i].Bytes(), out[i].Bytes()
		hash.Write(a[:])
		hash.Write(b[:])
	}
	hash.Sum(seed[:0])
	return seed, nil
}

// blockCoefficients are numbers of 128 bits, two of each SHA256(domain ‖ seed ‖ index).
func blockCoefficients(seed [sha256.Size]byte, n int) []coefficient {
	coefficients := make([]coefficient, n)
	text := append([]byte(blockDomain+"_coefficient"), seed[:]...)
	for i := 0; i < n; i += 2 {
		sum := sha256.Sum256(binary.BigEndian.AppendUint64(text[:len(text):len(text)], uint64(i/2)))
		for j := i; j < min(i+2, n); j++ {
			half := sum[16*(j-i):]
			coefficients[j] = coefficient{binary.BigEndian.Uint64(half[8:]), binary.BigEndian.Uint64(half)}
		}
	}
	return coefficients
}

// blockChallenge hashes what is proved and what the prover committed to.
func blockChallenge(seed [sha256.Size]byte, points ...Point) Scalar {
	text := append([]byte(blockDomain+"_challenge"), seed[:]...)
	for _, p := range points {
		raw := p.Bytes()
		text = append(text, raw[:]...)
	}
	sum := sha256.Sum256(text)
	var e Scalar
	e.value.setBytes(sum[:])
	return e
}

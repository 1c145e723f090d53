package txlog

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/bits"
)

// HashBytes is the length of a hash.
const HashBytes = sha256.Size

// Hash is a node of the Merkle tree: SHA-256 as in RFC 6962 section 2.1.
type Hash [HashBytes]byte

// String is the hash in hexadecimal.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText writes hexadecimal.
func (h Hash) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, h[:]), nil }

// UnmarshalText reads hexadecimal.
func (h *Hash) UnmarshalText(text []byte) error {
	if hex.DecodedLen(len(text)) != HashBytes || len(text)%2 != 0 {
		return fmt.Errorf("%.80q is not a hash of %d hexadecimal digits", text, 2*HashBytes)
	}
	if _, err := hex.Decode(h[:], text); err != nil {
		return fmt.Errorf("%.80q is not a hash of %d hexadecimal digits", text, 2*HashBytes)
	}
	return nil
}

// UnmarshalJSON reads a text, and the list of 32 numbers as which programs wrote hashes before: files of evidence and
// of promotions are kept for years.
func (h *Hash) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '[' {
		var numbers []uint16
		if err := json.Unmarshal(data, &numbers); err != nil {
			return fmt.Errorf("a hash: %w", err)
		}
		if len(numbers) != HashBytes {
			return fmt.Errorf("a hash of %d bytes, want %d", len(numbers), HashBytes)
		}
		for i, n := range numbers {
			if n > 0xff {
				return fmt.Errorf("a hash with a byte of %d", n)
			}
			h[i] = byte(n)
		}
		return nil
	}
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return fmt.Errorf("a hash: %w", err)
	}
	return h.UnmarshalText([]byte(text))
}

// Domain separators of RFC 6962: no leaf can be passed off as an inner node.
const (
	leafPrefix = 0x00
	nodePrefix = 0x01
)

// EmptyRoot is the root of a log without entries.
var EmptyRoot = Hash(sha256.Sum256(nil))

// LeafHash is the hash of one entry.
func LeafHash(entry []byte) Hash {
	var space [512]byte
	return sha256.Sum256(append(append(space[:0], leafPrefix), entry...))
}

// NodeHash is the hash of an inner node over its two children.
func NodeHash(left, right Hash) Hash {
	var node [1 + 2*HashBytes]byte
	node[0] = nodePrefix
	copy(node[1:], left[:])
	copy(node[1+HashBytes:], right[:])
	return sha256.Sum256(node[:])
}

// leafHashAt is LeafHash of body[start:end] without copying the entry: the byte
// before it, the low byte of its length, lends its place to the prefix.
func leafHashAt(body []byte, start, end int) Hash {
	lent := body[start-1]
	body[start-1] = leafPrefix
	h := sha256.Sum256(body[start-1 : end])
	body[start-1] = lent
	return h
}

// tileLevels is how many levels of tiles a log of 2^64 entries could have.
const tileLevels = 8

// levels collects hashes for the tiles: [L] holds consecutive nodes at height 8·L.
type levels [tileLevels][]Hash

// frontier is the right edge of the tree: the roots of the complete subtrees that
// the entries so far fall into, the largest first.
type frontier struct {
	size  uint64
	stack [64]Hash
	depth int
}

// push adds a leaf and records in out, unless nil, each node that a tile stores.
func (f *frontier) push(leaf Hash, out *levels) {
	if out != nil {
		out[0] = append(out[0], leaf)
	}
	h := leaf
	height := 0
	for n := f.size; n&1 == 1; n >>= 1 {
		f.depth--
		h = NodeHash(f.stack[f.depth], h)
		height++
		if out != nil && height%tileHeight == 0 {
			out[height/tileHeight] = append(out[height/tileHeight], h)
		}
	}
	f.stack[f.depth] = h
	f.depth++
	f.size++
}

// root folds the edge into the root of the whole tree.
func (f *frontier) root() Hash {
	if f.depth == 0 {
		return EmptyRoot
	}
	h := f.stack[f.depth-1]
	for i := f.depth - 2; i >= 0; i-- {
		h = NodeHash(f.stack[i], h)
	}
	return h
}

// splitPoint is the largest power of two smaller than n, for n ≥ 2.
func splitPoint(n uint64) uint64 { return 1 << (bits.Len64(n-1) - 1) }

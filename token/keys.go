package token

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/oasisprotocol/curve25519-voi/curve"
)

// Algorithm tags a key and a signature, so that others can join without a new format.
type Algorithm byte

// Ed25519 under ZIP-215: every implementation, single or batched, gives the same answer.
const Ed25519 Algorithm = 1

// PublicKey is an algorithm tag and 32 bytes: for Ed25519 the key itself. An algorithm with
// longer keys would put the key's SHA-256 here and the key into the witness.
type PublicKey [33]byte

// Signature is an algorithm tag followed by the algorithm's signature bytes.
type Signature [65]byte

// NoKey is the zero key: none registered.
var NoKey PublicKey

func (k PublicKey) Algorithm() Algorithm { return Algorithm(k[0]) }

// check says whether a key can stand for anybody: of a known algorithm, a point of the curve, and
// not of small order. Under ZIP-215 anybody can make signatures that are valid under a key of small
// order, for every message, so that its proof of possession would prove nothing.
func (k PublicKey) check(field string) *Error {
	if k.Algorithm() != Ed25519 {
		return Errorf(UnknownKind, field, "algorithm %d of the key", k[0])
	}
	var point curve.EdwardsPoint
	if _, err := point.SetCompressedY((*curve.CompressedEdwardsY)(k[1:])); err != nil {
		return Errorf(WeakKey, field, "not a point of the curve")
	}
	if point.IsSmallOrder() {
		return Errorf(WeakKey, field, "a key of small order: anybody could sign for it")
	}
	return nil
}

// String prints the algorithm's name and the key in hexadecimal: "ed25519:…".
func (k PublicKey) String() string {
	if k == NoKey {
		return ""
	}
	return "ed25519:" + hex.EncodeToString(k[1:])
}

func (k PublicKey) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads "ed25519:" and 64 hexadecimal digits; an empty text is no key.
func (k *PublicKey) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*k = NoKey
		return nil
	}
	digits, ok := strings.CutPrefix(string(text), "ed25519:")
	if !ok {
		return fmt.Errorf("key %q: want ed25519: and 64 hexadecimal digits", text)
	}
	k[0] = byte(Ed25519)
	return fromHex(k[1:], []byte(digits))
}

func (s Signature) MarshalText() ([]byte, error)     { return hexText(s[:]), nil }
func (s *Signature) UnmarshalText(text []byte) error { return fromHex(s[:], text) }

func appendKey(b []byte, k PublicKey) []byte {
	if k == NoKey {
		return append(b, cborNull)
	}
	return AppendBytes(b, k[:])
}

func (d *Decoder) key(field string) (k PublicKey) {
	d.Fixed(field, k[:])
	if d.err == nil && k.Algorithm() != Ed25519 {
		d.err = Errorf(UnknownKind, field, "algorithm %d of the key", k[0])
	}
	return k
}

// optionalKey reads a key, or null as NoKey.
func (d *Decoder) optionalKey(field string) PublicKey {
	if d.Null() {
		return NoKey
	}
	return d.key(field)
}

// KeySet is m of n keys: Threshold different ones must sign.
type KeySet struct {
	Threshold uint8       `json:"threshold"`
	Keys      []PublicKey `json:"keys"`
}

// MaxKeys is the most keys of a set.
const MaxKeys = 32

// AppendKeySet encodes a key set; genesis and snapshots use it too.
func AppendKeySet(b []byte, s KeySet) []byte {
	b = AppendArray(b, 2)
	b = AppendUint(b, uint64(s.Threshold))
	b = AppendArray(b, len(s.Keys))
	for _, k := range s.Keys {
		b = appendKey(b, k)
	}
	return b
}

// KeySet reads what AppendKeySet wrote.
func (d *Decoder) KeySet(field string) (s KeySet) {
	d.Array(field, 2, 2)
	s.Threshold = uint8(d.Uint(field+".threshold", MaxKeys))
	n := d.Array(field+".keys", 1, MaxKeys)
	for range n {
		s.Keys = append(s.Keys, d.key(field+".keys"))
	}
	if d.err == nil {
		d.err = s.Check(field)
	}
	return s
}

// Check says whether a set can sign at all: distinct keys, a threshold they can reach.
func (s KeySet) Check(field string) *Error {
	if len(s.Keys) == 0 || len(s.Keys) > MaxKeys {
		return Errorf(OutOfRange, field+".keys", "%d keys, want 1 to %d", len(s.Keys), MaxKeys)
	}
	if s.Threshold == 0 || int(s.Threshold) > len(s.Keys) {
		return Errorf(OutOfRange, field+".threshold", "%d of %d keys", s.Threshold, len(s.Keys))
	}
	for i, k := range s.Keys {
		if err := k.check(field + ".keys"); err != nil {
			return err
		}
		for _, other := range s.Keys[:i] {
			if k == other {
				return Errorf(Repeated, field+".keys", "key %d stands twice", i)
			}
		}
	}
	return nil
}

// Equal says whether two sets are the same: keys, their order and the threshold.
func (s KeySet) Equal(other KeySet) bool {
	return s.Threshold == other.Threshold && slices.Equal(s.Keys, other.Keys)
}

// Usable says whether a key can stand for anybody; see check.
func (k PublicKey) Usable() bool { return k.check("key") == nil }

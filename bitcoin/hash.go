package bitcoin

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
)

// Hash is a double SHA-256 in the order in which it is serialized. Printed, as
// everywhere in Bitcoin, its bytes are reversed.
type Hash [32]byte

// HashOf is SHA-256 applied twice.
func HashOf(data []byte) Hash {
	first := sha256.Sum256(data)
	return sha256.Sum256(first[:])
}

// ParseHash reads 64 hexadecimal digits in printed order.
func ParseHash(text string) (Hash, error) {
	var h Hash
	if len(text) != 2*len(h) {
		return h, fmt.Errorf("hash %.70q: want 64 hexadecimal digits", text)
	}
	if _, err := hex.Decode(h[:], []byte(text)); err != nil {
		return h, fmt.Errorf("hash %q: %w", text, err)
	}
	slices.Reverse(h[:])
	return h, nil
}

func (h Hash) String() string {
	slices.Reverse(h[:])
	return hex.EncodeToString(h[:])
}

// MarshalText prints the hash in JSON as String does.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads what MarshalText wrote: 64 hexadecimal digits, either case.
func (h *Hash) UnmarshalText(text []byte) (err error) {
	*h, err = ParseHash(string(text))
	return err
}

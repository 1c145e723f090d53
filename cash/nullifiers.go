package cash

import (
	"crypto/sha256"
	"strconv"
	"strings"
)

// nullifierOfBytes is the mark of a point that an event carries.
func nullifierOfBytes(raw [33]byte) Nullifier {
	sum := sha256.Sum256(raw[:])
	return Nullifier(sum[:24])
}

// compareText orders texts by their bytes.
func compareText(a, b string) int { return strings.Compare(a, b) }

// appendAmount writes an amount as signatures have it: in decimal digits.
func appendAmount(to []byte, a Amount) []byte { return strconv.AppendInt(to, int64(a), 10) }

//go:build !amd64

package sha256d

// Pair is SHA-256 applied twice to 64 bytes, an inner node of a merkle tree.
func Pair(data *[64]byte) [32]byte { return Sum(data[:]) }

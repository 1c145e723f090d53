package sha256d

import "golang.org/x/sys/cpu"

var fastPair = hasSHA() && cpu.X86.HasSSE41 && cpu.X86.HasSSSE3

// Pair is SHA-256 applied twice to 64 bytes, an inner node of a merkle tree, faster than the
// standard library, which pads and copies at run time what is known beforehand.
func Pair(data *[64]byte) (digest [32]byte) {
	if !fastPair {
		return Sum(data[:])
	}
	doublePair(&digest, data)
	return digest
}

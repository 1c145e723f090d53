// Package packed is a stream of bytes in a file: compressed, and summed so that whoever wrote the file can tell whether
// its bytes are still the same.
//
// The file is a magic, then pieces, each the length of its content (4 bytes, big-endian), its length here (the same
// again when compressing gained nothing), and its bytes, compressed by Zstandard (RFC 8878) one by one; a piece without
// content ends them; then the CRC-32C (Castagnoli) of all bytes before. What is unpacked is no more than what was
// packed: a piece never unpacks to more than PieceBytes.
package packed

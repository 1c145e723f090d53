// Package token says what a transaction is: its kinds and fields, the one byte
// encoding each has, its id, and what exactly is signed.
//
// A transaction is the CBOR array [body, witnesses] in deterministic encoding
// (RFC 8949 §4.2.1). Its id is the SHA-256 of the body's bytes, so signatures
// are not part of the id. Decoding accepts exactly the bytes that encoding
// produces: no two byte strings decode to the same transaction.
//
// The package is pure (no clock, randomness, I/O or floats) and imports only
// money and the Ed25519 library. What the rules of the ledger make of a
// transaction is decided in package ledger.
package token

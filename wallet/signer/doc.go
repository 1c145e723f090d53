// Package signer keeps private keys: in files, encrypted under a passphrase, or
// in the hands of another program (a hardware module's tool, say).
//
// A key file is one line: "aqsha-key-1 ed25519 SEED" in hexadecimal, or
// "aqsha-key-1 command PATH ARG…"; an encrypted one is that line as an age file
// (age-encryption.org/v1, armoured, scrypt). An external program is called as
// "PATH ARG… public", and prints a public key as "ed25519:HEX", or as
// "PATH ARG… sign DIGEST", and prints the signature's 65 bytes (algorithm tag
// first) in hexadecimal.
package signer

// Package devnet runs a private Bitcoin network for development and tests: a
// real btcd as a child process, on loopback only, without peers. Blocks are
// real blocks; only the target is easy.
//
// btcd forgets a regtest chain at every start; a simnet chain stays in its
// directory.
//
// It may import bitcoin. When the parent ends, so does the child.
package devnet

// Package replay executes the blocks of a log again, whoever's it is: decoding and verifying signatures on
// all cores, executing in order. Recovery, verification and followers use it.
//
// It imports what the node imports below it, and node/verifier.
package replay

// Package audit verifies a log as somebody shows it, over HTTP or as a directory, believing nothing but its bytes: who
// checks needs no node, key or account of the network.
//
// It belongs to node. Invariants: the key under which a checkpoint must be signed is the genesis's, never the word of
// who serves the log; what could not be checked is named in the report, and what was found wrong makes the verification
// fail.
package audit

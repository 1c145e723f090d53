// Package play performs a contract's script on a dry ledger: people with money, who does what, and how much time
// passes. The ledger is a real one in memory, under the newest rules; tokens are chosen as every wallet chooses them.
// It also reads the files that plays and commands share: definitions, purposes, registers of members.
//
// Invariant: what a play shows is what a network would do, which model_test.go holds it to, step by step, on a node.
package play

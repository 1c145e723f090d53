// Package node runs the ledger alone: it takes transactions in, verifies their
// signatures on all cores, orders and executes them, makes each block durable in
// the log, and only then answers.
//
// The stages overlap and every queue between them is bounded:
//
//	Submit → collect → verify (all cores) → execute (one goroutine) → commit (one goroutine) → answer
//
// The executor alone changes the live state and holds the write lock while it
// does; readers hold the read lock and are answered once what they saw is durable.
// After a failed write nothing more is accepted: a node that cannot tell what is on
// its disk stops rather than serve it.
package node

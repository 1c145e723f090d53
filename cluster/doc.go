// Package cluster has several nodes order one ledger's transactions together, so that no machine owns it alone: the
// central bank and the intermediaries each run a validator, and what more than two thirds of them have agreed on is
// final.
//
// Ordering is CometBFT's, and this package is its only importer. Rules, log, state and reads are package node's, which
// does not know who orders: Engine is its Sequencer, and an ABCI application drives ExecuteOrdered and CommitOrdered.
//
//	node takes in, verifies → Engine.Propose → batch in the mempools of all → proposal (a header and batches)
//	→ ProcessProposal (signatures, verified once) → FinalizeBlock (execute) → Commit (position, log) → node answers
//
// Invariants: the application hash covers the log's root and all verdicts; what ProcessProposal accepts depends on the
// block and the state before it alone; a position is durable before the log's entries that it speaks of, so that after
// a crash the newest position that the log has come to is where CometBFT goes on.
package cluster

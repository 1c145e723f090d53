// Package bench measures the ledger: a population, a signed workload in the proportions
// of a country's card payments, and the real node committing it, beside the rate at
// which the machine can verify signatures at all, in alternating runs.
//
// Everything that is measured goes through the node's own pipeline and its log, and is
// replayed from the log at the end.
package bench

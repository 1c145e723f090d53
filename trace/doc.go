// Package trace follows money through a ledger's log: from a token, a purpose or a contract forwards
// to where it went and backwards to where it came from, and draws the flow.
//
// It imports money, token and ledger, and reads entries as they stand in the log: it believes that
// they were verified (aqsha verify).
//
// Money is fungible: where a transaction merges tokens, all that it makes is reached from all that it
// spends. A trace backwards therefore says where money can have come from, not which tiyn was which.
//
// Invariants: the tokens that a Graph holds live are those of the ledger; every flow that a transaction
// makes is counted once; the order of events is the log's.
package trace

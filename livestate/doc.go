// Package livestate holds what is live in memory: tokens, wallets, intermediaries
// and the authority, in compact tables off the garbage collector's path, with
// snapshots in a canonical form and recovery from the log.
//
// The log is the database; this is a cache of it. Losing every snapshot loses nothing.
//
// State implements ledger.State. It has one writer; readers and the writer
// exclude each other outside (package node holds the lock).
package livestate

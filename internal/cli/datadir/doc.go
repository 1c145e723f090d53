// Package datadir is a directory with a ledger: config.toml, the lock, the keys and names, the address at which a node
// that runs there answers, and the node opened from it. It belongs to the commands of the ledger's line.
//
// Invariant: nothing in a directory is changed by who has not taken it (Take…, New…), but for the files of names and
// keys, which have locks of their own.
package datadir

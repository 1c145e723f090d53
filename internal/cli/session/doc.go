// Package session connects a command to a ledger: to the node that --node names, to the one that runs on the data
// directory, or to the ledger opened in this process; and shows what became of a transaction, or writes its draft.
package session

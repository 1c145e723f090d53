// Package wallet is the software of those who sign: the authority's key holders,
// banks, and people. It keeps keys and names in a folder, makes transactions, has
// them signed by whoever must, pays with tokens that no other process is using,
// and submits to a node through its API.
//
// A payment that must not be made twice is signed and in a journal before it is sent: batch.go pays the rows of a file
// so, batchlog.go is the journal, and registry.go what the data directory remembers of what each payer has paid.
package wallet

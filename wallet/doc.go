// Package wallet is the software of those who sign: the authority's key holders,
// banks, and people. It keeps keys and names in a folder, makes transactions, has
// them signed by whoever must, pays with tokens that no other process is using,
// and submits to a node through its API.
package wallet

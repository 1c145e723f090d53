// Package index answers questions about the past: a wallet's history, where a
// transaction or a token was made. It is rebuilt from the log at will and follows
// it asynchronously, so every answer says at which size of the log it stands.
//
// It is not on the payment path, and nothing in the ledger depends on it.
package index

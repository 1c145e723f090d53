//go:build race

package ledger_test

// raced says that the race detector watches.
const raced = true

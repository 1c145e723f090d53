//go:build !race

package ledger_test

// raced says that the race detector watches: campaigns are short then, for a ledger starts no goroutine and the detector finds
// nothing in it, and takes twenty times as long.
const raced = false

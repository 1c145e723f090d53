//go:build race

package bench

// raced says that the race detector watches: a campaign of one goroutine is short then.
const raced = true

//go:build race

package office

// raced says that the race detector watches: a campaign of one goroutine is short then.
const raced = true

//go:build race

package node_test

// raced says that the race detector watches.
const raced = true

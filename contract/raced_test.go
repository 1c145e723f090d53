//go:build race

package contract

// Under the race detector, in whose way this code starts nothing, what is drawn and swept is a part of what is without it.
func init() { Raced = true }

// Package signers follows who signs a network's log, from the key in its genesis through every change of validators.
package signers

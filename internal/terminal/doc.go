// Package terminal makes text of outside and times of the ledger fit to be printed.
package terminal

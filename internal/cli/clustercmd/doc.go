// Package clustercmd is the commands of a ledger that several nodes order together.
package clustercmd

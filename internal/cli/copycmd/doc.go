// Package copycmd is the commands of copies of a ledger: promotion, switchover, backup, restore and drills.
package copycmd

// Package cashcmd is the commands of cash: coins that change hands without the ledger seeing who pays whom.
package cashcmd

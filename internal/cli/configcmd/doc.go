// Package configcmd is "aqsha config": what the configurations of a ledger and of a farm may say.
package configcmd

// Package programcmd is the commands of programmable money: purposes, agencies, contracts, grants, orders, and traces
// through the log.
package programcmd

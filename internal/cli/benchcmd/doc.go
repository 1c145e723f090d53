// Package benchcmd is "aqsha bench": the ledger's line measured in one run on this machine, and two programs compared.
// The pages are measured by consolebench, pool, farm and planner by minebench.
package benchcmd

// Package faults explains the error codes that firmwares show: what a code means, what to do, and which
// part to bring, in three languages. It is data (codes.csv, groups.csv), and says of a code whose meaning
// nobody has published only that it is unknown.
//
// It imports nothing of the farm but its errors. Sources: for Whatsminer the maker's codes as pyasic
// lists them (pyasic/data/error_codes/whatsminer.py at commit 0caf1d29), told in our own words; what to do
// is by the part that a code names, not by the maker.
package faults

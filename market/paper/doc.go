// Package paper holds every number of the paper that Aqsha starts from as a
// claim (claims.json: quote, meaning, how it is checked, source, date) and
// checks each one: against the paper's own other numbers, against issuance
// rules and dated facts, and, when a folder of real extracts is given, against
// data. The verdict follows from the check; no verdict on a checkable number
// is written by hand.
//
// It imports market and market/concentration.
package paper

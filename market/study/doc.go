// Package study puts the market measures together for one series: what a
// command prints, a report draws and an API returns. Every result is a plain
// struct with JSON names and carries its provenance, window and calendar.
//
// It imports the market packages; functions are pure (no I/O, no clock, no
// randomness but from a seed that the result names).
package study

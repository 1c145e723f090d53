// Package accounting makes of a pool's log what it owes: which shares a block pays, what users have of it, and what a
// payment has moved. It is a function of the log's records, without clock, randomness or files: the pool and whoever
// recomputes it run the same.
package accounting

// Package sharelog is the format of the pool's log: what is written, in order,
// so that anybody who has the log can recompute every miner's pay and check every
// share's work.
//
// An entry is one record: its kind in one byte, then fields in fixed order,
// integers as unsigned varints, byte strings with their length before them.
// Records have one encoding only. A job's record comes before its first share; a
// worker's before its first share.
//
// It may import money, txlog, bitcoin and pool/stratum, and does no I/O.
package sharelog

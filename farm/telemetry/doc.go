// Package telemetry is the embedded store of what machines said: every poll for 14 days, five-minute
// sums for a year, quantised and packed.
//
// In one directory to which one process writes at a time (others may read beside it):
//
//	machines.journal    identities of machines; a machine's number is its place
//	journal/<hour>      polls of an hour that is not packed yet, a batch a record, synced before Append returns
//	raw/<day>           polls, a group an hour: a directory of machines and a packed block of each
//	rollup/<day>        five-minute sums, one group
//
// A block holds columns; each is the differences of some order about their mean, divided by their
// greatest common divisor, in Golomb–Rice code, or as the few that are not zero.
//
// Invariants:
//   - What Append has acknowledged survives a crash at any instruction; a torn end is cut at the next
//     open, damage elsewhere is an error that names the file.
//   - A poll is quantised before anything sees it, so that memory, disk and every later reading agree.
//   - Polls of a machine are kept in order of time; one that is not later than the last is refused.
//   - A machine's number never changes: one that was not durable was not given.
//
// It imports farm/usage for what a poll and a cell are, and internal/durable and txlog/vfs to write files.
package telemetry

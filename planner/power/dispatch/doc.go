// Package dispatch says which machines run in which hour.
//
// Machines are taken by merit, the least energy for a hash first. Each gets the best
// hours that are left to it: an exact dynamic program over its runs and rests, in which a
// start burns power without hashes, and hours without room, and changes of load that the
// ramp limit no longer allows, are closed. When a curtailment call comes, what has been
// run stays and the rest of the day is solved again.
//
// It belongs to planner/power and imports money, farm and planner/power. Invariants, held by
// tests against brute force: no limit is ever exceeded; a run that the plan begins is not
// cut short within the day; only a limit or a call ends an earlier run before its time;
// where no limit binds, the schedule is the best there is.
package dispatch

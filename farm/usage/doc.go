// Package usage accounts for what machines could have done and did: the economics of equipment,
// extensive and intensive, for hashing machines.
//
// The leaf is a machine between two cuts: every poll, every change of state, every five minutes (and
// so every hour). Each instant has one state. An instant in which the machine does not run has the
// first of these that holds: planned, curtailed, outage, repair, unknown. A running leaf walks a
// fixed waterfall
//
//	nameplate → live boards → power cap → heat limit → hashed → valid → sent → accepted
//
// and each loss is the difference of adjacent levels, in integer hashes; what nothing explains is
// called slow. Gains (faster than the nameplate) and luck (shares come at random) may be negative.
// Differences telescope: nameplate = accepted + every loss, in each leaf and so in every sum over
// machines, racks, sites, hours and causes.
//
// A gap between polls is resolved by the next poll: when the mining program has run through it, its
// counters say what was hashed; when it was started anew, the time since then is known and the time
// before is unknown.
//
// The package is pure: no clock, no I/O, no floats, no randomness. It imports farm alone.
package usage

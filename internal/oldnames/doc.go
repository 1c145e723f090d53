// Package oldnames reads and writes JSON of the farm, the planner and the market as they spelled its keys before they
// spelled them like all others (accepted_hashes, once acceptedHashes). What was written then stays readable, and what
// was sealed then verifies as it did: a seal is a hash over the old spelling.
//
// It imports the standard library alone. Invariant: nothing but keys changes, so Write(Read(b)) has the bytes of what
// was written then.
package oldnames

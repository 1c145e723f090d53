// Package quorum lets several keys stand for a log together: a checkpoint holds when so many of them have signed it,
// and no machine that has one of them can sign for the others.
//
// Its verifier takes the place of a single key's wherever a signed note (golang.org/x/mod/sumdb/note) is opened: one
// key text, one signature line. It belongs to txlog. Invariants: a key text commits to all members and the threshold; a
// signature is counted once for each member; what is not a quorum's key is read as note.NewVerifier reads it.
package quorum

// Package protocol reads what mining machines say on their management ports: cgminer's API and the
// protocols that firmwares have made of it. It says what to ask (Polls, Identities) and turns the
// replies into one Reading; talking to machines is left to farm/fleet.
//
// It imports farm for refusals and amounts of work, and does no I/O.
//
// Invariants: a reply is at most MaxReply bytes and 16 levels deep; whatever it holds, reading ends
// with a Reading or an error; a number that is not there is Unknown and never 0; texts are fit to print.
package protocol

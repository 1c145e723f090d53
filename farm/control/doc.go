// Package control makes machines do things: reboot, mine elsewhere, sleep and wake, draw less, run in another profile,
// turn their fans, show where they stand, take another password. Which firmware has which order is Abilities.
//
// Invariants: nothing is done unless control is allowed; before a machine is told anything it must say
// that it is the machine which is meant; every order is in the audit trail, durably, before it is given,
// and its end after; orders are staggered, so that no site's load is moved by more than a set number of
// kilowatts within the time that machines need to follow.
package control

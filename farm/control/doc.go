// Package control makes machines do things: reboot, mine elsewhere, sleep and wake. Two protocols are
// spoken: LuxOS on its API, and stock Antminers on their CGI programs with digest authentication.
//
// Invariants: nothing is done unless control is allowed; before a machine is told anything it must say
// that it is the machine which is meant; every order is in the audit trail, durably, before it is given,
// and its end after; orders are staggered, so that no site's load is moved by more than a set number of
// kilowatts within the time that machines need to follow.
package control

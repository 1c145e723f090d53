// Package repair keeps a farm's tickets: what broke, what was done about it, with which parts and at what cost, and
// what it earned.
//
// A ticket is opened for a machine's alert, gets notes, and is closed with an outcome. Each step is an entry, a line of
// tickets.jsonl that is durable before it is told of; what tickets are follows from the entries (Book.Take, which does
// no I/O). Nothing is ever changed or taken out: a wrong cost is set right by a note with the difference.
//
// Invariants:
//   - Tickets are numbered 1, 2, 3 without gaps; a closed one takes nothing more.
//   - A ticket's cost is the sum of its entries', in tiyn, and never below zero.
//   - Failures and the time between them count machines of the fleet only, of which both are known.
package repair

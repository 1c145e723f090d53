// Package orders keeps orders that do not go out at once: those above a number of machines, which want a second person,
// and those for a later time, among them a curtailment plan's. orders.jsonl is only ever added to; each line is durable
// before it is acted upon.
//
// Invariants: an order that wants a second person goes out only after somebody else than who gave it has confirmed it;
// an order goes out once: one that was begun and not ended, since the program was stopped, is said and never begun
// again; one whose time has passed is missed, which is written down, and not made up for.
package orders

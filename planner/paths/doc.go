// Package paths imagines the future: prices of bitcoin month by month, and the network's
// answer to them.
//
// A price is fixed, a replay of history, or simulated from a volatility model that
// "aqsha market garch --parameters" wrote. The network answers with a lag: while the
// hashprice is above the cost of entry new machines are ordered, below a machine's power
// it is switched off, worn ones leave; so that the hashprice cannot stay far above what
// an entrant needs. Halvings come on their day.
//
// Simulations are in floats, because a distribution is no payment. Invariants: path i of
// a seed is the same whatever the number of paths and processors; nothing is drawn twice,
// so that strategies are compared on common paths.
//
// It belongs to the farm's planner and imports params and the standard library, and gonum
// for quantiles.
package paths

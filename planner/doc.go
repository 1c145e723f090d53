// Package planner reads a farm's plan file: what there is, what may be bought, what things
// cost, what is believed about the future, and what is to be decided. Sub-packages:
//
//	planner/finance    net present value, internal rates, payback, tails
//	planner/paths      imagined prices and the network's answer
//	planner/flow       one farm along one path, month by month, in tiyn and satoshi: invoices, levy, tax
//	planner/value      what one machine is worth along every path
//	planner/decide     the best combination on the grid, by branch and bound
//	planner/advise     the strategy, its runner-up and alternatives, and the reasons
//	planner/register   declarations and registers as CSV, reconciled to the meter
//	planner/page       the result as one HTML file
//
// It belongs to the mining line and may import money, params and farm. Invariants: a wrong
// plan gets an error that names the key and the line; what law dates comes from params or
// from the plan's own [[assume]], never from code; the plan's text, the files it names and
// its seed make the result, byte for byte.
package planner

// Package register writes what a licensed miner must declare: the quarter's levy, the tax
// base, the quota of coins to be sold, and the licence's dates; each with the day it is due.
//
// Kilowatt-hours come from the meter and coins from what was received; beside the metered
// stands what the plan expected, with the difference. Without a meter's file the plan's
// figures are written and the basis says "planned".
//
// Integers throughout. Invariants: a quarter's kWh are the sum of its days'; coins to be
// sold are at least the quota of what was received, rounded up to the satoshi.
package register

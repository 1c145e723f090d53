// Package flow computes one month of a farm as it is paid: kilowatt-hours, coins, the power
// invoice with VAT, the levy, what must be sold, and the taxable profit.
//
// Integers throughout (Wh, satoshi, tiyn). Invariants: every coin is sold or kept; income
// less each cost is the cash; what is rounded is rounded where a document would: the
// invoice's lines to the tiyn half up, coins down to the satoshi, the quota up.
package flow

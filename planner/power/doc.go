// Package power says what a kilowatt-hour is worth to a mining farm, and what it costs.
//
// Terms turn the price of bitcoin, the hashprice, fees, quota, levy and taxes into the
// ceiling: the highest price of a kWh at which a machine still earns. A Site is a power
// file: machines, contract limits, tariffs by hour and zone, curtailment. Sub-packages:
//
//	power/bid       what to bid in a pay-as-bid auction, from past clearing prices
//	power/dispatch  which machines run in which hour, and again after a curtailment call
//	power/backtest  what the rules would have earned on past prices
//
// It belongs to the mining line and may import money, params and farm. Everything here
// is in integers; a ceiling is exact until it is rounded down to a tiyn.
package power

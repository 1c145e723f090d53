// Package liquidity estimates, from bars, what it costs to trade and how far a
// trade moves the price: Amihud (2002), Roll (1984), Corwin and Schultz (2012),
// and a slope after Kyle (1985).
//
// It belongs to market and imports market and stats. Invariant: a spread is not
// below zero; where an estimator has no value there is none, never zero.
package liquidity

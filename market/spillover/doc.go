// Package spillover measures how markets move each other: connectedness from
// the variance decomposition of a vector autoregression (Diebold and Yilmaz
// 2012), and correlations that change from day to day (DCC, Engle 2002).
//
// It belongs to market and imports market, stats and garch. Invariants: the rows
// of a decomposition add up to one; correlations lie between −1 and 1.
package spillover

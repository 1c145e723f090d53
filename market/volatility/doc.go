// Package volatility estimates how much prices move: realised, EWMA and range
// estimators, heterogeneous autoregression of realised variance, drawdowns and
// liquidity. The GARCH family is in market/garch.
//
// Returns are log returns in percent; annualised figures are in percent a year
// unless a name says otherwise, on the calendar of Annual (365 days by
// default: these markets do not close). It imports market and market/stats.
package volatility

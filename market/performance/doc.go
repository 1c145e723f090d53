// Package performance measures what holding a currency brought: growth, ratios
// of return to risk, drawdowns, calendar returns and the relation to a
// benchmark, each with an interval from a stationary block bootstrap.
//
// Ratios use simple returns and a risk-free rate of zero unless one is given.
// It imports market, market/stats and market/volatility.
package performance

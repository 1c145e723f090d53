// Package regimes fits returns whose mean and variance switch between a few
// regimes as a Markov chain does (Hamilton 1989).
//
// It belongs to market and imports market and stats. Invariant: regimes are
// sorted by variance, calmest first, so that a fit has one form.
package regimes

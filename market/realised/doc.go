// Package realised measures a day's variance from the returns inside it, parts
// jumps from the rest, and joins a day's return with its realised measure in one
// model (realised GARCH, Hansen, Huang and Shek 2012).
//
// It belongs to market and imports market, stats and volatility. Invariants: no
// measure is below zero; a day's jump and its continuous part add up to its
// realised variance.
package realised

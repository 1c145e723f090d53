// Package value says what one machine is worth along every imagined path: the present
// value of its cash before profit tax, and its taxable profit year by year. A machine is
// switched off in a month in which it would not earn its power.
//
// Everything that does not depend on the path is a number a month; a path is its value of
// a TH/s in a month. So a strategy's outcome is a sum of units, taxed as one farm.
//
// Floats, because a distribution is no payment; planner/flow computes the same farm in
// tiyn, and a test holds the two together.
package value

// Package backtest plays the auction again on past clearing prices: what the bid rule
// and the schedule would have earned, beside bidding the ceiling, a fixed margin, running
// always, and perfect foresight. A day is bid from the days before it only.
//
// What a bid buys is prepaid, so that power which the schedule then does not use is lost.
// The worth of hashes is the site's own throughout: the test is of power prices alone.
// Sample prices are simulated and say so.
package backtest

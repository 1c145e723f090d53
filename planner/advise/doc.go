// Package advise makes of a plan a strategy: what to buy when, what to retire, what to keep
// of the coins; and says why, what comes second, and what would change the advice.
//
// Every figure is of common paths. Beside the best strategy stand: the farm as it is, the
// same money in coins, and the same money in a bank.
package advise

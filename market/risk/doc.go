// Package risk computes value at risk and expected shortfall by six methods
// (historical, normal, Student t, Cornish–Fisher, EWMA-normal, filtered
// historical on GARCH-t), refuses those that are not valid on the sample, and
// back-tests them: Kupiec, Christoffersen, Acerbi–Székely.
//
// Losses are positive, in percent of the day's log return. It imports market,
// market/stats, market/garch and market/volatility.
package risk

// Package functions scores how well something works as money: as a medium of
// exchange, a unit of account, a store of value (Yermack 2013; Baur, Hong and
// Lee 2018; the reduction to indicators is ours). Anchors and weights stand in
// anchors.json, can be replaced, and are varied to show how far the verdict
// hangs on them.
//
// It imports market, market/stats, market/volatility, market/risk and
// market/usage. Invariant: an indicator without data is left out and told, never
// counted as 0.
package functions

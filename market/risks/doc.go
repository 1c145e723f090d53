// Package risks gives an indicator for each of the seven risks for which the
// paper's National Bank restricts cryptocurrency, and tests three claims about
// markets on data: that negative news moves the price at once (event study),
// that price leads hash rate or the reverse (Granger), and that reported
// volume is real (first digits, size clustering, volume over transfers).
//
// It imports market, market/stats, market/concentration and market/usage.
package risks

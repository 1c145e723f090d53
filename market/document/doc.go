// Package document runs the paper's whole method on one money and writes one
// document: architecture, volatility, use and reserves, functions of money,
// risks, concentration, comparison and grouping, recommendations, and the
// paper's own figure and tables beside the data.
//
// A document holds no sentence: it holds keys of the catalogues in words/ and
// numbers, so that it is written whole in English, Kazakh or Russian, and the
// same inputs give the same bytes. Citations and names of files stand as they
// are. The recommendations are rules in rules.json. It imports the market
// packages and txlog.
package document

// Package systems describes the architecture of monetary systems, a card each
// (systems.json: every cell with source and date), and computes what can be
// computed: issuance and supply curves, the probability that a payment is
// reversed, the cost of an hour's majority.
//
// It imports market and market/usage.
package systems

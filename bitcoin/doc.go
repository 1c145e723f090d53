// Package bitcoin is access to a real Bitcoin chain: the JSON-RPC of Bitcoin
// Core and btcd, block templates (BIP 22, 23, 145), coinbases, headers and
// targets, blocks and transactions as people read them, and the probability
// that a payment is reversed.
//
// It may import money, params and txlog. Invariants:
//   - nothing read from a node is believed without a check: sizes are limited,
//     transaction ids, merkle roots and the witness commitment are computed
//     here and compared with what the node says;
//   - a 256-bit hash or target is compared as an integer, never as a float;
//   - amounts are money.Satoshi.
//
// Sub-packages: sha256d (the proof-of-work kernels), devnet (a private
// network for development: a real btcd as a child process).
package bitcoin

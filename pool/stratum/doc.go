// Package stratum is the language between miners and pools: Stratum V1, JSON
// messages one a line over TCP, with the extensions of BIP 310 (version
// rolling, minimum difficulty, extranonce changes). Messages are read without
// allocation and written by appending.
//
// It may import money, params, txlog and bitcoin. It does no I/O: both the pool
// and the miner speak through it. Every reader is bounded and fuzzed.
package stratum

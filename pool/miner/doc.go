// Package miner mines: the engine that drives the kernels of sha256d on all
// cores, and where its work comes from, a node (solo) or a pool (Stratum V1).
//
// It may import money, params, txlog, bitcoin and pool/stratum. Invariants: a
// miner works for whoever its user names and for nobody else; a share handed in
// was checked with the standard library; the clean stop hands in what was found.
package miner

// Package peer brings a block to a node over Bitcoin's peer-to-peer protocol, for when its RPC does
// not answer.
//
// It may import bitcoin. Invariants: a connection lasts for one block; what the other side sends is
// bounded by the protocol's own limits and by the caller's deadline; a block counts as known only
// when the node lists its header on its chain.
package peer

// Package relay brings the pool's blocks to the network and keeps them there: a solved block is
// written down, handed to every node at once over RPC and, where that does not answer, over the
// peer-to-peer protocol, and handed over again until a node has it on its chain for good.
//
// It may import bitcoin. Invariants: a block whose file is durable is never forgotten before it is
// final, has lost for good, or every node has refused it and its height is long past; handing one
// over waits for no other question; a slow disk delays a block by no more than journalPatience.
package relay

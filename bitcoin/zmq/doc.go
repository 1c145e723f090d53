// Package zmq hears of new blocks from a node's ZeroMQ publisher (bitcoind's -zmqpubhashblock and
// -zmqpubrawblock): the subscriber's side of ZMTP 3.0 (rfc.zeromq.org/spec/23) with the NULL
// mechanism, which is all that a node's publisher speaks.
//
// It imports nothing of this module. Invariants: frames are bounded; a lost connection is made
// again for as long as the context lasts; what is heard is news only, never believed as a block.
package zmq

package cluster

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/aqsha/aqsha/token"
)

// A block's first transaction, to CometBFT, is a header, and every other one a batch of the ledger's transactions. A
// mempool has batches only. Their form:
//
//	header: "aqh1" seed(32)
//	batch:  "aqb1" nonce(8) replaces(32) { length(uvarint) transaction }…
//
// The nonce lets the same transactions travel again. What a batch replaces is another, of which whoever proposed the
// block left out what was not signed; zeros are none.
const (
	headerMagic = "aqh1"
	batchMagic  = "aqb1"
	magicBytes  = 4
	nonceBytes  = 8
	seedBytes   = 32
	batchHead   = magicBytes + nonceBytes + sha256.Size
)

// Bounds of a batch. A node's own are smaller; whoever sends a larger one is no node of ours.
const (
	maxBatch      = 1024
	maxBatchBytes = 5 << 20
)

type digest = [sha256.Size]byte

// appendHeader encodes a block's header.
func appendHeader(b []byte, seed [seedBytes]byte) []byte {
	return append(append(b, headerMagic...), seed[:]...)
}

// decodeHeader reads a block's header, of which there is one form.
func decodeHeader(b []byte) (seed [seedBytes]byte, err error) {
	if len(b) != magicBytes+seedBytes || string(b[:magicBytes]) != headerMagic {
		return seed, errors.New("a block begins with a header")
	}
	return [seedBytes]byte(b[magicBytes:]), nil
}

// encodeBatch encodes transactions with a nonce of their own.
func encodeBatch(replaces digest, n int, transaction func(i int) *token.Transaction) []byte {
	bytes := batchHead
	for i := range n {
		bytes += binary.MaxVarintLen32 + len(transaction(i).Encode())
	}
	b := append(make([]byte, 0, bytes), batchMagic...)
	b = b[:magicBytes+nonceBytes]
	_, _ = rand.Read(b[magicBytes:]) // never fails
	b = append(b, replaces[:]...)
	for i := range n {
		encoded := transaction(i).Encode()
		b = binary.AppendUvarint(b, uint64(len(encoded)))
		b = append(b, encoded...)
	}
	return b
}

// checkBatch says, at little cost, whether bytes may be a batch.
func checkBatch(b []byte) error {
	switch {
	case len(b) <= batchHead || string(b[:magicBytes]) != batchMagic:
		return errors.New("no batch of transactions")
	case len(b) > maxBatchBytes:
		return fmt.Errorf("a batch of %d bytes, at most %d are taken", len(b), maxBatchBytes)
	}
	return nil
}

// decodeBatch decodes a batch. Its transactions keep the bytes.
func decodeBatch(b []byte) (replaces digest, txs []*token.Transaction, err error) {
	if err := checkBatch(b); err != nil {
		return replaces, nil, err
	}
	copy(replaces[:], b[magicBytes+nonceBytes:])
	for rest := b[batchHead:]; len(rest) > 0; {
		length, n := binary.Uvarint(rest)
		if n <= 0 || length == 0 || length > uint64(len(rest)-n) || (n > 1 && rest[n-1] == 0) {
			return replaces, nil, fmt.Errorf("transaction %d of a batch has no length", len(txs))
		}
		if len(txs) == maxBatch {
			return replaces, nil, fmt.Errorf("a batch of more than %d transactions", maxBatch)
		}
		tx, err := token.Decode(rest[n : n+int(length) : n+int(length)])
		if err != nil {
			return replaces, nil, fmt.Errorf("transaction %d of a batch: %w", len(txs), err)
		}
		txs = append(txs, tx)
		rest = rest[n+int(length):]
	}
	return replaces, txs, nil
}

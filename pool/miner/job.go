package miner

import (
	"encoding/binary"
	"sync/atomic"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/bitcoin/sha256d"
)

// Job is work from a pool or a node. Engines share it, without a lock: it is made whole before one is given it, and
// then only the extranonce and solved move.
type Job struct {
	ID          string
	Head, Tail  []byte // of the coinbase
	Extranonce1 []byte
	// Extranonce2Size is the length of the part that the miner chooses; the hole in the
	// coinbase has it and Extranonce1.
	Extranonce2Size int
	Branch          []bitcoin.Hash
	Version         uint32
	Bits            uint32
	Time            uint32
	Previous        bitcoin.Hash
	Target          bitcoin.Target // of a share; the block's own for solo
	Difficulty      float64        // of Target, for statistics

	extranonce2 atomic.Uint64
	solved      atomic.Bool // solo: one block is enough
}

// unit is one header to search: 2^32 nonces under one extranonce2.
type unit struct {
	job         *Job
	extranonce2 []byte
	work        *sha256d.Work
}

// next takes an extranonce2 that no other unit of the job has.
func (j *Job) next() (*unit, bool) {
	n := j.extranonce2.Add(1) - 1
	if size := j.Extranonce2Size; size < 8 && n>>(8*size) != 0 {
		return nil, false // exhausted: a short hole, hours without a new job
	}
	u := &unit{job: j, extranonce2: make([]byte, j.Extranonce2Size)}
	for i := range min(8, len(u.extranonce2)) {
		u.extranonce2[len(u.extranonce2)-1-i] = byte(n >> (8 * i))
	}
	header := u.header(0).Encode()
	target := [32]byte(j.Target)
	u.work = sha256d.NewWork(&header, &target)
	return u, true
}

// coinbase is the transaction with both extranonces filled in, without witness.
func (u *unit) coinbase() []byte {
	j := u.job
	filled := make([]byte, 0, len(j.Head)+len(j.Extranonce1)+len(u.extranonce2)+len(j.Tail))
	filled = append(filled, j.Head...)
	filled = append(filled, j.Extranonce1...)
	filled = append(filled, u.extranonce2...)
	return append(filled, j.Tail...)
}

// header is the block's header with a nonce.
func (u *unit) header(nonce uint32) bitcoin.Header {
	j := u.job
	return bitcoin.Header{
		Version: j.Version, Previous: j.Previous, MerkleRoot: bitcoin.RootOf(bitcoin.HashOf(u.coinbase()), j.Branch),
		Time: j.Time, Bits: j.Bits, Nonce: nonce,
	}
}

// Share is a nonce that meets its job's target.
type Share struct {
	Job         *Job
	Extranonce2 []byte
	Nonce       uint32
	Hash        bitcoin.Hash
	unit        *unit
}

// Difficulty is that of the share's own hash.
func (s *Share) Difficulty() float64 { return bitcoin.Target(s.Hash).Difficulty() }

// solves tells whether a share meets the network's target, by the bits of its job: it is a block, if its job is honest.
func (s *Share) solves() bool {
	target, err := bitcoin.TargetOfBits(s.Job.Bits)
	return err == nil && target.Met(s.Hash)
}

// nonceHex is the nonce as Stratum writes it.
func (s *Share) nonceHex() []byte {
	return binary.BigEndian.AppendUint32(nil, s.Nonce)
}

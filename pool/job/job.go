// Package job has templates as they are handed out, and the shares that were found on each tip. A job never changes
// once it has been handed out.
//
// It may import bitcoin, reconcile (for the mark of the pool's blocks), sharelog and stratum.
package job

import (
	"encoding/binary"
	"strconv"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/pool/reconcile"
	"github.com/aqsha/aqsha/pool/sharelog"
	"github.com/aqsha/aqsha/pool/stratum"
)

// Lengths of the extranonces: the first is the node's number and a counter that never repeats.
const (
	Extranonce1Size = 5
	Extranonce2Size = sharelog.ExtranonceSize - Extranonce1Size
)

// Job is a template as it is handed out. Immutable once it is.
type Job struct {
	Record   sharelog.Job // its variants are those of handouts
	Template *bitcoin.Template
	Arrived  time.Time
	MinTime  uint32
	MaxTime  uint32       // 0: none but the clock's
	TipTime  uint32       // of the block it is on
	Clean    bool         // the first on its block
	Seen     *SeenHashes  // duplicates among all jobs on the same block
	Previous bitcoin.Hash // of the block before the one it is on: the one whose late shares may come
	Handouts []*Handout   // by class; one for all when only the operator is paid
}

// Handout is a job with one coinbase: what a connection is sent. Line and LineClean are written to many sockets at once
// and never changed.
type Handout struct {
	Job     *Job
	Number  uint64 // of its record in the log
	Variant uint64
	Parts   bitcoin.CoinbaseParts
	// line is mining.notify.
	Line      []byte
	LineClean []byte // with clean_jobs
	// record is a solo coinbase's, until its first share takes it into the log. Owned by the loop
	// that made the handout; nil for the coinbases of all.
	Record *sharelog.Job
}

// Key is what a job id says: the job and which of its coinbases.
type Key struct{ Number, Variant uint64 }

// Key is what the job id says of a handout.
func (h *Handout) Key() Key { return Key{h.Number, h.Variant} }

// variantBits of a job id tell a job's coinbases apart.
const variantBits = 8

func appendJobID(to []byte, number, variant uint64) []byte {
	return strconv.AppendUint(to, number<<variantBits|variant, 16)
}

// ParseJobID undoes appendJobID. The text is a miner's: hexadecimal digits of at most 64 bits.
func ParseJobID(text []byte) (number, variant uint64, ok bool) {
	if len(text) == 0 || len(text) > 16 {
		return 0, 0, false
	}
	id, err := strconv.ParseUint(string(text), 16, 64)
	return id >> variantBits, id & (1<<variantBits - 1), err == nil
}

// NewHandout makes what is sent of a job with one of its coinbases.
func NewHandout(j *Job, number, variant uint64, parts bitcoin.CoinbaseParts) *Handout {
	h := &Handout{Job: j, Number: number, Variant: variant, Parts: parts}
	id := appendJobID(nil, number, variant)
	notify := stratum.Notify{
		JobID: string(id), Previous: j.Template.Previous, Head: parts.Head, Tail: parts.Tail, Branch: j.Template.Branch,
		Version: j.Template.Version, Bits: j.Template.Bits, Time: j.startTime(),
	}
	h.Line = stratum.AppendNotify(nil, &notify)
	notify.CleanJobs = true
	h.LineClean = stratum.AppendNotify(nil, &notify)
	return h
}

// Tag makes the coinbase of a job differ from that of any other on the same block, so that a
// device that begins its search anew at each job never hashes the same header twice. It is a push of
// four bytes of the script, or of eight with the mark of the pool's log, by which it knows its blocks.
func Tag(tagger *reconcile.Tagger, previous bitcoin.Hash, number uint64) []byte {
	if tagger == nil {
		return binary.LittleEndian.AppendUint32([]byte{4}, uint32(number))
	}
	tag := binary.LittleEndian.AppendUint32([]byte{4 + reconcile.CoinbaseTag}, uint32(number))
	return append(tag, tagger.Coinbase(previous, uint32(number))...)
}

// ShareTransactions takes over the bytes of transactions that an earlier template of the same block has: a
// block's jobs, which are all remembered, cost little more memory than one.
func ShareTransactions(t, earlier *bitcoin.Template) {
	known := make(map[bitcoin.Hash][]byte, len(earlier.Transactions))
	for _, tx := range earlier.Transactions {
		known[tx.WitnessID] = tx.Data
	}
	for i, tx := range t.Transactions {
		if data, ok := known[tx.WitnessID]; ok {
			t.Transactions[i].Data = data
		}
	}
}

// startTime is the header's time that miners begin with.
func (j *Job) startTime() uint32 {
	at := max(j.Template.CurTime, j.MinTime)
	if j.MaxTime != 0 {
		at = min(at, j.MaxTime)
	}
	return at
}

// EasyTimes are the bounds of a header's time where a test network allows the least difficulty to a
// block that comes 20 minutes after its parent (testnet3, testnet4; BIP 94): such a block must come
// after them, one of the full difficulty before. Zero: no bound.
func EasyTimes(network bitcoin.Network, bits, now, tipTime uint32) (least, most uint32) {
	params := network.Params
	if !params.ReduceMinDifficulty || params.PoWNoRetargeting || tipTime == 0 {
		return 0, 0
	}
	edge := tipTime + uint32(params.MinDiffReductionTime/time.Second)
	switch {
	case bits != params.PowLimitBits:
		return 0, edge
	case now > edge:
		return edge + 1, 0
	}
	return 0, 0 // the least difficulty is the full one
}

// DifficultyPeriod is how many blocks share a target.
const DifficultyPeriod = 2016

// EdgeMinTime is the least header time that BIP 94 and BIP 54 allow at the edges of a difficulty
// period: the first block not more than 10 min before its parent (BIP 94; BIP 54 asks for 2 h),
// the last not before the period's first. Zero elsewhere.
func EdgeMinTime(height uint32, parentTime, periodStartTime uint32) uint32 {
	const tolerance = 600
	switch height % DifficultyPeriod {
	case 0:
		return parentTime - min(parentTime, tolerance)
	case DifficultyPeriod - 1:
		return periodStartTime
	}
	return 0
}

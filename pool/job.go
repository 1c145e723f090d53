package pool

import (
	"encoding/binary"
	"strconv"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/pool/sharelog"
	"github.com/aqsha/aqsha/pool/stratum"
)

// Lengths of the extranonces: the first is the node's number and a counter that never repeats.
const (
	extranonce1Size = 5
	extranonce2Size = 8
)

// job is a template as it is handed out. Immutable once it is.
type job struct {
	record   sharelog.Job // its variants are those of handouts
	template *bitcoin.Template
	arrived  time.Time
	minTime  uint32
	maxTime  uint32       // 0: none but the clock's
	tipTime  uint32       // of the block it is on
	clean    bool         // the first on its block
	seen     *seenHashes  // duplicates among all jobs on the same block
	previous bitcoin.Hash // of the block before the one it is on: the one whose late shares may come
	handouts []*handout   // by class; one for all when only the operator is paid
}

// handout is a job with one coinbase: what a connection is sent.
type handout struct {
	job     *job
	number  uint64 // of its record in the log
	variant uint64
	parts   bitcoin.CoinbaseParts
	// line is mining.notify.
	line      []byte
	lineClean []byte // with clean_jobs
	// record is a solo coinbase's, until its first share takes it into the log. Owned by the loop
	// that made the handout; nil for the coinbases of all.
	record *sharelog.Job
}

// handoutKey is what a job id says: the job and which of its coinbases.
type handoutKey struct{ number, variant uint64 }

func (h *handout) key() handoutKey { return handoutKey{h.number, h.variant} }

// variantBits of a job id tell a job's coinbases apart.
const variantBits = 8

func appendJobID(to []byte, number, variant uint64) []byte {
	return strconv.AppendUint(to, number<<variantBits|variant, 16)
}

// parseJobID undoes appendJobID.
func parseJobID(text []byte) (number, variant uint64, ok bool) {
	if len(text) == 0 || len(text) > 16 {
		return 0, 0, false
	}
	id, err := strconv.ParseUint(string(text), 16, 64)
	return id >> variantBits, id & (1<<variantBits - 1), err == nil
}

func newHandout(j *job, number, variant uint64, parts bitcoin.CoinbaseParts) *handout {
	h := &handout{job: j, number: number, variant: variant, parts: parts}
	id := appendJobID(nil, number, variant)
	notify := stratum.Notify{
		JobID: string(id), Previous: j.template.Previous, Head: parts.Head, Tail: parts.Tail, Branch: j.template.Branch,
		Version: j.template.Version, Bits: j.template.Bits, Time: j.startTime(),
	}
	h.line = stratum.AppendNotify(nil, &notify)
	notify.CleanJobs = true
	h.lineClean = stratum.AppendNotify(nil, &notify)
	return h
}

// jobMark makes the coinbase of a job differ from that of any other on the same block, so that a
// device that begins its search anew at each job never hashes the same header twice. It is a push of
// four bytes of the script.
func jobMark(number uint64) []byte {
	return binary.LittleEndian.AppendUint32([]byte{4}, uint32(number))
}

// shareTransactions takes over the bytes of transactions that an earlier template of the same block has: a
// block's jobs, which are all remembered, cost little more memory than one.
func shareTransactions(t, earlier *bitcoin.Template) {
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
func (j *job) startTime() uint32 {
	at := max(j.template.CurTime, j.minTime)
	if j.maxTime != 0 {
		at = min(at, j.maxTime)
	}
	return at
}

// easyTimes are the bounds of a header's time where a test network allows the least difficulty to a
// block that comes 20 minutes after its parent (testnet3, testnet4; BIP 94): such a block must come
// after them, one of the full difficulty before. Zero: no bound.
func easyTimes(network bitcoin.Network, bits, now, tipTime uint32) (least, most uint32) {
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

// difficultyPeriod is how many blocks share a target.
const difficultyPeriod = 2016

// edgeMinTime is the least header time that BIP 94 and BIP 54 allow at the edges of a difficulty
// period: the first block not more than 10 min before its parent (BIP 94; BIP 54 asks for 2 h),
// the last not before the period's first. Zero elsewhere.
func edgeMinTime(height uint32, parentTime, periodStartTime uint32) uint32 {
	const tolerance = 600
	switch height % difficultyPeriod {
	case 0:
		return parentTime - min(parentTime, tolerance)
	case difficultyPeriod - 1:
		return periodStartTime
	}
	return 0
}

package pool

import (
	"bytes"
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
	// line is mining.notify; the job id stands at idFrom to idTo, the clean flag at the end.
	line         []byte
	lineClean    []byte // with clean_jobs
	idFrom, idTo int
}

// epochBits of a job id tell sendings of the same job apart, each with its difficulty.
const epochBits = 8

func appendJobID(to []byte, number uint64, epoch uint8) []byte {
	return strconv.AppendUint(to, number<<epochBits|uint64(epoch), 16)
}

// parseJobID undoes appendJobID.
func parseJobID(text []byte) (number uint64, epoch uint8, ok bool) {
	if len(text) == 0 || len(text) > 16 {
		return 0, 0, false
	}
	id, err := strconv.ParseUint(string(text), 16, 64)
	return id >> epochBits, uint8(id), err == nil
}

func newHandout(j *job, number, variant uint64, parts bitcoin.CoinbaseParts) *handout {
	h := &handout{job: j, number: number, variant: variant, parts: parts}
	id := appendJobID(nil, number, 0)
	notify := stratum.Notify{
		JobID: string(id), Previous: j.template.Previous, Head: parts.Head, Tail: parts.Tail, Branch: j.template.Branch,
		Version: j.template.Version, Bits: j.template.Bits, Time: max(j.template.CurTime, j.minTime),
	}
	h.line = stratum.AppendNotify(nil, &notify)
	notify.CleanJobs = true
	h.lineClean = stratum.AppendNotify(nil, &notify)
	h.idFrom = bytes.Index(h.line, append([]byte(`["`), id...)) + 2
	h.idTo = h.idFrom + len(id)
	return h
}

// appendLine appends mining.notify with an epoch in the id.
func (h *handout) appendLine(to []byte, epoch uint8) []byte {
	to = append(to, h.line[:h.idFrom]...)
	to = appendJobID(to, h.number, epoch)
	return append(to, h.line[h.idTo:]...)
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

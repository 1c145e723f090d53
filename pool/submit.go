package pool

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/bitcoin/sha256d"
	"github.com/aqsha/aqsha/pool/sharelog"
	"github.com/aqsha/aqsha/pool/stratum"
)

// maxAhead is how far a header's time may be ahead of the pool's clock: nodes accept 7,200 s by
// theirs, and a peer with a slower clock must too.
const maxAhead = 6900

// work is a share as it is being checked.
type work struct {
	worker      *worker
	sent        *sentJob
	extranonce2 [extranonce2Size]byte
	time, nonce uint32
	version     uint32
	hash        bitcoin.Hash
	header      [bitcoin.HeaderSize]byte
}

// Reasons of rejection: what the miner hears and what the counters are called.
const (
	reasonStale     = "stale"
	reasonUnknown   = "job not found"
	reasonLow       = "above target"
	reasonDuplicate = "duplicate"
)

// submit judges mining.submit. A share that counts is answered when it is durable.
func (l *loop) submit(c *conn, m *stratum.Message) {
	if l.now.Sub(c.window) > requestWindow {
		c.window, c.requests, c.good, c.bad = l.now, 0, 0, 0
	}
	var w work
	code, reason := l.check(c, m, &w)
	if code == 0 {
		l.credit(c, m, &w)
		return
	}
	if w.worker != nil {
		w.worker.reject(reason)
	}
	l.pool.counters.rejected.Add(1)
	l.refuse(m, code, reason)
	if code == stratum.StaleJob {
		return // nobody's fault
	}
	if c.bad++; c.bad >= badSharesToBan && c.bad >= 4*c.good {
		l.pool.guard.ban(c.ip, l.now)
		l.leave(c)
	}
}

// check returns 0 when the share is valid, new and in time; its difficulty is judged by credit.
func (l *loop) check(c *conn, m *stratum.Message, w *work) (stratum.Code, string) {
	if !c.subscribed {
		return stratum.NotSubscribed, "not subscribed"
	}
	name, err := m.Text(0)
	if err != nil || m.N < 5 {
		return stratum.Other, "want worker, job id, extranonce2, time and nonce"
	}
	if w.worker = c.authorized(name); w.worker == nil {
		return stratum.Unauthorized, "worker is not authorized"
	}
	if code, reason := l.read4(c, m, w); code != 0 {
		return code, reason
	}
	if code, reason := l.fresh(c, w); code != 0 {
		return code, reason
	}
	l.hash(c, w)
	if !w.sent.target.Met(w.hash) && !c.target.Met(w.hash) {
		return stratum.LowDifficulty, reasonLow
	}
	if !w.sent.handout.job.seen.add([16]byte(w.hash[:16])) {
		return stratum.Duplicate, reasonDuplicate
	}
	return 0, ""
}

// read4 takes job, extranonce2, time, nonce and version bits from the parameters.
func (l *loop) read4(c *conn, m *stratum.Message, w *work) (stratum.Code, string) {
	id, err := m.Text(1)
	if err != nil {
		return stratum.Other, "job id is not a string"
	}
	number, epoch, ok := parseJobID(id)
	if ok {
		w.sent = c.find(number, epoch)
	}
	if w.sent == nil {
		return stratum.StaleJob, reasonUnknown
	}
	extranonce2, _ := m.Text(2)
	if !stratum.HexBytes(w.extranonce2[:], extranonce2) {
		return stratum.Other, "extranonce2 is not 16 hexadecimal digits"
	}
	for i, field := range []*uint32{&w.time, &w.nonce} {
		text, _ := m.Text(3 + i)
		if *field, ok = stratum.Hex32(text); !ok || len(text) != 8 {
			return stratum.Other, "time and nonce are 8 hexadecimal digits"
		}
	}
	w.version = w.sent.handout.job.template.Version
	if m.N > 5 {
		text, _ := m.Text(5)
		rolled, ok := stratum.Hex32(text)
		if !ok || rolled&^c.mask != 0 {
			return stratum.Other, "version bits outside the granted mask"
		}
		w.version = w.version&^c.mask | rolled
	}
	return 0, ""
}

// fresh checks the header's time and that the share's block is the tip, or was within the time that
// the news of the next one needed to this miner and back.
func (l *loop) fresh(c *conn, w *work) (stratum.Code, string) {
	j := w.sent.handout.job
	if w.time < j.minTime || int64(w.time) > l.now.Unix()+maxAhead {
		return stratum.Other, "time out of range"
	}
	if l.current == nil || j.template.Previous == l.current.template.Previous {
		return 0, ""
	}
	grace := min(300*time.Millisecond+2*latency(c), 5*time.Second)
	if j.template.Previous != l.current.previous || l.now.Sub(l.pool.tipSince()) > grace {
		return stratum.StaleJob, reasonStale
	}
	return 0, ""
}

// hash rebuilds the header. It allocates nothing.
func (l *loop) hash(c *conn, w *work) {
	h := w.sent.handout
	t := h.job.template
	l.scratch = append(l.scratch[:0], h.parts.Head...)
	l.scratch = append(l.scratch, c.extranonce1[:]...)
	l.scratch = append(l.scratch, w.extranonce2[:]...)
	l.scratch = append(l.scratch, h.parts.Tail...)
	root := sha256.Sum256(l.scratch)
	root = sha256.Sum256(root[:])
	var pair [64]byte
	for i := range t.Branch {
		copy(pair[:32], root[:])
		copy(pair[32:], t.Branch[i][:])
		root = sha256d.Pair(&pair)
	}
	binary.LittleEndian.PutUint32(w.header[0:], w.version)
	copy(w.header[4:], t.Previous[:])
	copy(w.header[36:], root[:])
	binary.LittleEndian.PutUint32(w.header[68:], w.time)
	binary.LittleEndian.PutUint32(w.header[72:], t.Bits)
	binary.LittleEndian.PutUint32(w.header[76:], w.nonce)
	first := sha256.Sum256(w.header[:])
	w.hash = sha256.Sum256(first[:])
}

// credit logs a share with its job's difficulty. A share that only meets a later, lower difficulty
// of its connection is true, because the miner was told so, and credited nothing: otherwise asking
// for less after the fact would pay.
func (l *loop) credit(c *conn, m *stratum.Message, w *work) {
	h := w.sent.handout
	c.good++
	c.vardiff.shares++
	solves := h.job.template.Target.Met(w.hash) && h.job.seen.solved.CompareAndSwap(false, true)
	if solves {
		l.pool.solved(h, append(append([]byte(nil), c.extranonce1[:]...), w.extranonce2[:]...), w.header, w.hash)
	}
	if !w.sent.target.Met(w.hash) {
		w.worker.weak()
		l.pool.counters.weak.Add(1)
		l.answer(m, "true")
		return
	}
	s := &l.share
	*s = sharelog.Share{
		TimeMillis: l.now.UnixMilli(), Worker: w.worker.number, Job: h.number, Variant: h.variant, Difficulty: w.sent.difficulty,
		Version: w.version, Time: w.time, Nonce: w.nonce, HashPrefix: [16]byte(w.hash[:16]), SolvesBlock: solves,
		Extranonce: append(append(s.Extranonce[:0], c.extranonce1[:]...), w.extranonce2[:]...),
	}
	b := l.batch
	b.arena = sharelog.AppendShare(b.arena, s)
	b.ends = append(b.ends, len(b.arena))
	b.ids = append(b.ids, m.ID...)
	b.acks = append(b.acks, ack{c, len(b.ids)})
	w.worker.accept(w.sent.difficulty, quality(w.hash), l.now)
	l.pool.counters.accepted.Add(1)
	l.retargetBusy(c)
}

// quality is the difficulty of a hash from its top 64 bits, near enough for a record.
func quality(hash bitcoin.Hash) float64 {
	for i := 24; i >= 0; i -= 8 {
		if top := binary.LittleEndian.Uint64(hash[i:]); top != 0 {
			// 0xffff·2^208 over top·2^(8i), in powers of two.
			return math.Ldexp(0xffff/float64(top), 208-8*i)
		}
	}
	return 0
}

// retargetBusy lets vardiff look when many shares have come; its messages join the reply.
func (l *loop) retargetBusy(c *conn) {
	if c.vardiff.shares < vardiffShares {
		return
	}
	if next, changed := c.vardiff.next(l.now, c.difficulty, &l.pool.config); changed {
		l.changeDifficulty(c, next)
	}
}

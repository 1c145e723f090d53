package serve

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/bitcoin/sha256d"
	"github.com/aqsha/aqsha/pool/job"
	"github.com/aqsha/aqsha/pool/payout"
	"github.com/aqsha/aqsha/pool/settings"
	"github.com/aqsha/aqsha/pool/sharelog"
	"github.com/aqsha/aqsha/pool/stratum"
	"github.com/aqsha/aqsha/pool/worker"
)

// maxAhead is how far a header's time may be ahead of the pool's clock: nodes accept 7,200 s by
// theirs, and a peer with a slower clock must too.
const maxAhead = 6900

// work is a share as it is being checked. It is the loop's, for one message.
type work struct {
	name        string // as the miner wrote it, when the connection has several workers
	worker      *worker.Worker
	handout     *job.Handout
	step        *step
	extranonce2 [job.Extranonce2Size]byte
	time, nonce uint32
	version     uint32
	whole       bool // there is enough to hash
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

// submit judges mining.submit. A share that counts is answered when it is durable. Whether it solves
// a block is looked at before any rule: the network has no use for the pool's.
//
// Of the rules the table of duplicates comes last, so that it holds only headers that are in time and met their target.
func (l *loop) submit(c *conn, m *stratum.Message) {
	if l.now.Sub(c.window) > requestWindow {
		c.window, c.requests, c.good, c.bad = l.now, 0, 0, 0
	}
	var w work
	code, reason := l.readWork(c, m, &w)
	if w.whole {
		l.hash(c, &w)
		if w.handout.Job.Template.Target.Met(w.hash) && l.solution(c, m, &w) {
			return
		}
	}
	if code == 0 {
		code, reason = l.check(c, m, &w)
	}
	if code == 0 {
		l.credit(c, m, &w, false)
		return
	}
	l.reject(c, m, &w, code, reason)
}

// reject refuses a share. Whoever sends too many bad ones, and few good ones, is let go.
func (l *loop) reject(c *conn, m *stratum.Message, w *work, code stratum.Code, reason string) {
	if !c.subscribed {
		code, reason = stratum.NotSubscribed, "not subscribed"
	} else if w.worker == nil {
		if name, err := m.Unescaped(0); err == nil {
			w.worker = c.authorized(name)
		}
	}
	if w.worker != nil {
		w.worker.Reject(reason)
	}
	l.server.counters.rejected.Add(1)
	l.refuse(m, code, reason)
	if code == stratum.StaleJob {
		return // nobody's fault
	}
	if c.bad++; c.bad >= BadSharesToClose && c.bad >= 4*c.good {
		l.offend(c)
	}
}

// readWork takes job, extranonce2, time, nonce and version bits from the parameters.
func (l *loop) readWork(c *conn, m *stratum.Message, w *work) (stratum.Code, string) {
	if m.N < 5 {
		return stratum.Other, "want worker, job id, extranonce2, time and nonce"
	}
	id, err := m.Text(1)
	if err != nil {
		return stratum.Other, "job id is not a string"
	}
	if number, variant, ok := job.ParseJobID(id); ok {
		w.handout = l.handouts[job.Key{Number: number, Variant: variant}]
	}
	if w.handout == nil {
		return stratum.StaleJob, reasonUnknown
	}
	// Anybody can guess a job's id: a connection that was sent none has no difficulty, and what it shows is work for a
	// block or none. check refuses it before a difficulty is asked.
	if len(c.steps) > 0 {
		w.step = c.stepOf(w.handout.Number)
	}
	extranonce2, _ := m.Text(2)
	if !stratum.HexBytes(w.extranonce2[:], extranonce2) {
		return stratum.Other, "extranonce2 is not 16 hexadecimal digits"
	}
	for i, field := range []*uint32{&w.time, &w.nonce} {
		text, _ := m.Text(3 + i)
		var ok bool
		if *field, ok = stratum.HexNumber(text); !ok {
			return stratum.Other, "time and nonce are hexadecimal numbers of 32 bits"
		}
	}
	w.version, w.whole = w.handout.Job.Template.Version, true
	if m.N > 5 {
		text, _ := m.Text(5)
		rolled, ok := stratum.HexNumber(text)
		if !ok || rolled&^c.mask != 0 {
			w.version = w.version&^settings.MaskBIP323 | rolled // what a miner means who was granted nothing
			return stratum.Other, "version bits outside the granted mask"
		}
		w.version = w.version&^c.mask | rolled
	}
	return 0, ""
}

// check returns 0 when the share is valid, new and in time.
func (l *loop) check(c *conn, m *stratum.Message, w *work) (stratum.Code, string) {
	if !c.subscribed {
		return stratum.NotSubscribed, "not subscribed"
	}
	name, err := m.Unescaped(0)
	if err != nil {
		return stratum.Other, "worker is not a string"
	}
	if w.worker = c.authorized(name); w.worker == nil {
		return stratum.Unauthorized, "worker is not authorized"
	}
	if c.workers != nil {
		w.name = string(name)
	}
	if w.step == nil { // logged in before there was a job, of which it was told none since
		return stratum.StaleJob, reasonUnknown
	}
	if code, reason := l.fresh(c, w); code != 0 {
		return code, reason
	}
	if !w.step.target.Met(w.hash) {
		return stratum.LowDifficulty, reasonLow
	}
	if !w.handout.Job.Seen.Add([16]byte(w.hash[:16])) {
		return stratum.Duplicate, reasonDuplicate
	}
	return 0, ""
}

// solution sends the solution of a block to the network and credits it: also when it is stale, for
// its block may still win, from a connection that is being closed, or under a name that is not
// authorized, or beside another of the pool's on the same parent. It returns false when the share is to be judged
// by the rules: the header was a share before, or the block is none to send (see another).
func (l *loop) solution(c *conn, m *stratum.Message, w *work) bool {
	seen, key := w.handout.Job.Seen, [16]byte(w.hash[:16])
	if !seen.Claim(key, l.now) && !l.another(seen, key, w) {
		return false
	}
	l.server.solved(w.handout, append(append([]byte(nil), c.extranonce1[:]...), w.extranonce2[:]...), w.header, w.hash)
	if w.worker = c.worker; c.worker == nil || w.step == nil {
		return false // nobody to credit, or at no difficulty: the coinbase pays whom it pays
	}
	if name, err := m.Unescaped(0); err == nil {
		if named := c.authorized(name); named != nil {
			w.worker, w.name = named, string(name)
		}
	}
	if !seen.Add(key) {
		return false
	}
	l.credit(c, m, w, true)
	return true
}

// another says whether a block goes out beside the pool's own on the same parent. Not under PROP: the first has ended
// the round, so that the second's reward would be its finder's alone.
func (l *loop) another(seen *job.SeenHashes, key [16]byte, w *work) bool {
	most := job.MaxSiblings
	if l.server.config.Scheme == payout.PROP {
		most = 1
	}
	ok, overflow := seen.Sibling(key, most)
	if overflow {
		l.server.logger.Warn("further blocks on the same parent are not handed over", "hash", w.hash, "parent",
			w.handout.Job.Template.Previous, "sent", most)
	}
	return ok
}

// fresh checks the header's time and that the share's block is the tip, or was within the time that the news of the
// next one needed to this miner and back. The grace is 300 ms and twice the kernel's round-trip time, at most maxGrace:
// who is farther away heard of the new tip later, and his share takes as long to come.
func (l *loop) fresh(c *conn, w *work) (stratum.Code, string) {
	j := w.handout.Job
	if w.time < j.MinTime || int64(w.time) > l.now.Unix()+maxAhead || j.MaxTime != 0 && w.time > j.MaxTime {
		return stratum.Other, "time out of range"
	}
	died, late := l.died[j.Template.Previous]
	if !late {
		return 0, "" // of the tip
	}
	if l.now.Sub(died) > min(300*time.Millisecond+2*latency(c), maxGrace) {
		return stratum.StaleJob, reasonStale
	}
	return 0, ""
}

// maxGrace bounds how long after the next block a share may come.
const maxGrace = 5 * time.Second

// hash rebuilds the header. It allocates nothing. It is SHA-256 twice over 80 bytes, all integers little-endian; the
// root comes from the coinbase and the branch of its siblings.
func (l *loop) hash(c *conn, w *work) {
	h := w.handout
	t := h.Job.Template
	l.scratch = append(l.scratch[:0], h.Parts.Head...)
	l.scratch = append(l.scratch, c.extranonce1[:]...)
	l.scratch = append(l.scratch, w.extranonce2[:]...)
	l.scratch = append(l.scratch, h.Parts.Tail...)
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

// credit logs a share with its job's difficulty. The worker's record, and that of a solo coinbase,
// precede its first share and no earlier: a name that does no work costs the log nothing.
func (l *loop) credit(c *conn, m *stratum.Message, w *work, solves bool) {
	h := w.handout
	if c.good == 0 {
		l.server.guard.Earned(c.ip, l.now)
	}
	c.counted(w, l.now)
	number := l.server.registry.Register(w.worker, l.server.writer.Record)
	if h.Record != nil {
		l.append(h.Record)
		h.Record = nil
	}
	s := &l.share
	*s = sharelog.Share{
		TimeMillis: l.now.UnixMilli(), Worker: number, Job: h.Number, Variant: h.Variant, Difficulty: w.step.difficulty,
		Version: w.version, Time: w.time, Nonce: w.nonce, HashPrefix: [16]byte(w.hash[:16]), SolvesBlock: solves,
		Extranonce: append(append(s.Extranonce[:0], c.extranonce1[:]...), w.extranonce2[:]...),
	}
	b := l.batch
	b.Arena = sharelog.AppendShare(b.Arena, s)
	b.Ends = append(b.Ends, len(b.Arena))
	b.ids = append(b.ids, m.ID...)
	b.acks = append(b.acks, ack{c, len(b.ids)})
	w.worker.Accept(w.step.difficulty, quality(w.hash), l.now)
	l.server.counters.accepted.Add(1)
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

package serve

import (
	"encoding/hex"
	"encoding/json"
	"math/bits"
	"strconv"
	"strings"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/pool/job"
	"github.com/aqsha/aqsha/pool/settings"
	"github.com/aqsha/aqsha/pool/sharelog"
	"github.com/aqsha/aqsha/pool/stratum"
	"github.com/aqsha/aqsha/pool/worker"
)

// line handles one line of a client; answers gather in l.reply.
func (l *loop) line(c *conn, line []byte) {
	m := &l.message
	if err := m.Parse(line); err != nil {
		l.reply = stratum.AppendError(l.reply, nil, stratum.Other, err.Error())
		l.leave(c)
		return
	}
	if string(m.Method) == "mining.submit" {
		l.submit(c, m)
		return
	}
	if l.now.Sub(c.window) > requestWindow {
		c.window, c.requests, c.good, c.bad = l.now, 0, 0, 0
	}
	// A proxy authorizes its machines one after another; their number is limited by itself.
	if string(m.Method) != "mining.authorize" {
		if c.requests++; c.requests > MaxRequests {
			l.offend(c)
			return
		}
	}
	l.request(c, m)
}

// request answers all but shares. Methods are those of Stratum V1 as miners speak it, with BIP 310 (configure).
func (l *loop) request(c *conn, m *stratum.Message) {
	switch string(m.Method) {
	case "":
		if m.Result == nil && m.Error == nil {
			l.refuse(m, stratum.Other, "no method")
		} // else an answer to something of ours
	case "mining.configure":
		l.configure(c, m)
	case "mining.subscribe":
		l.subscribe(c, m)
	case "mining.authorize":
		l.authorize(c, m)
	case "mining.suggest_difficulty":
		l.suggest(c, m, func() (float64, bool) { return m.Number(0) })
	case "mining.suggest_target":
		l.suggest(c, m, func() (float64, bool) {
			text, _ := m.Text(0)
			target, err := bitcoin.ParseTarget(string(text))
			return target.Difficulty(), err == nil && target != (bitcoin.Target{})
		})
	case "mining.extranonce.subscribe":
		l.answer(m, "true")
	case "mining.get_transactions":
		l.transactions(m)
	case "mining.ping", "client.ping":
		l.answer(m, `"pong"`)
	case "client.get_version":
		l.answer(m, `"`+poolAgent+`"`)
	case "mining.multi_version":
		l.answer(m, strconv.FormatBool(l.server.config.VersionMask != 0))
	default:
		l.refuse(m, stratum.Other, "unknown method")
	}
}

// poolAgent is what the pool calls itself.
const poolAgent = "aqsha-pool/1"

// maxTransactions bounds the bytes of transactions in one answer: they must not fill a slow client's
// buffer. Who wants a full block's asks a node.
const maxTransactions = maxUnsent / 4

// transactions answers with those of a job, as hexadecimal text.
func (l *loop) transactions(m *stratum.Message) {
	id, _ := m.Text(0)
	number, variant, _ := job.ParseJobID(id)
	h := l.handouts[job.Key{Number: number, Variant: variant}]
	if h == nil {
		l.refuse(m, stratum.StaleJob, reasonUnknown)
		return
	}
	list, size := []string{}, 0
	for _, tx := range h.Job.Template.Transactions {
		if size += len(tx.Data); size > maxTransactions {
			l.refuse(m, stratum.Other, "the job's transactions are more than "+strconv.Itoa(maxTransactions)+" bytes")
			return
		}
		list = append(list, hex.EncodeToString(tx.Data))
	}
	encoded, _ := json.Marshal(list)
	l.answer(m, string(encoded))
}

// leave sends what there is and closes.
func (l *loop) leave(c *conn) {
	l.send(c, l.reply)
	l.reply = l.reply[:0]
	l.close(c)
}

// offend closes a connection that breaks the rules. Its address is refused only if connection after
// connection of it does, and none of them works: a farm has one address and one broken machine.
func (l *loop) offend(c *conn) {
	if !c.gone {
		l.server.guard.Offence(c.ip, l.now)
	}
	l.leave(c)
}

func (l *loop) answer(m *stratum.Message, result string) {
	l.reply = stratum.AppendResult(l.reply, m.ID, result)
}

func (l *loop) refuse(m *stratum.Message, code stratum.Code, text string) {
	l.reply = stratum.AppendError(l.reply, m.ID, code, text)
}

// configure grants extensions (BIP 310): of the version bits, those that both sides allow.
func (l *loop) configure(c *conn, m *stratum.Message) {
	var extensions []string
	var options map[string]json.RawMessage
	if m.Decode(0, &extensions) != nil {
		l.refuse(m, stratum.Other, "mining.configure: want a list of extensions")
		return
	}
	_ = m.Decode(1, &options) // absent means no options
	granted := map[string]any{}
	for _, extension := range extensions[:min(len(extensions), 20)] {
		switch extension {
		case "version-rolling":
			mask, ok := uint32(0xffffffff), true
			var text string
			if json.Unmarshal(options["version-rolling.mask"], &text) == nil {
				mask, ok = stratum.Hex32([]byte(text))
			}
			var least int
			_ = json.Unmarshal(options["version-rolling.min-bit-count"], &least)
			c.mask = mask & l.server.config.VersionMask
			if !ok || bits.OnesCount32(c.mask) < max(least, 1) {
				c.mask = 0
			}
			granted["version-rolling"] = c.mask != 0
			if c.mask != 0 {
				granted["version-rolling.mask"] = string(stratum.AppendHex32(nil, c.mask))
			}
		case "minimum-difficulty":
			var least float64
			ok := json.Unmarshal(options["minimum-difficulty.value"], &least) == nil && least > 0
			granted["minimum-difficulty"] = ok
			if ok {
				c.vardiff.least = least
				l.floorChanged(c)
			}
		case "subscribe-extranonce", "info":
			granted[extension] = true
		default:
			granted[extension[:min(len(extension), 40)]] = false
		}
	}
	encoded, _ := json.Marshal(granted)
	l.answer(m, string(encoded))
}

// maxAgent bounds what is kept of a client's name for itself.
const maxAgent = 60

// subscribe gives the extranonce. Its first part is the connection's own, so no two connections search the same
// headers; asked again it answers the same.
func (l *loop) subscribe(c *conn, m *stratum.Message) {
	if agent, err := m.Unescaped(0); err == nil {
		c.agent = strings.ToValidUTF8(string(agent[:min(len(agent), maxAgent)]), "")
		c.class = settings.ClassOf(c.agent)
	}
	extranonce1 := hex.EncodeToString(c.extranonce1[:])
	l.answer(m, `[[["mining.set_difficulty","`+extranonce1+`"],["mining.notify","`+extranonce1+`"]],"`+extranonce1+`",`+
		strconv.Itoa(job.Extranonce2Size)+`]`)
	first := !c.subscribed
	c.subscribed = true
	if first && c.worker != nil {
		l.begin(c)
	}
}

// authorize takes a worker's name, which is an address that is paid; a password proves nothing, since shares under
// another's name pay him, and may carry options. A job goes out with the first worker of a subscribed connection.
func (l *loop) authorize(c *conn, m *stratum.Message) {
	name, err := m.Unescaped(0)
	if err != nil {
		l.refuse(m, stratum.Unauthorized, "user is not a string")
		return
	}
	if c.workers[string(name)] == nil && len(c.workers) >= maxOwnWorkers {
		l.refuse(m, stratum.Unauthorized, "too many workers on one connection")
		return
	}
	w, err := l.server.registry.Find(string(name))
	if err != nil {
		l.refuse(m, stratum.Unauthorized, err.Error())
		return
	}
	// The worker is held from here on (Find): every way out below keeps it with the connection or releases it.
	first := c.worker == nil
	switch {
	case first:
		c.worker, c.login = w, string(name)
		if last := w.LastDifficulty(); last > 0 {
			c.vardiff.wanted = c.bounds().clamp(last)
		}
	case c.workers == nil && c.worker == w:
		l.server.registry.Release(w)
	default:
		l.join(c, w, string(name))
	}
	if password, err := m.Unescaped(1); err == nil {
		l.passwordOptions(c, w, string(password))
	}
	l.answer(m, "true")
	// A connection of several workers has one difficulty: the least that any of them asks for as its floor.
	if c.workers == nil {
		c.floor = w.FloorDifficulty()
	} else {
		c.floor = min(c.floor, w.FloorDifficulty())
	}
	l.floorChanged(c)
	if first && c.subscribed {
		l.begin(c)
	}
}

// join makes a worker one of several of a connection.
func (l *loop) join(c *conn, w *worker.Worker, name string) {
	if c.workers == nil {
		c.workers = map[string]*member{c.login: {worker: c.worker}}
	}
	if before := c.workers[name]; before != nil {
		l.server.registry.Release(before.worker) // the same again: one hold is enough
	}
	c.workers[name] = &member{worker: w}
}

// passwordOptions honours d=N and md=N: the least difficulty of a worker. It is kept, so that the
// next connection begins there.
func (l *loop) passwordOptions(c *conn, w *worker.Worker, password string) {
	for option := range strings.SplitSeq(password, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(option), "=")
		d, err := strconv.ParseFloat(value, 64)
		if err != nil || !(d > 0) || name != "d" && name != "md" {
			continue
		}
		w.SetFloor(d)
		if name == "d" && !c.vardiff.measured && c.workers == nil {
			c.vardiff.wanted = stratum.CeilGrid(d) // also downwards, where vardiff would need a while
		}
	}
}

// suggest takes a device's wish as the least difficulty, and as the first while nothing is known of
// its rate. The same wish again, which some send to keep the connection alive, changes nothing.
func (l *loop) suggest(c *conn, m *stratum.Message, value func() (float64, bool)) {
	d, ok := value()
	if !ok || !(d > 0) {
		l.refuse(m, stratum.Other, "difficulty: want a positive number")
		return
	}
	l.answer(m, "true")
	if d == c.vardiff.asked {
		return
	}
	c.vardiff.asked = d
	if !c.vardiff.measured {
		c.vardiff.wanted = stratum.CeilGrid(d)
	}
	l.floorChanged(c)
}

// floorChanged brings the wanted difficulty within what may be wanted now. It is announced before
// the next job; at once, if no share has come yet and the difficulty falls: a slow device is not to
// wait for its first share at a difficulty that is not its own.
func (l *loop) floorChanged(c *conn) {
	c.vardiff.wanted = c.bounds().clamp(c.vardiff.wanted.Float())
	if len(c.steps) == 0 || c.vardiff.measured || l.current == nil {
		return
	}
	d := c.vardiff.grant(l.current.Template.Target)
	if now := c.announced(); d.Compare(now.difficulty) < 0 {
		now.difficulty, now.target = d, l.server.targetOf(d)
		l.reply = stratum.AppendSetDifficulty(l.reply, d)
		c.vardiff.since = l.now
	}
}

// begin sends the first difficulty and job.
func (l *loop) begin(c *conn) {
	c.vardiff.wanted = c.bounds().clamp(c.vardiff.wanted.Float())
	if l.current == nil {
		return // comes with the first template
	}
	h := l.handoutFor(c)
	l.announce(c, h)
	l.reply = append(l.reply, h.Line...)
}

// announce appends mining.set_difficulty if a handout is to be worked on at another difficulty than
// the one before, and notes what holds for it.
func (l *loop) announce(c *conn, h *job.Handout) (said bool) {
	d := c.vardiff.grant(h.Job.Template.Target)
	if len(c.steps) > 0 && c.announced().difficulty == d {
		return false
	}
	c.steps = append(c.steps, step{h.Number, d, l.server.targetOf(d)})
	c.vardiff.since, c.vardiff.shares = l.now, 0
	l.reply = stratum.AppendSetDifficulty(l.reply, d)
	return true
}

// retarget lets vardiff look at a connection before its next job.
func (l *loop) retarget(c *conn) {
	if len(c.steps) == 0 {
		return
	}
	c.floor = c.leastFloor()
	perMinute := min(l.server.config.SharesPerMinute*c.active(l.now), maxTargetRate)
	c.vardiff.next(l.now, c.announced().difficulty, perMinute, c.bounds())
	if c.workers == nil && c.vardiff.measured {
		c.worker.Found(c.vardiff.wanted.Float())
	}
}

// handoutFor is the current job's coinbase for a connection: by what its firmware takes, or, solo,
// by whom it pays. Solo coinbases are made here, by each loop for its own connections.
func (l *loop) handoutFor(c *conn) *job.Handout {
	j := l.current
	if !l.server.solo() {
		return j.Handouts[min(int(c.class), len(j.Handouts)-1)]
	}
	user := l.server.registry.UserOf(c.worker)
	if h := l.solo[user]; h != nil {
		return h
	}
	h := l.server.soloOf(j, c.worker, user)
	if h == nil {
		return j.Handouts[0]
	}
	l.solo[user] = h
	l.handouts[h.Key()] = h
	return h
}

// append puts a record into the loop's batch. It is in the log when the batch is, before the shares behind it.
func (l *loop) append(record sharelog.Record) {
	l.batch.Arena = sharelog.Append(l.batch.Arena, record)
	l.batch.Ends = append(l.batch.Ends, len(l.batch.Arena))
}

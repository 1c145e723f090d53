package pool

import (
	"encoding/hex"
	"encoding/json"
	"math/bits"
	"strconv"
	"strings"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/pool/sharelog"
	"github.com/aqsha/aqsha/pool/stratum"
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
	if c.requests++; c.requests > maxRequests {
		l.pool.guard.ban(c.ip, l.now)
		l.leave(c)
		return
	}
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
	case "mining.ping", "client.ping":
		l.answer(m, `"pong"`)
	default:
		l.refuse(m, stratum.Other, "unknown method")
	}
}

// leave sends what there is and closes.
func (l *loop) leave(c *conn) {
	l.send(c, l.reply)
	l.reply = l.reply[:0]
	l.close(c)
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
			c.mask = mask & l.pool.config.VersionMask
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
				l.changeDifficulty(c, c.vardiff.clamp(c.difficulty.Float(), &l.pool.config))
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

func (l *loop) subscribe(c *conn, m *stratum.Message) {
	if agent, err := m.Text(0); err == nil {
		c.class = classOf(string(agent))
	}
	extranonce1 := hex.EncodeToString(c.extranonce1[:])
	l.answer(m, `[[["mining.set_difficulty","`+extranonce1+`"],["mining.notify","`+extranonce1+`"]],"`+extranonce1+`",`+strconv.Itoa(extranonce2Size)+`]`)
	first := !c.subscribed
	c.subscribed = true
	if first && c.worker != nil {
		l.begin(c)
	}
}

func (l *loop) authorize(c *conn, m *stratum.Message) {
	name, err := m.Text(0)
	if err != nil {
		l.refuse(m, stratum.Unauthorized, "user is not a plain string")
		return
	}
	w, err := l.pool.registry.find(string(name), l.pool.committer.record)
	if err != nil {
		l.refuse(m, stratum.Unauthorized, err.Error())
		return
	}
	if c.worker != nil && c.worker != w && c.workers == nil {
		c.workers = map[string]*worker{c.worker.fullName(): c.worker}
	}
	if c.workers != nil {
		if len(c.workers) >= maxOwnWorkers {
			l.refuse(m, stratum.Unauthorized, "too many workers on one connection")
			return
		}
		c.workers[string(name)] = w
	}
	if password, err := m.Text(1); err == nil {
		l.passwordOptions(c, string(password))
	}
	l.answer(m, "true")
	first := c.worker == nil
	if first {
		c.worker = w
	}
	if first && c.subscribed {
		l.begin(c)
	}
}

// passwordOptions honours d=N (a difficulty that stays) and md=N (a minimum), as other pools do.
func (l *loop) passwordOptions(c *conn, password string) {
	for option := range strings.SplitSeq(password, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(option), "=")
		d, err := strconv.ParseFloat(value, 64)
		if err != nil || !(d > 0) {
			continue
		}
		switch name {
		case "d":
			c.vardiff.fixed = true
			l.setDifficulty(c, c.vardiff.clamp(d, &l.pool.config))
		case "md":
			c.vardiff.least = d
			l.setDifficulty(c, c.vardiff.clamp(c.difficulty.Float(), &l.pool.config))
		}
	}
}

func (l *loop) suggest(c *conn, m *stratum.Message, value func() (float64, bool)) {
	d, ok := value()
	if !ok || !(d > 0) {
		l.refuse(m, stratum.Other, "difficulty: want a positive number")
		return
	}
	l.answer(m, "true")
	c.vardiff.fixed = true
	l.changeDifficulty(c, c.vardiff.clamp(d, &l.pool.config))
}

// begin sends the first difficulty and job.
func (l *loop) begin(c *conn) {
	c.vardiff.since = l.now
	l.reply = stratum.AppendSetDifficulty(l.reply, c.difficulty)
	l.sendJob(c)
}

// sendJob appends the current job under an epoch of its own.
func (l *loop) sendJob(c *conn) {
	if l.current == nil {
		return // comes with the first template
	}
	h := l.handoutFor(c)
	if l.newest(c) == h {
		if c.epoch++; c.epoch == 0 { // 256 changes on one job: the oldest sendings are long forgotten
			c.epoch = 1
		}
	} else {
		c.epoch = 0
	}
	c.remember(h, c.epoch)
	l.reply = h.appendLine(l.reply, c.epoch)
}

func (l *loop) newest(c *conn) *handout { return c.sent[c.sentLast].handout }

func (l *loop) setDifficulty(c *conn, d stratum.Difficulty) {
	c.difficulty = d
	c.target = l.pool.targetOf(d)
}

// changeDifficulty sets a difficulty and, in a running session, says so and follows it with a job
// at once: shares of earlier jobs keep the difficulty they were sent with.
func (l *loop) changeDifficulty(c *conn, d stratum.Difficulty) {
	if d == c.difficulty {
		return
	}
	l.setDifficulty(c, d)
	if c.subscribed && c.worker != nil {
		l.reply = stratum.AppendSetDifficulty(l.reply, d)
		l.sendJob(c)
	}
}

// retarget lets vardiff look at a connection outside of its requests.
func (l *loop) retarget(c *conn) {
	if !c.subscribed || c.worker == nil {
		return
	}
	next, changed := c.vardiff.next(l.now, c.difficulty, &l.pool.config)
	if changed {
		l.reply = l.reply[:0]
		l.changeDifficulty(c, next)
		l.send(c, l.reply)
		l.reply = l.reply[:0]
	}
}

// handoutFor is the current job's coinbase for a connection: by what its firmware takes, or, solo,
// by whom it pays. Solo coinbases are made here, by each loop for its own connections, so that the
// record of one precedes its shares in the loop's batch.
func (l *loop) handoutFor(c *conn) *handout {
	j := l.current
	if !l.pool.solo() {
		return j.handouts[min(int(c.class), len(j.handouts)-1)]
	}
	if h := l.solo[c.worker.user]; h != nil {
		return h
	}
	h, record := l.pool.soloHandout(j, c.worker)
	if h == nil {
		return j.handouts[0]
	}
	l.solo[c.worker.user] = h
	l.append(record)
	return h
}

// append puts a record into the loop's batch.
func (l *loop) append(record sharelog.Record) {
	l.batch.arena = sharelog.Append(l.batch.arena, record)
	l.batch.ends = append(l.batch.ends, len(l.batch.arena))
}

package serve

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/pool/commit"
	"github.com/aqsha/aqsha/pool/guard"
	"github.com/aqsha/aqsha/pool/job"
	"github.com/aqsha/aqsha/pool/settings"
	"github.com/aqsha/aqsha/pool/sharelog"
	"github.com/aqsha/aqsha/pool/stratum"
	"github.com/aqsha/aqsha/pool/worker"
	"github.com/aqsha/aqsha/txlog"
)

// Two accounts of regtest.
const (
	alice = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
	bob   = "bcrt1qzyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3lzyxtx"
)

// hall is a server of one loop in virtual time, whose jobs are the test's.
type hall struct {
	t      *testing.T
	server *Server
	loop   *VirtualLoop
	log    *txlog.Log
	now    time.Time
	jobs   uint64
	solved []bitcoin.Hash
	from   byte // of the next connection's address
}

func newHall(t *testing.T, change func(c *settings.Config)) *hall {
	t.Helper()
	log, err := txlog.Open(t.TempDir(), txlog.Options{Origin: "hall.pool", SegmentBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	network, err := bitcoin.FindNetwork("regtest")
	if err != nil {
		t.Fatal(err)
	}
	h := &hall{t: t, log: log, now: time.Unix(1_800_000_000, 0)}
	config := settings.Defaults()
	config.Loops, config.StartDifficulty, config.MinDifficulty = 1, 1.0/(1<<26), 1.0/(1<<30)
	if change != nil {
		change(&config)
	}
	writer := commit.New(log, func(err error) { t.Error(err) })
	h.server = New(Options{Config: config, Logger: slog.New(slog.DiscardHandler), Writer: writer,
		Registry: worker.NewRegistry(network), Guard: guard.New(guard.Options{MaxConnections: 100, MaxPerIP: 100}),
		Seen: job.NewSeenShares(),
		Solved: func(_ *job.Handout, _ []byte, _ [bitcoin.HeaderSize]byte, hash bitcoin.Hash) {
			h.solved = append(h.solved, hash)
		}})
	h.server.Reserve()
	if err := errors.Join(writer.Commit(), h.server.Open()); err != nil {
		t.Fatal(err)
	}
	h.loop = h.server.VirtualLoop()
	return h
}

// offer hands out a job on a parent, at so difficult a network.
func (h *hall) offer(parent byte, bits uint32) *job.Handout {
	h.t.Helper()
	target, err := bitcoin.TargetOfBits(bits)
	if err != nil {
		h.t.Fatal(err)
	}
	template := &bitcoin.Template{Height: 9, Bits: bits, Target: target, CurTime: uint32(h.now.Unix()), CoinbaseValue: 5,
		Previous: bitcoin.Hash{parent}, Version: 0x20000000, MinTime: uint32(h.now.Unix()) - 600, Branch: []bitcoin.Hash{{7}}}
	parts, err := (&bitcoin.Coinbase{Height: 9, Extranonce: job.Extranonce1Size + job.Extranonce2Size,
		Outputs: []bitcoin.Output{{Value: 5, Script: []byte{1}}}}).Parts()
	if err != nil {
		h.t.Fatal(err)
	}
	h.jobs++
	clean := h.server.CurrentJob() == nil || h.server.CurrentJob().Template.Previous != template.Previous
	j := &job.Job{Template: template, Arrived: h.now, Clean: clean, Seen: h.server.seen.On(template.Previous),
		MinTime: template.MinTime, Record: sharelog.Job{Number: h.jobs, Variants: []sharelog.Variant{{}}}}
	j.Handouts = []*job.Handout{job.NewHandout(j, h.jobs, 0, parts)}
	h.server.current.Store(j)
	h.loop.loop.now = h.now
	h.loop.loop.broadcast(j)
	return j.Handouts[0]
}

// hard is a network that nobody solves here, easy one that every second hash solves.
const hard, easy = 0x1d00ffff, 0x207fffff

// rig is a device at the hall.
type rig struct {
	*VirtualConn
	h    *hall
	said []stratum.Message
}

func (h *hall) connect() *rig {
	h.t.Helper()
	h.from++
	c, ok := h.loop.Connect(netip.AddrFrom4([4]byte{192, 0, 2, h.from}), 0, h.now)
	if !ok {
		h.t.Fatal("not let in")
	}
	return &rig{VirtualConn: c, h: h}
}

// say sends a line and returns what the pool says to it, a message a line.
func (r *rig) say(format string, args ...any) (answers []stratum.Message) {
	r.h.t.Helper()
	line := format
	if len(args) > 0 {
		line = fmt.Sprintf(format, args...)
	}
	r.Line([]byte(line), r.h.now)
	if err := r.h.loop.Commit(); err != nil {
		r.h.t.Fatal(err)
	}
	return r.heard()
}

// heard is what the pool has sent since.
func (r *rig) heard() (answers []stratum.Message) {
	r.h.t.Helper()
	for _, line := range strings.Split(strings.TrimSuffix(string(r.Take()), "\n"), "\n") {
		if line == "" {
			continue
		}
		var m stratum.Message
		if err := m.ParsePool([]byte(line)); err != nil || !json.Valid([]byte(line)) {
			r.h.t.Fatalf("the pool says %q: %v", line, err)
		}
		answers = append(answers, m)
	}
	return answers
}

// refusal is the code and text of an answer's error; 0 for none.
func refusal(m stratum.Message) (stratum.Code, string) {
	if r := stratum.ParseRefusal(m.Error); r != nil {
		return stratum.Code(r.Code), r.Text
	}
	return 0, ""
}

// wants fails unless the first answer is a refusal with a code that says a text; 0: none, and a result.
func wants(t *testing.T, what string, answers []stratum.Message, code stratum.Code, text string) {
	t.Helper()
	if len(answers) == 0 {
		t.Errorf("%s: no answer", what)
		return
	}
	if got, said := refusal(answers[0]); got != code || !strings.Contains(said, text) {
		t.Errorf("%s: %d %q (%s), want %d %q", what, got, said, answers[0].Result, code, text)
	}
}

// login subscribes and authorizes.
func (r *rig) login(user string) *rig {
	r.h.t.Helper()
	wants(r.h.t, "subscribing", r.say(`{"id":1,"method":"mining.subscribe","params":["test/1"]}`), 0, "")
	wants(r.h.t, "authorizing", r.say(`{"id":2,"method":"mining.authorize","params":[%q,"x"]}`, user), 0, "")
	return r
}

// work looks for a nonce whose hash meets a target, or does not, and returns the parameters of its submission.
func (r *rig) work(h *job.Handout, target bitcoin.Target, meets bool, extranonce2 uint64) (params string) {
	r.h.t.Helper()
	w := work{handout: h, time: h.Job.Template.CurTime, version: h.Job.Template.Version}
	for i := range w.extranonce2 {
		w.extranonce2[i] = byte(extranonce2 >> (8 * i))
	}
	for ; ; w.nonce++ {
		r.h.loop.loop.hash(r.c, &w)
		if target.Met(w.hash) == meets {
			return fmt.Sprintf(`"%x00","%s","%08x","%08x"`, h.Number, hex.EncodeToString(w.extranonce2[:]), w.time, w.nonce)
		}
	}
}

// share is work at the connection's difficulty.
func (r *rig) share(h *job.Handout, extranonce2 uint64) string {
	return r.work(h, *r.c.stepOf(h.Number).target, true, extranonce2)
}

// submit sends work under a name.
func (r *rig) submit(user, params string) []stratum.Message {
	r.h.t.Helper()
	return r.say(`{"id":9,"method":"mining.submit","params":[%q,%s]}`, user, params)
}

// credited are the shares in the log.
func (h *hall) credited() (shares []*sharelog.Share) {
	h.t.Helper()
	for i := uint64(0); i < h.log.Size(); i++ {
		entry, err := h.log.Entry(i)
		if err != nil {
			h.t.Fatal(err)
		}
		record, err := sharelog.Decode(entry)
		if err != nil {
			h.t.Fatal(err)
		}
		if s, ok := record.(*sharelog.Share); ok {
			shares = append(shares, s)
		}
	}
	return shares
}

// Whoever comes with the shape of a share before he has subscribed, said who he is, or heard of a job is answered, and
// nothing of it is credited, whichever of the three he lacks.
func TestSharesOfStrangers(t *testing.T) {
	for _, network := range []uint32{hard, easy} {
		h := newHall(t, nil)
		job := h.offer(1, network)
		anything := fmt.Sprintf(`"%x00","%s","%08x","00000000"`, job.Number, strings.Repeat("00", 8), job.Job.Template.CurTime)
		wants(t, "nothing said", h.connect().submit(alice, anything), stratum.NotSubscribed, "")
		r := h.connect()
		r.say(`{"id":1,"method":"mining.subscribe","params":[]}`)
		wants(t, "subscribed only", r.submit(alice, anything), stratum.Unauthorized, "")
		r = h.connect()
		r.say(`{"id":1,"method":"mining.authorize","params":[%q]}`, alice)
		wants(t, "authorized only", r.submit(alice, anything), stratum.NotSubscribed, "")
		if n := len(h.credited()); n > 0 {
			t.Errorf("%d shares of strangers are credited", n)
		}
	}
}

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
	"github.com/aqsha/aqsha/money"
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
	bob   = "bcrt1qzyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3lgth6c"
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
		Solved: func(on *job.Handout, _ []byte, _ [bitcoin.HeaderSize]byte, hash bitcoin.Hash) {
			h.solved = append(h.solved, hash)
			on.Job.Seen.Take() // a node has it
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
	h.jobs++ // each job has a coinbase of its own, as on a chain
	parts, err := (&bitcoin.Coinbase{Height: 9, Extranonce: job.Extranonce1Size + job.Extranonce2Size,
		Outputs: []bitcoin.Output{{Value: money.Satoshi(h.jobs), Script: []byte{1}}}}).Parts()
	if err != nil {
		h.t.Fatal(err)
	}
	clean := h.server.CurrentJob() == nil || h.server.CurrentJob().Template.Previous != template.Previous
	j := &job.Job{Template: template, Arrived: h.now, Clean: clean, Seen: h.server.seen.On(template.Previous),
		MinTime: template.MinTime, Record: sharelog.Job{Number: h.jobs, Variants: []sharelog.Variant{{Head: parts.Head, Tail: parts.Tail}}}}
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
	h *hall
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
	r.heard() // jobs that came meanwhile are no answer
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

// A share counts once, for its job, at the difficulty that was announced with it, from who is named; anything else is
// refused with its code and changes no account.
func TestSharesAreJudged(t *testing.T) {
	h := newHall(t, func(c *settings.Config) { c.VersionMask = settings.MaskBIP320 })
	first := h.offer(1, hard)
	r := h.connect().login(alice + ".rig")
	good := r.share(first, 1)
	wants(t, "a good share", r.submit(alice+".rig", good), 0, "")
	wants(t, "the same again", r.submit(alice+".rig", good), stratum.Duplicate, "duplicate")
	wants(t, "by another name of the same", r.submit(strings.ToUpper(alice)+"_rig", r.share(first, 2)), 0, "")
	wants(t, "by another", r.submit(bob, r.share(first, 3)), stratum.Unauthorized, "")
	wants(t, "too easy", r.submit(alice+".rig", r.work(first, *r.c.stepOf(first.Number).target, false, 4)), stratum.LowDifficulty, "above target")
	fields := strings.Split(r.share(first, 5), ",")
	with := func(i int, value string) string {
		other := append([]string(nil), fields...)
		other[i] = value
		return strings.Join(other, ",")
	}
	for what, params := range map[string]string{
		"no job":                with(0, `"ffffffffffffff00"`),
		"a job of words":        with(0, `"latest"`),
		"another's coinbase":    with(0, fmt.Sprintf(`"%x07"`, first.Number)),
		"a job that is none":    with(0, "7"),
		"a short extranonce":    with(1, `"00"`),
		"a long extranonce":     with(1, `"`+strings.Repeat("00", 9)+`"`),
		"no hex":                with(1, `"zzzzzzzzzzzzzzzz"`),
		"a time of 33 bits":     with(2, `"100000000"`),
		"a time long ago":       with(2, `"00000001"`),
		"a time that will come": with(2, `"ffffffff"`),
		"no nonce":              with(3, "null"),
		"four fields":           strings.Join(fields[:3], ","),
		"bits that nobody gave": strings.Join(append(fields, `"00000001"`), ","),
	} {
		if answers := r.submit(alice+".rig", params); len(answers) != 1 {
			t.Errorf("%s: %d answers", what, len(answers))
		} else if code, _ := refusal(answers[0]); code == 0 {
			t.Errorf("%s is taken: %s", what, answers[0].Result)
		}
	}
	wants(t, "the share that the others were made of", r.submit(alice+".rig", strings.Join(fields, ",")), 0, "")
	shares := h.credited()
	if accepted, rejected := h.server.Shares(); len(shares) != 3 || accepted != 3 || rejected != 16 {
		t.Fatalf("%d shares in the log, %d accepted, %d refused", len(shares), accepted, rejected)
	}
	for _, s := range shares {
		if s.Job != first.Number || s.SolvesBlock || s.Difficulty != r.c.announced().difficulty || s.Worker != shares[0].Worker {
			t.Errorf("%+v", s)
		}
	}
}

// A share of the parent before counts for as long as the news needed on its way, and not later; of the tip before that,
// and of a tip that came back, likewise.
func TestSharesThatAreLate(t *testing.T) {
	h := newHall(t, nil)
	old := h.offer(1, hard)
	r := h.connect().login(alice)
	h.offer(2, hard)
	r.heard()
	h.now = h.now.Add(299 * time.Millisecond)
	wants(t, "on its way", r.submit(alice, r.share(old, 1)), 0, "")
	h.now = h.now.Add(2 * time.Millisecond)
	wants(t, "later", r.submit(alice, r.share(old, 2)), stratum.StaleJob, "stale")
	h.offer(1, hard) // a reorganisation
	wants(t, "of a tip that came back", r.submit(alice, r.share(old, 3)), 0, "")
	for range 30 {
		h.now = h.now.Add(time.Second)
		h.offer(3, hard)
	}
	h.now = h.now.Add(time.Minute)
	h.offer(4, hard)
	wants(t, "long forgotten", r.submit(alice, r.share(old, 4)), stratum.StaleJob, "")
	if n := len(h.credited()); n != 2 {
		t.Errorf("%d shares are credited", n)
	}
}

// A block goes to the network whoever found it, once, and is credited to who may be: also when it is late.
func TestBlocksGoOut(t *testing.T) {
	h := newHall(t, nil)
	target, err := bitcoin.TargetOfBits(easy)
	if err != nil {
		t.Fatal(err)
	}
	old := h.offer(1, easy)
	r := h.connect().login(alice)
	solution := r.work(old, target, true, 1)
	wants(t, "a block", r.submit(alice, solution), 0, "")
	wants(t, "again", r.submit(alice, solution), stratum.Duplicate, "")
	h.offer(2, easy)
	h.now = h.now.Add(time.Minute)
	r.submit(alice, r.work(old, target, true, 2))
	stranger := h.connect()
	stranger.submit(bob, stranger.work(old, target, true, 3))
	if len(h.solved) < 2 {
		t.Errorf("%d blocks are handed over: late ones and strangers' are lost", len(h.solved))
	}
	seen := map[bitcoin.Hash]bool{}
	for _, b := range h.solved {
		if seen[b] {
			t.Errorf("block %s goes out twice", b)
		}
		seen[b] = true
	}
	solves := 0
	for _, s := range h.credited() {
		if s.SolvesBlock {
			solves++
		}
	}
	if solves == 0 || solves > len(h.solved) {
		t.Errorf("%d shares solve a block, %d went out", solves, len(h.solved))
	}
}

// Version bits are granted where both sides have them, and shares may roll those and no others (BIP 310).
func TestVersionBitsOfBothSides(t *testing.T) {
	for what, c := range map[string]struct {
		pool    uint32
		options string
		want    uint32
	}{
		"all":                    {settings.MaskBIP320, `{"version-rolling.mask":"ffffffff"}`, settings.MaskBIP320},
		"no mask":                {settings.MaskBIP320, `{}`, settings.MaskBIP320},
		"some":                   {settings.MaskBIP320, `{"version-rolling.mask":"00006000"}`, 0x6000},
		"too few":                {settings.MaskBIP320, `{"version-rolling.mask":"00006000","version-rolling.min-bit-count":3}`, 0},
		"none in common":         {settings.MaskBIP320, `{"version-rolling.mask":"00000001"}`, 0},
		"a mask of words":        {settings.MaskBIP320, `{"version-rolling.mask":"all of it"}`, 0},
		"a count of words":       {settings.MaskBIP320, `{"version-rolling.mask":"ffffffff","version-rolling.min-bit-count":"many"}`, settings.MaskBIP320},
		"a pool that rolls none": {0, `{"version-rolling.mask":"ffffffff"}`, 0},
	} {
		h := newHall(t, func(config *settings.Config) { config.VersionMask = c.pool })
		r := h.connect()
		answers := r.say(`{"id":1,"method":"mining.configure","params":[["version-rolling","unheard-of"],%s]}`, c.options)
		var granted map[string]any
		if len(answers) != 1 || json.Unmarshal(answers[0].Result, &granted) != nil || r.c.mask != c.want ||
			granted["version-rolling"] != (c.want != 0) || granted["unheard-of"] != false {
			t.Errorf("%s: mask %08x, want %08x; %v", what, r.c.mask, c.want, granted)
		}
		if text, ok := granted["version-rolling.mask"]; ok != (c.want != 0) || ok && text != fmt.Sprintf("%08x", c.want) {
			t.Errorf("%s: %v", what, granted)
		}
		r.login(alice)
		job := h.offer(1, hard)
		rolled := r.share(job, 1)
		if code, _ := refusal(r.submit(alice, rolled+`,"40000000"`)[0]); code == 0 {
			t.Errorf("%s: a bit that nobody granted is taken", what)
		}
	}
}

// What a device asks for in whatever words it has leaves a difficulty that can be worked at, within the pool's bounds or
// above them, and never harder than the network; what is no number changes nothing.
func TestWishesForADifficulty(t *testing.T) {
	for _, wish := range []string{"d=1", "d=1e-9", "md=0.5", "d=inf", "d=-inf", "d=nan", "d=1e400", "d=1e-400", "d=0", "d=-1", "md=",
		"x,d=2,md=4", "d=2;md=4", strings.Repeat("d=1,", 500), "d=0x1p-3"} {
		h := newHall(t, nil)
		h.offer(1, hard)
		r := h.connect()
		r.say(`{"id":1,"method":"mining.subscribe","params":[]}`)
		wants(t, wish, r.say(`{"id":2,"method":"mining.authorize","params":[%q,%q]}`, alice, wish), 0, "")
		r.worthwhile(t, wish)
	}
	for _, number := range []string{"1", "1e-12", "1e308", "0", "-1", "null", `"1"`, "[]", "1e999"} {
		h := newHall(t, nil)
		h.offer(1, hard)
		r := h.connect().login(alice)
		r.say(`{"id":3,"method":"mining.suggest_difficulty","params":[%s]}`, number)
		r.worthwhile(t, number)
		r.say(`{"id":4,"method":"mining.configure","params":[["minimum-difficulty"],{"minimum-difficulty.value":%s}]}`, number)
		r.worthwhile(t, number)
	}
	for _, target := range []string{strings.Repeat("f", 64), strings.Repeat("0", 64), "00", "zz", strings.Repeat("0", 63) + "1"} {
		h := newHall(t, nil)
		h.offer(1, hard)
		r := h.connect().login(alice)
		r.say(`{"id":3,"method":"mining.suggest_target","params":[%q]}`, target)
		r.worthwhile(t, target)
	}
}

// worthwhile: what is announced is a difficulty, not harder than the network, and a share at the connection's own counts.
func (r *rig) worthwhile(t *testing.T, what string) {
	t.Helper()
	if r.Closed() {
		t.Fatalf("%q closes the connection", what)
	}
	d := r.c.announced().difficulty
	if !d.Valid() || !r.c.vardiff.wanted.Valid() || d.Float() > r.h.server.CurrentJob().Template.Target.Difficulty()*1.0001 ||
		d.Float() < r.h.server.config.MinDifficulty*0.999 && d.Float() > 0 && r.c.vardiff.least == 0 && r.c.vardiff.asked == 0 && r.c.floor == 0 {
		t.Errorf("%q: announced %s, wanted %s", what, d, r.c.vardiff.wanted)
	}
}

// Of rubbish each line is answered in JSON, or the connection is closed; one that asks too much, or whose shares are
// nearly all bad, is closed, while a neighbour works on.
func TestRubbishAndTooMuch(t *testing.T) {
	h := newHall(t, nil)
	job := h.offer(1, hard)
	neighbour := h.connect().login(bob)
	for _, line := range []string{"", "x", "[]", "{}", `{"id":1}`, `{"id":1,"method":7}`, `{"id":1,"method":"mining.fly","params":[]}`,
		`{"id":1,"method":"mining.authorize"}`, `{"id":1,"method":"mining.authorize","params":[7,8]}`,
		`{"id":1,"method":"mining.authorize","params":["nobody.x","y"]}`, `{"id":1,"method":"mining.configure","params":{}}`,
		`{"id":1,"method":"mining.submit"}`, `{"id":1,"method":"mining.get_transactions","params":["ffff"]}`,
		`{"id":1,"result":true}`, strings.Repeat("[", 4000), `{"id":"` + strings.Repeat("i", 3000) + `","method":"mining.ping"}`} {
		r := h.connect()
		answers := r.say("%s", line)
		if !r.Closed() && len(answers) == 0 && !strings.Contains(line, `"result"`) {
			t.Errorf("%.60q is met with silence", line)
		}
		for _, m := range answers {
			if code, _ := refusal(m); code == 0 && !strings.Contains(line, "ping") {
				t.Errorf("%.60q: %s", line, m.Result)
			}
		}
	}
	busy := h.connect()
	for i := range MaxRequests + 1 {
		if busy.Closed() {
			t.Fatalf("closed after %d requests of %d", i, MaxRequests)
		}
		busy.say(`{"id":1,"method":"mining.ping","params":[]}`)
	}
	if !busy.Closed() {
		t.Errorf("%d requests in a minute", MaxRequests+1)
	}
	calm := h.connect()
	for range 3 * MaxRequests {
		h.now = h.now.Add(time.Second)
		calm.say(`{"id":1,"method":"mining.ping","params":[]}`)
	}
	if calm.Closed() {
		t.Error("one request a second is too much")
	}
	bad := h.connect().login(alice)
	for i := range BadSharesToClose + 1 {
		if bad.Closed() && i < BadSharesToClose {
			t.Fatalf("closed after %d bad shares", i)
		}
		bad.submit(alice, fmt.Sprintf(`"%x00","zz","0","0"`, job.Number))
	}
	if !bad.Closed() {
		t.Error("a connection of bad shares alone goes on")
	}
	wants(t, "its neighbour", neighbour.submit(bob, neighbour.share(job, 1)), 0, "")
}

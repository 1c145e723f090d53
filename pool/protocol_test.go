package pool_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/pool"
	"github.com/aqsha/aqsha/pool/sharelog"
	"github.com/aqsha/aqsha/pool/stratum"
	"github.com/aqsha/aqsha/txlog"
)

// testTemplate is offered to pools without a node: no block is found at its target.
func testTemplate(t testing.TB, height uint32, bits uint32) *bitcoin.Template {
	t.Helper()
	target, err := bitcoin.TargetOfBits(bits)
	if err != nil {
		t.Fatal(err)
	}
	now := uint32(time.Now().Unix())
	return &bitcoin.Template{
		Version: 0x20000000, Height: height, Previous: bitcoin.HashOf([]byte{byte(height), byte(height >> 8)}), Bits: bits, Target: target, MinTime: now - 600, CurTime: now,
		CoinbaseValue: 5 * money.Bitcoin, Branch: []bitcoin.Hash{{1}, {2}, {3}},
	}
}

const hardBits = 0x1d00ffff // difficulty 1: the tests' shares never reach it

func startOffered(t *testing.T, config pool.Config) *running {
	p := startPool(t, t.TempDir(), config)
	if err := p.Offer(testTemplate(t, 100, hardBits), time.Now()); err != nil {
		t.Fatal(err)
	}
	return p
}

// logged reads a log directory that no pool has open.
func logged(t *testing.T, dir string) (shares []*sharelog.Share, jobs map[uint64]*sharelog.Job) {
	t.Helper()
	log, err := txlog.Open(dir+"/shares", txlog.Options{Origin: "pool.test", SegmentBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	jobs = map[uint64]*sharelog.Job{}
	for entry, err := range log.Entries(0, log.Size()) {
		if err != nil {
			t.Fatal(err)
		}
		record, err := sharelog.Decode(entry)
		if err != nil {
			t.Fatal(err)
		}
		switch r := record.(type) {
		case *sharelog.Share:
			shares = append(shares, r)
		case *sharelog.Job:
			jobs[r.Number] = r
		}
	}
	return shares, jobs
}

// What each kind of request is answered, as the field's codes have it.
func TestAnswers(t *testing.T) {
	config := testConfig()
	config.StartDifficulty = 1.0 / (1 << 16)
	p := startOffered(t, config)
	c := dial(t, p.address)
	if a := c.call("mining.submit", alice, "1", "00", "00", "00"); a.code() != 25 {
		t.Errorf("submit before subscribe: %+v", a)
	}
	c.login(alice + ".rig")
	job := c.job()
	easy := meets(config.StartDifficulty)
	good := c.find(alice+".rig", job, 1, easy)
	change := func(i int, value any) []any {
		changed := append([]any(nil), good...)
		changed[i] = value
		return changed
	}
	now := time.Now().Unix()
	for _, tc := range []struct {
		name   string
		params []any
		code   int
	}{
		{"another worker", change(0, bob), 24},
		{"too few parameters", good[:4], 20},
		{"no parameters", nil, 20},
		{"worker not a string", change(0, 7), 20},
		{"unknown job", change(1, "ffffff"), 21},
		{"job not hexadecimal", change(1, "nosuch"), 21},
		{"job a number", change(1, 7), 20},
		{"extranonce2 short", change(2, "00"), 20},
		{"extranonce2 long", change(2, "000000000000000000"), 20},
		{"extranonce2 not hexadecimal", change(2, "zzzzzzzzzzzzzzzz"), 20},
		{"time before mintime", change(3, fmt.Sprintf("%08x", now-700)), 20},
		{"time too far ahead", change(3, fmt.Sprintf("%08x", now+7000)), 20},
		{"time short", change(3, "00"), 20},
		{"nonce short", change(4, "000000"), 20},
		{"nonce not hexadecimal", change(4, "zzzzzzzz"), 20},
		{"version bits without a mask", append(append([]any(nil), good...), "00002000"), 20},
		{"above target", c.find(alice+".rig", job, 2, func(h bitcoin.Hash) bool { return !easy(h) }), 23},
		{"good", good, 0},
		{"the same again", good, 22},
	} {
		a := c.call("mining.submit", tc.params...)
		if a.code() != tc.code || a.isTrue() != (tc.code == 0) {
			t.Errorf("%s: %+v", tc.name, a)
		}
	}
	for method, want := range map[string]string{"mining.ping": `"pong"`, "mining.extranonce.subscribe": "true"} {
		if a := c.call(method); string(a.Result) != want {
			t.Errorf("%s: %+v", method, a)
		}
	}
	for _, method := range []string{"mining.nosuch", "mining.get_transactions", "x"} {
		if a := c.call(method); a.code() != 20 {
			t.Errorf("%s: %+v", method, a)
		}
	}
	for _, bad := range []string{"nobody", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", alice + "." + strings.Repeat("x", 50)} {
		if a := c.call("mining.authorize", bad, "x"); a.code() != 24 {
			t.Errorf("authorize %s: %+v", bad, a)
		}
	}
	// A proxy's second worker works on the same connection.
	if a := c.call("mining.authorize", bob+".second", "x"); !a.isTrue() {
		t.Fatalf("second worker: %+v", a)
	}
	for i, user := range []string{bob + ".second", alice + ".rig"} {
		if a := c.call("mining.submit", c.find(user, job, uint64(10+i), easy)...); !a.isTrue() {
			t.Errorf("share of %s: %+v", user, a)
		}
	}
}

// The granted mask is pool ∩ miner; bits outside it are refused, bits inside are hashed.
func TestVersionRolling(t *testing.T) {
	p := startOffered(t, testConfig())
	for _, tc := range []struct{ asked, want string }{
		{"ffffffff", "1fffe000"}, {"00ff0000", "00ff0000"}, {"1fffffe0", "1fffe000"}, {"00000001", ""}, {"zz", ""},
	} {
		c := dial(t, p.address)
		a := c.call("mining.configure", []string{"version-rolling", "minimum-difficulty", "nosuch"}, map[string]any{
			"version-rolling.mask": tc.asked, "version-rolling.min-bit-count": 2, "minimum-difficulty.value": 1e-9,
		})
		var granted map[string]any
		if err := json.Unmarshal(a.Result, &granted); err != nil {
			t.Fatal(err)
		}
		if mask, _ := granted["version-rolling.mask"].(string); mask != tc.want || granted["version-rolling"] != (tc.want != "") || granted["nosuch"] != false || granted["minimum-difficulty"] != true {
			t.Errorf("asked %s: %v", tc.asked, granted)
		}
		c.login(alice)
		mask, _ := stratum.Hex32([]byte(tc.want))
		c.mask = mask
		for i, bits := range []uint32{0x00002000, 0x00ff0000, 0x1fffe000, 0x20000000, 1} {
			a := c.call("mining.submit", c.find(alice, c.job(), uint64(i), meets(c.difficulty), bits)...)
			if a.isTrue() != (bits&^mask == 0) {
				t.Errorf("mask %s, bits %08x: %+v", tc.want, bits, a)
			}
		}
	}
}

// A change of difficulty never rejects honest work, and never credits more than was asked for.
func TestDifficultyFollowsTheJob(t *testing.T) {
	const low, high = 1.0 / (1 << 20), 1.0 / (1 << 12)
	config := testConfig()
	config.StartDifficulty = low
	p := startOffered(t, config)
	c := dial(t, p.address).login(alice)
	first := c.job()
	submit := func(name string, params []any, code int) {
		t.Helper()
		if a := c.call("mining.submit", params...); a.code() != code {
			t.Errorf("%s: %+v, want %d", name, a, code)
		}
	}
	submit("before", c.find(alice, first, 1, between(low, high)), 0)
	// Up: a job follows at once; what was begun under the old difficulty still counts.
	c.call("mining.suggest_difficulty", high)
	second := c.awaitJob(2)
	if c.difficulty != high || second.JobID == first.JobID {
		t.Fatalf("difficulty %v, job %s after %s", c.difficulty, second.JobID, first.JobID)
	}
	submit("old job, old difficulty", c.find(alice, first, 2, between(low, high)), 0)
	submit("new job, old difficulty", c.find(alice, second, 3, between(low, high)), 23)
	submit("new job, new difficulty", c.find(alice, second, 4, meets(high)), 0)
	// Down: a share of the harder job that only meets the new difficulty is true and worth nothing.
	c.call("mining.suggest_difficulty", low)
	third := c.awaitJob(3)
	submit("hard job, easy share", c.find(alice, second, 5, between(low, high)), 0)
	submit("easy job, easy share", c.find(alice, third, 6, between(low, high)), 0)
	submit("no difficulty at all", c.find(alice, second, 7, func(h bitcoin.Hash) bool { return !meets(low)(h) }), 23)
	if s := p.Stats(time.Now()); s.Weak != 1 || s.Accepted != 4 {
		t.Errorf("weak %d, accepted %d", s.Weak, s.Accepted)
	}
	p.stop()
	shares, jobs := logged(t, p.dir)
	var credited []float64
	for _, s := range shares {
		credited = append(credited, s.Difficulty.Float())
		if err := s.Verify(jobs[s.Job]); err != nil {
			t.Error(err)
		}
	}
	if fmt.Sprint(credited) != fmt.Sprint([]float64{low, low, high, low}) {
		t.Errorf("credited %v", credited)
	}
}

// A share is never harder than a block: on an easy network the difficulty is the network's.
func TestNeverHarderThanTheNetwork(t *testing.T) {
	config := testConfig()
	config.StartDifficulty = 1000
	p := startPool(t, t.TempDir(), config)
	if err := p.Offer(testTemplate(t, 100, 0x207fffff), time.Now()); err != nil {
		t.Fatal(err)
	}
	c := dial(t, p.address).login(alice)
	network, _ := bitcoin.TargetOfBits(0x207fffff)
	if a := c.call("mining.submit", c.find(alice, c.job(), 1, network.Met)...); !a.isTrue() {
		t.Errorf("a block's hash at difficulty %v: %+v", c.difficulty, a)
	}
}

// Shares for the block before are taken for as long as the news needs, and then are stale.
func TestStale(t *testing.T) {
	p := startOffered(t, testConfig())
	c := dial(t, p.address).login(alice)
	old := c.job()
	params := [][]any{c.find(alice, old, 1, meets(c.difficulty)), c.find(alice, old, 2, meets(c.difficulty))}
	if err := p.Offer(testTemplate(t, 101, hardBits), time.Now()); err != nil {
		t.Fatal(err)
	}
	if a := c.call("mining.submit", params[0]...); !a.isTrue() {
		t.Errorf("on its way when the block came: %+v", a)
	}
	if n := c.awaitJob(2); !n.CleanJobs {
		t.Error("the job of a new block does not clean")
	}
	time.Sleep(700 * time.Millisecond)
	if a := c.call("mining.submit", params[1]...); a.code() != 21 {
		t.Errorf("long after: %+v", a)
	}
	if a := c.call("mining.submit", c.find(alice, c.job(), 3, meets(c.difficulty))...); !a.isTrue() {
		t.Errorf("for the new block: %+v", a)
	}
}

// After a restart a share that was paid is a duplicate, and no extranonce comes again.
func TestRestart(t *testing.T) {
	dir := t.TempDir()
	seen := map[string]bool{}
	template := testTemplate(t, 100, hardBits)
	var params []any
	for run := range 3 {
		p := startPool(t, dir, testConfig())
		if err := p.Offer(template, time.Now()); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			c := dial(t, p.address).login(alice)
			if seen[c.extranonce1] {
				t.Fatalf("extranonce1 %s again", c.extranonce1)
			}
			seen[c.extranonce1] = true
			params = c.find(alice, c.job(), 7, meets(c.difficulty))
			if a := c.call("mining.submit", params...); !a.isTrue() {
				t.Fatalf("run %d: %+v", run, a)
			}
		}
		p.stop()
	}
	shares, jobs := logged(t, dir)
	hashes := map[[16]byte]bool{}
	for _, s := range shares {
		if hashes[s.HashPrefix] || s.Verify(jobs[s.Job]) != nil {
			t.Errorf("share %+v", s)
		}
		hashes[s.HashPrefix] = true
	}
	if len(shares) != 9 {
		t.Errorf("%d shares in the log", len(shares))
	}
}

// vardiff finds a difficulty, keeps within its bounds, and leaves a chosen one alone.
func TestVardiff(t *testing.T) {
	config := testConfig()
	config.StartDifficulty, config.MaxDifficulty = 1.0/(1<<30), 1.0/(1<<20)
	p := startOffered(t, config)
	c := dial(t, p.address).login(alice)
	fixed := dial(t, p.address)
	if a := fixed.call("mining.subscribe"); a.Error != nil {
		t.Fatal(a)
	}
	if a := fixed.call("mining.authorize", bob, "d="+fmt.Sprint(1.0/(1<<28))); !a.isTrue() {
		t.Fatal(a)
	}
	fixed.awaitJob(1)
	_ = json.Unmarshal(dialSubscription(t, fixed), &fixed.extranonce1)
	for i := range uint64(200) {
		if a := c.call("mining.submit", c.find(alice, c.job(), i, meets(c.difficulty))...); !a.isTrue() {
			t.Fatalf("share %d: %+v", i, a)
		}
		if a := fixed.call("mining.submit", fixed.find(bob, fixed.job(), i, meets(fixed.difficulty))...); !a.isTrue() {
			t.Fatalf("fixed share %d: %+v", i, a)
		}
	}
	if c.difficulty != config.MaxDifficulty {
		t.Errorf("difficulty %v after 200 quick shares", c.difficulty)
	}
	if fixed.difficulty != 1.0/(1<<28) || len(fixed.jobs) != 1 {
		t.Errorf("the chosen difficulty became %v", fixed.difficulty)
	}
}

// dialSubscription asks again for the extranonce, which stays the same.
func dialSubscription(t *testing.T, c *client) json.RawMessage {
	var parts []json.RawMessage
	if err := json.Unmarshal(c.call("mining.subscribe").Result, &parts); err != nil {
		t.Fatal(err)
	}
	return parts[1]
}

func TestPeriodEdges(t *testing.T) {
	for _, tc := range []struct{ height, parent, start, want uint32 }{
		{2016, 10_000, 0, 9_400}, {2016, 100, 0, 0}, {2015, 10_000, 7_000, 7_000}, {2017, 10_000, 7_000, 0}, {4031, 5, 6, 6},
	} {
		if got := pool.EdgeMinTime(tc.height, tc.parent, tc.start); got != tc.want {
			t.Errorf("height %d: %d, want %d", tc.height, got, tc.want)
		}
	}
}

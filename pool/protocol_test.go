package pool_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/pool/settings"
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

func startOffered(t *testing.T, config settings.Config) *running {
	p := startPool(t, t.TempDir(), config)
	if err := p.Offer(testTemplate(t, 100, hardBits), time.Now()); err != nil {
		t.Fatal(err)
	}
	return p
}

// records reads a log directory that no pool has open.
func records(t *testing.T, dir string) (all []sharelog.Record) {
	t.Helper()
	log, err := txlog.Open(dir+"/shares", txlog.Options{Origin: "pool.test", SegmentBytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	for entry, err := range log.Entries(0, log.Size()) {
		if err != nil {
			t.Fatal(err)
		}
		record, err := sharelog.Decode(entry)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, record)
	}
	return all
}

// logged are the shares and jobs of a log directory that no pool has open.
func logged(t *testing.T, dir string) (shares []*sharelog.Share, jobs map[uint64]*sharelog.Job) {
	t.Helper()
	jobs = map[uint64]*sharelog.Job{}
	for _, record := range records(t, dir) {
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
		{"time far too early", change(3, "00"), 20},
		{"nonce longer than 32 bits", change(4, "100000000"), 20},
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
	for _, method := range []string{"mining.nosuch", "x"} {
		if a := c.call(method); a.code() != 20 {
			t.Errorf("%s: %+v", method, a)
		}
	}
	for _, bad := range []string{"nobody", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", alice + "." + strings.Repeat("x", 65)} {
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

package pool_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/aqsha/aqsha/bitcoin"
	"github.com/aqsha/aqsha/pool"
	"github.com/aqsha/aqsha/pool/settings"
	"github.com/aqsha/aqsha/pool/stratum"
)

// nextJob offers the same block's template again, as a node does when transactions have come, and
// waits for the job.
func (c *client) nextJob(p *running, template *bitcoin.Template) *stratum.Notify {
	c.t.Helper()
	n := len(c.jobs)
	template.CurTime++
	if err := p.Offer(template, time.Now()); err != nil {
		c.t.Fatal(err)
	}
	return c.awaitJob(n + 1)
}

// again is a copy of a template, for it to be offered once more.
func again(t *bitcoin.Template) *bitcoin.Template {
	next := *t
	next.CurTime++
	return &next
}

// expect submits and compares the answer's code.
func (c *client) expect(name string, params []any, code int) {
	c.t.Helper()
	if a := c.call("mining.submit", params...); a.code() != code || a.isTrue() != (code == 0) {
		c.t.Errorf("%s: %+v, want %d", name, a, code)
	}
}

// A difficulty holds from the next job on; each job's shares are judged and credited by the one that
// was announced for it, however many changes come between, and no job repeats another's work.
func TestDifficultyFollowsTheJob(t *testing.T) {
	const low, high = 1.0 / (1 << 20), 1.0 / (1 << 12)
	config := testConfig()
	config.StartDifficulty = low
	p := startPool(t, t.TempDir(), config)
	template := testTemplate(t, 100, hardBits)
	if err := p.Offer(template, time.Now()); err != nil {
		t.Fatal(err)
	}
	c := dial(t, p.address).login(alice)
	first := c.job()
	c.expect("before", c.find(alice, first, 1, between(low, high)), 0)
	// Up: nothing is sent at once, and what is begun goes on to count.
	c.call("mining.suggest_difficulty", high)
	if c.difficulty != low || len(c.jobs) != 1 {
		t.Fatalf("difficulty %v, %d jobs right after the wish", c.difficulty, len(c.jobs))
	}
	c.expect("old job", c.find(alice, first, 2, between(low, high)), 0)
	second := c.nextJob(p, again(template))
	if c.difficulty != high {
		t.Fatalf("difficulty %v for the next job", c.difficulty)
	}
	if string(second.Head)+string(second.Tail) == string(first.Head)+string(first.Tail) {
		t.Error("the next job has the same coinbase: a device that begins anew repeats its work")
	}
	c.expect("old job after the next came", c.find(alice, first, 3, between(low, high)), 0)
	c.expect("new job, old difficulty", c.find(alice, second, 4, between(low, high)), 23)
	c.expect("new job, new difficulty", c.find(alice, second, 5, meets(high)), 0)
	p.stop()
	shares, jobs := logged(t, p.dir)
	var credited []float64
	for _, s := range shares {
		credited = append(credited, s.Difficulty.Float())
		if err := s.Verify(jobs[s.Job]); err != nil {
			t.Error(err)
		}
	}
	if fmt.Sprint(credited) != fmt.Sprint([]float64{low, low, low, high}) {
		t.Errorf("credited %v", credited)
	}
}

// A job is known for as long as its block is the tip, however many jobs and wishes come after it.
func TestJobsLiveWithTheirTip(t *testing.T) {
	config := testConfig()
	config.StartDifficulty = 1.0 / (1 << 20)
	p := startPool(t, t.TempDir(), config)
	template := testTemplate(t, 100, hardBits)
	if err := p.Offer(template, time.Now()); err != nil {
		t.Fatal(err)
	}
	c := dial(t, p.address).login(alice)
	first, easy := c.job(), c.difficulty
	for i := range 40 {
		c.call("mining.suggest_difficulty", 1.0/float64(int(1)<<(12+i%8)))
		template = again(template)
		c.nextJob(p, template)
	}
	c.expect("the first job after 40 others", c.find(alice, first, 1, meets(easy)), 0)
	if err := p.Offer(testTemplate(t, 101, hardBits), time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := p.Offer(testTemplate(t, 102, hardBits), time.Now()); err != nil {
		t.Fatal(err)
	}
	c.awaitJob(len(c.jobs) + 2)
	time.Sleep(700 * time.Millisecond) // beyond the grace
	c.expect("the first job two blocks later", c.find(alice, first, 2, meets(easy)), 21)
}

// What is announced is what is checked, and neither is harder than the network.
func TestNeverHarderThanTheNetwork(t *testing.T) {
	for _, bits := range []uint32{0x207fffff, 0x1f00ffff, 0x1e0377ae} {
		network, err := bitcoin.TargetOfBits(bits)
		if err != nil {
			t.Fatal(err)
		}
		config := testConfig()
		config.StartDifficulty = 1000
		p := startPool(t, t.TempDir(), config)
		if err := p.Offer(testTemplate(t, 100, bits), time.Now()); err != nil {
			t.Fatal(err)
		}
		c := dial(t, p.address).login(alice)
		if c.difficulty > network.Difficulty() {
			t.Errorf("bits %08x: announces %g, the network's is %g", bits, c.difficulty, network.Difficulty())
		}
		if bits == 0x207fffff {
			c.expect("a block's hash", c.find(alice, c.job(), 1, network.Met), 0)
		}
		// The network becomes harder: the difficulty that was wanted comes back with its job.
		if err := p.Offer(testTemplate(t, 101, hardBits), time.Now()); err != nil {
			t.Fatal(err)
		}
		c.awaitJob(2)
		if c.difficulty != 1 {
			t.Errorf("bits %08x: announces %g on a network of difficulty 1", bits, c.difficulty)
		}
		p.stop()
	}
}

// A second login on a connection changes no difficulty in silence, and holds no worker to what
// another has asked for.
func TestSecondLoginOnAConnection(t *testing.T) {
	const low, high = 1.0 / (1 << 20), 1.0 / (1 << 10)
	config := testConfig()
	config.StartDifficulty = low
	p := startPool(t, t.TempDir(), config)
	template := testTemplate(t, 100, hardBits)
	if err := p.Offer(template, time.Now()); err != nil {
		t.Fatal(err)
	}
	c := dial(t, p.address).login(alice)
	if a := c.call("mining.authorize", bob, fmt.Sprintf("d=%g", high)); !a.isTrue() {
		t.Fatalf("%+v", a)
	}
	for i, job := range []*stratum.Notify{c.job(), c.nextJob(p, again(template))} {
		c.expect(fmt.Sprintf("alice at what was announced for job %d", i), c.find(alice, job, uint64(i), between(c.difficulty, 2*c.difficulty)), 0)
		c.expect(fmt.Sprintf("bob at what was announced for job %d", i), c.find(bob, job, uint64(10+i), between(c.difficulty, 2*c.difficulty)), 0)
	}
	if c.difficulty != low {
		t.Errorf("alice is held to %g by bob's wish", c.difficulty)
	}
}

// The same worker that authorizes again with another wish hears of it before it holds.
func TestSecondLoginOfAWorker(t *testing.T) {
	t.Parallel()
	const low, high = 1.0 / (1 << 20), 1.0 / (1 << 14) // a share of more takes longer than a connection waits, on a loaded machine
	config := testConfig()
	config.StartDifficulty = low
	p := startPool(t, t.TempDir(), config)
	template := testTemplate(t, 100, hardBits)
	if err := p.Offer(template, time.Now()); err != nil {
		t.Fatal(err)
	}
	c := dial(t, p.address).login(alice)
	c.call("mining.authorize", alice, fmt.Sprintf("d=%g", high))
	c.expect("before the next job", c.find(alice, c.job(), 1, between(low, high)), 0)
	job := c.nextJob(p, again(template))
	if c.difficulty != high {
		t.Fatalf("announced %g", c.difficulty)
	}
	c.expect("after it", c.find(alice, job, 2, meets(high)), 0)
	// The wish is kept for the next connection, which begins there.
	other := dial(t, p.address).login(alice)
	if other.difficulty != high {
		t.Errorf("the next connection begins at %g", other.difficulty)
	}
}

// vardiff finds a difficulty from each connection's rate, within its bounds; what a miner has asked
// for is its least, not its last.
func TestVardiff(t *testing.T) {
	config := testConfig()
	config.StartDifficulty, config.MaxDifficulty = 1.0/(1<<30), 1.0/(1<<20)
	p := startPool(t, t.TempDir(), config)
	template := testTemplate(t, 100, hardBits)
	if err := p.Offer(template, time.Now()); err != nil {
		t.Fatal(err)
	}
	plain := dial(t, p.address).login(alice)
	asking := dial(t, p.address)
	asking.password = "d=" + fmt.Sprint(1.0/(1<<28))
	asking.login(bob)
	if asking.difficulty != 1.0/(1<<28) {
		t.Errorf("asked for 2^-28, got %g", asking.difficulty)
	}
	suggesting := dial(t, p.address).login(alice + ".bitaxe")
	suggesting.call("mining.suggest_difficulty", 1.0/(1<<29))
	for round := range 4 {
		for i := range uint64(60) {
			for user, c := range map[string]*client{alice: plain, bob: asking, alice + ".bitaxe": suggesting} {
				c.expect("share", c.find(user, c.job(), uint64(round)*100+i, meets(c.difficulty)), 0)
			}
		}
		suggesting.call("mining.suggest_difficulty", 1.0/(1<<29)) // the same again, as a sign of life
		template = again(template)
		if err := p.Offer(template, time.Now()); err != nil {
			t.Fatal(err)
		}
		for _, c := range []*client{plain, asking, suggesting} {
			c.awaitJob(round + 2)
		}
	}
	for name, c := range map[string]*client{"plain": plain, "asking": asking, "suggesting": suggesting} {
		if c.difficulty != config.MaxDifficulty {
			t.Errorf("%s: difficulty %v after 240 quick shares", name, c.difficulty)
		}
	}
}

// A device that goes on with an old, easier job does not drive the difficulty of the next ones up:
// its shares say nothing about them.
func TestVardiffDoesNotRunAway(t *testing.T) {
	config := testConfig()
	config.StartDifficulty = 1.0 / (1 << 30)
	p := startPool(t, t.TempDir(), config)
	template := testTemplate(t, 100, hardBits)
	if err := p.Offer(template, time.Now()); err != nil {
		t.Fatal(err)
	}
	c := dial(t, p.address).login(alice)
	old, easy := c.job(), c.difficulty
	highest := 0.0
	for round := range 12 {
		for i := range uint64(50) {
			c.expect("share of the first job", c.find(alice, old, uint64(round)*100+i, meets(easy)), 0)
		}
		template = again(template)
		c.nextJob(p, template)
		highest = max(highest, c.difficulty)
	}
	if highest > 16*easy {
		t.Errorf("difficulty rose to %g from %g by shares of the first job", highest, easy)
	}
}

// Difficulties that strangers choose are few: a million wishes cost no memory.
func TestWishesAreOnAGrid(t *testing.T) {
	seen := map[stratum.Difficulty]bool{}
	for i := 1; i <= 1_000_000; i++ {
		d := stratum.CeilGrid(float64(i) * 1.37)
		if d.Float() < float64(i)*1.37 || d.Float() > float64(i)*1.37*1.34+1 {
			t.Fatalf("%g becomes %g", float64(i)*1.37, d.Float())
		}
		seen[d] = true
	}
	for i := range 60 {
		seen[stratum.CeilGrid(1/float64(uint64(1)<<i))] = true
	}
	if len(seen) > 150 {
		t.Errorf("%d different difficulties", len(seen))
	}
}

// Ports have a start of their own.
func TestPorts(t *testing.T) {
	p := startPoolOn(t, t.TempDir(), testConfig(), pool.Options{Network: regtest}, &settings.Port{StartDifficulty: 0.25, MinDifficulty: 0.25, MaxDifficulty: 4})
	if err := p.Offer(testTemplate(t, 100, hardBits), time.Now()); err != nil {
		t.Fatal(err)
	}
	c := dial(t, p.address).login(alice)
	c.call("mining.suggest_difficulty", 1e-9)
	if c.difficulty != 0.25 {
		t.Errorf("starts at %g", c.difficulty)
	}
}

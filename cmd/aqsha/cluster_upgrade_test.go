package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/aqsha/aqsha/contract"
	"github.com/aqsha/aqsha/internal/freeport"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
)

// olderBuild builds the program as one that knows one version of the rules less.
func olderBuild(t *testing.T) func(args ...string) *exec.Cmd {
	t.Helper()
	source, err := filepath.Abs("../../contract/versions.go")
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(source)
	if err != nil {
		t.Fatal(err)
	}
	older := strings.Replace(string(content), fmt.Sprintf("const NewestRules = %d\n", contract.NewestRules),
		fmt.Sprintf("const NewestRules = %d\n", contract.NewestRules-1), 1)
	if older == string(content) {
		t.Fatalf("%s does not say which version is the newest", source)
	}
	dir := t.TempDir()
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{source: filepath.Join(dir, "versions.go")}})
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "versions.go"), []byte(older), 0o600)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "aqsha")
	out, err := exec.Command("go", "build", "-overlay", filepath.Join(dir, "overlay.json"), "-o", program,
		".").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return func(args ...string) *exec.Cmd { return exec.Command(program, args...) }
}

// playing is clients who pay and read at whichever validator until they are stopped.
type playing struct {
	council   *council
	running   sync.WaitGroup
	stop      chan struct{}
	histories [][]porcupine.Operation

	mu     sync.Mutex // over counts
	counts map[string]int
}

func (c *council) play(ctx context.Context, clients int, seed uint64) *playing {
	p := &playing{council: c, stop: make(chan struct{}), histories: make([][]porcupine.Operation, clients),
		counts: map[string]int{}}
	for remote := range clients {
		p.running.Go(func() {
			random := rand.New(rand.NewPCG(seed, uint64(remote)))
			for n := 0; ; n++ {
				select {
				case <-p.stop:
					return
				case <-time.After(50 * time.Millisecond): // porcupine's search grows with what happens at once
				}
				o := operation{from: random.IntN(accounts)}
				if random.IntN(3) > 0 {
					o.to = (o.from + 1 + random.IntN(accounts-1)) % accounts
					o.amount = money.Tiyn(1 + remote + 8*n)
				}
				if done, ok := c.perform(ctx, o, random); ok {
					done.ClientId = remote
					p.histories[remote] = append(p.histories[remote], done)
					p.mu.Lock()
					p.counts[kindOf(done)]++
					p.mu.Unlock()
				}
			}
		})
	}
	return p
}

// until waits until so much has come about.
func (p *playing) until(ctx context.Context, enough func(counts map[string]int) bool) {
	p.council.t.Helper()
	for {
		p.mu.Lock()
		done := enough(p.counts)
		p.mu.Unlock()
		if done {
			return
		}
		if ctx.Err() != nil {
			p.council.t.Fatal("the test shows too little")
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// end stops them when so many have paid and read, and holds what they were answered against one ledger that does one
// thing at a time.
func (p *playing) end(ctx context.Context, paid, read int) {
	t := p.council.t
	t.Helper()
	p.until(ctx, func(counts map[string]int) bool { return counts["paid"] >= paid && counts["read"] >= read })
	close(p.stop)
	p.running.Wait()
	var history []porcupine.Operation
	for _, part := range p.histories {
		history = append(history, part...)
	}
	t.Logf("%v", p.counts)
	if got := linearizable(history); got != porcupine.Ok {
		t.Fatalf("the history is %s", got)
	}
}

// head is where a validator's ledger stands, and by which rules.
func (c *council) head(ctx context.Context, i int) (height uint64, rules uint32) {
	c.t.Helper()
	network, err := c.clients[i].API.Network(ctx)
	if err != nil {
		c.t.Fatal(err)
	}
	return network.Head.Height, network.Head.Rules
}

// Four validators run a program that knows one version of the rules less than this one. While they are paid at, that
// version is announced for a height, and three are replaced by this program, one after the other. The version begins
// with the block of that height; the fourth, which was forgotten, stops before it and says what to install, while the
// others go on. It comes back with this program and has the same log. Nobody's answer was lost or contradicted.
func TestARollingUpgrade(t *testing.T) {
	if os.Getenv("AQSHA_CLUSTER") == "" {
		t.Skip("make cluster-test runs it; ./cluster TestAllStopBeforeRulesThatTheyDoNotKnow is its short form")
	}
	old := olderBuild(t)
	port, err := freeport.Port() // and those behind it
	if err != nil {
		t.Fatal(err)
	}
	c := newCouncilOf(t, []func(...string) *exec.Cmd{old, old, old, old}, func(_ int, url string) string { return url },
		"--peer-port", fmt.Sprint(port))
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	p := c.play(ctx, 4, uint64(time.Now().UnixNano()))
	from, rules := c.head(ctx, 0)
	if rules != ledger.LatestRules-1 {
		t.Fatalf("the network began with rules %d", rules)
	}
	time.Sleep(3 * time.Second) // it is the rate that is measured
	to, _ := c.head(ctx, 0)
	// The delay of a proposal is a minute; the height is so chosen that it comes later.
	activates := to + (to-from)/3*65
	run1(t, "policy", "propose-rules", fmt.Sprint(ledger.LatestRules), "--height", fmt.Sprint(activates),
		"--data", c.dirs[0])
	for i := range 3 {
		begun := time.Now()
		c.running[i].stop(t)
		c.up[i] = aqsha
		c.start(i)
		t.Logf("validator %d runs the new program %s after the old one was stopped", i,
			time.Since(begun).Round(time.Millisecond))
	}
	said, err := c.running[3].ended()
	if err == nil || !strings.Contains(said, "install a newer aqsha") {
		t.Fatalf("the one that was not upgraded: %v\n%s", err, said)
	}
	height, rules := c.head(ctx, 0)
	for ; rules != ledger.LatestRules; height, rules = c.head(ctx, 0) {
		if height >= activates {
			t.Fatalf("block %d follows rules %d", height, rules)
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Logf("version %d is in force at block %d, announced for %d; the one that was not upgraded has stopped", rules,
		height, activates)
	begun := time.Now()
	c.up[3] = aqsha
	c.start(3)
	for h, _ := c.head(ctx, 3); h < height; h, _ = c.head(ctx, 3) {
		time.Sleep(10 * time.Millisecond)
	}
	t.Logf("it has everything %s after its start with the new program", time.Since(begun).Round(time.Millisecond))
	// A kind of transaction that the version brings.
	run1(t, "cluster", "remove", "farmers", "--data", c.dirs[0])
	p.end(ctx, 100, 50)
	for i := range 3 {
		out := run1(t, "verify", "--data", c.follow(ctx, i))
		if !strings.Contains(out, "Verified") {
			t.Fatal(out)
		}
	}
	c.conclude(ctx)
}

// follow makes a copy of a validator's log, which executes every block by the rules that it follows.
func (c *council) follow(_ context.Context, i int) string {
	dir := filepath.Join(c.t.TempDir(), "copy")
	run1(c.t, "follow", c.running[i].url, "--data", dir, "--once")
	return dir
}

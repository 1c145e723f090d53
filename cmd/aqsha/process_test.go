package main

import (
	"bufio"
	"bytes"
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

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/cli/drill"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/wallet"
)

// aqsha is the real program: this test binary called by that name, as in the scripts.
func aqsha(args ...string) *exec.Cmd {
	command := exec.Command(os.Args[0], args...)
	command.Args[0] = "aqsha"
	return command
}

func run1(t *testing.T, args ...string) string {
	t.Helper()
	out, err := aqsha(args...).CombinedOutput()
	if err != nil {
		t.Fatalf("aqsha %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// process is a running "aqsha up".
type process struct {
	*exec.Cmd
	url  string
	rest chan struct{} // closed when it says nothing more
	said []string      // after it served; to be read then
}

// up starts a node on a free port and waits until it serves.
func up(t *testing.T, dir string) *process {
	t.Helper()
	return serves(t, "up", "--data", dir, "--listen", "127.0.0.1:0")
}

// serves starts a command that serves, and waits until it does.
func serves(t *testing.T, args ...string) *process {
	t.Helper()
	return served(t, aqsha(args...))
}

// served is serves of a command of any program.
func served(t *testing.T, command *exec.Cmd) *process {
	t.Helper()
	p := &process{Cmd: command, rest: make(chan struct{})}
	stderr, err := p.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		fmt.Fprintln(&said, lines.Text())
		if _, rest, ok := strings.Cut(lines.Text(), " at http://"); ok {
			p.url = "http://" + strings.Fields(rest)[0]
			go func() { // keep the pipe empty
				defer close(p.rest)
				for lines.Scan() {
					if len(p.said) < maxSaid {
						p.said = append(p.said, lines.Text())
					}
				}
			}()
			return p
		}
	}
	t.Fatalf("the node did not start:\n%s", said.String())
	return nil
}

// maxSaid is how many lines of a process are kept.
const maxSaid = 1000

// ended waits until a process has ended by itself, and returns what it said and its error.
func (p *process) ended() (said string, err error) {
	<-p.rest
	err = p.Wait()
	return strings.Join(p.said, "\n"), err
}

func (p *process) kill() {
	_ = p.Process.Kill()
	_ = p.Wait()
}

func (p *process) stop(t *testing.T) {
	t.Helper()
	_ = p.Process.Signal(os.Interrupt)
	if err := p.Wait(); err != nil {
		t.Errorf("the node did not stop cleanly: %v", err)
	}
}

// attempt is a payment whose fate may be unknown.
type attempt struct {
	from, to int
	amount   money.Tiyn
	id       token.TransactionID
	acked    bool
}

// customers are wallets and who pays from them.
type customers struct {
	dir string
	ids []token.WalletID

	mu       sync.Mutex
	attempts []attempt
}

const startMoney = 100_000 * money.Tenge

// newCustomers founds a network with n customers who hold startMoney each.
func newCustomers(t *testing.T, n int) *customers {
	t.Helper()
	c := &customers{dir: filepath.Join(t.TempDir(), "net")}
	run1(t, "init", "--development", "--shared-keys", "--data", c.dir)
	run1(t, "bank", "admit", "bank", "--data", c.dir)
	run1(t, "issue", "bank", "10000000", "--data", c.dir)
	client := c.client(t, up(t, c.dir))
	defer client.process.stop(t)
	for i := range n {
		name := fmt.Sprintf("c%d", i)
		bank, err := client.Keyring.Resolve("bank")
		if err != nil {
			t.Fatal(err)
		}
		receipt, err := client.Register(context.Background(), wallet.NewWallet{Name: name, Registrar: bank, Tier: wallet.TierBusiness})
		if err != nil {
			t.Fatal(err)
		}
		c.ids = append(c.ids, token.RegisteredID(receipt.ID))
		if _, err := client.Pay(context.Background(), bank, c.ids[i], startMoney, token.Memo{}); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

type testClient struct {
	*wallet.Client
	process *process
}

func (c *customers) client(t *testing.T, p *process) *testClient {
	t.Helper()
	client, err := c.open(p)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func (c *customers) open(p *process) (*testClient, error) {
	keyring, err := wallet.OpenKeyring(c.dir, "", nil)
	if err != nil {
		return nil, err
	}
	client, err := wallet.NewClient(context.Background(), api.NewClient(p.url, ""), keyring)
	return &testClient{client, p}, err
}

// payUntilItDies has customer i pay the others as fast as answers come.
func (c *customers) payUntilItDies(i int, client *testClient, random *rand.Rand) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		a := attempt{from: i, to: (i + 1 + random.IntN(len(c.ids)-1)) % len(c.ids), amount: money.Tiyn(1 + random.IntN(1000))}
		tx, err := client.Prepare(ctx, c.ids[a.from], c.ids[a.to], a.amount, token.Memo{})
		if err != nil {
			return
		}
		a.id = tx.ID()
		_, err = client.API.Submit(ctx, tx)
		a.acked = err == nil
		c.mu.Lock()
		c.attempts = append(c.attempts, a)
		c.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// check looks for every payment that was acknowledged, learns the fate of the others, and compares balances.
func (c *customers) check(t *testing.T, client *testClient) {
	t.Helper()
	ctx := context.Background()
	want := make([]money.Tiyn, len(c.ids))
	for i := range want {
		want[i] = startMoney
	}
	for _, a := range c.attempts {
		_, err := client.API.Transaction(ctx, a.id)
		if err != nil && a.acked {
			t.Fatalf("payment %s was acknowledged and is lost: %v", a.id, err)
		}
		if err == nil {
			want[a.from] -= a.amount
			want[a.to] += a.amount
		}
	}
	for i, id := range c.ids {
		view, err := client.API.Wallet(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		if view.Balance != want[i] {
			t.Fatalf("customer %d holds %s, the payments make it %s: something happened twice, or by itself", i, view.Balance, want[i])
		}
	}
	supply, err := client.API.Supply(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if supply.Live != supply.Issued-supply.Redeemed {
		t.Fatalf("live %s, issued %s, redeemed %s", supply.Live, supply.Issued, supply.Redeemed)
	}
}

// untilKilled kills a node of a directory so many times while clients work on it, and stops the last in order. Whenever
// it runs, check holds it against what was acknowledged; at the end its log is verified.
func untilKilled(t *testing.T, dir string, clients, kills int, check func(p *process), work func(p *process, remote int, random *rand.Rand)) {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	for k := range kills {
		p := up(t, dir)
		check(p)
		var working sync.WaitGroup
		for i := range clients {
			working.Go(func() { work(p, i, rand.New(rand.NewPCG(seed, uint64(k*clients+i)))) })
		}
		time.Sleep(time.Duration(20+rand.New(rand.NewPCG(seed, uint64(1e6+k))).IntN(180)) * time.Millisecond)
		p.kill()
		working.Wait()
	}
	p := up(t, dir)
	check(p)
	p.stop(t)
	run1(t, "bank", "admit", "last", "--data", dir) // a checkpoint over what the last kill left unsigned comes with the next block
	if out := run1(t, "verify", "--data", dir); !strings.Contains(out, "Verified") {
		t.Fatal(out)
	}
}

// The node is killed thirty times while eight clients pay. What was acknowledged is there, nothing is there twice.
func TestKillLosesNothing(t *testing.T) {
	t.Parallel()
	const clients, kills = 8, 30
	c := newCustomers(t, clients)
	var client *testClient // of the node that runs
	untilKilled(t, c.dir, clients, kills, func(p *process) {
		client = c.client(t, p)
		c.check(t, client)
	}, func(_ *process, i int, random *rand.Rand) { c.payUntilItDies(i, client, random) })
	acked := 0
	for _, a := range c.attempts {
		if a.acked {
			acked++
		}
	}
	t.Logf("%d payments acknowledged over %d kills", acked, kills)
	if acked < kills {
		t.Fatalf("only %d payments were acknowledged: the test shows nothing", acked)
	}
}

// Two hundred processes pay at once from one wallet with five tokens: all succeed, none is told that
// funds are insufficient while they suffice.
func TestTwoHundredPayersOfOneWallet(t *testing.T) {
	t.Parallel()
	const payers = 200
	c := newCustomers(t, 2)
	p := up(t, c.dir)
	client := c.client(t, p)
	for range 4 { // one token becomes five, each a little more than enough for a few
		if _, err := client.Pay(context.Background(), c.ids[1], c.ids[0], 10*money.Tenge, token.Memo{}); err != nil {
			t.Fatal(err)
		}
	}
	before, err := client.API.Wallet(context.Background(), c.ids[0])
	if err != nil || before.Tokens != 5 {
		t.Fatalf("%d tokens, %v", before.Tokens, err)
	}
	var all sync.WaitGroup
	failures := make(chan string, payers)
	for range payers {
		all.Go(func() {
			if out, err := aqsha("pay", "c0", "c1", "3", "--data", c.dir).CombinedOutput(); err != nil {
				failures <- fmt.Sprintf("%v: %s", err, out)
			}
		})
	}
	all.Wait()
	close(failures)
	for f := range failures {
		t.Error(f)
	}
	after, err := client.API.Wallet(context.Background(), c.ids[0])
	if err != nil || after.Balance != before.Balance-payers*3*money.Tenge {
		t.Errorf("held %s, holds %s, %v", before.Balance, after.Balance, err)
	}
	p.stop(t)
}

// A directory has one node: the second is told who has it.
func TestTheDataDirectoryIsLocked(t *testing.T) {
	t.Parallel()
	c := newCustomers(t, 2)
	p := up(t, c.dir)
	out, err := aqsha("up", "--data", c.dir, "--listen", "127.0.0.1:0").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "is in use by") {
		t.Errorf("%v: %s", err, out)
	}
	p.stop(t)
}

// A wallet whose money lies in more tokens than one transaction may spend pays all the same: it merges first.
func TestAFragmentedWalletConsolidates(t *testing.T) {
	t.Parallel()
	c := newCustomers(t, 2)
	p := up(t, c.dir)
	defer p.stop(t)
	client, ctx := c.client(t, p), context.Background()
	var rows []wallet.Row
	for i := range 130 {
		rows = append(rows, wallet.Row{Line: i + 2, To: "c1", Amount: 10 * money.Tenge})
	}
	if _, err := client.Pay(ctx, c.ids[1], c.ids[0], startMoney, token.Memo{}); err != nil { // c1 is empty now
		t.Fatal(err)
	}
	err := client.PayBatch(ctx, wallet.Batch{From: c.ids[0], Rows: rows, Journal: filepath.Join(t.TempDir(), "journal")}, func(wallet.Outcome) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	before, err := client.API.Wallet(ctx, c.ids[1])
	if err != nil || before.Tokens != 130 {
		t.Fatalf("%d tokens, %v", before.Tokens, err)
	}
	if _, err := client.Pay(ctx, c.ids[1], c.ids[0], 1290*money.Tenge, token.Memo{}); err != nil {
		t.Fatal(err)
	}
	after, err := client.API.Wallet(ctx, c.ids[1])
	if err != nil || after.Balance != 10*money.Tenge || after.Tokens > 3 {
		t.Fatalf("%s in %d tokens, %v", after.Balance, after.Tokens, err)
	}
}

// The leader is destroyed while clients pay, and its follower leads: nothing that was answered is lost.
func TestDrillLosesNothing(t *testing.T) {
	t.Parallel()
	var result drill.Result
	if err := json.Unmarshal([]byte(run1Out(t, "drill", "destroy", "--for", "700ms", "--clients", "4", "--json")), &result); err != nil {
		t.Fatal(err)
	}
	if result.Lost != 0 || result.Acknowledged < 10 || result.Epoch != 1 || result.VerifiedEntries < uint64(result.Acknowledged) {
		t.Errorf("%+v", result)
	}
}

// run1Out is run1 with what is printed on standard output alone.
func run1Out(t *testing.T, args ...string) string {
	t.Helper()
	out, err := aqsha(args...).Output()
	if err != nil {
		t.Fatalf("aqsha %s: %v", strings.Join(args, " "), err)
	}
	return string(out)
}

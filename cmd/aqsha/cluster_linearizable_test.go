package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/freeport"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/wallet"
)

// council is four validators in processes of their own, and wallets that are paid from at any of them.
type council struct {
	t  *testing.T
	up []func(args ...string) *exec.Cmd // the program of each
	// at which address the one is reached that says that it serves at another
	reached func(i int, url string) string
	dirs    []string
	ids     []token.WalletID
	begun   time.Time
	size    atomic.Uint64 // of the log, as receipts have shown it: what is read later is at least of it

	mu      sync.Mutex // over the two, which change when a validator is killed
	running []*process
	clients []*wallet.Client
}

var councillors = []string{"central", "dala", "tulpar", "farmers"}

func newCouncil(t *testing.T) *council {
	t.Helper()
	port, err := freeport.Port() // and those behind it
	if err != nil {
		t.Fatal(err)
	}
	return newCouncilOf(t, []func(...string) *exec.Cmd{aqsha, aqsha, aqsha, aqsha},
		func(_ int, url string) string { return url }, "--peer-port", fmt.Sprint(port))
}

// newCouncilOf is a council of which each runs a program, the first of which founds the network. from here a validator
// is reached as reached says.
func newCouncilOf(t *testing.T, programs []func(args ...string) *exec.Cmd, reached func(i int, url string) string,
	flags ...string) *council {
	t.Helper()
	net := filepath.Join(t.TempDir(), "net")
	c := &council{t: t, begun: time.Now(), up: programs, reached: reached}
	for _, name := range councillors {
		c.dirs = append(c.dirs, filepath.Join(net, name))
	}
	c.first(append([]string{"cluster", "init", "--validators", strings.Join(councillors, ","), "--development",
		"--shared-keys", "--delay", "1m", "--data", net}, flags...)...)
	c.running, c.clients = make([]*process, len(councillors)), make([]*wallet.Client, len(councillors))
	for i := range councillors {
		c.start(i)
	}
	c.first("bank", "admit", "bank", "--data", c.dirs[0])
	c.first("issue", "bank", "10000000", "--data", c.dirs[0])
	client := c.clients[0]
	bank, err := client.Keyring.Resolve("bank")
	if err != nil {
		t.Fatal(err)
	}
	for i := range accounts {
		receipt, err := client.Register(t.Context(), wallet.NewWallet{Name: fmt.Sprintf("c%d", i), Registrar: bank,
			Tier: wallet.TierBusiness})
		if err != nil {
			t.Fatal(err)
		}
		c.ids = append(c.ids, token.RegisteredID(receipt.ID))
		paid, err := client.Pay(t.Context(), bank, c.ids[i], startMoney, token.Memo{})
		if err != nil {
			t.Fatal(err)
		}
		c.answered(paid.Index)
	}
	return c
}

// first runs a command where the first validator runs.
func (c *council) first(args ...string) string {
	c.t.Helper()
	out, err := c.up[0](args...).CombinedOutput()
	if err != nil {
		c.t.Fatalf("aqsha %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// answered notes that a receipt has shown so many entries.
func (c *council) answered(index uint64) {
	for size := c.size.Load(); size < index+1 && !c.size.CompareAndSwap(size, index+1); size = c.size.Load() {
	}
}

// start runs a validator, or runs it again.
func (c *council) start(i int) {
	p := served(c.t, c.up[i]("up", "--data", c.dirs[i], "--listen", "127.0.0.1:0"))
	p.url = c.reached(i, p.url)
	keyring, err := wallet.OpenKeyring(c.dirs[0], "", nil)
	if err != nil {
		c.t.Fatal(err)
	}
	client, err := wallet.NewClient(c.t.Context(), api.NewClient(p.url, ""), keyring)
	if err != nil {
		c.t.Fatal(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running[i], c.clients[i] = p, client
}

// anybody is one of the validators, as drawn: it may be down.
func (c *council) anybody(random *rand.Rand) (*wallet.Client, string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := random.IntN(len(c.clients))
	return c.clients[i], c.running[i].url
}

func (c *council) now() int64 { return time.Since(c.begun).Nanoseconds() }

// balance is what a validator says that a wallet holds, of a log at least as long as whatever was answered before.
func (c *council) balance(ctx context.Context, at string, wallet int) (money.Tiyn, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	url := fmt.Sprintf("%s/v1/wallets/%s?min_size=%d", at, c.ids[wallet], c.size.Load())
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	var view struct{ Balance money.Tiyn }
	if answer.StatusCode != http.StatusOK {
		return 0, errors.New(answer.Status)
	}
	return view.Balance, json.NewDecoder(answer.Body).Decode(&view)
}

// perform carries out one operation, each of its attempts at whichever validator.
func (c *council) perform(ctx context.Context, o operation, random *rand.Rand) (p porcupine.Operation, ok bool) {
	p = porcupine.Operation{Input: o, Call: c.now()}
	if o.amount == 0 {
		_, at := c.anybody(random)
		balance, err := c.balance(ctx, at, o.from)
		p.Output, p.Return = fate{balance: balance}, c.now()
		return p, err == nil
	}
	pay := func() (*token.Transaction, error) {
		asking, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		at, _ := c.anybody(random)
		return at.Prepare(asking, c.ids[o.from], c.ids[o.to], o.amount, token.Memo{})
	}
	tx, err := pay()
	for ; err != nil; tx, err = pay() {
		if ctx.Err() != nil {
			return p, false // nothing was signed
		}
		time.Sleep(20 * time.Millisecond)
	}
	p.Call = c.now()
	for patience := random.IntN(8); ; patience-- {
		asking, cancel := context.WithTimeout(ctx, 3*time.Second)
		at, _ := c.anybody(random)
		receipt, err := at.API.Submit(asking, tx)
		cancel()
		p.Return = c.now()
		var problem *api.Problem
		switch {
		case err == nil:
			c.answered(receipt.Index)
			p.Output = fate{}
			return p, true
		case errors.As(err, &problem) && problem.Status < 500 && problem.Status != 429:
			p.Output = fate{refused: true}
			return p, true
		case patience == 0 || ctx.Err() != nil:
			p.Output, p.Return = fate{unknown: true}, math.MaxInt64
			return p, true
		}
		patience = max(patience, 2) // most clients ask again until somebody answers
		time.Sleep(20 * time.Millisecond)
	}
}

// Clients pay between four wallets and ask for balances, each at whichever validator, while one validator after the
// other is killed (SIGKILL) and comes back. Whatever they were answered is what one ledger that does one thing at a
// time would have answered, and in the end all four have the same log.
func TestAClusterIsLinearizable(t *testing.T) {
	if os.Getenv("AQSHA_CLUSTER") == "" {
		t.Skip("make cluster-test runs it; a single node's short form is TestPaymentsAreLinearizableUnderCrashes")
	}
	const clients, operations = 6, 720
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	c := newCouncil(t)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	p := c.play(ctx, clients, seed)
	// Each is killed in turn, at equal parts of the work, twice round; the next when the last is back.
	for k := range 8 {
		p.until(ctx, func(counts map[string]int) bool {
			return counts["paid"]+counts["read"]+counts["refused"]+counts["unknown"] >= operations*(k+1)/10
		})
		c.running[k%4].kill()
		begun := time.Now()
		c.start(k % 4)
		t.Logf("validator %d is back after %s", k%4, time.Since(begun).Round(time.Millisecond))
	}
	p.end(ctx, operations/4, operations/8)
	c.conclude(ctx)
}

// kindOf is what became of an operation.
func kindOf(p porcupine.Operation) string {
	switch o, f := p.Input.(operation), p.Output.(fate); {
	case o.amount == 0:
		return "read"
	case f.unknown:
		return "unknown"
	case f.refused:
		return "refused"
	}
	return "paid"
}

// untilEqual waits until all four have the same log.
func (c *council) untilEqual(ctx context.Context) {
	c.t.Helper()
	for {
		roots, largest := map[string]bool{}, uint64(0)
		for _, client := range c.clients {
			network, err := client.API.Network(ctx)
			if err != nil {
				c.t.Fatal(err)
			}
			roots[fmt.Sprint(network.Head.Size, network.Head.Root)] = true
			largest = max(largest, network.Head.Size)
		}
		if len(roots) == 1 {
			return
		}
		if ctx.Err() != nil {
			c.t.Fatalf("the validators' logs differ: %v", roots)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// conclude holds the four logs against each other, and the supply against what was issued.
func (c *council) conclude(ctx context.Context) {
	c.t.Helper()
	c.untilEqual(ctx)
	for i, client := range c.clients {
		supply, err := client.API.Supply(ctx)
		if err != nil || supply.Live != 10_000_000*money.Tenge || supply.Circulating != supply.Live {
			c.t.Errorf("validator %d: %+v, %v", i, supply, err)
		}
		c.running[i].stop(c.t)
	}
}

package drill

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/wallet"
)

// Group is a leader, node 0, and two followers, of whom one must acknowledge; and who pays there. What stands before
// mu belongs to the goroutine that plays what befalls the group; the payers only read urls, keyring and wallets, which
// are set before they begin.
type Group struct {
	d        *Drill
	duration time.Duration
	Nodes    []*Child
	urls     []string
	keyring  *wallet.Keyring
	wallets  []token.WalletID

	mu       sync.Mutex // over what follows: payers write it, the fault's time is set beside them
	faulted  time.Time
	served   bool          // a payment was answered that was sent after the fault
	last     time.Time     // when one was answered, or the fault
	pause    time.Duration // the longest without an answer since the fault
	answered []token.TransactionID
	refused  int
}

// follower is what of "aqsha follow --once --json" a drill needs.
type follower struct {
	FollowerKey string `json:"follower_key"`
}

func (g *Group) dir(i int) string { return g.d.Path(fmt.Sprintf("node-%d", i)) }

func (g *Group) address(i int) string { return strings.TrimPrefix(g.urls[i], "http://") }

func (g *Group) logKey() string {
	return filepath.Join(g.d.Path("people"), wallet.LogKeyFile)
}

// Wait lets time pass, unless the drill is called off.
func (g *Group) Wait(duration time.Duration) {
	select {
	case <-time.After(duration):
	case <-g.d.ctx.Done():
	}
}

// kill ends a node's process as a power cut would: nothing of it is written any more.
func (g *Group) kill(i int) {
	_ = g.Nodes[i].Process.Kill()
	_ = g.Nodes[i].Wait()
}

// start starts a node again where it was.
func (g *Group) start(i int, args ...string) error {
	child, err := g.d.serveAt(g.address(i), append(args, "--data", g.dir(i))...)
	if err == nil {
		g.Nodes[i] = child
	}
	return err
}

func (g *Group) lead(i int) error   { return g.start(i, "up") }
func (g *Group) follow(i int) error { return g.start(i, "follow") }

// promote makes the first follower the leader.
func (g *Group) promote() error {
	const i = 1 // the leader is 0
	g.d.Say("  promoting a follower …")
	if g.Nodes[i].ProcessState == nil {
		if err := g.Nodes[i].End(); err != nil {
			return err
		}
	}
	if _, err := g.d.do("promote", "--data", g.dir(i), "--log-key", g.logKey(), "--json"); err != nil {
		return err
	}
	return g.lead(i)
}

// NewGroup founds a network and starts its nodes.
func NewGroup(d *Drill, duration time.Duration) (*Group, error) {
	g := &Group{d: d, duration: duration}
	for _, args := range [][]string{{"init", "--development", "--shared-keys"}, {"bank", "admit", "bank"},
		{"issue", "bank", "100000000"}} {
		if _, err := d.do(append(args, "--data", g.dir(0))...); err != nil {
			return nil, err
		}
	}
	for _, part := range []string{"keys", "names"} {
		if err := os.CopyFS(d.Path(filepath.Join("people", part)),
			os.DirFS(filepath.Join(g.dir(0), part))); err != nil {
			return nil, err
		}
	}
	leader, err := d.Serve("up", "--data", g.dir(0))
	if err != nil {
		return nil, err
	}
	if err := g.customers(d.ctx, api.NewClient(leader.Url, "")); err != nil {
		return nil, err
	}
	c, err := datadir.ReadConfig(g.dir(0))
	if err != nil {
		return nil, err
	}
	for i := 1; i <= 2; i++ {
		var made follower
		out, err := d.do("follow", leader.Url, "--data", g.dir(i), "--once", "--json")
		if err == nil {
			err = json.Unmarshal(out, &made)
		}
		if err != nil {
			return nil, err
		}
		c.Followers = append(c.Followers, made.FollowerKey)
	}
	if err := leader.End(); err != nil {
		return nil, err
	}
	// The port that the leader got stays its own: followers and clients know it by that.
	c.Acks, c.Listen = 1, strings.TrimPrefix(leader.Url, "http://")
	if err := datadir.WriteConfig(g.dir(0), c); err != nil {
		return nil, err
	}
	g.Nodes, g.urls = make([]*Child, 3), []string{leader.Url, "http://127.0.0.1:0", "http://127.0.0.1:0"}
	for i, start := range []func(int) error{g.lead, g.follow, g.follow} {
		if err := start(i); err != nil {
			return nil, err
		}
		g.urls[i] = g.Nodes[i].Url
	}
	return g, g.acquainted()
}

// customers makes who pays.
func (g *Group) customers(ctx context.Context, remote *api.Client) (err error) {
	if g.keyring, err = wallet.OpenKeyring(g.d.Path("people"), "", nil); err != nil {
		return err
	}
	client, err := wallet.NewClient(ctx, remote, g.keyring)
	if err != nil {
		return err
	}
	bank, err := g.keyring.Resolve("bank")
	if err != nil {
		return err
	}
	for i := range g.d.Result.Clients + 2 { // one pays alone
		receipt, err := client.Register(ctx, wallet.NewWallet{Name: fmt.Sprintf("customer-%d", i), Registrar: bank,
			Tier: wallet.TierBusiness})
		if err != nil {
			return err
		}
		g.wallets = append(g.wallets, token.RegisteredID(receipt.ID))
		if _, err := client.Pay(ctx, bank, g.wallets[i], 100_000*money.Tenge, token.Memo{}); err != nil {
			return err
		}
	}
	return nil
}

// acquainted waits until both followers have heard where the others can be asked.
func (g *Group) acquainted() error {
	for range 300 {
		know := 0
		for i := 1; i <= 2; i++ {
			if c, err := datadir.ReadConfig(g.dir(i)); err == nil && len(c.FollowerURLs) == 2 {
				know++
			}
		}
		if know == 2 {
			return nil
		}
		g.Wait(100 * time.Millisecond)
	}
	return errors.New("the followers never heard of each other")
}

// StartPaying has the clients pay until stop.
func (g *Group) StartPaying() (stop func()) {
	ctx, cancel := context.WithCancel(g.d.ctx)
	var group sync.WaitGroup
	for i := range g.d.Result.Clients {
		group.Go(func() { g.pay(ctx, i) })
	}
	return func() {
		cancel()
		group.Wait()
	}
}

func (g *Group) client() *api.Client { return api.NewClient(strings.Join(g.urls, ","), "") }

// pay pays until the context ends. After a failure it begins with a new client, as a person would open the program
// again: who leads may be another.
func (g *Group) pay(ctx context.Context, i int) {
	remote := g.client()
	for ctx.Err() == nil {
		client, err := wallet.NewClient(ctx, remote, g.keyring)
		for err == nil && ctx.Err() == nil {
			err = g.payOnce(ctx, client, i)
		}
	}
}

// payOnce prepares, sends and notes one payment. Only what was sent after the fault says that the group serves again:
// an answer to a payment of before may have been under way. What is refused because the drill ends is not counted.
func (g *Group) payOnce(ctx context.Context, client *wallet.Client, i int) error {
	tx, err := client.Prepare(ctx, g.wallets[i], g.wallets[(i+1)%g.d.Result.Clients], 1, token.Memo{})
	if err != nil {
		return err
	}
	sent := time.Now()
	_, err = client.API.Submit(ctx, tx)
	g.mu.Lock()
	defer g.mu.Unlock()
	if err != nil {
		if ctx.Err() == nil {
			g.refused++
		}
		return err
	}
	g.answered = append(g.answered, tx.ID())
	if !g.faulted.IsZero() {
		now := time.Now()
		g.pause, g.last = max(g.pause, now.Sub(g.last)), now
		g.served = g.served || sent.After(g.faulted)
	}
	return nil
}

// payAt pays at one node.
func (g *Group) payAt(ctx context.Context, remote *api.Client) error {
	client, err := wallet.NewClient(ctx, remote, g.keyring)
	if err != nil {
		return err
	}
	_, err = client.Pay(ctx, g.wallets[g.d.Result.Clients], g.wallets[g.d.Result.Clients+1], 1, token.Memo{})
	return err
}

// patience is how long a drill waits until payments are answered again.
const patience = 2 * time.Minute

// UntilServed waits until a payment is answered that was sent after the fault.
func (g *Group) UntilServed() error {
	for until := time.Now().Add(patience); time.Now().Before(until); g.Wait(10 * time.Millisecond) {
		g.mu.Lock()
		served := g.served
		g.mu.Unlock()
		if served {
			return nil
		}
		if err := g.d.ctx.Err(); err != nil {
			return err
		}
	}
	return fmt.Errorf("no payment was answered for %s", patience)
}

// Count looks for everything that was answered.
func (g *Group) Count() (Outcome, error) {
	ctx, remote := g.d.ctx, g.client()
	result := Outcome{Seconds: g.pause.Seconds(), Answered: len(g.answered), Refused: g.refused}
	for _, id := range g.answered {
		_, err := remote.Transaction(ctx, id)
		var problem *api.Problem
		switch {
		case errors.As(err, &problem) && problem.Code == "not-found":
			result.Lost++
		case err != nil:
			return result, err
		}
	}
	return result, nil
}

// Acknowledging starts the leader again with so many followers acknowledging, and waits until it answers.
func (g *Group) Acknowledging(acks int) error {
	if err := g.Nodes[0].End(); err != nil {
		return err
	}
	c, err := datadir.ReadConfig(g.dir(0))
	if err != nil {
		return err
	}
	c.Acks = acks
	if err := datadir.WriteConfig(g.dir(0), c); err != nil {
		return err
	}
	if err := g.lead(0); err != nil {
		return err
	}
	g.Rate(g.duration) // until all are connected again, and caches are warm
	return nil
}

// Rate has the clients pay for a while, and returns how many payments were answered a second.
func (g *Group) Rate(duration time.Duration) float64 {
	g.mu.Lock()
	before := len(g.answered)
	g.mu.Unlock()
	began := time.Now()
	stop := g.StartPaying()
	g.Wait(duration)
	stop()
	g.mu.Lock()
	defer g.mu.Unlock()
	return float64(len(g.answered)-before) / time.Since(began).Seconds()
}

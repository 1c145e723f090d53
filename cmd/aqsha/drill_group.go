package main

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
	"github.com/aqsha/aqsha/api/wallet"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// drillGroup is a leader, node 0, and two followers, of whom one must acknowledge; and who pays there.
type drillGroup struct {
	d        *drill
	duration time.Duration
	nodes    []*drillChild
	urls     []string
	book     *wallet.Book
	wallets  []token.WalletID

	mu       sync.Mutex
	faulted  time.Time
	served   bool          // a payment was answered that was sent after the fault
	last     time.Time     // when one was answered, or the fault
	pause    time.Duration // the longest without an answer since the fault
	answered []token.TransactionID
	refused  int
}

func (g *drillGroup) dir(i int) string { return g.d.path(fmt.Sprintf("node-%d", i)) }

func (g *drillGroup) address(i int) string { return strings.TrimPrefix(g.urls[i], "http://") }

func (g *drillGroup) logKey() string {
	return filepath.Join(g.d.path("people"), wallet.LogKeyFile)
}

func (g *drillGroup) wait(duration time.Duration) {
	select {
	case <-time.After(duration):
	case <-g.d.command.Context().Done():
	}
}

func (g *drillGroup) kill(i int) {
	_ = g.nodes[i].Process.Kill()
	_ = g.nodes[i].Wait()
}

// start starts a node again where it was.
func (g *drillGroup) start(i int, args ...string) error {
	child, err := g.d.serveAt(g.address(i), append(args, "--data", g.dir(i))...)
	if err == nil {
		g.nodes[i] = child
	}
	return err
}

func (g *drillGroup) lead(i int) error   { return g.start(i, "up") }
func (g *drillGroup) follow(i int) error { return g.start(i, "follow") }

// promote makes a follower the leader.
func (g *drillGroup) promote(i int) error {
	g.d.say("  promoting a follower …")
	if g.nodes[i].ProcessState == nil {
		if err := g.nodes[i].end(); err != nil {
			return err
		}
	}
	if _, err := g.d.do("promote", "--data", g.dir(i), "--log-key", g.logKey(), "--json"); err != nil {
		return err
	}
	return g.lead(i)
}

// newDrillGroup founds a network and starts its nodes.
func newDrillGroup(d *drill, duration time.Duration) (*drillGroup, error) {
	g := &drillGroup{d: d, duration: duration}
	for _, args := range [][]string{{"init", "--development", "--shared-keys"}, {"bank", "admit", "bank"}, {"issue", "bank", "100000000"}} {
		if _, err := d.do(append(args, "--data", g.dir(0))...); err != nil {
			return nil, err
		}
	}
	for _, part := range []string{"keys", "names"} {
		if err := os.CopyFS(d.path(filepath.Join("people", part)), os.DirFS(filepath.Join(g.dir(0), part))); err != nil {
			return nil, err
		}
	}
	leader, err := d.serve("up", "--data", g.dir(0))
	if err != nil {
		return nil, err
	}
	if err := g.customers(d.command.Context(), api.NewClient(leader.url, "")); err != nil {
		return nil, err
	}
	c, err := readConfig(g.dir(0))
	if err != nil {
		return nil, err
	}
	for i := 1; i <= 2; i++ {
		var made copied
		out, err := d.do("follow", leader.url, "--data", g.dir(i), "--once", "--json")
		if err == nil {
			err = json.Unmarshal(out, &made)
		}
		if err != nil {
			return nil, err
		}
		c.Followers = append(c.Followers, made.FollowerKey)
	}
	if err := leader.end(); err != nil {
		return nil, err
	}
	c.Acks, c.Listen = 1, strings.TrimPrefix(leader.url, "http://")
	if err := writeConfig(g.dir(0), c); err != nil {
		return nil, err
	}
	g.nodes, g.urls = make([]*drillChild, 3), []string{leader.url, "http://127.0.0.1:0", "http://127.0.0.1:0"}
	for i, start := range []func(int) error{g.lead, g.follow, g.follow} {
		if err := start(i); err != nil {
			return nil, err
		}
		g.urls[i] = g.nodes[i].url
	}
	return g, g.acquainted()
}

// customers makes who pays.
func (g *drillGroup) customers(ctx context.Context, client *api.Client) (err error) {
	if g.book, err = wallet.OpenBook(g.d.path("people"), "", nil); err != nil {
		return err
	}
	desk, err := wallet.NewDesk(ctx, client, g.book)
	if err != nil {
		return err
	}
	bank, err := g.book.Resolve("bank")
	if err != nil {
		return err
	}
	for i := range g.d.result.Clients + 2 { // one pays alone
		receipt, err := desk.Register(ctx, wallet.NewWallet{Name: fmt.Sprintf("customer-%d", i), Registrar: bank, Tier: wallet.TierBusiness})
		if err != nil {
			return err
		}
		g.wallets = append(g.wallets, token.RegisteredID(receipt.ID))
		if _, err := desk.Pay(ctx, bank, g.wallets[i], 100_000*money.Tenge, token.Memo{}); err != nil {
			return err
		}
	}
	return nil
}

// acquainted waits until both followers have heard where the others can be asked.
func (g *drillGroup) acquainted() error {
	for range 300 {
		know := 0
		for i := 1; i <= 2; i++ {
			if c, err := readConfig(g.dir(i)); err == nil && len(c.FollowerURLs) == 2 {
				know++
			}
		}
		if know == 2 {
			return nil
		}
		g.wait(100 * time.Millisecond)
	}
	return errors.New("the followers never heard of each other")
}

// startPaying has the clients pay until stop.
func (g *drillGroup) startPaying() (stop func()) {
	ctx, cancel := context.WithCancel(g.d.command.Context())
	var group sync.WaitGroup
	for i := range g.d.result.Clients {
		group.Go(func() { g.pay(ctx, i) })
	}
	return func() {
		cancel()
		group.Wait()
	}
}

func (g *drillGroup) client() *api.Client { return api.NewClient(strings.Join(g.urls, ","), "") }

func (g *drillGroup) pay(ctx context.Context, i int) {
	client := g.client()
	for ctx.Err() == nil {
		desk, err := wallet.NewDesk(ctx, client, g.book)
		for err == nil && ctx.Err() == nil {
			err = g.payOnce(ctx, desk, i)
		}
	}
}

func (g *drillGroup) payOnce(ctx context.Context, desk *wallet.Desk, i int) error {
	tx, err := desk.Prepare(ctx, g.wallets[i], g.wallets[(i+1)%g.d.result.Clients], 1, token.Memo{})
	if err != nil {
		return err
	}
	sent := time.Now()
	_, err = desk.Client.Submit(ctx, tx)
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
func (g *drillGroup) payAt(ctx context.Context, client *api.Client) error {
	desk, err := wallet.NewDesk(ctx, client, g.book)
	if err != nil {
		return err
	}
	_, err = desk.Pay(ctx, g.wallets[g.d.result.Clients], g.wallets[g.d.result.Clients+1], 1, token.Memo{})
	return err
}

// drillPatience is how long a drill waits until payments are answered again.
const drillPatience = 2 * time.Minute

func (g *drillGroup) untilServed() error {
	for until := time.Now().Add(drillPatience); time.Now().Before(until); g.wait(10 * time.Millisecond) {
		g.mu.Lock()
		served := g.served
		g.mu.Unlock()
		if served {
			return nil
		}
		if err := g.d.command.Context().Err(); err != nil {
			return err
		}
	}
	return fmt.Errorf("no payment was answered for %s", drillPatience)
}

// count looks for everything that was answered.
func (g *drillGroup) count() (drilled, error) {
	ctx, client := g.d.command.Context(), g.client()
	result := drilled{Seconds: g.pause.Seconds(), Answered: len(g.answered), Refused: g.refused}
	for _, id := range g.answered {
		_, err := client.Transaction(ctx, id)
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

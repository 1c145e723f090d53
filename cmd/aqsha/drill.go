package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/api/wallet"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// drillResult is what a drill prints.
type drillResult struct {
	Acknowledgement bool    `json:"follower_acknowledgement"`
	Clients         int     `json:"clients"`
	Acknowledged    int     `json:"acknowledged"`     // payments answered before the leader was destroyed
	Lost            int     `json:"lost"`             // of them, not in the new leader's log
	Open            int     `json:"open"`             // payments under way then: executed or not, their payers ask
	OpenExecuted    int     `json:"open_executed"`    // of them
	RecoverySeconds float64 `json:"recovery_seconds"` // from the kill to the first payment that the new leader answered
	Epoch           uint64  `json:"epoch"`
	VerifiedEntries uint64  `json:"verified_entries"`
}

func newDrillDestroyCommand() *cobra.Command {
	var clients int
	var duration time.Duration
	var without bool
	command := &cobra.Command{
		Use:   "destroy",
		Short: "Measure the loss of a leader with one follower: kill it, destroy its data, promote the follower",
		Long: `Found a network for the drill, with a leader and a follower in processes of their own, let
clients pay, kill the leader (SIGKILL) and delete its data directory, promote the follower, and
let a client pay there. Prints how long that took, and how many of the payments that had been
answered are missing: none, when the follower acknowledges each payment.`,
		Example: `  aqsha drill destroy
  aqsha drill destroy --for 10s --without-acknowledgement --json`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if clients < 1 || clients > 1000 {
				return usageError{errors.New("--clients: want 1 to 1000")}
			}
			dir, err := os.MkdirTemp("", "aqsha-drill-")
			if err != nil {
				return err
			}
			defer os.RemoveAll(dir)
			d := &drill{command: command, dir: dir, result: drillResult{Acknowledgement: !without, Clients: clients}}
			defer d.stopAll()
			if err := d.run(duration); err != nil {
				return err
			}
			return show(command, d.result, func(w io.Writer) { d.result.describe(w) })
		},
	}
	command.Flags().IntVar(&clients, "clients", 8, "who pay at once")
	command.Flags().DurationVar(&duration, "for", 3*time.Second, "how long they pay before the leader is destroyed")
	command.Flags().BoolVar(&without, "without-acknowledgement", false, "answer payments before the follower has them")
	return command
}

func (r drillResult) describe(w io.Writer) {
	how := "with"
	if !r.Acknowledgement {
		how = "without"
	}
	fmt.Fprintf(w, "%d payments were answered, %s the follower's acknowledgement; then the leader was killed and its data deleted.\n", r.Acknowledged, how)
	fmt.Fprintf(w, "The follower leads (epoch %d) and answered its first payment after %.2f s.\n", r.Epoch, r.RecoverySeconds)
	fmt.Fprintf(w, "Lost: %d of the answered payments. %d were under way, %d of them are executed.\n", r.Lost, r.Open, r.OpenExecuted)
	fmt.Fprintf(w, "Its log of %d entries was verified from nothing.\n", r.VerifiedEntries)
}

// drill is one rehearsal.
type drill struct {
	command  *cobra.Command
	dir      string
	result   drillResult
	children []*drillChild

	mu           sync.Mutex
	acknowledged []token.TransactionID
	open         []token.TransactionID
}

// drillChild is a process that serves.
type drillChild struct {
	*exec.Cmd
	url string
}

func (d *drill) path(part string) string { return filepath.Join(d.dir, part) }

// self is this program again.
func (d *drill) self(args ...string) (*exec.Cmd, error) {
	path, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := exec.CommandContext(d.command.Context(), path, args...)
	c.Args[0] = "aqsha"
	return c, nil
}

// do runs a command to its end and returns what it printed.
func (d *drill) do(args ...string) ([]byte, error) {
	c, err := d.self(args...)
	if err != nil {
		return nil, err
	}
	var said bytes.Buffer
	c.Stderr = &said
	out, err := c.Output()
	if err != nil {
		return nil, fmt.Errorf("aqsha %s: %w: %s", strings.Join(args, " "), err, said.String())
	}
	return out, nil
}

// serve starts a command that serves, and waits until it does.
func (d *drill) serve(args ...string) (*drillChild, error) {
	return d.serveAt("127.0.0.1:0", args...)
}

// serveAt is serve at an address.
func (d *drill) serveAt(address string, args ...string) (*drillChild, error) {
	c, err := d.self(append(args, "--listen", address)...)
	if err != nil {
		return nil, err
	}
	stderr, err := c.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := c.Start(); err != nil {
		return nil, err
	}
	child := &drillChild{Cmd: c}
	d.children = append(d.children, child)
	lines := bufio.NewScanner(stderr)
	said := ""
	for lines.Scan() {
		said += lines.Text() + "\n"
		if _, rest, ok := strings.Cut(lines.Text(), " at http://"); ok {
			child.url = "http://" + strings.Fields(rest)[0]
			go func() { _, _ = io.Copy(io.Discard, stderr) }() // keeps the pipe empty
			return child, nil
		}
	}
	return nil, fmt.Errorf("aqsha %s did not serve: %s", strings.Join(args, " "), said)
}

// end asks a child to stop and waits for it.
func (c *drillChild) end() error {
	if err := c.Process.Signal(os.Interrupt); err != nil {
		return err
	}
	return c.Wait()
}

func (d *drill) stopAll() {
	for _, c := range d.children {
		if c.ProcessState == nil {
			_ = c.Process.Kill()
			_ = c.Wait()
		}
	}
}

func (d *drill) say(format string, args ...any) {
	if !wantsJSON(d.command) {
		fmt.Fprintf(d.command.ErrOrStderr(), format+"\n", args...)
	}
}

func (d *drill) run(duration time.Duration) error {
	ctx := d.command.Context()
	d.say("founding a network, a leader and a follower …")
	desk, wallets, err := d.found(ctx)
	if err != nil {
		return err
	}
	leader, follower, err := d.pair()
	if err != nil {
		return err
	}
	d.say("%d clients pay for %s …", d.result.Clients, duration)
	paying, stop := context.WithCancel(ctx)
	defer stop()
	var group sync.WaitGroup
	client := api.NewClient(leader.url, "")
	for i := range d.result.Clients {
		group.Go(func() { d.pay(paying, desk, client, wallets, i) })
	}
	select {
	case <-time.After(duration):
	case <-ctx.Done():
	}
	d.say("killing the leader and deleting its data …")
	killed := time.Now()
	if err := leader.Process.Kill(); err != nil {
		return err
	}
	_ = leader.Wait()
	if err := os.RemoveAll(d.path("leader")); err != nil {
		return err
	}
	stop()
	group.Wait()
	if err := follower.end(); err != nil {
		return fmt.Errorf("the follower: %w", err)
	}
	return d.recover(ctx, desk, wallets, killed)
}

// found makes the network, its customers, and a folder of keys that outlives the leader.
func (d *drill) found(ctx context.Context) (*wallet.Book, []token.WalletID, error) {
	leader := d.path("leader")
	for _, args := range [][]string{{"init", "--development", "--shared-keys"}, {"bank", "admit", "bank"}, {"issue", "bank", "100000000"}} {
		if _, err := d.do(append(args, "--data", leader)...); err != nil {
			return nil, nil, err
		}
	}
	for _, part := range []string{"keys", "names"} {
		if err := os.CopyFS(d.path(filepath.Join("people", part)), os.DirFS(filepath.Join(leader, part))); err != nil {
			return nil, nil, err
		}
	}
	book, err := wallet.OpenBook(d.path("people"), "", nil)
	if err != nil {
		return nil, nil, err
	}
	node, err := d.serve("up", "--data", leader)
	if err != nil {
		return nil, nil, err
	}
	desk, err := wallet.NewDesk(ctx, api.NewClient(node.url, ""), book)
	if err != nil {
		return nil, nil, err
	}
	bank, err := book.Resolve("bank")
	if err != nil {
		return nil, nil, err
	}
	wallets := make([]token.WalletID, max(2, d.result.Clients))
	for i := range wallets {
		receipt, err := desk.Register(ctx, wallet.NewWallet{Name: fmt.Sprintf("customer-%d", i), Registrar: bank, Tier: wallet.TierBusiness})
		if err != nil {
			return nil, nil, err
		}
		wallets[i] = token.RegisteredID(receipt.ID)
		if _, err := desk.Pay(ctx, bank, wallets[i], 100_000*money.Tenge, token.Memo{}); err != nil {
			return nil, nil, err
		}
	}
	var copy copied
	out, err := d.do("follow", node.url, "--data", d.path("follower"), "--once", "--json")
	if err == nil {
		err = json.Unmarshal(out, &copy)
	}
	if err != nil {
		return nil, nil, err
	}
	if err := node.end(); err != nil {
		return nil, nil, err
	}
	c, err := readConfig(leader)
	if err != nil {
		return nil, nil, err
	}
	c.Followers = []string{copy.FollowerKey}
	if d.result.Acknowledgement {
		c.Acks = 1
	}
	return book, wallets, writeConfig(leader, c)
}

// pair starts leader and follower.
func (d *drill) pair() (leader, follower *drillChild, err error) {
	if leader, err = d.serve("up", "--data", d.path("leader")); err != nil {
		return nil, nil, err
	}
	follower, err = d.serve("follow", leader.url, "--data", d.path("follower"))
	return leader, follower, err
}

// pay has one client pay the next as fast as answers come.
func (d *drill) pay(ctx context.Context, book *wallet.Book, client *api.Client, wallets []token.WalletID, i int) {
	desk, err := wallet.NewDesk(ctx, client, book)
	for err == nil {
		var tx *token.Transaction
		if tx, err = desk.Prepare(ctx, wallets[i], wallets[(i+1)%len(wallets)], 1, token.Memo{}); err != nil {
			return
		}
		_, err = client.Submit(ctx, tx)
		d.mu.Lock()
		if err == nil {
			d.acknowledged = append(d.acknowledged, tx.ID())
		} else {
			d.open = append(d.open, tx.ID())
		}
		d.mu.Unlock()
	}
}

// recover promotes the follower and looks for everything that was answered.
func (d *drill) recover(ctx context.Context, book *wallet.Book, wallets []token.WalletID, killed time.Time) error {
	d.say("promoting the follower …")
	out, err := d.do("promote", "--data", d.path("follower"), "--log-key", filepath.Join(d.path("people"), wallet.LogKeyFile), "--json")
	if err != nil {
		return err
	}
	var p promotion
	if err := json.Unmarshal(out, &p); err != nil {
		return err
	}
	d.result.Epoch = p.Epoch
	leader, err := d.serve("up", "--data", d.path("follower"))
	if err != nil {
		return err
	}
	client := api.NewClient(leader.url, "")
	desk, err := wallet.NewDesk(ctx, client, book)
	if err != nil {
		return err
	}
	if _, err := desk.Pay(ctx, wallets[0], wallets[1], 1, token.Memo{}); err != nil {
		return fmt.Errorf("the new leader: %w", err)
	}
	d.result.RecoverySeconds = time.Since(killed).Seconds()
	has := func(id token.TransactionID) (bool, error) {
		_, err := client.Transaction(ctx, id)
		var problem *api.Problem
		if errors.As(err, &problem) && problem.Code == "not-found" {
			return false, nil
		}
		return err == nil, err
	}
	d.result.Acknowledged, d.result.Open = len(d.acknowledged), len(d.open)
	for _, id := range d.acknowledged {
		there, err := has(id)
		if err != nil {
			return err
		}
		if !there {
			d.result.Lost++
		}
	}
	for _, id := range d.open {
		there, err := has(id)
		if err != nil {
			return err
		}
		if there {
			d.result.OpenExecuted++
		}
	}
	if err := leader.end(); err != nil {
		return err
	}
	var verified struct{ Size uint64 }
	if out, err = d.do("verify", "--data", d.path("follower"), "--json"); err == nil {
		err = json.Unmarshal(out, &verified)
	}
	d.result.VerifiedEntries = verified.Size
	if err == nil && d.result.Lost > 0 && d.result.Acknowledgement {
		err = fmt.Errorf("%d payments that were answered are lost", d.result.Lost)
	}
	return err
}

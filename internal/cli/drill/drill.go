package drill

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

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/wallet"
	"github.com/aqsha/aqsha/words"
)

// Result is what a drill prints.
type Result struct {
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

// Describe says it in words.
func (r Result) Describe(w io.Writer, l words.Language) {
	if r.Acknowledgement {
		fmt.Fprintln(w, l.Text("drill.with", "count", r.Acknowledged))
	} else {
		fmt.Fprintln(w, l.Text("drill.without", "count", r.Acknowledged))
	}
	fmt.Fprintln(w, l.Text("drill.leads", "epoch", r.Epoch, "seconds", fmt.Sprintf("%.2f", r.RecoverySeconds)))
	fmt.Fprintln(w, l.Text("drill.lost", "lost", r.Lost, "open", r.Open, "executed", r.OpenExecuted))
	fmt.Fprintln(w, l.Text("drill.verified", "size", r.VerifiedEntries))
}

// Drill is one rehearsal. Its goroutine alone has the children, and fills in Result when the payers have ended;
// acknowledged are the payments that were answered and must be found afterwards, open those of which it is not known.
type Drill struct {
	ctx      context.Context
	Say      func(format string, args ...any) // of each step, for who watches
	Dir      string
	Result   Result
	children []*Child

	mu           sync.Mutex // over the two lists, which payers add to
	acknowledged []token.TransactionID
	open         []token.TransactionID
}

// Child is a process that serves.
type Child struct {
	*exec.Cmd
	Url string
}

// New is a rehearsal in a folder of its own, whose steps are said to whoever watches.
func New(ctx context.Context, say func(format string, args ...any), asked Result) (*Drill, error) {
	dir, err := os.MkdirTemp("", "aqsha-drill-")
	return &Drill{ctx: ctx, Say: say, Dir: dir, Result: asked}, err
}

// Path is a part of the drill's directory, which is deleted at its end.
func (d *Drill) Path(part string) string { return filepath.Join(d.Dir, part) }

// self is this program again.
func (d *Drill) self(args ...string) (*exec.Cmd, error) {
	path, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := exec.CommandContext(d.ctx, path, args...)
	c.Args[0] = "aqsha"
	return c, nil
}

// do runs a command to its end and returns what it printed.
func (d *Drill) do(args ...string) ([]byte, error) {
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

// Serve starts a command that serves, and waits until it does.
func (d *Drill) Serve(args ...string) (*Child, error) {
	return d.serveAt("127.0.0.1:0", args...)
}

// serveAt is serve at an address.
func (d *Drill) serveAt(address string, args ...string) (*Child, error) {
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
	child := &Child{Cmd: c}
	d.children = append(d.children, child)
	lines := bufio.NewScanner(stderr)
	said := ""
	for lines.Scan() {
		said += lines.Text() + "\n"
		if _, rest, ok := strings.Cut(lines.Text(), " at http://"); ok {
			child.Url = "http://" + strings.Fields(rest)[0]
			go func() { _, _ = io.Copy(io.Discard, stderr) }() // keeps the pipe empty
			return child, nil
		}
	}
	return nil, fmt.Errorf("aqsha %s did not serve: %s", strings.Join(args, " "), said)
}

// End asks a child to stop and waits for it.
func (c *Child) End() error {
	if err := c.Process.Signal(os.Interrupt); err != nil {
		return err
	}
	return c.Wait()
}

// StopAll ends the processes that are left, and removes the folder.
func (d *Drill) StopAll() {
	defer os.RemoveAll(d.Dir)
	for _, c := range d.children {
		if c.ProcessState == nil {
			_ = c.Process.Kill()
			_ = c.Wait()
		}
	}
}

// Run plays the rehearsal: clients pay for so long, then the leader is destroyed.
func (d *Drill) Run(duration time.Duration) error {
	ctx := d.ctx
	d.Say("making a network, a leader and a follower …")
	client, wallets, err := d.init(ctx)
	if err != nil {
		return err
	}
	leader, follower, err := d.pair()
	if err != nil {
		return err
	}
	d.Say("%d clients pay for %s …", d.Result.Clients, duration)
	paying, stop := context.WithCancel(ctx)
	defer stop()
	var group sync.WaitGroup
	remote := api.NewClient(leader.Url, "")
	for i := range d.Result.Clients {
		group.Go(func() { d.pay(paying, client, remote, wallets, i) })
	}
	select {
	case <-time.After(duration):
	case <-ctx.Done():
	}
	d.Say("killing the leader and deleting its data …")
	killed := time.Now()
	if err := leader.Process.Kill(); err != nil {
		return err
	}
	_ = leader.Wait()
	if err := os.RemoveAll(d.Path("leader")); err != nil {
		return err
	}
	// Clients go on for a moment after the kill, as real ones do: what they then get no answer to is open, and neither
	// lost nor made.
	stop()
	group.Wait()
	if err := follower.End(); err != nil {
		return fmt.Errorf("the follower: %w", err)
	}
	return d.recover(ctx, client, wallets, killed)
}

// init makes the network, its customers, and a folder of keys that outlives the leader.
func (d *Drill) init(ctx context.Context) (*wallet.Keyring, []token.WalletID, error) {
	leader := d.Path("leader")
	for _, args := range [][]string{{"init", "--development", "--shared-keys"}, {"bank", "admit", "bank"},
		{"issue", "bank", "100000000"}} {
		if _, err := d.do(append(args, "--data", leader)...); err != nil {
			return nil, nil, err
		}
	}
	// Outside of the leader's directory, which the drill destroys: the customers have their keys elsewhere.
	for _, part := range []string{"keys", "names"} {
		if err := os.CopyFS(d.Path(filepath.Join("people", part)), os.DirFS(filepath.Join(leader, part))); err != nil {
			return nil, nil, err
		}
	}
	keyring, err := wallet.OpenKeyring(d.Path("people"), "", nil)
	if err != nil {
		return nil, nil, err
	}
	node, err := d.Serve("up", "--data", leader)
	if err != nil {
		return nil, nil, err
	}
	client, err := wallet.NewClient(ctx, api.NewClient(node.Url, ""), keyring)
	if err != nil {
		return nil, nil, err
	}
	bank, err := keyring.Resolve("bank")
	if err != nil {
		return nil, nil, err
	}
	wallets := make([]token.WalletID, max(2, d.Result.Clients))
	for i := range wallets {
		receipt, err := client.Register(ctx, wallet.NewWallet{Name: fmt.Sprintf("customer-%d", i), Registrar: bank,
			Tier: wallet.TierBusiness})
		if err != nil {
			return nil, nil, err
		}
		wallets[i] = token.RegisteredID(receipt.ID)
		if _, err := client.Pay(ctx, bank, wallets[i], 100_000*money.Tenge, token.Memo{}); err != nil {
			return nil, nil, err
		}
	}
	var copy follower
	out, err := d.do("follow", node.Url, "--data", d.Path("follower"), "--once", "--json")
	if err == nil {
		err = json.Unmarshal(out, &copy)
	}
	if err != nil {
		return nil, nil, err
	}
	if err := node.End(); err != nil {
		return nil, nil, err
	}
	c, err := datadir.ReadConfig(leader)
	if err != nil {
		return nil, nil, err
	}
	c.Followers = []string{copy.FollowerKey}
	if d.Result.Acknowledgement {
		c.Acks = 1
	}
	return keyring, wallets, datadir.WriteConfig(leader, c)
}

// pair starts leader and follower.
func (d *Drill) pair() (leader, follower *Child, err error) {
	if leader, err = d.Serve("up", "--data", d.Path("leader")); err != nil {
		return nil, nil, err
	}
	follower, err = d.Serve("follow", leader.Url, "--data", d.Path("follower"))
	return leader, follower, err
}

// pay has one client pay the next as fast as answers come.
func (d *Drill) pay(ctx context.Context, keyring *wallet.Keyring, remote *api.Client, wallets []token.WalletID, i int) {
	client, err := wallet.NewClient(ctx, remote, keyring)
	for err == nil {
		var tx *token.Transaction
		if tx, err = client.Prepare(ctx, wallets[i], wallets[(i+1)%len(wallets)], 1, token.Memo{}); err != nil {
			return
		}
		_, err = remote.Submit(ctx, tx)
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
func (d *Drill) recover(ctx context.Context, keyring *wallet.Keyring, wallets []token.WalletID,
	killed time.Time) error {
	d.Say("promoting the follower …")
	out, err := d.do("promote", "--data", d.Path("follower"), "--log-key",
		filepath.Join(d.Path("people"), wallet.LogKeyFile), "--json")
	if err != nil {
		return err
	}
	var p struct{ Epoch uint64 }
	if err := json.Unmarshal(out, &p); err != nil {
		return err
	}
	d.Result.Epoch = p.Epoch
	leader, err := d.Serve("up", "--data", d.Path("follower"))
	if err != nil {
		return err
	}
	remote := api.NewClient(leader.Url, "")
	client, err := wallet.NewClient(ctx, remote, keyring)
	if err != nil {
		return err
	}
	if _, err := client.Pay(ctx, wallets[0], wallets[1], 1, token.Memo{}); err != nil {
		return fmt.Errorf("the new leader: %w", err)
	}
	d.Result.RecoverySeconds = time.Since(killed).Seconds()
	has := func(id token.TransactionID) (bool, error) {
		_, err := remote.Transaction(ctx, id)
		var problem *api.Problem
		if errors.As(err, &problem) && problem.Code == "not-found" {
			return false, nil
		}
		return err == nil, err
	}
	d.Result.Acknowledged, d.Result.Open = len(d.acknowledged), len(d.open)
	for _, id := range d.acknowledged {
		there, err := has(id)
		if err != nil {
			return err
		}
		if !there {
			d.Result.Lost++
		}
	}
	// An open payment may have been made or not; both are right, and are only counted.
	for _, id := range d.open {
		there, err := has(id)
		if err != nil {
			return err
		}
		if there {
			d.Result.OpenExecuted++
		}
	}
	if err := leader.End(); err != nil {
		return err
	}
	var verified struct{ Size uint64 }
	if out, err = d.do("verify", "--data", d.Path("follower"), "--json"); err == nil {
		err = json.Unmarshal(out, &verified)
	}
	d.Result.VerifiedEntries = verified.Size
	// Without acknowledgement a loss is what the drill is to show.
	if err == nil && d.Result.Lost > 0 && d.Result.Acknowledgement {
		err = fmt.Errorf("%d payments that were answered are lost", d.Result.Lost)
	}
	return err
}

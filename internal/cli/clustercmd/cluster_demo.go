package clustercmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/copycmd"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/internal/cli/drill"
	"github.com/aqsha/aqsha/internal/freeport"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/params"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog"
	"github.com/aqsha/aqsha/wallet"
	"github.com/aqsha/aqsha/words"
)

// demoValidators are those of the demonstration: a central bank, two banks, and the farmers' cooperative.
var demoValidators = []string{"central", "dala", "tulpar", "farmers"}

// demoDelay is before a change of keys or caps takes effect in the demonstration: a day, in milliseconds.
const demoDelay = 86_400_000

// clusterDemo is what a demonstration found.
type clusterDemo struct {
	Validators     []validatorEnd `json:"validators"`
	Payments       int            `json:"payments"`         // answered, at whichever validator
	Killed         string         `json:"killed"`           // which one
	PauseSeconds   float64        `json:"pause_seconds"`    // from the kill to the first payment that was answered
	CatchUpSeconds float64        `json:"catch_up_seconds"` // from its start to having what the others have
	// from the start of the killed one without its disk until it had everything
	RejoinSeconds   float64 `json:"rejoin_seconds"`
	Changed         string  `json:"changed"`        // who was removed, and taken back with other keys
	Changes         int     `json:"changes"`        // of who signs the log, as its links show from the genesis on
	ReturnSeconds   float64 `json:"return_seconds"` // from its start with them until it had everything
	Lost            int     `json:"lost"`           // answered payments that a validator does not have
	EqualRoots      bool    `json:"equal_roots"`
	SupplyConserved bool    `json:"supply_conserved"`
}

// validatorEnd is where a validator stands in the end.
type validatorEnd struct {
	Name string     `json:"name"`
	Size uint64     `json:"size"`
	Root txlog.Hash `json:"root"`
}

func newClusterDemoCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "Run four validators on this machine, pay through each, kill one, have it back, and change who they are",
		Long: `Found a network for the demonstration with four validators in processes of their own; pay through each
of them, one payment through two of them at once; kill one (SIGKILL) and pay on through the others; start it again and
wait until it has what they have, also without its disk. Then remove another by the authority's keys, pay on, and take
it back with other keys. Prints the four logs' roots, which are equal, and fails when they are not, when a payment that
was answered is missing, or when the log's signers do not follow from the genesis.`,
		Example: "  aqsha cluster demo\n  aqsha cluster demo --json",
		Args:    cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			d, err := drill.New(command.Context(), cli.Narrator(command), drill.Result{})
			if err != nil {
				return err
			}
			defer os.RemoveAll(d.Dir)
			p := &clusterPlay{Drill: d}
			defer p.StopAll()
			if err := p.play(command.Context()); err != nil {
				return err
			}
			return cli.Show(command, p.genesis, func(w io.Writer) {
				p.genesis.describe(w, cli.LanguageFor(command))
			})
		},
	}
}

func (c clusterDemo) describe(w io.Writer, l words.Language) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, l.Text("cluster.demo-columns"))
	for _, v := range c.Validators {
		fmt.Fprintf(table, "%s\t%d\t%s\n", v.Name, v.Size, v.Root)
	}
	table.Flush()
	seconds := func(s float64) string { return fmt.Sprintf("%.1f", s) }
	fmt.Fprintln(w, l.Text("cluster.demo-paid", "payments", c.Payments, "killed", c.Killed, "pause",
		seconds(c.PauseSeconds), "caught", seconds(c.CatchUpSeconds)))
	fmt.Fprintln(w, l.Text("cluster.demo-rejoined", "seconds", seconds(c.RejoinSeconds)))
	fmt.Fprintln(w, l.Text("cluster.demo-changed", "name", c.Changed, "seconds", seconds(c.ReturnSeconds), "changes",
		c.Changes))
}

// clusterPlay is a demonstration under way.
type clusterPlay struct {
	*drill.Drill
	plans   []validatorPlan
	nodes   []*drill.Child
	clients []*wallet.Client // of each validator's node, all with the same keys
	bank    token.WalletID
	shop    token.WalletID
	paid    []token.TransactionID
	genesis clusterDemo
	expect  money.Tiyn
}

func (p *clusterPlay) play(ctx context.Context) error {
	if err := p.begin(ctx); err != nil {
		return err
	}
	p.Say("paying through each validator, and once through two …")
	for i := range p.nodes {
		if err := p.pay(ctx, i); err != nil {
			return err
		}
	}
	// One payment through two validators at once must be made once.
	if err := p.payTwice(ctx); err != nil {
		return err
	}
	victim := 2
	p.genesis.Killed = p.plans[victim].Name
	p.Say("killing %s, and paying on …", p.genesis.Killed)
	_ = p.nodes[victim].Process.Kill()
	_ = p.nodes[victim].Wait()
	killed := time.Now()
	for i := range 6 {
		if err := p.pay(ctx, []int{0, 1, 3}[i%3]); err != nil {
			return err
		}
		if i == 0 {
			// Until the first payment after the loss is answered: the longest that anybody waited.
			p.genesis.PauseSeconds = time.Since(killed).Seconds()
		}
	}
	p.Say("starting %s again …", p.genesis.Killed)
	started := time.Now()
	if err := p.start(ctx, victim); err != nil {
		return err
	}
	if err := p.compare(ctx); err != nil {
		return err
	}
	p.genesis.CatchUpSeconds = time.Since(started).Seconds()
	if err := p.pay(ctx, victim); err != nil {
		return err
	}
	if err := p.lose(ctx, victim); err != nil {
		return err
	}
	if err := p.change(ctx, len(p.plans)-1); err != nil {
		return err
	}
	return p.conclude(ctx)
}

// lose takes a validator's disk away and leaves what a backup of its keys and settings has; it fetches the rest from
// the others while they are paid at.
func (p *clusterPlay) lose(ctx context.Context, victim int) error {
	p.Say("killing %s once more, and losing its disk but for keys and settings …", p.genesis.Killed)
	_ = p.nodes[victim].Process.Kill()
	_ = p.nodes[victim].Wait()
	for _, part := range []string{"log", "snapshots", "index", "cluster/data", "cluster/positions"} {
		if err := os.RemoveAll(filepath.Join(p.plans[victim].Data, part)); err != nil {
			return err
		}
	}
	if err := p.pay(ctx, 0); err != nil {
		return err
	}
	started := time.Now()
	if err := p.start(ctx, victim); err != nil {
		return err
	}
	if err := p.compare(ctx); err != nil {
		return err
	}
	p.genesis.RejoinSeconds = time.Since(started).Seconds()
	return p.pay(ctx, victim)
}

// begin founds the network, runs its validators and gives a shop a wallet.
func (p *clusterPlay) begin(ctx context.Context) error {
	for _, name := range demoValidators {
		address, err := freeport.Address("127.0.0.1")
		if err != nil {
			return err
		}
		p.plans = append(p.plans, validatorPlan{name, p.Path("net/" + name), "127.0.0.1:0", address})
	}
	p.Say("making a network with %d validators …", len(p.plans))
	n := wallet.NewNetwork{Name: "tenge.localhost", TimeMillis: wallet.SystemNow(), Day: params.DateOf(time.Now()),
		// Three keys for all roles, on one machine: a play, which its network says of itself.
		SharedKeys: true,
		DailyCap:   100_000_000_000 * money.Tenge, DelayMillis: demoDelay, RekeyDelayMillis: demoDelay}
	if _, err := initCluster(ctx, p.Path("net"), "", true, n, p.plans); err != nil {
		return err
	}
	p.nodes, p.clients = make([]*drill.Child, len(p.plans)), make([]*wallet.Client, len(p.plans))
	for i := range p.plans {
		if err := p.start(ctx, i); err != nil {
			return err
		}
	}
	if _, err := p.clients[0].Admit(ctx, "dala"); err != nil {
		return err
	}
	var err error
	if p.bank, err = p.clients[0].Keyring.Resolve("dala"); err != nil {
		return err
	}
	p.expect = 10_000_000 * money.Tenge
	if _, err := p.clients[0].Issue(ctx, p.bank, p.expect); err != nil {
		return err
	}
	receipt, err := p.clients[0].Register(ctx, wallet.NewWallet{Name: "shop", Registrar: p.bank,
		Tier: wallet.TierBusiness})
	p.shop = token.RegisteredID(receipt.ID)
	return err
}

// start runs a validator, and waits until it takes payments.
func (p *clusterPlay) start(ctx context.Context, i int) error {
	child, err := p.Serve("up", "--data", p.plans[i].Data)
	if err != nil {
		return err
	}
	keyring, err := wallet.OpenKeyring(p.plans[0].Data, "", nil)
	if err != nil {
		return err
	}
	p.nodes[i] = child
	p.clients[i], err = wallet.NewClient(ctx, api.NewClient(child.Url, ""), keyring)
	return err
}

// pay has the bank pay the shop at a validator.
func (p *clusterPlay) pay(ctx context.Context, at int) error {
	return p.payTo(ctx, at, p.shop, money.Tenge)
}

// payTo has the bank pay somebody at a validator.
func (p *clusterPlay) payTo(ctx context.Context, at int, to token.WalletID, amount money.Tiyn) error {
	for {
		receipt, err := p.clients[at].Pay(ctx, p.bank, to, amount, token.Memo{})
		if err == nil {
			p.paid = append(p.paid, receipt.ID)
			return nil
		}
		// A validator that is a block behind the one that was paid at last still offers tokens that are spent: it is
		// asked again.
		if !errors.Is(err, context.Canceled) &&
			(copycmd.CodeIs(err, node.NotJoined) || copycmd.CodeIs(err, node.Overloaded) ||
				copycmd.CodeIs(err, ledger.TokenNotLive)) {
			if err := datadir.Pause(ctx); err == nil {
				continue
			}
		}
		return fmt.Errorf("a payment at %s: %w", p.plans[at].Name, err)
	}
}

// payTwice sends one payment to two validators at once: it is paid once, and both say so.
func (p *clusterPlay) payTwice(ctx context.Context) error {
	if err := p.compare(ctx); err != nil { // a validator that is a block behind offers tokens that are spent
		return err
	}
	tx, err := p.clients[0].Prepare(ctx, p.bank, p.shop, money.Tenge, token.Memo{})
	if err != nil {
		return err
	}
	type answer struct {
		index uint64
		err   error
	}
	answers := make(chan answer, 2)
	for _, at := range []int{0, 3} {
		go func() {
			receipt, err := p.clients[at].API.Submit(ctx, tx)
			answers <- answer{receipt.Index, err}
		}()
	}
	first, second := <-answers, <-answers
	if err := errors.Join(first.err, second.err); err != nil {
		return fmt.Errorf("one payment at two validators: %w", err)
	}
	if first.index != second.index {
		return fmt.Errorf("one payment at two validators stands in entry %d, one says, and in %d, says the other",
			first.index, second.index)
	}
	p.paid = append(p.paid, tx.ID())
	return nil
}

// compare waits until all have as many entries as the one that has most, and holds their roots against each other.
func (p *clusterPlay) compare(ctx context.Context) error {
	for {
		p.genesis.Validators = p.genesis.Validators[:0]
		for i, client := range p.clients {
			network, err := client.API.Network(ctx)
			if err != nil {
				return fmt.Errorf("%s: %w", p.plans[i].Name, err)
			}
			p.genesis.Validators = append(p.genesis.Validators, validatorEnd{p.plans[i].Name, network.Head.Size,
				network.Head.Root})
		}
		first := p.genesis.Validators[0]
		if !slices.ContainsFunc(p.genesis.Validators, func(v validatorEnd) bool { return v.Size != first.Size }) {
			p.genesis.EqualRoots = !slices.ContainsFunc(p.genesis.Validators,
				func(v validatorEnd) bool { return v.Root != first.Root })
			if !p.genesis.EqualRoots {
				return errors.New("the validators have different logs")
			}
			return nil
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// conclude asks every validator for every payment that was answered, and for the supply.
func (p *clusterPlay) conclude(ctx context.Context) error {
	if err := p.compare(ctx); err != nil {
		return err
	}
	p.genesis.Payments, p.genesis.SupplyConserved = len(p.paid), true
	for i, client := range p.clients {
		// At every validator, also the one that was killed: an answer is everybody's promise.
		for _, id := range p.paid {
			if _, err := client.API.Transaction(ctx, id); err != nil {
				p.genesis.Lost++
			}
		}
		supply, err := client.API.Supply(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", p.plans[i].Name, err)
		}
		p.genesis.SupplyConserved = p.genesis.SupplyConserved && supply.Live == p.expect &&
			supply.Circulating == p.expect
	}
	for _, child := range p.nodes {
		if err := child.End(); err != nil {
			return err
		}
	}
	switch {
	case p.genesis.Lost > 0:
		return fmt.Errorf("%d payments that were answered are missing", p.genesis.Lost)
	case !p.genesis.SupplyConserved:
		return errors.New("the supply is not what was issued")
	}
	return nil
}

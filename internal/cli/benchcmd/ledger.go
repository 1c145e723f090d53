package benchcmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/node/bench"
)

func newBenchLedgerCommand() *cobra.Command {
	var o bench.Options
	var through string
	command := &cobra.Command{
		Use:   "ledger",
		Short: "Measure the ledger beside the rate at which signatures can be verified at all",
		Long: `Build a population of wallets, sign transfers in the proportions of Kazakhstan's card payments of
2021, and commit them durably through the node's own pipeline, in runs that alternate with plain
batch verification of the same signatures. Ratios count: both sides meet the same machine in
the same minute. What was written is replayed and verified at the end.`,
		Example: `  aqsha bench ledger
  aqsha bench ledger --wallets 20000 --live-tokens 40000 --transfers 20000 --runs 3 --json
  aqsha bench ledger --through http
  aqsha bench ledger --grow-to 10000000`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			switch through {
			case "process":
			// What carries the transactions is all that differs; the population, the mix and the check afterwards are
			// the same.
			case "http":
				o.Submit = throughHTTP
			default:
				return cli.Usage(fmt.Errorf("--through %q: want process or http", through))
			}
			if err := checkPopulation(o); err != nil {
				return err
			}
			result, err := benchIn(command, o.Dir, func(dir string, notify func(string, int, int)) (bench.Result,
				error) {
				o.Dir = dir
				return bench.Run(command.Context(), o, notify)
			})
			if err != nil {
				return err
			}
			return cli.Show(command, result, func(w io.Writer) { describeBench(w, result) })
		},
	}
	flags := command.Flags()
	flags.IntVar(&o.Wallets, "wallets", 1_000_000, "wallets, all with keys registered")
	flags.IntVar(&o.LiveTokens, "live-tokens", 1_000_000, "live tokens")
	flags.IntVar(&o.Transfers, "transfers", 200_000, "transfers of each run")
	flags.IntVar(&o.Runs, "runs", 5, "alternating runs, of which medians count")
	flags.IntVar(&o.TwoOwners, "two-owners", 10, "transfers with two payers, in a hundred")
	flags.BoolVar(&o.Zipf, "zipf", false,
		"wallets drawn by Zipf's law, with uniformly drawn ones beside, instead of the other way round")
	flags.IntVar(&o.GrowTo, "grow-to", 0, "then grow the state to so many live tokens, and measure again (10000000)")
	flags.Uint64Var(&o.Seed, "seed", 1, "of the population and the workload")
	flags.StringVar(&o.Dir, "data", "", "where to write (default: a folder here, removed afterwards)")
	cli.Formerly(flags, "data", "dir")
	flags.StringVar(&through, "through", "process", "process, or http: the real API on loopback")
	return command
}

// throughHTTP serves the node on loopback and sends CBOR sequences over a few connections, in order on each.
func throughHTTP(n *node.Node) (bench.Submitter, func(), error) {
	server := api.New(n, api.Options{Open: true})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx, l) }()
	client := api.NewClient("http://"+l.Addr().String(), "")
	submit := func(ctx context.Context, encoded [][]byte, wave int) error {
		for part := range slices.Chunk(encoded, wave) {
			if err := sendAll(ctx, client, part); err != nil {
				return err
			}
		}
		return nil
	}
	return submit, func() { stop(); <-served }, nil
}

// sendAll posts requests of many transactions, several at a time.
func sendAll(ctx context.Context, client *api.Client, encoded [][]byte) error {
	const perRequest, underWay = 1024, 8
	slots := make(chan struct{}, underWay)
	var group sync.WaitGroup
	var mu sync.Mutex
	var errs []error
	for part := range slices.Chunk(encoded, perRequest) {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			answers, err := client.SubmitEncoded(ctx, slices.Concat(part...), len(part))
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				errs = append(errs, err)
			}
			for _, a := range answers {
				if a.Problem != nil && len(errs) < 3 {
					errs = append(errs, a.Problem)
				}
			}
		})
	}
	group.Wait()
	return errors.Join(errs...)
}

func describeBench(w io.Writer, r bench.Result) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	defer table.Flush()
	line := func(what, format string, args ...any) {
		fmt.Fprintf(table, "%s\t"+format+"\n", append([]any{what}, args...)...)
	}
	line("population", "%d wallets, %d live tokens, %d cores, through %s", r.Wallets, r.LiveTokens, r.Cores, r.Through)
	line("signatures verified", "%.0f/s plain, %.0f/s with expanded keys (library, best of batches)", r.PlainVerify,
		r.ExpandedVerify)
	line("committed", "%.0f signatures/s, %.0f transfers/s: %.2f of plain, %.2f of expanded", r.Committed,
		r.CommittedTransfers, r.RatioToPlain, r.RatioToExpanded)
	line("with the index", "%.0f signatures/s: %.2f of plain", r.CommittedWithIndex, r.RatioWithIndex)
	line("key cache", "%.0f %% hits", 100*r.KeyCacheHitRate)
	for _, l := range []bench.Latency{r.HalfLoad, r.HeavyLoad} {
		line(fmt.Sprintf("latency at %.0f %%", 100*l.Load), "%s", l)
	}
	line("… while a snapshot is taken", "%s, at 50 %% load", r.SnapshotLoad)
	line("log bytes a transfer", "%.0f of the mix, %.0f one owner 2-in/2-out, %.0f two owners", r.LogBytesPerTransfer,
		r.LogBytesOneOwner, r.LogBytesTwoOwners)
	line("memory", "%.1f bytes a live token, %.1f a wallet", r.MemoryBytesPerToken, r.MemoryBytesPerWallet)
	// In the order in which a transfer goes through them, which a map does not keep.
	for _, stage := range []string{"decode and hash", "decode keys (when not cached)", "verify", "execute",
		"log entry and tree"} {
		line("CPU: "+stage, "%.2f µs a transfer", r.StageMicros[stage])
	}
	line("wallets drawn", "uniformly %.2f of plain, by Zipf's law %.2f", r.RatioUniform, r.RatioZipf)
	if r.GrownLiveTokens > 0 {
		line("grown", "to %d live tokens: %.2f of the ratio before", r.GrownLiveTokens, r.RatioGrown)
	}
	line("restart", "%.2f s from the snapshot; %.0f entries/s without any", r.RestartSeconds, r.ReplayPerSecond)
	line("a year of Table 3", "%.2f days for 5.04 billion payments", r.Table3YearDays)
	line("verified", "%d entries replayed from nothing", r.VerifiedEntries)
}

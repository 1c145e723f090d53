package benchcmd

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/node/bench"
)

func newBenchSoakCommand() *cobra.Command {
	o := bench.SoakOptions{Samples: 30}
	command := &cobra.Command{
		Use:   "soak",
		Short: "Keep a node under load and watch whether rate and memory stay flat",
		Long: `Find the rate that a node with its index reaches together with payers who sign beside it on the same
cores, then hold it at a share of that rate, and sample rate and memory. The drifts compare the
medians of the last third with the first: 1 is flat. What was written, about 25 kB a hundred
transfers, is replayed and verified at the end, and removed.`,
		Example: `  aqsha bench soak
  aqsha bench soak --duration 20s --wallets 20000 --live-tokens 40000 --json`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			// One run to find the rate; the time is for the load.
			o.Runs = 1
			if err := checkLoad(o.Options, o.Load, "duration", o.Duration); err != nil {
				return err
			}
			result, err := benchIn(command, o.Dir, func(dir string, notify func(string, int, int)) (bench.SoakResult,
				error) {
				o.Dir = dir
				return bench.Soak(command.Context(), o, notify)
			})
			if err != nil {
				return err
			}
			return cli.Show(command, result, func(w io.Writer) { describeSoak(w, result) })
		},
	}
	flags := command.Flags()
	flags.DurationVar(&o.Duration, "duration", 10*time.Minute, "of the load")
	flags.Float64Var(&o.Load, "load", 0.8, "share of the rate that is reached flat out")
	populationFlags(flags, &o.Options, 200_000, 400_000)
	return command
}

// populationFlags are those of a population under load.
func populationFlags(flags *pflag.FlagSet, o *bench.Options, wallets, liveTokens int) {
	flags.IntVar(&o.Wallets, "wallets", wallets, "wallets")
	flags.IntVar(&o.LiveTokens, "live-tokens", liveTokens, "live tokens")
	flags.IntVar(&o.Transfers, "transfers", 40_000, "transfers signed at a time")
	flags.IntVar(&o.TwoOwners, "two-owners", 10, "transfers with two payers, in a hundred")
	flags.Uint64Var(&o.Seed, "seed", 1, "of the population and the workload")
	flags.StringVar(&o.Dir, "data", "", "where to write (default: a folder here, removed afterwards)")
	cli.Formerly(flags, "data", "dir")
}

func describeSoak(w io.Writer, r bench.SoakResult) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "seconds\ttransfers/s\tlive heap MB\tresident MB\tlive tokens\tindex lag\tlog MB\t")
	for _, s := range r.Samples {
		fmt.Fprintf(table, "%.0f\t%.0f\t%.1f\t%.1f\t%d\t%d\t%.0f\t\n", s.Seconds, s.TransfersPerSec,
			float64(s.LiveHeapBytes)/1e6, float64(s.ResidentBytes)/1e6, s.LiveTokens, s.IndexLag,
			float64(s.LogBytes)/1e6)
	}
	table.Flush()
	fmt.Fprintln(w, r)
	fmt.Fprintf(w, "verified: %d entries replayed from nothing\n", r.VerifiedEntries)
}

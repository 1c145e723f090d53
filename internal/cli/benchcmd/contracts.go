package benchcmd

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/node/bench"
)

func newBenchContractsCommand() *cobra.Command {
	var o bench.ContractOptions
	command := &cobra.Command{
		Use:   "contracts",
		Short: "Measure marked tenge and contracts beside plain payments",
		Long: `Execute plain payments, marked ones and contract actions alone, without signatures, on one core; commit
plain payments and a mix (20 % marked, 5 % actions) durably through the node's own pipeline, in alternating
runs; and measure how long payments wait while many marked tokens expire together. What was written is
replayed and verified at the end. First every function of expressions is measured on the values on which it takes
longest, for each unit of its estimated cost (--json has them all).`,
		Example: `  aqsha bench contracts
  aqsha bench contracts --wallets 4000 --live-tokens 20000 --transfers 8192 --runs 3 --expiring 20000 --json`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if err := checkNumbers(between{"contracts", o.Contracts, 1, maxRows / 4},
				between{"wallets", o.Wallets, 4 * o.Contracts, maxRows}, // of each four take part
				between{"live-tokens", o.LiveTokens, 1, maxRows}, between{"transfers", o.Transfers, 1, maxRows},
				between{"runs", o.Runs, 1, 1000}, between{"expiring", o.Expiring, 0, maxRows},
				between{"unit-runs", o.UnitRuns, 1, 1_000_000}); err != nil {
				return err
			}
			result, err := benchIn(command, "", func(dir string, notify func(string, int, int)) (bench.ContractResult,
				error) {
				// Always a folder of its own: a million expiring tokens are nobody's data.
				o.Dir = dir
				return bench.RunContracts(command.Context(), o, notify)
			})
			if err != nil {
				return err
			}
			return cli.Show(command, result, func(w io.Writer) { describeBenchContracts(w, result) })
		},
	}
	flags := command.Flags()
	flags.IntVar(&o.Wallets, "wallets", 50_000, "wallets, all with keys registered")
	flags.IntVar(&o.LiveTokens, "live-tokens", 300_000, "live plain tokens to begin with")
	flags.IntVar(&o.Transfers, "transfers", 20_000, "transactions of each run")
	flags.IntVar(&o.Runs, "runs", 11, "alternating runs, of which medians count")
	flags.IntVar(&o.Contracts, "contracts", 1000, "contracts")
	flags.IntVar(&o.Expiring, "expiring", 1_000_000, "marked tokens that expire together, 0 for none")
	flags.IntVar(&o.UnitRuns, "unit-runs", 40, "runs of each function of expressions, of which the fastest counts")
	flags.Uint64Var(&o.Seed, "seed", 1, "of the population and the workload")
	return command
}

func describeBenchContracts(w io.Writer, r bench.ContractResult) {
	fmt.Fprintf(w, "execution on one core, without signatures:\n")
	fmt.Fprintf(w, "  plain payment    %6.2f µs\n", r.PlainMicros)
	fmt.Fprintf(w, "  marked payment   %6.2f µs, %.2f of plain; with a rule over the payee alone %.2f µs, %.2f\n",
		r.EarmarkedMicros, r.EarmarkedCostRatio, r.RememberedMicros, r.RememberedRatio)
	fmt.Fprintf(w, "  contract action  %6.2f µs; creation %.2f µs\n", r.ActionMicros, r.CreateMicros)
	most, least := bench.WorstUnits(r.Units)
	fmt.Fprintf(w, "a unit of estimated cost, of %d expressions: at most %.0f ns (%s), at least %.0f ns (%s)\n",
		len(r.Units), most.NanosPerUnit, most.Expression, least.NanosPerUnit, least.Expression)
	fmt.Fprintf(w, "committed durably: plain %.0f/s, mixed %.0f/s, share %.3f\n", r.PlainCommitted, r.MixedCommitted,
		r.MixedShare)
	if r.Expiring > 0 {
		fmt.Fprintf(w, "payments at half load while %d tokens expire together (%d returned meanwhile): p99 %.1f ms, "+
			"before %.1f ms, ratio %.2f\n",
			r.Expiring, r.ReturnedWhile, r.DuringExpiry.P99, r.BeforeExpiry.P99, r.ExpiryP99Ratio)
	}
	fmt.Fprintf(w, "%d entries replayed and verified\n", r.VerifiedEntries)
}

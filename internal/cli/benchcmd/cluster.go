package benchcmd

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	clusterbench "github.com/aqsha/aqsha/cluster/bench"
	"github.com/aqsha/aqsha/internal/cli"
)

func newBenchClusterCommand() *cobra.Command {
	var o clusterbench.Options
	var validators []int
	command := &cobra.Command{
		Use:   "cluster",
		Short: "Measure validators that order together beside their engine alone",
		Long: `Run validators in this process, on one disk and over loopback: they share this machine's cores.
Measured are the transfers a second that are durable when as many wait as the validators take, the same bytes through
CometBFT alone with an application that does nothing, and how long clients wait that pay one payment at a time. Ratios
count: both sides meet the same machine in the same minutes. Several numbers of validators are measured one after the
other.`,
		Example: `  aqsha bench cluster
  aqsha bench cluster --validators 1,4,7 --for 10s --json`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if len(validators) == 0 {
				return cli.Usage(errors.New("--validators: how many?"))
			}
			for _, n := range validators {
				// All before the first is measured: a wrong last one would be found out minutes later.
				o.Validators = n
				if err := o.Check(); err != nil {
					return cli.Usage(err)
				}
			}
			results, err := benchIn(command, o.Dir,
				func(dir string, notify func(string, int, int)) (all []clusterbench.Result, err error) {
					for _, n := range validators {
						part := o
						part.Validators, part.Dir = n, filepath.Join(dir, fmt.Sprint(n))
						r, err := clusterbench.Run(command.Context(), part, notify)
						if err != nil {
							return all, fmt.Errorf("%d validators: %w", n, err)
						}
						all = append(all, r)
					}
					return all, nil
				})
			if err != nil {
				return err
			}
			// One is printed as itself, as it was before several could be asked for.
			var value any = results
			if len(results) == 1 {
				value = results[0]
			}
			return cli.Show(command, value, func(w io.Writer) { describeClusterBench(w, results) })
		},
	}
	command.Flags().IntSliceVar(&validators, "validators", []int{4},
		"how many order together, 1 to 10; several are measured in turn")
	command.Flags().IntVar(&o.Wallets, "wallets", 40_000, "wallets that pay")
	command.Flags().DurationVar(&o.Duration, "for", 5*time.Second, "how long each part is measured")
	command.Flags().IntVar(&o.Clients, "clients", 32, "who pay one payment at a time, for how long they wait")
	command.Flags().StringVar(&o.Dir, "data", "", "where to write (default: a folder here, removed afterwards)")
	cli.Formerly(command.Flags(), "data", "dir")
	return command
}

func describeClusterBench(w io.Writer, results []clusterbench.Result) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	defer table.Flush()
	fmt.Fprintln(table, "VALIDATORS\tTRANSFERS/S\tENGINE ALONE\tRATIO\tP50 MS\tP99 MS\tBLOCK MS\tIN A BLOCK\tBYTES\t")
	for _, r := range results {
		fmt.Fprintf(table, "%d\t%.0f\t%.0f\t%.2f\t%.0f\t%.0f\t%.0f\t%.0f\t%.0f\t\n", r.Validators, r.PerSecond,
			r.Engine, r.Ratio, r.P50Millis, r.P99Millis, r.BlockMillis, r.BlockSize, r.Bytes)
	}
	for _, r := range results {
		fmt.Fprintf(table, "\nOf a second with %d, the engine waited %.2f s for signatures, %.2f s for the rules, "+
			"%.2f s for the disk.\n", r.Validators, r.Judging, r.Executing, r.Committing)
	}
}

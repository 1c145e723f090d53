package marketcmd

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/concentration"
)

// concentrationHelp is what help says of concentration at length.
const concentrationHelp = `Measure how unequally something is spread (blocks over pools, hash rate over
countries, coins over holders), month by month, with "other" or "unknown" both ways.
Any file of times, names and amounts will do, whatever its columns are called; without
times it is a list of holders.
The last period has bootstrap intervals. Without a file, --points gives the bounds that
known points of a Lorenz curve leave; with one, it tests the file against them.`

func newMarketConcentrationCommand() *cobra.Command {
	var flags importFlags
	var by, of, residual string
	var points []string
	var n, last int
	command := &cobra.Command{
		Use:   "concentration [FILE]",
		Short: "HHI, Gini, Theil, Nakamoto and Lorenz, or bounds from known points",
		Long:  concentrationHelp,
		Example: `  aqsha market concentration pools_monthly.csv --last 12
  aqsha market concentration miners.csv --by miner --of found
  aqsha market concentration holders.csv --by holder --of amount
  aqsha market concentration holders.csv --points 0.9:0.1,0.999:0.5
  aqsha market concentration --points 0.9:0.1,0.999:0.5 --n 50000`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			if err := checkCounts(last, n); err != nil {
				return err
			}
			// Known points without a file give bounds only: nobody's holdings are there to measure.
			if len(args) == 0 {
				known, err := concentration.ParsePoints(points)
				if err != nil {
					return err
				}
				if len(known) == 0 {
					return cli.ExactArgs(1)(command, args)
				}
				bounds, err := concentration.BoundsFrom(known, n)
				if err != nil {
					return err
				}
				return show(command, bounds)
			}
			table, err := flags.readPanel(args[0])
			if err != nil {
				return err
			}
			study, err := concentration.Over(table, by, of, residual)
			if err != nil {
				return err
			}
			// A misspelt name would count the rest as one holder, the largest: every index would be wrong and look
			// right.
			if residual != "" && !study.HasResidual() {
				return market.Refuse("residual", "residual", "no %s is called %q", study.Label, residual)
			}
			if len(points) > 0 {
				known, err := concentration.ParsePoints(points)
				if err != nil {
					return err
				}
				if err := study.Against(known); err != nil {
					return err
				}
			}
			return present(command, study, func(w io.Writer) { study.Print(w, cli.LanguageFor(command), last) })
		},
	}
	flags.register(command)
	f := command.Flags()
	f.StringVar(&by, "by", "", "column of names (default: the first)")
	f.StringVar(&of, "of", "", "column of amounts (default: the first)")
	f.StringVar(&residual, "residual", "", `name of the rest (default: "unknown" for pools, "Other" for countries)`)
	f.StringSliceVar(&points, "points", nil, "known points of the Lorenz curve, population:held")
	f.IntVar(&n, "n", 0, "number of holders, for bounds of HHI and Nakamoto")
	f.IntVar(&last, "last", 0, "print only so many last periods")
	return command
}

// checkCounts refuses numbers of periods and of holders that cannot be.
func checkCounts(last, n int) error {
	if last < 0 {
		return market.Refuse("last", "last", "%d periods cannot be printed; want 1 and more, or 0 for all", last)
	}
	if n < 0 {
		return market.Refuse("choice", "n", "%d holders; want one or more, or 0 where it is not known", n)
	}
	return nil
}

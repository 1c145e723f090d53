package marketcmd

import (
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/speed"
)

// NewBenchMarketCommand is the verb "market" of "bench".
func NewBenchMarketCommand() *cobra.Command {
	settings := speed.Defaults
	var file string
	command := &cobra.Command{
		Use:   "market",
		Short: "CPU time of GARCH fits, rolling refits and the wider family of models",
		Example: `  aqsha bench market --json
  aqsha bench market --peer venv/bin/python     # Python's arch beside, in the same run
  aqsha bench market --file btc.csv`,
		Args: cli.ExactArgs(0),
		RunE: func(command *cobra.Command, _ []string) error {
			if file != "" {
				table, err := market.ReadFile(file, market.ReadOptions{})
				if err != nil {
					return err
				}
				prices, err := table.Series("price_usd")
				if err != nil {
					return err
				}
				returns, err := prices.LogReturns()
				if err != nil {
					return err
				}
				settings.Returns, settings.Input = returns.Values, filepath.Base(file)
				// As many as the windows take, the newest: a longer file does not make the bench another one.
				if need := settings.Windows + settings.WindowDays - 1; len(settings.Returns) > need {
					settings.Returns = settings.Returns[len(settings.Returns)-need:]
				}
			}
			result, err := speed.Measure(command.Context(), settings, cli.CpuTime, cli.ProgressOf(command, "windows"))
			if err != nil {
				return err
			}
			return present(command, result, result.Print)
		},
	}
	command.Flags().StringVar(&file, "file", "", "measure on this file's price_usd instead of simulated returns")
	command.Flags().StringVar(&settings.Peer, "peer", "",
		"interpreter of Python that has arch, to measure the same models beside")
	command.Flags().IntVar(&settings.Repetitions, "repetitions", settings.Repetitions,
		"fits of which the median is taken")
	command.Flags().IntVar(&settings.Windows, "windows", settings.Windows, "rolling refits")
	command.Flags().IntVar(&settings.WindowDays, "window-days", settings.WindowDays, "days in a window")
	return command
}

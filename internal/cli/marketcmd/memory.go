package marketcmd

import (
	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/market/study"
)

func newMarketMemoryCommand() *cobra.Command {
	var flags studyFlags
	command := &cobra.Command{
		Use:   "memory FILE",
		Short: "Unit roots and long memory of a price and its returns",
		Long: `Test the logarithm of the price and its returns for unit roots (ADF, Phillips-Perron,
KPSS), and estimate the memory of returns, absolute and squared returns: Geweke and
Porter-Hudak, local Whittle, detrended fluctuations, rescaled range.`,
		Example: "  aqsha market memory btc.csv --from 2018-01-01\n  aqsha market memory btc.csv --json",
		Args:    cli.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			in, err := flags.input(args[0])
			if err != nil {
				return err
			}
			m, err := study.StudyMemory(command.Context(), in, cli.ProgressSpoken(command, "tests and estimates"))
			if err != nil {
				return err
			}
			return show(command, m)
		},
	}
	flags.register(command)
	return command
}

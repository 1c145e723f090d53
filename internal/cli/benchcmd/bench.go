package benchcmd

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/internal/cli"
)

// NewBenchCommand is the noun "bench" with the verbs of the ledger's line; who joins the nouns adds those of the other
// lines.
func NewBenchCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "bench",
		Short: "Measure speed on this machine",
		Long: `Measures, in one run and on this machine, what the documentation claims, together with
what it is compared with. Rates are per second of processor time where that can be told.`,
	}
	command.AddCommand(newBenchLedgerCommand(), newBenchSoakCommand(), newBenchRestartCommand(),
		newBenchCopiesCommand(), newBenchClusterCommand(), newBenchContractsCommand(), newBenchProgramsCommand(),
		newBenchAbuseCommand(), newBenchCashCommand(), newBenchPurseCommand(), newBenchCompareCommand())
	return command
}

// benchIn measures in a folder, or in one of its own that it removes, with a progress bar.
func benchIn[R any](command *cobra.Command, dir string,
	measure func(dir string, notify func(phase string, done, of int)) (R, error)) (R, error) {
	if dir == "" {
		own, err := os.MkdirTemp(".", "aqsha-bench-")
		if err != nil {
			return *new(R), err
		}
		defer os.RemoveAll(own)
		dir = own
	}
	bar := cli.Progress(command, 1, "")
	defer bar.Finish()
	return measure(dir, func(phase string, done, of int) {
		bar.Describe(phase)
		bar.ChangeMax(of)
		_ = bar.Set(done)
	})
}

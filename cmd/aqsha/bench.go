package main

import "github.com/spf13/cobra"

// newBenchCommand is the noun "bench"; each line of work adds a verb.
func newBenchCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "bench",
		Short: "Measure speed on this machine",
		Long: `Measures, in one run and on this machine, what the documentation claims, together with
what it is compared with. Rates are per second of processor time where that can be told.`,
	}
	command.AddCommand(newBenchLedgerCommand(), newBenchSoakCommand(), newBenchContractsCommand(), newBenchMarketCommand(), newBenchSHA256dCommand(), newBenchPoolCommand(), newBenchFarmCommand(), newBenchPlanCommand(), newBenchUsesCommand())
	return command
}

package main

import "github.com/spf13/cobra"

// newBenchCommand is the noun "bench"; each line of work adds a verb.
func newBenchCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "bench",
		Short: "Measure speed on this machine",
	}
	command.AddCommand(newBenchLedgerCommand(), newBenchMarketCommand())
	return command
}

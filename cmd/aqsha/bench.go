package main

import "github.com/spf13/cobra"

// newBenchCommand holds the measurements; each line adds its own.
func newBenchCommand() *cobra.Command {
	bench := &cobra.Command{
		Use:   "bench",
		Short: "Measure on this machine what the documentation claims",
		Long: `Measures, in one run and on this machine, what the documentation claims, together with
what it is compared with. Rates are per second of processor time where that can be told.`,
	}
	bench.AddCommand(newBenchSHA256dCommand(), newBenchPoolCommand())
	return bench
}

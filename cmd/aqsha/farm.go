package main

import "github.com/spf13/cobra"

// newFarmCommand is the noun "farm".
func newFarmCommand() *cobra.Command {
	command := &cobra.Command{Use: "farm", Short: "Run a mining farm: what to pay for power, when to run, how to grow"}
	command.AddCommand(newFarmPowerCommand(), newFarmPlanCommand())
	return command
}

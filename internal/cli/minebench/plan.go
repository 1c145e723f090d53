package minebench

import (
	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/planner/speed"
)

// NewBenchPlanCommand is the verb "plan" of "bench".
func NewBenchPlanCommand() *cobra.Command {
	settings := speed.Defaults
	command := &cobra.Command{
		Use:   "plan",
		Short: "Time of a farm's simulated futures and of a day's schedule",
		Example: `  aqsha bench plan --json
  aqsha bench plan --paths 2000 --machines 1000`,
		Args: cli.ExactArgs(0),
		RunE: func(command *cobra.Command, _ []string) error {
			result, err := speed.Measure(command.Context(), settings, cli.CpuTime,
				cli.ProgressOf(command, "repetitions"))
			if err != nil {
				return err
			}
			return cli.Show(command, result, result.Print)
		},
	}
	command.Flags().IntVar(&settings.Paths, "paths", settings.Paths, "simulated futures")
	command.Flags().IntVar(&settings.Machines, "machines", settings.Machines, "machines in the schedule")
	command.Flags().IntVar(&settings.Repetitions, "repetitions", settings.Repetitions, "of which the median is taken")
	return command
}

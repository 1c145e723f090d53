package copycmd

import (
	"errors"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/drill"
)

func newDrillDestroyCommand() *cobra.Command {
	var clients int
	var duration time.Duration
	var without bool
	command := &cobra.Command{
		Use:   "destroy",
		Short: "Measure the loss of a leader with one follower: kill it, destroy its data, promote the follower",
		Long: `Found a network for the drill, with a leader and a follower in processes of their own, let
clients pay, kill the leader (SIGKILL) and delete its data directory, promote the follower, and
let a client pay there. Prints how long that took, and how many of the payments that had been
answered are missing: none, when the follower acknowledges each payment.`,
		Example: `  aqsha drill destroy
  aqsha drill destroy --for 10s --without-acknowledgement --json`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if clients < 1 || clients > 1000 {
				return cli.Usage(errors.New("--clients: want 1 to 1000"))
			}
			if err := drillTime(duration); err != nil {
				return err
			}
			d, err := drill.New(command.Context(), cli.Narrator(command),
				drill.Result{Acknowledgement: !without, Clients: clients})
			if err != nil {
				return err
			}
			// Also when the drill failed: its nodes are processes, and would stay behind with the network.
			defer d.StopAll()
			if err := d.Run(duration); err != nil {
				return err
			}
			return cli.Show(command, d.Result, func(w io.Writer) {
				d.Result.Describe(w, cli.LanguageFor(command))
			})
		},
	}
	command.Flags().IntVar(&clients, "clients", 8, "who pay at once")
	command.Flags().DurationVar(&duration, "for", 3*time.Second, "how long they pay before the leader is destroyed")
	command.Flags().BoolVar(&without, "without-acknowledgement", false, "answer payments before the follower has them")
	return command
}

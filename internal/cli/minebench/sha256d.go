package minebench

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/bitcoin/sha256d"
	"github.com/aqsha/aqsha/internal/cli"
)

// NewBenchSHA256dCommand is the verb "sha256d" of "bench".
func NewBenchSHA256dCommand() *cobra.Command {
	var rounds int
	command := &cobra.Command{
		Use:   "sha256d",
		Short: "Measure the proof-of-work kernels against the standard library",
		Long: `Hashes block headers with every kernel that this processor runs and with the standard
library, in turns of 25 ms, and prints each one's best turn in million hashes per second
of processor time.`,
		Example: "  aqsha bench sha256d\n  aqsha bench sha256d --rounds 100 --json",
		Args:    cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if rounds < 1 || rounds > 100_000 {
				return cli.Usage(errors.New("--rounds: want 1 to 100000"))
			}
			result, err := sha256d.Measure(command.Context(), rounds, nil)
			if err != nil {
				return err
			}
			return cli.Show(command, result, func(w io.Writer) {
				fmt.Fprintf(w, "%-18s %9s  %s\n", "kernel", "MH/CPU-s", "× standard library")
				// Kernels that this processor lacks are named with what they need, and not left out: a table without
				// them looks like a program without them.
				for _, rate := range append(result.Kernels, result.Std) {
					if !rate.Supported {
						fmt.Fprintf(w, "%-18s %9s  needs %s\n", rate.Name, "-", rate.Needs)
						continue
					}
					fmt.Fprintf(w, "%-18s %9.2f  %.2f\n", rate.Name, rate.MHPerCPU, rate.MHPerCPU/result.Std.MHPerCPU)
				}
			})
		},
	}
	command.Flags().IntVar(&rounds, "rounds", 40, "turns of each kernel")
	return command
}

package benchcmd

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/node/bench"
)

func newBenchRestartCommand() *cobra.Command {
	o := bench.RestartOptions{}
	part, payer := "", ""
	command := &cobra.Command{
		Use:   "restart",
		Short: "Kill a node under load and time its next start",
		Long: `Have a process of its own keep a node with many live tokens at a share of the rate that it reaches,
with payments signed before; kill it by SIGKILL at a random moment; start another on what it
left, and time it from the start of its process until a payment is answered. Everything that
was answered before must be there. Ten million tokens take about four gigabytes of memory and
three of disk.`,
		Example: `  aqsha bench restart
  aqsha bench restart --live-tokens 100000 --wallets 20000 --after 3s --json`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			o.Runs = 1
			if err := checkLoad(o.Options, o.Load, "after", o.After); err != nil {
				return err
			}
			if part != "" {
				if _, err := hex.Decode(o.Payer[:], []byte(payer)); err != nil {
					return err
				}
				return bench.RestartPart(command.Context(), part, o, command.OutOrStdout())
			}
			program, err := os.Executable()
			if err != nil {
				return err
			}
			// A process of its own, which SIGKILL ends as a power cut would: nothing of it gets to clean up.
			o.Process = func(ctx context.Context, part string, o bench.RestartOptions) *exec.Cmd {
				process := exec.CommandContext(ctx, program, "bench", "restart", "--part", part, "--data", o.Dir,
					"--payer", hex.EncodeToString(o.Payer[:]),
					"--load", strconv.FormatFloat(o.Load, 'g', -1, 64), "--after", o.After.String(), "--wallets",
					strconv.Itoa(o.Wallets), "--live-tokens", strconv.Itoa(o.LiveTokens),
					"--transfers", strconv.Itoa(o.Transfers), "--two-owners", strconv.Itoa(o.TwoOwners), "--seed",
					strconv.FormatUint(o.Seed, 10))
				process.Stderr = command.ErrOrStderr()
				return process
			}
			result, err := benchIn(command, o.Dir, func(dir string, notify func(string, int, int)) (bench.RestartResult,
				error) {
				o.Dir = dir
				return bench.Restart(command.Context(), o, notify)
			})
			if err != nil {
				return err
			}
			if err := cli.Show(command, result, func(w io.Writer) { describeRestart(w, result) }); err != nil {
				return err
			}
			if result.Lost > 0 {
				return fmt.Errorf("%d answered entries are not in the log", result.Lost)
			}
			return nil
		},
	}
	flags := command.Flags()
	flags.DurationVar(&o.After, "after", 20*time.Second,
		"of load until it is killed; a random part of a third more is added")
	flags.Float64Var(&o.Load, "load", 0.8, "share of the rate that is reached flat out")
	populationFlags(flags, &o.Options, 500_000, 10_000_000)
	flags.StringVar(&part, "part", "", "the part that this process does")
	flags.StringVar(&payer, "payer", "00000000000000000000000000000000", "who pays")
	for _, hidden := range []string{"part", "payer"} {
		_ = flags.MarkHidden(hidden)
	}
	return command
}

func describeRestart(w io.Writer, r bench.RestartResult) {
	fmt.Fprintf(w, "killed after %.1f s at %.0f transfers/s (%.0f flat out) with %d live tokens in %d wallets; %d "+
		"snapshots so far, the last took %.1f s, in steps of at most %.1f ms\n",
		r.LoadedSeconds, r.Aim, r.Capacity, r.LiveTokens, r.Wallets, r.SnapshotsTaken, r.SnapshotSeconds,
		r.SnapshotHold)
	fmt.Fprintf(w, "serving again after %.2f s: log %.2f s, snapshot %.2f s, tail of %d entries %.2f s\n",
		r.ServingSeconds, r.LogSeconds, r.LoadSeconds, r.Tail, r.TailSeconds)
	fmt.Fprintf(w, "answered before: %d entries; found: %d; lost: %d\n", r.Answered, r.Found, r.Lost)
}

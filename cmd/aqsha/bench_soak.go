package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/node/bench"
)

func newBenchSoakCommand() *cobra.Command {
	o := bench.SoakOptions{}
	command := &cobra.Command{
		Use:   "soak",
		Short: "Load the ledger for a long time, and compare its end with its beginning",
		Long: `Build a population, measure the rate of a flood, then submit single payments at a share of it, open
loop, for as long as asked. Memory and rate are flat when the last quarter is as the first. Time counts
under load: what is sent is signed in between, which takes longer than executing it. Snapshots are
taken as a policy would. What was written is verified at the end.`,
		Example: `  aqsha bench soak
  aqsha bench soak --for 30s --wallets 50000 --live-tokens 100000 --json`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if o.Load <= 0 || o.Load > 1 || o.For <= 0 {
				return usageError{errors.New("--load: want more than 0, at most 1; --for: a time")}
			}
			if o.Dir == "" {
				dir, err := os.MkdirTemp(".", "aqsha-soak-")
				if err != nil {
					return err
				}
				defer os.RemoveAll(dir)
				o.Dir = dir
			}
			bar := progress(command, 1, "")
			result, err := bench.Soak(command.Context(), o, func(phase string, done, of int) {
				bar.Describe(phase)
				bar.ChangeMax(of)
				_ = bar.Set(done)
			})
			_ = bar.Finish()
			if err != nil {
				return err
			}
			return show(command, result, func(w io.Writer) {
				fmt.Fprintf(w, "%d transfers in %.0f s of load at %.0f %% of %.0f/s, %d segments\n", result.Transfers, result.LoadSeconds, 100*result.Load, result.FloodRate, len(result.Segments))
				fmt.Fprintf(w, "last quarter against the first: rate %.3f, heap %.3f; p99 %.1f ms, then %.1f ms\n", result.RateChange, result.HeapChange, result.P99First, result.P99Last)
				fmt.Fprintf(w, "%d entries verified from nothing\n", result.Verified)
			})
		},
	}
	flags := command.Flags()
	flags.DurationVar(&o.For, "for", 10*time.Minute, "of load")
	flags.Float64Var(&o.Load, "load", 0.8, "share of the rate that a flood reached")
	flags.IntVar(&o.Wallets, "wallets", 200_000, "wallets")
	flags.IntVar(&o.LiveTokens, "live-tokens", 1_000_000, "live tokens")
	flags.IntVar(&o.Transfers, "transfers", 50_000, "transfers of each segment, at most a fourth of the wallets")
	flags.Uint64Var(&o.SnapshotEvery, "snapshot-every", 10_000, "blocks between snapshots")
	flags.Uint64Var(&o.Seed, "seed", 1, "of the population and the workload")
	flags.StringVar(&o.Dir, "dir", "", "where to write (default: a folder here, removed afterwards)")
	o.Runs = 1
	return command
}

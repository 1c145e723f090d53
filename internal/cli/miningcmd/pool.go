package miningcmd

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/chaincmd"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/params"
	"github.com/aqsha/aqsha/pool/audit"
	"github.com/aqsha/aqsha/pool/payout"
	"github.com/aqsha/aqsha/txlog"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// NewPoolCommand holds the mining pool.
func NewPoolCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "pool",
		Short: "Run a mining pool whose payments anybody can recompute",
		Long: `Runs a Stratum V1 pool on a Bitcoin node. Users need no registration: the user name is the
payout address, with an optional .worker. Every accepted share is in an append-only log
before the miner hears "true"; every payment follows from that log.`,
	}
	command.AddCommand(newPoolUpCommand(), newPoolAdminCommand(), newPoolFetchCommand(), newPoolRestoreCommand(),
		newPoolRecomputeCommand(), newPoolReportCommand())
	return command
}

// poolOrigin names a pool's log in its signed checkpoints.
const poolOrigin = "aqsha.pool/"

// openPoolLog opens the share log below a data directory; with create it makes log and key.
func openPoolLog(dir, name string, create bool) (*txlog.Log, error) {
	return openPoolLogAfter(dir, name, create, nil)
}

// openPoolLogAfter is openPoolLog for a log of which some was read beforehand.
func openPoolLogAfter(dir, name string, create bool, scanned *txlog.Reader) (*txlog.Log, error) {
	shares := filepath.Join(dir, "shares")
	if !create {
		// With an empty folder the log would be begun there, and read as one that says nothing.
		if _, err := os.Stat(filepath.Join(shares, "checkpoint")); err != nil {
			return nil, cli.Usage(fmt.Errorf("--data: no pool's log there: %w", err))
		}
	}
	options, err := poolLogOptions(dir, name, create)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(shares); errors.Is(err, os.ErrNotExist) {
		if _, err := os.Stat(filepath.Join(dir, restoredLog)); err == nil {
			return nil, cli.Usage(fmt.Errorf("--data: 'aqsha pool restore' was cut off in %s: run it again", dir))
		}
	}
	options.Scanned = scanned
	return txlog.Open(shares, options)
}

// poolTags is the secret that marks payments and blocks as those of a log: its key, so that a directory that is put
// back knows its own.
func poolTags(dir string) ([]byte, error) {
	return durable.Read(vfs.OS, filepath.Join(dir, "log.key"), 4096)
}

// poolLogOptions are how a pool's log is opened; with create its key is made if there is none.
func poolLogOptions(dir, name string, create bool) (txlog.Options, error) {
	options := txlog.Options{Origin: poolOrigin + name}
	keyFile := filepath.Join(dir, "log.key")
	secret, err := os.ReadFile(keyFile)
	switch {
	case errors.Is(err, os.ErrNotExist) && create:
		if err := vfs.OS.MkdirAll(dir); err != nil {
			return options, err
		}
		made, public, err := note.GenerateKey(rand.Reader, options.Origin)
		if err != nil {
			return options, err
		}
		secret = []byte(made)
		// The public half first: a secret without it could sign what nobody can check; a public half alone is written
		// over at the next start.
		if err := errors.Join(durable.Replace(vfs.OS, filepath.Join(dir, "log.pub"), []byte(public+"\n")),
			durable.Create(vfs.OS, keyFile, secret)); err != nil {
			return options, err
		}
	case err != nil && !errors.Is(err, os.ErrNotExist):
		return options, err
	}
	if len(secret) > 0 {
		signer, err := note.NewSigner(string(secret))
		if err != nil {
			return options, fmt.Errorf("%s: %w", keyFile, err)
		}
		options.Origin, options.Signers = signer.Name(), []note.Signer{signer}
	}
	return options, nil
}

func newPoolRecomputeCommand() *cobra.Command {
	var dir, scheme string
	var block uint64
	var verify bool
	var node chaincmd.NodeFlags
	command := &cobra.Command{
		Use:   "recompute",
		Short: "Recompute a block's split, or every scheme's pay, from the log alone",
		Long: `Replays the share log and prints what a block brings each user by any scheme, counting the
log up to where the block's split was fixed; without --block, what each user would have
earned by every scheme over the whole log, with the spread from block to block. --data is
a copy made by 'aqsha pool fetch', which needs no secret, or the directory of a pool that
is not running. With --verify the work of every share is hashed again; with --bitcoin blocks
and payments are looked up on the chain. Whatever in the log contradicts the bytes that
were hashed, the scheme, or the chain is listed on standard error, and the command fails.`,
		Example: "  aqsha pool recompute --data copy --scheme tides --block 840000 --verify\n" +
			"  aqsha pool recompute --data copy --verify --bitcoin http://127.0.0.1:8332 --json",
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			if err := payout.CheckScheme(scheme); err != nil {
				return err
			}
			log, closer, err := openPoolRecords(dir)
			if err != nil {
				return err
			}
			defer closer.Close()
			auditor, err := audit.Replay(log, verify)
			if err != nil {
				return err
			}
			// Before any figure is shown: sums of a log that contradicts itself or the chain would be believed.
			if err := judge(command, auditor, &node); err != nil {
				return err
			}
			if block == 0 {
				return showSpread(command, auditor)
			}
			result, err := auditor.Block(scheme, block)
			if err != nil {
				return err
			}
			return showBlock(command, result)
		},
	}
	flags := command.Flags()
	flags.StringVar(&dir, "data", "aqsha-pool", "the pool's data directory")
	cli.Formerly(flags, "data", "dir")
	flags.StringVar(&scheme, "scheme", payout.PPLNS, strings.Join(payout.Schemes, ", "))
	flags.Uint64Var(&block, "block", 0, "height of one of the pool's blocks")
	flags.BoolVar(&verify, "verify", false, "hash every share again")
	node.Register(command)
	return command
}

// showBlock shows a block's split as it was recomputed.
func showBlock(command *cobra.Command, result *audit.Recomputation) error {
	return cli.Show(command, result, func(w io.Writer) {
		l := cli.LanguageFor(command)
		fmt.Fprintln(w, l.Text("pool.block", "height", result.Height, "hash", result.Hash, "status",
			result.Status))
		fmt.Fprintln(w, l.Text("pool.reward", "reward", result.Reward.Format(), "scheme", result.Scheme,
			"entry",
			result.Position))
		for _, c := range result.Credits {
			fmt.Fprintf(w, "  %16s  %s\n", c.Amount, c.Address)
		}
		fmt.Fprintln(w, l.Text("pool.coinbase"))
		for _, p := range result.Paid {
			fmt.Fprintln(w, " ", l.Text("pool.owed", "amount", fmt.Sprintf("%16s", p.Amount), "address",
				p.Address,
				"debt", p.Debt))
		}
		if result.Checked != nil {
			fmt.Fprintln(w, l.Text("pool.work", "shares", result.Checked.Shares))
		}
	})
}

func showSpread(command *cobra.Command, auditor *audit.Auditor) error {
	spread, err := auditor.Spread()
	if err != nil {
		return err
	}
	return cli.Show(command, spread, func(w io.Writer) {
		for _, s := range spread {
			l := cli.LanguageFor(command)
			fmt.Fprintln(w, l.Text("pool.spread", "address", s.Address, "shares", s.Shares, "work",
				fmt.Sprintf("%.6g", s.Work)))
			for _, scheme := range payout.Schemes {
				fmt.Fprintf(w, "  %-6s %16s", scheme, s.Earned[scheme])
				if d, ok := s.Deviation[scheme]; ok {
					fmt.Fprint(w, "  "+l.Text("pool.deviation", "amount", fmt.Sprintf("%.8f", d/1e8)))
				}
				fmt.Fprintln(w)
			}
		}
	})
}

func newPoolReportCommand() *cobra.Command {
	var dir, members, from, to, zone string
	command := &cobra.Command{
		Use:   "report",
		Short: "Write the report of distributions that a pool files in Kazakhstan, as CSV",
		Long: `Lists what final blocks have paid to whom: IIN/BIN, name, licence number and date, wallet,
date, amount. Who is behind a wallet comes from a CSV with the columns wallet, iin_bin,
name, licence, licence_date. Wallets that nobody has claimed are named on standard error.`,
		Example: "  aqsha pool report --data aqsha-pool --members members.csv --from 2026-01-01 " +
			"--to 2026-03-31 > q1.csv",
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			var days [2]params.Date
			for i, text := range []string{from, to} {
				day, err := params.ParseDate(text)
				if err != nil {
					return cli.Usage(err)
				}
				days[i] = day
			}
			if days[1] < days[0] { // an empty report would be filed
				return cli.Usage(fmt.Errorf("--to %s is before --from %s", days[1], days[0]))
			}
			location, err := time.LoadLocation(zone)
			if err != nil {
				return cli.Usage(err)
			}
			file, err := os.Open(members)
			if err != nil {
				return cli.Usage(err)
			}
			defer file.Close()
			known, err := audit.ReadMembers(file)
			if err != nil {
				return cli.Usage(err)
			}
			log, closer, err := openPoolRecords(dir)
			if err != nil {
				return err
			}
			defer closer.Close()
			// From the log and not from the books: what is filed is what anybody can recompute.
			auditor, err := audit.Replay(log, false)
			if err != nil {
				return err
			}
			paid, unclaimed := auditor.Distributions(known, days[0], days[1], location)
			for _, wallet := range unclaimed {
				fmt.Fprintln(command.ErrOrStderr(), cli.LanguageFor(command).Text("pool.no-member", "wallet", wallet))
			}
			if cli.WantsJSON(command) {
				return cli.Show(command, paid, nil)
			}
			return audit.WriteReport(command.OutOrStdout(), paid)
		},
	}
	flags := command.Flags()
	flags.StringVar(&dir, "data", "aqsha-pool", "the pool's data directory")
	cli.Formerly(flags, "data", "dir")
	flags.StringVar(&members, "members", "members.csv", "who is behind each wallet")
	flags.StringVar(&from, "from", "2000-01-01", "first day")
	flags.StringVar(&to, "to", "2100-12-31", "last day")
	flags.StringVar(&zone, "zone", "Asia/Almaty", "time zone of the days")
	return command
}

package cashcmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/api"
	apicash "github.com/aqsha/aqsha/api/cash"
	"github.com/aqsha/aqsha/cash/recount"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/internal/terminal"
	"github.com/aqsha/aqsha/txlog/vfs"
	cashwallet "github.com/aqsha/aqsha/wallet/notes"
	"github.com/aqsha/aqsha/words"
)

// logAt is the log of an office: at its URL, or in a folder. Without a key the office's own word for it is taken.
func logAt(command *cobra.Command, place, key string) (recount.Source, error) {
	place = strings.TrimRight(place, "/")
	if !strings.HasPrefix(place, "http://") && !strings.HasPrefix(place, "https://") {
		s, err := recount.Folder(vfs.OS, place, key)
		if errors.Is(err, recount.ErrNoKey) {
			err = cli.Usage(errors.New("name the log's key with --key"))
		}
		return s, err
	}
	client, err := apicash.NewClient(place)
	if err != nil {
		return recount.Source{}, cli.Usage(err)
	}
	client.WhileWaiting(cli.Waiting(command))
	return client.PublicLog(command.Context(), key)
}

// checkCashLog recounts a log at a mint's URL or in a directory. key, if not empty, is the verifier key that its
// checkpoint must have.
func checkCashLog(command *cobra.Command, place, key string, against *recount.Against) (c recount.Report, err error) {
	source, err := logAt(command, place, key)
	if err == nil {
		c, err = recount.Log(command.Context(), source, against, nil)
	}
	return c, wrongKey(err)
}

// wrongKey says of a --key that is none that the command line is wrong.
func wrongKey(err error) error {
	if bad := new(recount.KeyError); errors.As(err, &bad) {
		return cli.Usage(fmt.Errorf("--key: %w", bad.Cause))
	}
	return err
}

// ledgerAt is the ledger that a cash log is held against: at --node or at the node that runs on --data; nil where
// none is named.
func ledgerAt(ctx context.Context, command *cobra.Command) (*recount.Against, error) {
	url := cli.Flag(command, "node")
	if url == "" {
		announced, instance, err := datadir.Announced(cli.Flag(command, "data"))
		if err != nil || instance == "" {
			return nil, nil //nolint:nilerr // no node runs there; what is not compared is told
		}
		url = announced
	}
	return cashwallet.LedgerOf(ctx, api.NewClient(url, ""))
}

// VerifyBeside verifies the cash logs of offices beside a ledger's own, for "aqsha verify": each is held against the
// ledger that against makes, or that at --node, or of a node which runs on --data.
func VerifyBeside(command *cobra.Command, places []string, against func() *recount.Against) (checks []any,
	describe func(out io.Writer), err error) {
	var list []recount.Report
	describe = func(out io.Writer) {
		for i := range list {
			describeCheck(out, cli.LanguageFor(command), &list[i])
		}
	}
	for _, place := range places {
		var held *recount.Against
		if against != nil {
			held = against()
		} else if held, err = ledgerAt(command.Context(), command); err != nil {
			return checks, describe, err
		}
		c, err := checkCashLog(command, place, "", held)
		if err != nil {
			return checks, describe, fmt.Errorf("%s: %w", place, err)
		}
		list, checks = append(list, c), append(checks, c)
	}
	return checks, describe, nil
}

// describeCheck says what was verified of a cash log, and what was not.
func describeCheck(out io.Writer, l words.Language, c *recount.Report) {
	head := []any{"origin", terminal.Plain(c.Origin), "size", c.Size, "blocks", c.Blocks, "notes", c.Notes}
	if len(c.Unverified) > 0 {
		fmt.Fprintln(out, l.Text("cash.log-verified-but", head...))
	} else {
		fmt.Fprintln(out, l.Text("cash.log-verified", head...))
	}
	fmt.Fprintln(out, " ", l.Text("cash.log-root", "root", c.Root, "key", terminal.Plain(c.Key)))
	fmt.Fprintln(out, " ", l.Text("cash.log-reserve", "reserve", c.Reserve.Balance().Format(), "circulating",
		c.Circulating.Format(), "waiting", c.Reserve.Waiting.Format()))
	describeLedger(out, l, c)
}

func newCashSupplyCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "supply [URL|DIR]", Short: "What circulates, by keyset and denomination, beside the reserve",
		Long: `Recounts the office's public log from its beginning, verifying it on the way: notes issued, redeemed and outstanding, and the
reserve's equation: reserve = notes that circulate + paid in and not yet issued or sent back. URL is a mint's, DIR an office's folder
or a copy of its log.`,
		Example: "  aqsha cash supply http://127.0.0.1:8430/cash\n  aqsha cash supply aqsha-office --json",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			c, err := cashLogOf(command, args)
			if err != nil {
				return err
			}
			return cli.Show(command, c, func(out io.Writer) {
				describeSupply(out, cli.LanguageFor(command), &c)
			})
		},
	}
	command.Flags().String("key", "",
		"verifier key of the log, from a source that you trust (default: the office's word)")
	return command
}

// newCashVerifyCommand makes "cash verify". Its exit codes: 0 nothing is wrong, 3 the log is wrong or the reserve
// lacks, 4 not known, each said in its help.
func newCashVerifyCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "verify [URL|DIR]", Short: "Verify a cash office's public log from nothing",
		Long: `Re-derives all that the office states: every block's proofs (each note issued and redeemed was signed
with the announced key), that no note was booked twice, counts, sums and the reserve's equation, and that all of it
stands under the signed checkpoint. It cannot see a note that was signed and never booked: its holder can, who has the
signature.

With the ledger at hand (--node URL, or a node that runs on --data) it also holds the log against it: the reserve, its
keysets, the log's origin and key are those announced; the log's state is on the ledger, not more than an hour old,
and is a beginning of this log, so that no two views of it stand side by side; and the reserve of each block that was
compared is that of the ledger's leaf at its height.

What a check does not show it names, line by line (unverified in --json). Exit code 3: the log is wrong, or the
ledger's reserve lacks what circulates. Exit code 4: nothing is wrong, and the reserve of the newest blocks is not
known to be that of the books: the office closed them without having found both alike.`,
		Example: "  aqsha cash verify http://127.0.0.1:8430/cash\n  aqsha cash verify backup/office --key " +
			"cash.example/log+1f3a…", Args: cobra.MaximumNArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			c, err := cashLogOf(command, args)
			if err != nil {
				return err
			}
			err = cli.Show(command, c, func(out io.Writer) {
				describeCheck(out, cli.LanguageFor(command), &c)
			})
			// Not known is neither sound nor wrong: a program that reads the exit code must not pay out on it, nor cry.
			if err == nil && c.Ledger != nil && c.Ledger.NotCompared > 0 {
				return cli.ExitWith(cli.ExitUnknown)
			}
			return err
		},
	}
	command.Flags().String("key", "",
		"verifier key of the log, from a source that you trust (default: the office's word)")
	return command
}

func describeLedger(out io.Writer, l words.Language, c *recount.Report) {
	if held := c.Ledger; held != nil {
		fmt.Fprintln(out, " ", l.Text("cash.log-ledger", "keysets", held.Keysets, "size", held.StampedSize, "blocks",
			held.Compared))
	}
	for _, gap := range c.Gaps {
		fmt.Fprintln(out, " ", unverified(l, gap))
	}
}

// unverified says one thing that a check does not show.
func unverified(l words.Language, gap recount.Gap) string {
	return l.Text("cash.not-verified", "what", l.Text("cash-gap."+gap.Name, gap.Values...))
}

// cashLogOf verifies the log of the argument, or of --mint, and holds it against the ledger where there is one.
func cashLogOf(command *cobra.Command, args []string) (recount.Report, error) {
	place := cli.Flag(command, "mint")
	if len(args) == 1 {
		place = args[0]
	}
	if place == "" {
		return recount.Report{}, cli.Usage(errors.New("name the office: a URL, a folder, or --mint"))
	}
	against, err := ledgerAt(command.Context(), command)
	if err != nil {
		return recount.Report{}, err
	}
	return checkCashLog(command, place, cli.Flag(command, "key"), against)
}

func describeSupply(out io.Writer, l words.Language, c *recount.Report) {
	for _, s := range c.Keysets {
		fmt.Fprintln(out, l.Text("cash.supply-keyset", "id", s.ID, "expiry", day(s.Expiry)))
		if s.WrittenOff > 0 {
			fmt.Fprintln(out, " ", l.Text("cash.supply-over", "amount", s.WrittenOff.Format()))
		}
		fmt.Fprintf(out, "  %14s %12s %12s %12s %18s\n", l.Text("cash.supply-note"), l.Text("cash.supply-issued"),
			l.Text("cash.supply-redeemed"), l.Text("cash.supply-outstanding"), l.Text("cash.supply-worth"))
		for _, n := range s.Counts {
			if n.Issued+n.Redeemed > 0 {
				fmt.Fprintf(out, "  %14s %12d %12d %12d %18s\n", n.Amount.Format(), n.Issued, n.Redeemed,
					n.Issued-n.Redeemed, n.Outstanding().Format())
			}
		}
	}
	fmt.Fprintln(out, l.Text("cash.supply", "circulating", c.Circulating.Format(), "reserve",
		c.Reserve.Balance().Format(), "waiting", c.Reserve.Waiting.Format(), "owed", c.Reserve.Owed.Format()))
	for _, gap := range c.Gaps {
		fmt.Fprintln(out, unverified(l, gap))
	}
}

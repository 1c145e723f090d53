package verifycmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/cash/recount"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/cashcmd"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/internal/terminal"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node/audit"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/words"
)

// NewVerifyCommand makes the command "verify".
func NewVerifyCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "verify",
		Short: "Replay the whole log from nothing and re-derive everything it states",
		Long: `Replay the whole log from nothing: every signature, rule and limit, every block's supply and
link, the live set, the hash tiles, and that the root of it all stands under a checkpoint signed with
the key that the log's genesis names. Believes nobody anything but the bytes of the log.

Without --node or --log the log of the data directory is read, whether a node runs on it or not.
--log DIR is any directory with a log: a log's own, a data directory, a backup, an archive, a
follower's folder, or a mirror in the layout of C2SP tlog-tiles. No key, name or access is needed
for it, and nothing is written there. --node URL is a node, or any server of C2SP tlog-tiles.

Where entries are not for everybody to read, the genesis, every block's leaf and all hash tiles are
verified, and what that leaves open is said. A damaged checkpoint slot, entries beyond the
checkpoint, and bytes behind the log are named, and the verification fails.

Public logs of cash offices that the ledger announces are verified beside it, as "aqsha cash
verify" does, where they lie in a folder of the directory, or in aqsha-office beside it, and held
against what was replayed; those that are not found are named. --cash URL|DIR names one, and holds
it against the ledger at --node, or at the node that runs on the data directory.`,
		Example: `  aqsha verify
  aqsha verify --log /media/backup --network 3c0b…
  aqsha verify --node https://tenge.example.kz --network 3c0b…
  aqsha verify --cash http://127.0.0.1:8430/cash`,
		Args: cobra.NoArgs,
		RunE: runVerify,
	}
	datadir.AddLedgerFlags(command)
	command.AddCommand(newVerifyEvidenceCommand(), newVerifyPromotionCommand())
	command.Flags().String("network", "",
		"the network's id, from a source that you trust: without it the log's genesis is believed")
	command.Flags().String("log", "", "a directory with a log, of whatever kind")
	command.Flags().StringArray("cash", nil, "verify the public log of this cash office too, a URL or a folder; "+
		"several times for several")
	// One log at a time: a verdict on two would not say of which it is.
	command.MarkFlagsMutuallyExclusive("log", "node")
	return command
}

func runVerify(command *cobra.Command, _ []string) error {
	var network token.NetworkID
	if text := cli.Flag(command, "network"); text != "" {
		if err := network.UnmarshalText([]byte(text)); err != nil {
			return cli.Usage(fmt.Errorf("--network: %w", err))
		}
		if network == (token.NetworkID{}) {
			return cli.Usage(errors.New("--network: no network has the id of zeros alone"))
		}
	}
	bar := cli.Progress(command, 1, "verifying entries")
	report, err := verifyLog(command, network, func(done, size uint64) {
		bar.ChangeMax64(int64(size))
		_ = bar.Set64(int64(done))
	})
	_ = bar.Finish()
	if faults := new(audit.FaultsError); err != nil && !errors.As(err, &faults) {
		return err
	}
	// What holds is shown beside the faults: how far it goes is what one wants to know then.
	places, against, missing := cashLogs(command, &report)
	checks, describe, wrong := []any(nil), func(io.Writer) {}, error(nil)
	if len(places) > 0 {
		checks, describe, wrong = cashcmd.VerifyBeside(command, places, against)
	}
	view := any(report)
	if len(places)+len(missing) > 0 {
		view = struct {
			audit.Report
			Cash []any `json:"cash"`
			// origins of cash logs that the ledger announces and that were not found
			Missing []string `json:"cash_unverified"`
		}{report, append([]any{}, checks...), append([]string{}, missing...)}
	}
	return errors.Join(cli.Show(command, view, func(w io.Writer) {
		l := cli.LanguageFor(command)
		describeReport(w, l, report)
		describe(w)
		for _, origin := range missing {
			fmt.Fprintln(w, " ", l.Text("verification.no-cash", "origin", terminal.Plain(origin)))
		}
	}), err, wrong)
}

// cashLogs are the cash offices' logs to be verified beside a ledger: those that are named, or, where none is, those
// that the ledger announces and that lie in folders beside its log. What is announced and was not found is named.
func cashLogs(command *cobra.Command, report *audit.Report) (places []string, against func() *recount.Against,
	missing []string) {
	if places, _ = command.Flags().GetStringArray("cash"); len(places) > 0 {
		return places, nil, nil
	}
	var folders []string
	if cli.Flag(command, "node") == "" {
		dir := cmp.Or(cli.Flag(command, "log"), cli.Flag(command, "data"))
		folders = append(foldersIn(dir), filepath.Join(filepath.Dir(dir), "aqsha-office"))
	}
	for i := range report.Reserves {
		at := slices.IndexFunc(folders, func(dir string) bool { return keyIn(dir) == report.Reserves[i].LogKey })
		if at < 0 {
			missing = append(missing, report.Reserves[i].Origin)
		} else if !slices.Contains(places, folders[at]) {
			places = append(places, folders[at])
		}
	}
	return places, func() *recount.Against {
		return recount.NewAgainst(func(_ context.Context, height uint64) (money.Tiyn, bool, error) {
			holds, found := report.ReserveAt(height)
			return holds, found, nil
		}, report.Reserves)
	}, missing
}

// foldersIn are the folders in a directory.
func foldersIn(dir string) (list []string) {
	entries, _ := os.ReadDir(dir) // a directory that cannot be read has been said to be so
	for _, e := range entries {
		if e.IsDir() {
			list = append(list, filepath.Join(dir, e.Name()))
		}
	}
	return list
}

// keyIn is the verifier key of the cash log in a folder, or empty.
func keyIn(dir string) string {
	raw, err := cli.ReadLimited(filepath.Join(dir, "log.key"), 1<<12)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(raw))
}

// verifyLog verifies the log that the flags name.
func verifyLog(command *cobra.Command, network token.NetworkID, step func(done, size uint64)) (audit.Report, error) {
	ctx := command.Context()
	if url := cli.Flag(command, "node"); url != "" {
		access, err := datadir.AccessOf(command)
		if err != nil {
			return audit.Report{}, err
		}
		return verifyServed(ctx, url, access, network, step)
	}
	dir := cli.Flag(command, "log")
	if dir == "" {
		dir = cli.Flag(command, "data")
	}
	return audit.Directory(ctx, dir, network, step)
}

// verifyServed verifies what a server shows: all of it, or as much as everybody may see.
func verifyServed(ctx context.Context, url, access string, network token.NetworkID,
	step func(done, size uint64)) (audit.Report, error) {
	source := newServed(url, access)
	report, err := audit.Log(ctx, source, network, step)
	if deniedEntries(err) {
		report, err = audit.Public(ctx, source, network, step)
	}
	report.Source = url
	return report, err
}

// describeReport says in words what was verified.
func describeReport(w io.Writer, l words.Language, r audit.Report) {
	said := func(key string, pairs ...any) { fmt.Fprintln(w, " ", l.Text("verification."+key, pairs...)) }
	transactions := 0
	for _, n := range r.Transactions {
		transactions += n
	}
	// The worst first: whoever reads only the first word must not read Verified.
	verified := l.Text("result.verified", "network", r.Network, "name", terminal.Plain(r.Name))
	if len(r.Faults) > 0 {
		verified = l.Text("result.not-verified", "network", r.Network, "name", terminal.Plain(r.Name))
	}
	fmt.Fprintln(w, verified)
	if r.Entries {
		said("entries", "size", r.Size, "blocks", r.Height+1, "transactions", transactions, "signatures",
			r.Signatures, "system", r.System)
		if r.SignedAt > 0 {
			said("root-past", "root", r.Root, "size", r.SignedAt, "tiles", r.Tiles)
		} else {
			said("root", "root", r.Root, "tiles", r.Tiles)
		}
		said("supply", "issued", r.Issued.Format(), "redeemed", r.Redeemed.Format(), "live",
			r.Circulating.Format(), "tokens", r.LiveTokens, "wallets", r.Wallets)
	} else {
		said("hashes", "size", r.Size, "tiles", r.Tiles, "blocks", r.Leaves)
		said("root-said", "root", r.Root)
		said("supply-said", "issued", r.Issued.Format(), "redeemed", r.Redeemed.Format(), "live",
			r.Circulating.Format())
	}
	if r.StateRoot != "" {
		said("state", "root", r.StateRoot)
	}
	said("rules", "version", r.Rules)
	for _, use := range r.Outlawed {
		fmt.Fprintln(w, "  !", l.Text("verification.outlawed", "block", use.Height, "kind", use.Kind, "id",
			use.Transaction, "why", use.Refusal))
	}
	if r.OutlawedMore > 0 {
		fmt.Fprintln(w, "  !", l.Count("result.and-more", r.OutlawedMore))
	}
	for _, f := range r.Faults {
		fmt.Fprintf(w, "  ✗ %s: %s\n", f.Code, terminal.Plain(f.What))
	}
	describeUnchecked(w, l, r.Unchecked)
}

func describeUnchecked(w io.Writer, l words.Language, unchecked []string) {
	if slices.Contains(unchecked, audit.UncheckedEntries) {
		fmt.Fprintln(w, " ", l.Text("verification.no-entries"))
	}
	if slices.Contains(unchecked, audit.UncheckedNetwork) {
		fmt.Fprintln(w, " ", l.Text("verification.no-network"))
	}
}

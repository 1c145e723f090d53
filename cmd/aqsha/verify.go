package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog/vfs"
)

func newVerifyCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "verify",
		Short: "Replay the whole log from nothing and re-derive everything it states",
		Long: `Replay the whole log from nothing: every signature, rule and limit, every block's supply and
link, the live set, and that the root of it all stands under the log's signed checkpoint. Believes
the node nothing but the bytes of its log.`,
		Example: `  aqsha verify
  aqsha verify --node https://tenge.example.kz --network 3c0b…`,
		Args: cobra.NoArgs,
		RunE: readingLedger(func(ctx context.Context, command *cobra.Command, s *session, _ []string) error {
			evidence := node.Evidence{Entries: func(size uint64) iter.Seq2[[]byte, error] { return s.Client.Entries(ctx, size) }}
			if text := flag(command, "network"); text != "" {
				if err := evidence.Network.UnmarshalText([]byte(text)); err != nil {
					return usageError{fmt.Errorf("--network: %w", err)}
				}
			}
			var err error
			if evidence.Checkpoint, err = s.Client.Checkpoint(ctx); codeIs(err, node.NotFound) && flag(command, "node") == "" {
				evidence.Point, err = pointIn(flag(command, "data"), err)
			}
			if err != nil {
				return err
			}
			bar := progress(command, 1, "verifying entries")
			report, _, err := node.Verify(ctx, evidence, func(done, size uint64) {
				bar.ChangeMax64(int64(size))
				_ = bar.Set64(int64(done))
			})
			_ = bar.Finish()
			if err != nil {
				return err
			}
			return show(command, report, func(w io.Writer) { describeReport(w, report, evidence.Network) })
		}),
	}
	addLedgerFlags(command)
	command.AddCommand(newVerifyReportCommand(), newVerifyEvidenceCommand(), newVerifyPromotionCommand(), newVerifyFarmCommand())
	command.Flags().String("network", "", "the network this must be (default: whatever the log's genesis says)")
	return command
}

// pointIn reads under which checkpoint a copy of the past stands; missing is the error when it says none.
func pointIn(dir string, missing error) (*node.Point, error) {
	content, err := durable.Read(vfs.OS, filepath.Join(dir, node.PointFile), node.MostPointBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, missing
	}
	if err != nil {
		return nil, err
	}
	p, err := node.ReadPoint(content)
	return &p, err
}

func describeReport(w io.Writer, r node.Report, asked token.NetworkID) {
	transactions := 0
	for _, n := range r.Transactions {
		transactions += n
	}
	fmt.Fprintf(w, "Verified: network %s (%s)\n", r.Network, r.Name)
	fmt.Fprintf(w, "  %d entries in %d blocks: %d transactions with %d signatures, %d system entries\n", r.Size, r.Height+1, transactions, r.Signatures, r.System)
	if r.SignedAt > 0 {
		fmt.Fprintf(w, "  root %s: a copy of the past, with which the log of %d entries begins that a signed checkpoint states\n", r.Root, r.SignedAt)
	} else {
		fmt.Fprintf(w, "  root %s, as its signed checkpoint says\n", r.Root)
	}
	fmt.Fprintf(w, "  issued %s − redeemed %s = live %s in %d tokens, %d wallets\n", r.Issued.Format(), r.Redeemed.Format(), r.Circulating.Format(), r.LiveTokens, r.Wallets)
	if r.StateRoot != "" {
		fmt.Fprintf(w, "  state root %s (limits and counters included)\n", r.StateRoot)
	}
	fmt.Fprintf(w, "  rules version %d\n", r.Rules)
	for _, use := range r.Outlawed {
		fmt.Fprintf(w, "  ! block %d: %s %s would be refused today: %s\n", use.Height, use.Kind, use.Transaction, use.Refusal)
	}
	if r.OutlawedMore > 0 {
		fmt.Fprintf(w, "  ! and %d more\n", r.OutlawedMore)
	}
	if asked == (token.NetworkID{}) {
		fmt.Fprintln(w, "  The network's id is the log's own word: compare it with one from a source you trust, or pass --network.")
	}
}

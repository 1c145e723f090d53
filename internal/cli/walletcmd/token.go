package walletcmd

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/internal/cli/session"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/internal/terminal"
	"github.com/aqsha/aqsha/node/proof"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// NewTokenCommand makes the command "token".
func NewTokenCommand() *cobra.Command {
	command := &cobra.Command{Use: "token", Short: "Tokens: show one, list a wallet's, prove where one comes from"}
	datadir.AddLedgerFlags(command)
	command.AddCommand(newTokenListCommand(), newTokenShowCommand(), newTokenProveCommand())
	return command
}

func newTokenListCommand() *cobra.Command {
	list := &cobra.Command{
		Use: "list WALLET", Short: "List a wallet's live tokens, the newest first",
		Example: "  aqsha token list aigerim", Args: cobra.ExactArgs(1),
		RunE: session.ReadingLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			ids, err := s.Resolve(args[0])
			if err != nil {
				return err
			}
			limit, _ := command.Flags().GetInt("limit")
			tokens, err := s.API.Tokens(ctx, ids[0], limit)
			if err != nil {
				return err
			}
			return cli.Show(command, tokens, func(w io.Writer) {
				for _, t := range tokens.Tokens {
					earmark := ""
					if t.Asset.Purpose != 0 {
						earmark = fmt.Sprintf("  purpose %d", t.Asset.Purpose)
					}
					fmt.Fprintf(w, "%s  %s%s\n", t.ID, t.Amount.Format(), earmark)
				}
				// A list that was cut says so: its sum is not the balance.
				if tokens.More {
					fmt.Fprintln(w, "… and more (--limit)")
				}
			})
		}),
	}
	list.Flags().Int("limit", 100, "most tokens, up to 4096")
	return list
}

func newTokenShowCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show TOKEN", Short: "Show a token, live or spent", Example: "  aqsha token show 5f1c…",
		Args: cobra.ExactArgs(1),
		RunE: session.ReadingLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			id, err := tokenID(args[0])
			if err != nil {
				return err
			}
			view, err := s.API.Token(ctx, id)
			if err != nil {
				return err
			}
			return cli.Show(command, view, func(w io.Writer) {
				state := "spent"
				if view.Live {
					state = "live"
				}
				fmt.Fprintf(w, "%s of %s, %s; made by entry %d\n", view.Amount.Format(), s.Keyring.NameOf(view.Wallet),
					state, view.Entry)
			})
		}),
	}
}

func newTokenProveCommand() *cobra.Command {
	prove := &cobra.Command{
		Use: "prove TOKEN", Short: "Write a proof file: the token's provenance back to its issue",
		Example: "  aqsha token prove 5f1c… --file token.proof", Args: cobra.ExactArgs(1),
		RunE: session.ReadingLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			id, err := tokenID(args[0])
			if err != nil {
				return err
			}
			content, err := s.API.Proof(ctx, id)
			if err != nil {
				return err
			}
			path := cli.Flag(command, "file")
			if path == "" {
				path = args[0][:16] + ".proof"
			}
			// Whole or not at all: a proof is carried to somebody who has no way to ask for it again.
			if err := durable.Replace(vfs.OS, path, content); err != nil {
				return err
			}
			return cli.Show(command, map[string]any{"file": path, "bytes": len(content)}, func(w io.Writer) {
				fmt.Fprintf(w, "%s: %d bytes. Anybody checks it with: aqsha proof check %s --network %s\n", path,
					len(content), path, s.Network)
			})
		}),
	}
	prove.Flags().String("file", "", "proof file (default: the token's first digits and .proof)")
	return prove
}

func tokenID(text string) (id token.ID, err error) {
	if err := id.UnmarshalText([]byte(text)); err != nil {
		return id, cli.Usage(fmt.Errorf("token %q: %w", text, err))
	}
	return id, nil
}

// NewProofCommand makes the command "proof".
func NewProofCommand() *cobra.Command {
	command := &cobra.Command{Use: "proof", Short: "Proof files, checked offline"}
	check := &cobra.Command{
		Use: "check FILE", Short: "Check a proof or receipt file with nothing but the network's id",
		Args: cobra.ExactArgs(1),
		Example: "  aqsha proof check token.proof --network 3c0b…\n  aqsha proof check receipt-1f2e3d4c.aqsha " +
			"--network 3c0b…",
		RunE: func(command *cobra.Command, args []string) error {
			var network token.NetworkID
			if err := network.UnmarshalText([]byte(cli.Flag(command, "network"))); err != nil {
				return cli.Usage(fmt.Errorf("--network: %w", err))
			}
			content, err := cli.ReadLimited(args[0], proof.MaxBytes)
			if err != nil {
				return err
			}
			// Told apart by their first bytes: people keep both kinds under whatever name.
			if proof.IsReceipt(content) {
				result, err := proof.CheckReceipt(content, network)
				if err != nil {
					return err
				}
				return cli.Show(command, result, func(w io.Writer) { describeReceipt(w, result) })
			}
			result, err := proof.Check(content, network)
			if err != nil {
				return err
			}
			return cli.Show(command, result, func(w io.Writer) { describeProof(w, result) })
		},
	}
	check.Flags().String("network", "", "the network's id, from a source that you trust (aqsha verify prints it)")
	_ = check.MarkFlagRequired("network")
	command.AddCommand(check)
	return command
}

func describeReceipt(w io.Writer, r *proof.ReceiptResult) {
	fmt.Fprintf(w, "Transaction %s holds: entry %d, %s\non network %s (%s), under a checkpoint of %d entries.\n\n",
		r.ID, r.Index, r.Kind, r.Network, r.Name, r.LogSize)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, payer := range r.Payers {
		fmt.Fprintf(table, "  signed by\t%s\t\n", payer)
	}
	for _, paid := range r.Paid {
		fmt.Fprintf(table, "  made for\t%s\t%s\n", paid.Wallet, paid.Amount.Format())
	}
	if r.Memo != "" {
		fmt.Fprintf(table, "  memo\t%s\t\n", terminal.Plain(r.Memo))
	}
	table.Flush()
	describeShown(w, r.Shows, r.DoesNotShow)
}

func describeProof(w io.Writer, r *proof.Result) {
	fmt.Fprintf(w, "Token %s holds: %s, made for wallet %s\non network %s (%s), under a checkpoint of %d entries.\n\n"+
		"From issue to the token:\n",
		r.Token, r.Amount.Format(), r.Wallet, r.Network, r.Name, r.LogSize)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, s := range r.Steps {
		fmt.Fprintf(table, "  entry %d\t%s\t%d outputs\t%s\n", s.Index, s.Kind, len(s.Outputs), terminal.Plain(s.Memo))
	}
	table.Flush()
	describeShown(w, r.Shows, r.DoesNotShow)
}

func describeShown(w io.Writer, shows, not []string) {
	fmt.Fprintln(w, "\nThis shows")
	for _, line := range shows {
		fmt.Fprintln(w, "  +", line)
	}
	fmt.Fprintln(w, "It does not show")
	for _, line := range not {
		fmt.Fprintln(w, "  −", line)
	}
}

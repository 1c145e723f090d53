package walletcmd

import (
	"context"
	"fmt"
	"io"
	"strconv"
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
	"github.com/aqsha/aqsha/words"
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
				l := cli.LanguageFor(command)
				for _, t := range tokens.Tokens {
					if t.Asset.Purpose != 0 {
						fmt.Fprintln(w, l.Text("token.purpose", "token", t.ID, "amount", t.Amount.Format(), "number",
							t.Asset.Purpose))
						continue
					}
					fmt.Fprintf(w, "%s  %s\n", t.ID, t.Amount.Format())
				}
				// A list that was cut says so: its sum is not the balance.
				if tokens.More {
					fmt.Fprintln(w, l.Text("token.more"))
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
				l, said := cli.LanguageFor(command), []any{"amount", view.Amount.Format(), "wallet",
					s.Keyring.NameOf(view.Wallet), "entry", view.Entry}
				if view.Live {
					fmt.Fprintln(w, l.Text("token.live", said...))
				} else {
					fmt.Fprintln(w, l.Text("token.spent", said...))
				}
			})
		}),
	}
}

// newTokenProveCommand makes "token prove". The file is the node's word until "token verify" has been run on it: it is
// written as it came.
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
				fmt.Fprintln(w, cli.LanguageFor(command).Text("token.proof", "file", path, "bytes", len(content),
					"network", s.Network))
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
				return cli.Show(command, result, func(w io.Writer) {
					describeReceipt(w, cli.LanguageFor(command), result)
				})
			}
			result, err := proof.Check(content, network)
			if err != nil {
				return err
			}
			return cli.Show(command, result, func(w io.Writer) {
				describeProof(w, cli.LanguageFor(command), result)
			})
		},
	}
	check.Flags().String("network", "", "the network's id, from a source that you trust (aqsha verify prints it)")
	_ = check.MarkFlagRequired("network")
	command.AddCommand(check)
	return command
}

func describeReceipt(w io.Writer, l words.Language, r *proof.ReceiptResult) {
	fmt.Fprintln(w, l.Text("proof.receipt", "id", r.ID, "entry", r.Index, "kind", session.KindText(l, r.Kind)))
	fmt.Fprintln(w, l.Text("proof.under", "network", r.Network, "name", r.Name, "size", r.LogSize))
	fmt.Fprintln(w)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, payer := range r.Payers {
		fmt.Fprintf(table, "  %s\t%s\t\n", l.Text("proof.signed"), payer)
	}
	for _, paid := range r.Paid {
		fmt.Fprintf(table, "  %s\t%s\t%s\n", l.Text("proof.made"), paid.Wallet, paid.Amount.Format())
	}
	if r.Memo != "" {
		fmt.Fprintf(table, "  %s\t%s\t\n", l.Text("proof.memo"), terminal.Plain(r.Memo))
	}
	table.Flush()
	describeShown(w, l, "receipt", len(r.Shows), len(r.DoesNotShow))
}

func describeProof(w io.Writer, l words.Language, r *proof.Result) {
	fmt.Fprintln(w, l.Text("proof.token", "token", r.Token, "amount", r.Amount.Format(), "wallet", r.Wallet))
	fmt.Fprintln(w, l.Text("proof.under", "network", r.Network, "name", r.Name, "size", r.LogSize))
	fmt.Fprintf(w, "\n%s\n", l.Text("proof.way"))
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, s := range r.Steps {
		fmt.Fprintf(table, "  %s\t%s\t%s\t%s\n", l.Text("proof.step", "entry", s.Index), session.KindText(l, s.Kind),
			l.Text("proof.outputs", "count", len(s.Outputs)), terminal.Plain(s.Memo))
	}
	table.Flush()
	describeShown(w, l, "token", len(r.Shows), len(r.DoesNotShow))
}

// describeShown says what a file shows and what it does not. A test holds that the catalogue's English texts are the
// sentences of the results.
func describeShown(w io.Writer, l words.Language, what string, shows, not int) {
	fmt.Fprintf(w, "\n%s\n", l.Text("proof.shows"))
	for i := range shows {
		fmt.Fprintln(w, "  +", l.Text("proof-shows."+what+"-"+strconv.Itoa(i)))
	}
	fmt.Fprintln(w, l.Text("proof.shows-not"))
	for i := range not {
		fmt.Fprintln(w, "  −", l.Text("proof-hides."+what+"-"+strconv.Itoa(i)))
	}
}

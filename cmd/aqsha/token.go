package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/node/proof"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog/vfs"
)

func newTokenCommand() *cobra.Command {
	command := &cobra.Command{Use: "token", Short: "Tokens: show one, list a wallet's, prove where one comes from"}
	addLedgerFlags(command)
	list := &cobra.Command{
		Use: "list WALLET", Short: "List a wallet's live tokens, the newest first", Example: "  aqsha token list aigerim", Args: cobra.ExactArgs(1),
		RunE: readingLedger(func(ctx context.Context, command *cobra.Command, s *session, args []string) error {
			ids, err := s.resolve(args[0])
			if err != nil {
				return err
			}
			limit, _ := command.Flags().GetInt("limit")
			tokens, err := s.Client.Tokens(ctx, ids[0], limit)
			if err != nil {
				return err
			}
			return show(command, tokens, func(w io.Writer) {
				for _, t := range tokens.Tokens {
					mark := ""
					if t.Asset.Purpose != 0 {
						mark = fmt.Sprintf("  purpose %d", t.Asset.Purpose)
					}
					fmt.Fprintf(w, "%s  %s%s\n", t.ID, t.Amount.Format(), mark)
				}
				if tokens.More {
					fmt.Fprintln(w, "… and more (--limit)")
				}
			})
		}),
	}
	list.Flags().Int("limit", 100, "most tokens, up to 4096")
	showOne := &cobra.Command{
		Use: "show TOKEN", Short: "Show a token, live or spent", Example: "  aqsha token show 5f1c…", Args: cobra.ExactArgs(1),
		RunE: readingLedger(func(ctx context.Context, command *cobra.Command, s *session, args []string) error {
			id, err := tokenID(args[0])
			if err != nil {
				return err
			}
			view, err := s.Client.Token(ctx, id)
			if err != nil {
				return err
			}
			return show(command, view, func(w io.Writer) {
				state := "spent"
				if view.Live {
					state = "live"
				}
				fmt.Fprintf(w, "%s of %s, %s; made by entry %d\n", view.Amount.Format(), s.Book.NameOf(view.Wallet), state, view.Entry)
			})
		}),
	}
	prove := &cobra.Command{
		Use: "prove TOKEN", Short: "Write a proof file: the token's provenance back to its issue",
		Example: "  aqsha token prove 5f1c… --file token.proof", Args: cobra.ExactArgs(1),
		RunE: readingLedger(func(ctx context.Context, command *cobra.Command, s *session, args []string) error {
			id, err := tokenID(args[0])
			if err != nil {
				return err
			}
			content, err := s.Client.Proof(ctx, id)
			if err != nil {
				return err
			}
			path := flag(command, "file")
			if path == "" {
				path = args[0][:16] + ".proof"
			}
			if err := durable.Replace(vfs.OS, path, content); err != nil {
				return err
			}
			return show(command, map[string]any{"file": path, "bytes": len(content)}, func(w io.Writer) {
				fmt.Fprintf(w, "%s: %d bytes. Anybody checks it with: aqsha proof check %s --network %s\n", path, len(content), path, s.Network)
			})
		}),
	}
	prove.Flags().String("file", "", "proof file (default: the token's first digits and .proof)")
	command.AddCommand(list, showOne, prove)
	return command
}

func tokenID(text string) (id token.ID, err error) {
	if err := id.UnmarshalText([]byte(text)); err != nil {
		return id, usageError{fmt.Errorf("token %q: %w", text, err)}
	}
	return id, nil
}

func newProofCommand() *cobra.Command {
	command := &cobra.Command{Use: "proof", Short: "Proof files, checked offline"}
	check := &cobra.Command{
		Use: "check FILE", Short: "Check a proof file with nothing but the network's id", Args: cobra.ExactArgs(1),
		Example: "  aqsha proof check token.proof --network 3c0b…",
		RunE: func(command *cobra.Command, args []string) error {
			var network token.NetworkID
			if err := network.UnmarshalText([]byte(flag(command, "network"))); err != nil {
				return usageError{fmt.Errorf("--network: %w", err)}
			}
			content, err := readLimited(args[0], proof.MaxBytes)
			if err != nil {
				return err
			}
			result, err := proof.Check(content, network)
			if err != nil {
				return err
			}
			return show(command, result, func(w io.Writer) { describeProof(w, result) })
		},
	}
	check.Flags().String("network", "", "the network's id, from a source that you trust (aqsha verify prints it)")
	_ = check.MarkFlagRequired("network")
	command.AddCommand(check)
	return command
}

func readLimited(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, usageError{err}
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(content)) > most {
		err = usageError{fmt.Errorf("%s: over %d bytes", path, most)}
	}
	return content, err
}

func describeProof(w io.Writer, r *proof.Result) {
	fmt.Fprintf(w, "Token %s holds: %s, made for wallet %s\non network %s (%s), under a checkpoint of %d entries.\n\nFrom issue to the token:\n",
		r.Token, r.Amount.Format(), r.Wallet, r.Network, r.Name, r.LogSize)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, s := range r.Steps {
		fmt.Fprintf(table, "  entry %d\t%s\t%d outputs\t%s\n", s.Index, s.Kind, len(s.Outputs), plain(s.Memo))
	}
	table.Flush()
	fmt.Fprintln(w, "\nThis shows")
	for _, line := range r.Shows {
		fmt.Fprintln(w, "  +", line)
	}
	fmt.Fprintln(w, "It does not show")
	for _, line := range r.DoesNotShow {
		fmt.Fprintln(w, "  −", line)
	}
}

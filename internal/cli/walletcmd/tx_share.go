package walletcmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/api/drafts"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/internal/cli/session"
	"github.com/aqsha/aqsha/internal/terminal"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/wallet"
	"github.com/aqsha/aqsha/words"
)

// atNode makes a command's function from one that needs a running node: a draft that was put up in this process alone
// would be seen by nobody.
func atNode(act func(ctx context.Context, command *cobra.Command, s *session.Session,
	args []string) error) func(*cobra.Command, []string) error {
	return func(command *cobra.Command, args []string) error {
		if cli.Flag(command, "node") == "" {
			if _, err := datadir.OpenAnnounced(cli.Flag(command, "data")); err != nil {
				return cli.Unreached(
					errors.New("no node runs on this data directory: start one (aqsha up), or name one with --node"))
			}
		}
		return session.WithSession(command, true, func(ctx context.Context, s *session.Session) error {
			return act(ctx, command, s, args)
		})
	}
}

// newTxShareCommand makes "tx share". To share again does no harm: the node adds the signatures that it lacks, and
// hands the transaction in once.
func newTxShareCommand() *cobra.Command {
	return &cobra.Command{
		Use: "share DRAFT", Short: "Send a draft to the node, which shows it to who must sign too",
		Long: `Put a draft up at a running node, with the signatures that its file has (at least one). Who must sign sees it there:
in the wallet's page, or by "aqsha tx waiting". Shared again after another signature it gets that one too. With the last
signature the node hands it to the ledger, once.`,
		Example: "  aqsha tx share draft.json --node https://tenge.example.kz", Args: cobra.ExactArgs(1),
		RunE: atNode(func(ctx context.Context, command *cobra.Command, s *session.Session, args []string) error {
			draft, err := wallet.ReadDraft(args[0])
			if err != nil {
				return cli.Usage(err)
			}
			if draft.Network != s.Network {
				return cli.Usage(fmt.Errorf("the draft is for network %s, this is %s", draft.Network, s.Network))
			}
			view, err := s.API.PutDraft(ctx, draft.Network, draft.Transaction)
			return showShared(command, view, err)
		}),
	}
}

// showShared says how far a draft at the node is. One that the ledger refused fails the command.
func showShared(command *cobra.Command, view api.DraftView, err error) error {
	if err == nil && view.Problem != nil {
		err = view.Problem
	}
	if err != nil {
		return err
	}
	return cli.Show(command, view, func(w io.Writer) {
		l := cli.LanguageFor(command)
		fmt.Fprintln(w, l.Text("draft.is", "id", view.ID, "state", draftState(l, view)))
	})
}

// draftState says a draft's state, and what it lacks.
func draftState(l words.Language, view api.DraftView) string {
	if view.State != drafts.Waiting {
		return l.Text("draft-state." + string(view.State))
	}
	var lacks []string
	for _, role := range slices.Sorted(maps.Keys(view.Missing)) {
		lacks = append(lacks, fmt.Sprintf("%d × %s", view.Missing[role], roleText(l, role))) // as "tx sign" does
	}
	return l.Text("draft.waiting", "lacks", strings.Join(lacks, ", "))
}

func newTxWaitingCommand() *cobra.Command {
	command := &cobra.Command{
		Use:     "waiting",
		Short:   "List the drafts at the node that wait for your wallets, your bank, or anybody you may read",
		Example: "  aqsha tx waiting\n  aqsha tx waiting --wallet aigerim", Args: cobra.NoArgs,
		RunE: atNode(func(ctx context.Context, command *cobra.Command, s *session.Session, _ []string) error {
			var of token.WalletID
			if name := cli.Flag(command, "wallet"); name != "" {
				ids, err := s.Resolve(name)
				if err != nil {
					// A name that is not here is this command line's fault, not the node's.
					return cli.Usage(err)
				}
				of = ids[0]
			}
			list, err := s.API.Drafts(ctx, of)
			if err != nil {
				return err
			}
			return cli.Show(command, list, func(w io.Writer) {
				l, table := cli.LanguageFor(command), tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
				fmt.Fprintln(table, l.Text("draft.columns"))
				for _, d := range list {
					fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", d.ID, session.KindText(l,
						d.Transaction.Body.Kind().String()),
						draftState(l, d),
						terminal.Moment(d.Transaction.ValidUntil))
				}
				table.Flush()
			})
		}),
	}
	command.Flags().String("wallet", "", "those alone that this wallet signs")
	return command
}

// newTxFetchCommand makes "tx fetch". The file is a new one, as a draft of that name may hold signatures; what it says
// is the node's word, which "tx sign" shows in words before a key signs.
func newTxFetchCommand() *cobra.Command {
	return &cobra.Command{
		Use: "fetch ID FILE", Short: "Write a draft at the node into a file, to look at it and sign it",
		Example: "  aqsha tx fetch 91ab… draft.json\n  aqsha tx sign draft.json --key issue-2\n  aqsha tx share draft.json", Args: cobra.ExactArgs(2),
		RunE: atNode(func(ctx context.Context, command *cobra.Command, s *session.Session, args []string) error {
			view, err := draftAt(ctx, s, args[0])
			if err != nil {
				return err
			}
			draft := &wallet.Draft{Network: view.Network, Transaction: view.Transaction, Signatories: view.Signatories}
			if err := draft.WriteNew(args[1]); err != nil {
				return err
			}
			return cli.Show(command, view, func(w io.Writer) {
				l := cli.LanguageFor(command)
				fmt.Fprintln(w, l.Text("draft.fetched", "file", terminal.Plain(args[1]), "id", view.ID, "state",
					draftState(l, view)))
			})
		}),
	}
}

// draftAt reads a draft at the node, and holds that it is what its id says.
func draftAt(ctx context.Context, s *session.Session, text string) (view api.DraftView, err error) {
	var id token.TransactionID
	if err := id.UnmarshalText([]byte(text)); err != nil {
		return view, cli.Usage(fmt.Errorf("%q is no id of a draft: want 64 hexadecimal digits", text))
	}
	if view, err = s.API.Draft(ctx, id); err != nil {
		return view, err
	}
	if view.Transaction == nil || view.Transaction.ID() != id || view.Network != s.Network {
		return view, token.Errorf(wrongDraft, "draft", "the node answers with another draft than %s of network %s", id,
			s.Network)
	}
	return view, nil
}

// newTxRefuseCommand makes "tx refuse". What is signed is the transaction's id and the reason: nobody can say no in
// somebody else's name.
func newTxRefuseCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "refuse ID", Short: "Say with a key that it does not sign a draft at the node",
		Long:    `Say so, signed, to who else signs. When those who are left do not suffice, the draft has ended. Before that you may still sign.`,
		Example: "  aqsha tx refuse 91ab… --key issue-2 --reason \"one zero too many\"", Args: cobra.ExactArgs(1),
		RunE: atNode(func(ctx context.Context, command *cobra.Command, s *session.Session, args []string) error {
			view, err := draftAt(ctx, s, args[0])
			if err != nil {
				return err
			}
			key, err := s.Keyring.Key(cli.Flag(command, "key"))
			if err != nil {
				return cli.Usage(err)
			}
			reason := cli.Flag(command, "reason")
			signature, err := key.Sign(token.DraftRefusalDigest(s.Network, view.ID, reason))
			if err != nil {
				return err
			}
			view, err = s.API.RefuseDraft(ctx, view.ID, api.DraftWord{Key: key.Public(), Reason: reason,
				Signature: signature})
			return showShared(command, view, err)
		}),
	}
	command.Flags().String("key", "", "name of the key")
	command.Flags().String("reason", "", "why, for who else signs; at most 200 bytes")
	_ = command.MarkFlagRequired("key")
	return command
}

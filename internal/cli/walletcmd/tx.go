package walletcmd

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/internal/cli/session"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/wallet"
)

// NewTxCommand makes the command "tx".
func NewTxCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "tx", Short: "Transactions: show one, sign and submit drafts",
		Long: `Transactions that several must sign travel as a draft file: make it with --out on any command
that changes the ledger, have each key holder sign it (no node needed), then submit it. Who signs is shown
in words what he signs, and asked. A running node can carry it instead: "tx share" puts it up, "tx waiting"
shows each holder what waits for him, and the last signature executes it.`,
		Example: `  aqsha issue Halyk 1000000 --out draft.json
  aqsha tx show draft.json
  aqsha tx sign draft.json --key issue-2
  aqsha tx submit draft.json`,
	}
	datadir.AddLedgerFlags(command)
	submit := &cobra.Command{
		Use: "submit DRAFT", Short: "Submit a complete draft", Example: "  aqsha tx submit draft.json",
		Args: cobra.ExactArgs(1),
		RunE: session.OnLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			draft, err := wallet.ReadDraft(args[0])
			if err != nil {
				return cli.Usage(err)
			}
			// A draft of another network would be refused there too, but only after its signatures were shown.
			if draft.Network != s.Network {
				return token.Errorf(datadir.WrongNetwork, "network", "the draft is for network %s, not for %s",
					draft.Network, s.Network)
			}
			receipt, err := s.Submit(ctx, draft)
			l := cli.LanguageFor(command)
			return session.ShowDone(command, receipt, err, l.Text("result.executed", "what",
				l.Text("kind."+draft.Transaction.Body.Kind().String())))
		}),
	}
	showOne := &cobra.Command{
		Use: "show ID|DRAFT", Short: "Show an executed transaction, or a draft",
		Example: "  aqsha tx show 91ab…\n  aqsha tx show draft.json", Args: cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			var id token.TransactionID
			if err := id.UnmarshalText([]byte(args[0])); err != nil {
				draft, err := wallet.ReadDraft(args[0])
				if err != nil {
					return cli.Usage(err)
				}
				return showDraft(command, draft)
			}
			return session.WithSession(command, true, func(ctx context.Context, s *session.Session) error {
				view, err := s.API.Transaction(ctx, id)
				if err != nil {
					return err
				}
				return cli.ShowJSON(command, view)
			})
		},
	}
	command.AddCommand(newTxSignCommand(), submit, showOne, newTxShareCommand(), newTxWaitingCommand(),
		newTxFetchCommand(), newTxRefuseCommand())
	return command
}

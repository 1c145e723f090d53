package authoritycmd

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/datadir"
	"github.com/aqsha/aqsha/internal/cli/session"
	"github.com/aqsha/aqsha/internal/cli/standing"
	"github.com/aqsha/aqsha/internal/terminal"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/wallet"
	"github.com/aqsha/aqsha/words"
)

// treasuryText is what a treasury holds, if the reader may know.
func treasuryText(l words.Language, balance *money.Tiyn) string {
	if balance == nil {
		return l.Text("bank.not-shown")
	}
	return balance.Format()
}

// NewBankCommand makes the command "bank".
func NewBankCommand() *cobra.Command {
	command := &cobra.Command{Use: "bank", Short: "Intermediaries: admit, suspend, renew keys, list, hand over wallets"}
	datadir.AddLedgerFlags(command)
	admit := &cobra.Command{
		Use: "admit NAME", Short: "Admit a bank: the policy set signs, the bank's new keys prove possession",
		Example: "  aqsha bank admit Halyk", Args: cobra.ExactArgs(1),
		RunE: session.OnLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			receipt, err := s.Admit(ctx, args[0])
			return session.ShowDone(command, receipt, err,
				cli.LanguageFor(command).Text("result.bank-admitted", "name", args[0]))
		}),
	}
	move := &cobra.Command{
		Use: "move FROM TO WALLET…", Short: "Hand wallets of a suspended bank to another, which signs too",
		Example: "  aqsha bank move Halyk Kaspi aigerim marat", Args: cobra.MinimumNArgs(3),
		RunE: session.OnLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			ids, err := s.Resolve(args...)
			if err != nil {
				return err
			}
			receipt, err := s.Move(ctx, ids[0], ids[1], ids[2:])
			return session.ShowDone(command, receipt, err, cli.LanguageFor(command).Count("result.wallets-moved",
				len(ids)-2,
				"from", args[0], "to", args[1]))
		}),
	}
	renew := standing.RenewCommand("bank",
		"  aqsha bank renew Halyk Halyk-bank-2027\n  aqsha bank renew Halyk Halyk-a Halyk-b Halyk-c --threshold 2 "+
			"--out draft.json", (*wallet.Client).Renew)
	list := &cobra.Command{
		Use: "list", Short: "List all banks", Example: "  aqsha bank list --json", Args: cobra.NoArgs,
		RunE: session.ReadingLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			_ []string) error {
			banks, err := s.API.Intermediaries(ctx)
			if err != nil {
				return err
			}
			return cli.Show(command, banks, func(w io.Writer) {
				l, table := cli.LanguageFor(command), tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
				fmt.Fprintln(table, l.Text("bank.columns"))
				for _, b := range banks {
					fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", terminal.Plain(b.Name), b.ID,
						treasuryText(l, b.Treasury), standing.StateText(l, b.Suspended),
						standing.KeysText(l, b.Keys),
						standing.SinceText(b.SinceMillis))
				}
				table.Flush()
			})
		}),
	}
	// What is suspended, vouched for and renewed goes alike for banks and agencies, and is made in one place; each that
	// changes the ledger can be drafted, since its signers sit apart.
	changes := append(standing.Suspensions("bank", "Halyk",
		"Suspend a bank: no registrations, no treasury; its customers' wallets work on", (*wallet.Client).Suspend),
		admit, move, renew)
	for _, c := range changes {
		session.AddDraftFlag(c)
		command.AddCommand(c)
	}
	command.AddCommand(list, newApplicationsCommand())
	return command
}

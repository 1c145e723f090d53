package programcmd

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
	"github.com/aqsha/aqsha/wallet"
)

// NewAgencyCommand makes the command "agency".
func NewAgencyCommand() *cobra.Command {
	command := &cobra.Command{Use: "agency",
		Short: "Agencies, which register purposes of marked tenge: grant the role, vouch for wallets, suspend, renew keys, list"}
	datadir.AddLedgerFlags(command)
	grant := &cobra.Command{
		Use: "grant NAME", Short: "Grant the role: the policy set signs, the agency's new key proves possession",
		Example: "  aqsha agency grant ministry", Args: cobra.ExactArgs(1),
		RunE: session.OnLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			receipt, err := s.GrantAgency(ctx, args[0])
			return session.ShowDone(command, receipt, err,
				cli.LanguageFor(command).Text("result.agency", "name", args[0]))
		}),
	}
	renew := standing.RenewCommand("agency", "  aqsha agency renew ministry ministry-2027",
		(*wallet.Client).RenewAgency)
	list := &cobra.Command{
		Use: "list", Short: "List all agencies", Example: "  aqsha agency list --json", Args: cobra.NoArgs,
		RunE: session.ReadingLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			_ []string) error {
			agencies, err := s.API.Agencies(ctx)
			if err != nil {
				return err
			}
			return cli.Show(command, agencies, func(w io.Writer) {
				l, table := cli.LanguageFor(command), tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
				fmt.Fprintln(table, l.Text("bank.agency-columns"))
				for _, a := range agencies {
					fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", terminal.Plain(a.Name), a.ID,
						standing.StateText(l, a.Suspended), standing.KeysText(l, a.Keys),
						standing.SinceText(a.SinceMillis))
				}
				table.Flush()
			})
		}),
	}
	// As for banks; each can be drafted, since its signers sit apart.
	changes := append(standing.Suspensions("agency", "ministry",
		"Suspend an agency: it registers nothing; its purposes work on", (*wallet.Client).SuspendAgency), grant, renew)
	changes = append(changes, newAgencyVouch())
	for _, c := range changes {
		session.AddDraftFlag(c)
		command.AddCommand(c)
	}
	command.AddCommand(list)
	return command
}

// newAgencyVouch is what an agency says of wallets, so that rules need not believe every bank.
func newAgencyVouch() *cobra.Command {
	command := &cobra.Command{
		Use:   "vouch AGENCY WALLET --as WHAT",
		Short: "Vouch for what a wallet's holder is: a role, a region, a category; the agency signs",
		Long: `Role, category and region of a wallet are what its bank says. What an agency vouches for is its own
word: rules ask for it as "AGENCY/WHAT" in payee.vouched. --withdraw takes it back; money that moved meanwhile has
moved.`,
		Example: "  aqsha agency vouch ministry canteen-4 --as canteen\n  aqsha agency vouch ministry canteen-4 --as " +
			"canteen --withdraw", Args: cobra.ExactArgs(2),
		RunE: session.OnLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			ids, err := s.Resolve(args...)
			if err != nil {
				return err
			}
			as := cli.Flag(command, "as")
			withdraw, _ := command.Flags().GetBool("withdraw")
			receipt, err := s.Vouch(ctx, ids[0], ids[1], as, withdraw)
			// Two whole texts and not one with a word put in: languages say the taking back of a word in another way.
			l, pairs := cli.LanguageFor(command), []any{"agency", args[0], "wallet", args[1], "as", as}
			if withdraw {
				return session.ShowDone(command, receipt, err, l.Text("result.vouches-not", pairs...))
			}
			return session.ShowDone(command, receipt, err, l.Text("result.vouches", pairs...))
		}),
	}
	command.Flags().String("as", "", "what it is: 1 to 12 of a–z, A–Z, 0–9, -, such as canteen or KZ-75")
	command.Flags().Bool("withdraw", false, "take it back")
	_ = command.MarkFlagRequired("as")
	return command
}

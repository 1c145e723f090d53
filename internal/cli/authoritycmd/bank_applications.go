package authoritycmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/session"
	"github.com/aqsha/aqsha/internal/terminal"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/words"
)

func newApplicationsCommand() *cobra.Command {
	command := &cobra.Command{
		Use: "applications", Short: "Applications for wallets: list, accept, refuse, serve",
		Long: `Somebody who made a key on his phone asks the bank for a wallet of it. The bank accepts with a
registration that it has signed, which the phone signs too and hands in. --access-file, or AQSHA_ACCESS, is the bank's
own access to the node.`,
		Example: "  aqsha bank applications --access-file bank.token", Args: cobra.NoArgs,
		RunE: session.ReadingLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			_ []string) error {
			list, err := s.API.Applications(ctx)
			if err != nil {
				return err
			}
			return cli.Show(command, list, func(w io.Writer) {
				listApplications(w, cli.LanguageFor(command), list)
			})
		}),
	}
	command.AddCommand(applicationsAccept(), applicationsRefuse(), applicationsServe())
	return command
}

func listApplications(w io.Writer, l words.Language, list []api.ApplicationView) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, l.Text("bank.applications"))
	for _, a := range list {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", a.ID, terminal.Plain(a.Name),
			l.Text("application-state."+string(a.State)),
			terminal.Moment(a.Made), a.Key)
	}
	table.Flush()
}

// applicationsAccept makes "applications accept". The bank's signature goes to the node, and the applicant's completes
// it: until then no wallet is there, and the bank's sequence is not used up.
func applicationsAccept() *cobra.Command {
	command := &cobra.Command{
		Use: "accept ID", Short: "Accept an application: the bank signs the registration for the applicant",
		Example: "  aqsha bank applications accept 5f1c… --tier person --access-file bank.token",
		Args:    cobra.ExactArgs(1),
		RunE: session.OnLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			tier, err := s.Tier(ctx, cli.Flag(command, "tier"))
			if err != nil {
				return err
			}
			a, err := s.API.Application(ctx, args[0])
			if err != nil {
				return err
			}
			answered, draft, err := s.Accept(ctx, a, tier)
			if err != nil {
				return err
			}
			return cli.Show(command, answered, func(w io.Writer) {
				fmt.Fprintln(w, cli.LanguageFor(command).Text("bank.accepted", "id", a.ID, "wallet",
					token.RegisteredID(draft.Transaction.ID())))
			})
		}),
	}
	command.Flags().String("tier", "0", "name or number of the wallet's tier; who is not identified gets the lowest")
	return command
}

func applicationsRefuse() *cobra.Command {
	command := &cobra.Command{
		Use: "refuse ID", Short: "Refuse an application, and say why",
		Example: `  aqsha bank applications refuse 5f1c… --reason "come to a branch with your document" --access-file bank.token`,
		Args:    cobra.ExactArgs(1),
		RunE: session.ReadingLedger(func(ctx context.Context, command *cobra.Command, s *session.Session,
			args []string) error {
			a, err := s.API.RefuseApplication(ctx, args[0], cli.Flag(command, "reason"))
			if err != nil {
				return err
			}
			return cli.Show(command, a, func(w io.Writer) {
				fmt.Fprintln(w, cli.LanguageFor(command).Text("bank.refused", "id", a.ID))
			})
		}),
	}
	command.Flags().String("reason", "", "what the applicant is told, up to 200 bytes")
	return command
}

// How often serve looks for applications, and how long it waits for one that was accepted to be handed in: another
// registration before that would make its paper void.
const (
	applicationsEvery = time.Second
	applicationWait   = 20 * time.Second
)

func applicationsServe() *cobra.Command {
	command := &cobra.Command{
		Use: "serve", Short: "Accept applications as they come, for the lowest tier, at a bounded rate",
		Long: `Accepts applications one after the other, for wallets of the lowest tier, which are for who is not
identified yet. It runs beside the bank's keys, until it is interrupted. Each paper is waited for before the next is
signed.`,
		Example: "  aqsha bank applications serve --per-hour 60 --access-file bank.token", Args: cobra.NoArgs,
		RunE: session.OnLedger(func(ctx context.Context, command *cobra.Command, s *session.Session, _ []string) error {
			perHour, _ := command.Flags().GetInt("per-hour")
			most, _ := command.Flags().GetInt("most")
			if perHour < 1 || perHour > 36_000 {
				return cli.Usage(errors.New("--per-hour: want 1 to 36,000"))
			}
			if most < 0 {
				return cli.Usage(errors.New("--most: want how many, or 0 for no end"))
			}
			return serveApplications(ctx, command, s, time.Hour/time.Duration(perHour), most)
		}),
	}
	command.Flags().Int("per-hour", 60, "accept at most so many an hour")
	command.Flags().Int("most", 0, "end after so many; 0 for never")
	return command
}

// serveApplications accepts what waits, one after the other, until most or ctx ends it. A refusal ends it too: whoever
// runs it decides whether it goes on.
func serveApplications(ctx context.Context, command *cobra.Command, s *session.Session, pause time.Duration,
	most int) error {
	for done := 0; most == 0 || done < most; {
		list, err := s.API.Applications(ctx)
		if err != nil {
			return err
		}
		for _, a := range list {
			if a.State != api.ApplicationWaits || most != 0 && done >= most {
				continue
			}
			_, draft, err := s.Accept(ctx, a, 0)
			if err != nil {
				return err
			}
			id := token.RegisteredID(draft.Transaction.ID())
			fmt.Fprintln(command.OutOrStdout(), cli.LanguageFor(command).Text("bank.served", "id", a.ID, "wallet", id))
			done++
			// One after the other: each draft names the bank's sequence, which the one before it uses up when its
			// holder submits it.
			if err := untilRegistered(ctx, s, id); err != nil {
				return err
			}
			if err := sleep(ctx, pause); err != nil {
				return err
			}
		}
		if err := sleep(ctx, applicationsEvery); err != nil {
			return err
		}
	}
	return nil
}

// untilRegistered waits until the applicant has handed his paper in, or has had the time to.
func untilRegistered(ctx context.Context, s *session.Session, id token.WalletID) error {
	waiting, cancel := context.WithTimeout(ctx, applicationWait)
	defer cancel()
	for {
		if _, err := s.API.Wallet(ctx, id); err == nil {
			return nil
		}
		if sleep(waiting, applicationsEvery) != nil {
			return ctx.Err()
		}
	}
}

// sleep waits, or says that it was interrupted.
func sleep(ctx context.Context, long time.Duration) error {
	select {
	case <-time.After(long):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

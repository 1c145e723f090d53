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
identified yet. It runs beside the bank's keys, until it is interrupted: a node that stops is waited for. Each paper is
waited for before the next is signed.`,
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
			return newApplicationServer(command, s, perHour, most).serve(ctx)
		}),
	}
	command.Flags().Int("per-hour", 60, "accept at most so many an hour")
	command.Flags().Int("most", 0, "end after so many; 0 for never")
	return command
}

// serveApplications accepts what waits, one after the other, until most or ctx ends it. A refusal ends it too: whoever
// runs it decides whether it goes on.
// applicationServer accepts applications as they come.
type applicationServer struct {
	list       func(ctx context.Context) ([]api.ApplicationView, error)
	accept     func(ctx context.Context, a api.ApplicationView) (token.WalletID, error)
	registered func(ctx context.Context, id token.WalletID) error
	sleep      func(ctx context.Context, long time.Duration) error
	now        func() time.Time
	served     func(a api.ApplicationView, id token.WalletID)
	silent     func(cause error) // the node does not answer; said once until it does

	perHour, most int
	accepted      []time.Time // of the hour
	done          int
}

func newApplicationServer(command *cobra.Command, s *session.Session, perHour, most int) *applicationServer {
	l := cli.LanguageFor(command)
	return &applicationServer{
		list: s.API.Applications,
		accept: func(ctx context.Context, a api.ApplicationView) (token.WalletID, error) {
			_, draft, err := s.Accept(ctx, a, 0)
			if err != nil {
				return token.WalletID{}, err
			}
			return token.RegisteredID(draft.Transaction.ID()), nil
		},
		registered: func(ctx context.Context, id token.WalletID) error { return untilRegistered(ctx, s, id) },
		sleep:      sleep, now: time.Now,
		served: func(a api.ApplicationView, id token.WalletID) {
			fmt.Fprintln(command.OutOrStdout(), l.Text("bank.served", "id", a.ID, "wallet", id))
		},
		silent: func(cause error) {
			fmt.Fprintln(command.ErrOrStderr(), l.Text("bank.serve-waits", "cause", terminal.Plain(cause.Error())))
		},
		perHour: perHour, most: most,
	}
}

// Between two looks at a node that does not answer.
const (
	firstSilentWait = time.Second
	maxSilentWait   = 15 * time.Second
)

// serve accepts until it has accepted the most, or ctx ends. A node that stops or is started anew ends it not: what was
// asked of it is asked again, and what it says of an application that was accepted meanwhile is what counts.
func (d *applicationServer) serve(ctx context.Context) error {
	wait := firstSilentWait
	for silent := false; d.most == 0 || d.done < d.most; {
		err := d.round(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
			silent, wait = false, firstSilentWait
			err = d.sleep(ctx, applicationsEvery)
		case !cli.NoAnswer(err):
			return err
		default:
			if !silent {
				d.silent(err)
			}
			silent = true
			err = d.sleep(ctx, wait)
			wait = min(2*wait, maxSilentWait)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// round accepts what waits.
func (d *applicationServer) round(ctx context.Context) error {
	list, err := d.list(ctx)
	if err != nil {
		return err
	}
	for _, a := range list {
		if a.State != api.ApplicationWaits || d.most != 0 && d.done >= d.most {
			continue
		}
		if pause := d.pause(); pause > 0 {
			if err := d.sleep(ctx, pause); err != nil {
				return err
			}
		}
		id, err := d.accept(ctx, a)
		if err != nil {
			return err
		}
		d.accepted = append(d.accepted, d.now())
		d.served(a, id)
		d.done++
		// One after the other: each draft names the bank's sequence, which the one before it uses up when its
		// holder submits it.
		if err := d.registered(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// pause is how long the next application waits so that no hour has more than perHour of them: those that come at once
// are accepted at once while the hour has room.
func (d *applicationServer) pause() time.Duration {
	now := d.now()
	for len(d.accepted) > 0 && now.Sub(d.accepted[0]) >= time.Hour {
		d.accepted = d.accepted[1:]
	}
	if len(d.accepted) < d.perHour {
		return 0
	}
	return time.Hour - now.Sub(d.accepted[0])
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

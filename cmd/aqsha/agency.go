package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/api/wallet"
)

func newAgencyCommand() *cobra.Command {
	command := &cobra.Command{Use: "agency", Short: "Agencies, which register purposes of marked tenge: grant the role, suspend, renew keys, list"}
	addLedgerFlags(command)
	grant := &cobra.Command{
		Use: "grant NAME", Short: "Grant the role: the policy set signs, the agency's new key proves possession",
		Example: "  aqsha agency grant ministry", Args: cobra.ExactArgs(1),
		RunE: onLedger(func(ctx context.Context, command *cobra.Command, s *session, args []string) error {
			receipt, err := s.GrantAgency(ctx, args[0])
			return showReceipt(command, receipt, err, "%s is an agency\n", args[0])
		}),
	}
	suspend := func(use, short string, suspended bool) *cobra.Command {
		return &cobra.Command{
			Use: use + " AGENCY", Short: short, Example: "  aqsha agency " + use + " ministry", Args: cobra.ExactArgs(1),
			RunE: onLedger(func(ctx context.Context, command *cobra.Command, s *session, args []string) error {
				ids, err := s.resolve(args...)
				if err != nil {
					return err
				}
				receipt, err := s.SuspendAgency(ctx, ids[0], suspended)
				return showReceipt(command, receipt, err, "agency %s: %sed\n", args[0], use)
			}),
		}
	}
	renew := renewCommand("agency", "  aqsha agency renew ministry ministry-2027", (*wallet.Desk).RenewAgency)
	list := &cobra.Command{
		Use: "list", Short: "List all agencies", Example: "  aqsha agency list --json", Args: cobra.NoArgs,
		RunE: onLedger(func(ctx context.Context, command *cobra.Command, s *session, _ []string) error {
			agencies, err := s.Client.Agencies(ctx)
			if err != nil {
				return err
			}
			return show(command, agencies, func(w io.Writer) {
				table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
				fmt.Fprintln(table, "NAME\tID\tSTATE\tKEYS\tSINCE")
				for _, a := range agencies {
					state := "active"
					if a.Suspended {
						state = "suspended"
					}
					fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", plain(a.Name), a.ID, state, keysText(a.Keys), sinceText(a.SinceMillis))
				}
				table.Flush()
			})
		}),
	}
	for _, c := range []*cobra.Command{grant, suspend("suspend", "Suspend an agency: it registers nothing; its purposes work on", true), suspend("reinstate", "End a suspension", false), renew} {
		addDraftFlag(c)
		command.AddCommand(c)
	}
	command.AddCommand(list)
	return command
}

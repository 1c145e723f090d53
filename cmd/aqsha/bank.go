package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/api/wallet"
	"github.com/aqsha/aqsha/money"
)

// treasuryText is what a treasury holds, if the reader may know.
func treasuryText(balance *money.Tiyn) string {
	if balance == nil {
		return "not shown"
	}
	return balance.Format()
}

func newBankCommand() *cobra.Command {
	command := &cobra.Command{Use: "bank", Short: "Intermediaries: admit, suspend, renew keys, list, hand over wallets"}
	addLedgerFlags(command)
	admit := &cobra.Command{
		Use: "admit NAME", Short: "Admit a bank: the policy set signs, the bank's new keys prove possession",
		Example: "  aqsha bank admit Halyk", Args: cobra.ExactArgs(1),
		RunE: onLedger(func(ctx context.Context, command *cobra.Command, s *session, args []string) error {
			receipt, err := s.Admit(ctx, args[0])
			return showReceipt(command, receipt, err, "bank %s is admitted\n", args[0])
		}),
	}
	move := &cobra.Command{
		Use: "move FROM TO WALLET…", Short: "Hand wallets of a suspended bank to another, which signs too",
		Example: "  aqsha bank move Halyk Kaspi aigerim marat", Args: cobra.MinimumNArgs(3),
		RunE: onLedger(func(ctx context.Context, command *cobra.Command, s *session, args []string) error {
			ids, err := s.resolve(args...)
			if err != nil {
				return err
			}
			receipt, err := s.Move(ctx, ids[0], ids[1], ids[2:])
			return showReceipt(command, receipt, err, "%d wallets of %s are with %s now\n", len(ids)-2, args[0], args[1])
		}),
	}
	renew := renewCommand("bank", "  aqsha bank renew Halyk Halyk-bank-2027\n  aqsha bank renew Halyk Halyk-a Halyk-b Halyk-c --threshold 2 --out draft.json", (*wallet.Desk).Renew)
	list := &cobra.Command{
		Use: "list", Short: "List all banks", Example: "  aqsha bank list --json", Args: cobra.NoArgs,
		RunE: readingLedger(func(ctx context.Context, command *cobra.Command, s *session, _ []string) error {
			banks, err := s.Client.Intermediaries(ctx)
			if err != nil {
				return err
			}
			return show(command, banks, func(w io.Writer) {
				table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
				fmt.Fprintln(table, "NAME\tID\tTREASURY\tSTATE\tKEYS\tSINCE")
				for _, b := range banks {
					fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", plain(b.Name), b.ID, treasuryText(b.Treasury), stateText(b.Suspended), keysText(b.Keys), sinceText(b.SinceMillis))
				}
				table.Flush()
			})
		}),
	}
	changes := append(suspensions("bank", "Halyk", "Suspend a bank: no registrations, no treasury; its customers' wallets work on", (*wallet.Desk).Suspend), admit, move, renew)
	for _, c := range changes {
		addDraftFlag(c)
		command.AddCommand(c)
	}
	command.AddCommand(list)
	return command
}

// onLedger makes a command's function from one that works on a ledger.
func onLedger(act func(ctx context.Context, command *cobra.Command, s *session, args []string) error) func(*cobra.Command, []string) error {
	return ledgerCommand(false, act)
}

// readingLedger makes a command's function from one that only reads a ledger: where no node runs on the directory, it
// needs no secret and no permission to write.
func readingLedger(act func(ctx context.Context, command *cobra.Command, s *session, args []string) error) func(*cobra.Command, []string) error {
	return ledgerCommand(true, act)
}

func ledgerCommand(reading bool, act func(ctx context.Context, command *cobra.Command, s *session, args []string) error) func(*cobra.Command, []string) error {
	return func(command *cobra.Command, args []string) error {
		if out := command.Flags().Lookup("out"); out != nil && out.Changed && out.Value.String() == "" && !reading {
			// A script whose variable is empty must not submit what was to be looked at first.
			return usageError{errors.New("--out: is empty; leave it out or name a file")}
		}
		return withSession(command, reading, func(ctx context.Context, s *session) error {
			return act(ctx, command, s.drafting(command), args)
		})
	}
}

package cashcmd

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/cash/coin"
	"github.com/aqsha/aqsha/cash/recount"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/cli/session"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/internal/terminal"
	"github.com/aqsha/aqsha/token"
	"github.com/aqsha/aqsha/txlog/vfs"
	cashwallet "github.com/aqsha/aqsha/wallet/notes"
)

func newCashBookedCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "booked TOKEN|- [URL|DIR]",
		Short: "Find a token's notes in the office's public log, or write the evidence that they are not there",
		Long: `Looks for each note of a token in the office's public log, which it verifies on the way: the note's signature, with the proof that the
office made it, stands in the block that booked it. The notes must come with their proofs and blinding factors, as this wallet sends them.

A note that the office has signed and not booked is evidence against it: --evidence FILE writes what a third person needs, without what
spends the note, and --check FILE is what the third person does. A proof says that the office signed, not when: the evidence is complete
once the keyset has stopped signing. Before that, --stamp WALLET pays one tiyn from a ledger wallet to the office's reserve, which sends it
back, with the notes' hash as its memo: it shows by when they were signed, and the evidence is complete once the office's log is a day
newer and still lacks them.
--check FILE --evidence NEW then writes it anew, with the checkpoint that convicts, which no later booking undoes.

Exit code 3 says that a note is not booked.`,
		Example: `  aqsha cash booked cashuB... http://127.0.0.1:8430/cash --evidence unbooked.json
  aqsha cash booked cashuB... --evidence unbooked.json --stamp aigerim
  aqsha cash booked --check unbooked.json http://127.0.0.1:8430/cash`,
		Args: cobra.RangeArgs(0, 2),
		RunE: func(command *cobra.Command, args []string) error {
			// Evidence is checked by a third person, who has no token and must not need one: whoever holds it could
			// spend it.
			if file := cli.Flag(command, "check"); file != "" {
				return checkEvidence(command, file, args)
			}
			if len(args) == 0 {
				return cli.Usage(errors.New("name a token, or a file of evidence with --check"))
			}
			return lookForNotes(command, args)
		},
	}
	flags := command.Flags()
	flags.String("key", "", "verifier key of the log, from a source that you trust (default: the office's word)")
	flags.String("evidence", "", "file to write with what shows that the office signed what it did not book")
	flags.String("check", "", "file of evidence to check against the office's log")
	flags.String("stamp", "",
		"ledger wallet that pays the office's reserve one tiyn, to show by when the notes were signed")
	command.MarkFlagsMutuallyExclusive("check", "stamp")
	command.MarkFlagsMutuallyExclusive("check", "key")
	return command
}

// lookForNotes finds a token's notes in a log. It exits with 3 when one is missing, after the evidence was written.
func lookForNotes(command *cobra.Command, args []string) error {
	if cli.Flag(command, "stamp") != "" && cli.Flag(command, "evidence") == "" {
		return cli.Usage(errors.New("--stamp goes into a file: name it with --evidence"))
	}
	t, err := readToken(command, args[0])
	if err != nil {
		return err
	}
	place := t.Mint
	if len(args) == 2 {
		place = args[1]
	}
	source, err := logAt(command, place, cli.Flag(command, "key"))
	if err != nil {
		return err
	}
	// The whole log is verified on the way: that a note is not in it says something only of a log that is right.
	f, err := recount.Find(command.Context(), source)
	if err != nil {
		return wrongKey(err)
	}
	notes, err := f.Issued(t)
	if err != nil {
		return err
	}
	list, missing, err := f.Judge(notes, nil)
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		if err := writeEvidence(command, f, missing); err != nil {
			return err
		}
	}
	return showBookings(command, list, len(missing))
}

// writeEvidence writes what a third person needs, where it is asked for; with --stamp it is stamped first.
func writeEvidence(command *cobra.Command, f *recount.Finder, missing []coin.Issued) error {
	file := cli.Flag(command, "evidence")
	if file == "" {
		return nil
	}
	write := func(stamp []byte) error {
		raw, err := f.Evidence(missing, stamp).Encode()
		if err != nil {
			return err
		}
		return durable.Create(vfs.OS, file, raw)
	}
	if cli.Flag(command, "stamp") == "" {
		return write(nil)
	}
	return session.OnLedger(func(ctx context.Context, command *cobra.Command, s *session.Session, _ []string) error {
		ids, err := s.Resolve(cli.Flag(command, "stamp"))
		if err != nil {
			return err
		}
		var reserve token.WalletID // what no quote wants it sends back
		if err := reserve.UnmarshalText([]byte(f.Wallet)); err != nil {
			return err
		}
		paid, err := s.Pay(ctx, ids[0], reserve, 1, token.Plain(recount.StampMemo(missing)))
		if err != nil {
			return err
		}
		receipt, err := s.API.Receipt(ctx, paid.ID)
		if err != nil {
			return err
		}
		shown, err := cashwallet.CheckStamp(receipt, f.Last().Network)
		if err == nil {
			_, _, err = f.Judge(missing, shown)
		}
		if err != nil {
			return fmt.Errorf("the ledger of --data or --node is not that of the office: %w", err)
		}
		return write(receipt)
	})(command, nil)
}

// checkEvidence holds a file of evidence against the log as it is now: what was booked since is no longer missing. Who
// wrote it is not believed; the signatures in it are verified again.
func checkEvidence(command *cobra.Command, file string, args []string) error {
	raw, err := cli.ReadLimited(file, recount.MaxEvidence)
	if err != nil {
		return err
	}
	e, err := recount.DecodeEvidence(raw)
	if err != nil {
		return cli.Usage(fmt.Errorf("%s: %w", file, err))
	}
	place := cli.Flag(command, "mint")
	if len(args) == 1 {
		place = args[0]
	}
	if place == "" {
		return cli.Usage(errors.New("name the office's log: a URL or a folder"))
	}
	source, err := logAt(command, place, e.LogKey)
	if err != nil {
		return err
	}
	list, missing, f, err := e.Check(command.Context(), source, func(network []byte) (*recount.Stamp, error) {
		return cashwallet.CheckStamp(e.Stamp, network)
	})
	if err != nil {
		return errorOfEvidence(err)
	}
	// the stamp is of all of them
	if again := cli.Flag(command, "evidence"); again != "" && len(missing) == len(e.Notes) {
		raw, err := f.Evidence(e.Notes, e.Stamp).Encode()
		if err == nil {
			err = durable.Create(vfs.OS, again, raw)
		}
		if err != nil {
			return err
		}
	}
	return showBookings(command, list, len(missing))
}

// errorOfEvidence says that what does not hold is the evidence, where it is: its text comes from whoever made it.
func errorOfEvidence(err error) error {
	if bad := new(recount.KeyError); errors.As(err, &bad) {
		return cli.Usage(fmt.Errorf("the evidence's %s", terminal.Plain(bad.Error())))
	}
	return err
}

// showBookings prints what was found of each note; one that is missing ends the command with exit code 3.
func showBookings(command *cobra.Command, list []recount.Booking, missing int) error {
	view := map[string]any{"notes": list, "missing": missing, "convicts": recount.Convicts(list)}
	err := cli.Show(command, view, func(out io.Writer) {
		l := cli.LanguageFor(command)
		for _, b := range list {
			switch {
			case b.Block != nil:
				fmt.Fprintln(out, l.Text("cash.booked", "tiyn", b.Amount, "block", *b.Block))
			case b.Convicts:
				fmt.Fprintln(out, l.Text("cash.not-booked", "tiyn", b.Amount))
			default:
				fmt.Fprintln(out, l.Text("cash.booked-later", "tiyn", b.Amount))
			}
		}
	})
	if err == nil && missing > 0 {
		return cli.ExitWith(cli.ExitRefused)
	}
	return err
}

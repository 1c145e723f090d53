package cashcmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/cash"
	"github.com/aqsha/aqsha/cash/coin"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/txlog/vfs"
	cashwallet "github.com/aqsha/aqsha/wallet/notes"
)

func newCashPrintCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "print AMOUNT SHEET.svg",
		Short: "Print banknotes: a sheet with an outer code to check and an inner code to spend",
		Long: `Takes notes of the wallet, changes them at the office first, and writes a sheet of A4 as SVG: for each note its face value, a serial,
an outer code and an inner code. Print it, and cover the inner code or fold the paper over it.

The outer code shows whoever scans it ("aqsha cash check CODE") that such a note was issued, without asking anybody,
and whether the office has it as unspent. It cannot spend the note, and does not show that this paper holds it: only
who opens the inner code knows that. The inner code is a token: whoever reads it has the money, and so has whoever has
a copy of the file.

A sheet has at most four notes: an amount that needs more is refused. "aqsha cash settle --reclaim" takes back what
nobody has spent.`,
		Example: "  aqsha cash print 5000 gift.svg", Args: cobra.ExactArgs(2),
		RunE: amountFirst(0, func(command *cobra.Command, args []string) error {
			// Before a wallet is made or an office asked, as the amount is.
			if !strings.HasSuffix(args[1], ".svg") {
				return cli.Usage(fmt.Errorf("%s: a sheet is a file whose name ends in .svg", args[1]))
			}
			if err := freeForSheet(args[1]); err != nil {
				return err
			}
			return onCash(true, runCashPrint)(command, args)
		}),
	}
	return command
}

// runCashPrint changes notes into those of the sheet and writes it. The notes have left the wallet before the sheet is
// on the disk: where that fails their token is printed instead, and settle --reclaim takes them back.
func runCashPrint(ctx context.Context, command *cobra.Command, w *cashwallet.Wallet, args []string) error {
	amount, err := cashAmount(args[0])
	if err != nil {
		return err
	}
	if err := w.Refresh(ctx); err != nil {
		return err
	}
	sets, err := w.Keysets()
	if err != nil {
		return err
	}
	if n := fewestNotes(sets, amount); n == 0 || n > coin.MaxPrinted {
		return cli.Usage(fmt.Errorf("%s needs %d notes, a sheet has at most %d: print it in parts", amount.Format(),
			n, coin.MaxPrinted))
	}
	t, err := w.Send(ctx, amount, "", false, nil)
	if err != nil {
		return err
	}
	list, sheet, err := coin.Sheet(sets, t)
	if err == nil {
		err = durable.Create(vfs.OS, args[1], sheet)
	}
	if err != nil {
		text, wrong := t.Encode(true)
		fmt.Fprintln(command.OutOrStdout(), text) // the money is in it
		return errors.Join(err, wrong)
	}
	return cli.Show(command, map[string]any{"sheet": args[1], "notes": list}, func(out io.Writer) {
		for _, p := range list {
			fmt.Fprintln(out, cli.LanguageFor(command).Text("cash.serial", "amount", p.Amount.Format(), "serial",
				p.Serial))
		}
		fmt.Fprintln(out, cli.LanguageFor(command).Text("cash.sheet", "file", args[1]))
	})
}

// freeForSheet refuses a path that no sheet can be written to, before notes are taken for it.
func freeForSheet(path string) error {
	if _, err := os.Lstat(path); err == nil {
		return cli.Usage(fmt.Errorf("%s is there already, and a sheet replaces nothing: it may hold money", path))
	}
	if folder, err := os.Stat(filepath.Dir(path)); err != nil || !folder.IsDir() {
		return cli.Usage(fmt.Errorf("%s: there is no folder %s", path, filepath.Dir(path)))
	}
	return nil
}

// fewestNotes is how many notes an amount needs of the keyset that signs longest.
func fewestNotes(sets []cash.Keyset, amount money.Tiyn) int {
	best := 0
	for i := range sets {
		if sets[i].Until >= sets[best].Until {
			best = i
		}
	}
	if len(sets) == 0 {
		return 0
	}
	return len(cash.Split(amount, sets[best].Amounts, cash.MaxArray))
}

// checkOuter says of an outer code that such a note was issued, and whether the office has it as unspent.
func checkOuter(ctx context.Context, command *cobra.Command, w *cashwallet.Wallet, text string) error {
	outer, err := coin.DecodeOuter(text)
	if err != nil {
		return err
	}
	state, err := w.CheckOuter(ctx, &outer)
	if err != nil {
		return err
	}
	view := map[string]any{"amount": outer.Amount, "serial": outer.Serial(), "issued": true, "state": state}
	err = cli.Show(command, view, func(out io.Writer) {
		fmt.Fprintln(out, cli.LanguageFor(command).Text("cash.outer", "amount", outer.Amount.Format(), "serial",
			outer.Serial(),
			"state", stateText(cli.LanguageFor(command), state)))
	})
	if err == nil && state != string(cash.StateUnspent) {
		return cli.ExitWith(cli.ExitRefused)
	}
	return err
}

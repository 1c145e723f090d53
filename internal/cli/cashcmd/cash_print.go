package cashcmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"rsc.io/qr"

	"github.com/aqsha/aqsha/cash"
	"github.com/aqsha/aqsha/cash/coin"
	"github.com/aqsha/aqsha/internal/cli"
	"github.com/aqsha/aqsha/internal/durable"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/txlog/vfs"
	cashwallet "github.com/aqsha/aqsha/wallet/notes"
)

// maxPrinted is how many notes a sheet has.
const maxPrinted = 4

func newCashPrintCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "print AMOUNT SHEET.svg",
		Short: "Print banknotes: a sheet with an outer code to check and an inner code to spend",
		Long: `Takes notes of the wallet, changes them at the office first, and writes a sheet of A4 as SVG: for each
note its face value, a serial, an outer code and an inner code. Print it, and cover the inner code or fold the paper
over it.

The outer code shows whoever scans it ("aqsha cash check CODE") that such a note was issued, without asking anybody,
and whether the office has it as unspent. It cannot spend the note, and does not show that this paper holds it: only
who opens the inner code knows that. The inner code is a token: whoever reads it has the money, and so has whoever has
a copy of the file.

A sheet has at most four notes: an amount that needs more is refused. "aqsha cash settle --reclaim" takes back what
nobody has spent.`,
		Example: "  aqsha cash print 5000 gift.svg", Args: cobra.ExactArgs(2),
		RunE: onCash(true, runCashPrint),
	}
	return command
}

// printed is a note on a sheet.
type printed struct {
	Amount money.Tiyn `json:"amount"`
	Serial string     `json:"serial"`
	Outer  string     `json:"outer"`
	inner  string
}

func runCashPrint(ctx context.Context, command *cobra.Command, w *cashwallet.Wallet, args []string) error {
	amount, err := cashAmount(args[0])
	if err != nil {
		return err
	}
	if !strings.HasSuffix(args[1], ".svg") {
		return cli.Usage(fmt.Errorf("%s: a sheet is a file whose name ends in .svg", args[1]))
	}
	if err := w.Refresh(ctx); err != nil {
		return err
	}
	sets, err := w.Keysets()
	if err != nil {
		return err
	}
	if n := fewestNotes(sets, amount); n == 0 || n > maxPrinted {
		return cli.Usage(fmt.Errorf("%s needs %d notes, a sheet has at most %d: print it in parts", amount.Format(), n,
			maxPrinted))
	}
	t, err := w.Send(ctx, amount, "", false, nil)
	if err != nil {
		return err
	}
	list, sheet, err := printNotes(sets, t)
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
			fmt.Fprintf(out, "%s  serial %s\n", p.Amount.Format(), p.Serial)
		}
		fmt.Fprintf(out, "%s holds the money: print it, cover the inner codes, and remove the file\n", args[1])
	})
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

// printNotes makes a sheet of a token's notes.
func printNotes(sets []cash.Keyset, t *coin.Token) (list []printed, sheet []byte, err error) {
	for _, n := range t.Proofs {
		var p printed
		for i := range sets {
			if sets[i].ID.String() != n.ID {
				continue
			}
			outer, err := coin.OuterOf(&sets[i], n)
			if err != nil {
				return nil, nil, err
			}
			if p.Outer, err = outer.Encode(); err != nil {
				return nil, nil, err
			}
			p.Amount, p.Serial = outer.Amount, outer.Serial()
		}
		if p.Outer == "" {
			return nil, nil, fmt.Errorf("keyset %s is not known", n.ID)
		}
		one := coin.Token{Mint: t.Mint, Unit: t.Unit, Proofs: []cash.Proof{n}}
		if p.inner, err = one.Encode(true); err != nil {
			return nil, nil, err
		}
		list = append(list, p)
	}
	sheet, err = drawSheet(t.Mint, list)
	return list, sheet, err
}

// Measures of a sheet in millimetres: A4, a note of 190 by 68 for each, codes of 52.
const (
	noteHeight = 70
	codeSide   = 52
	outerAt    = 12
	innerAt    = 136
)

// drawSheet draws notes below each other.
func drawSheet(mint string, list []printed) ([]byte, error) {
	var b strings.Builder
	b.WriteString(
		`<svg xmlns="http://www.w3.org/2000/svg" width="210mm" height="297mm" viewBox="0 0 210 297" font-family="sans-serif">` + "\n")
	for i, p := range list {
		top := 8 + i*noteHeight
		fmt.Fprintf(&b,
			`<g transform="translate(0 %d)"><rect x="10" y="0" width="190" height="66" fill="none" stroke="#000" stroke-width="0.3"/>`+"\n", top)
		fmt.Fprintf(&b, `<path d="M134 0V66" stroke="#000" stroke-width="0.2" stroke-dasharray="2 2"/>`+"\n")
		fmt.Fprintf(&b, `<text x="68" y="20" font-size="9" font-weight="bold">%s</text>`+"\n",
			escaped(p.Amount.Format()))
		fmt.Fprintf(&b,
			`<text x="68" y="28" font-size="3.5">serial %s</text><text x="68" y="34" font-size="2.6">%s</text>`+"\n",
			p.Serial, escaped(mint))
		fmt.Fprintf(&b,
			`<text x="68" y="44" font-size="2.6">Outer code: such a note was issued, and whether</text><text x="68" y="48" font-size="2.6">it is unspent. Not: that this paper holds it.</text>`+"\n")
		fmt.Fprintf(&b,
			`<text x="%d" y="62" font-size="2.6">outer code: check</text><text x="%d" y="62" font-size="2.6">inner code: cover; it is the money</text>`+"\n", outerAt, innerAt)
		for _, code := range []struct {
			x    int
			text string
		}{{outerAt, p.Outer}, {innerAt, p.inner}} {
			if err := drawCode(&b, code.x, 4, code.text); err != nil {
				return nil, err
			}
		}
		b.WriteString("</g>\n")
	}
	b.WriteString("</svg>\n")
	return []byte(b.String()), nil
}

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;")

func escaped(text string) string { return escaper.Replace(text) }

// drawCode draws a QR code as runs of squares.
func drawCode(b *strings.Builder, x, y int, text string) error {
	code, err := qr.Encode(text, qr.L)
	if err != nil {
		return fmt.Errorf("a text of %d characters is too large for one code: %w", len(text), err)
	}
	fmt.Fprintf(b, `<g transform="translate(%d %d) scale(%.5f)"><path d="`, x, y, float64(codeSide)/float64(code.Size))
	for row := range code.Size {
		for column := 0; column < code.Size; column++ {
			if !code.Black(column, row) {
				continue
			}
			end := column
			for end < code.Size && code.Black(end, row) {
				end++
			}
			fmt.Fprintf(b, "M%d %dh%dv1h-%dz", column, row, end-column, end-column)
			column = end
		}
	}
	b.WriteString(`"/></g>` + "\n")
	return nil
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
		fmt.Fprintf(out, "%s, serial %s: issued, %s; whether this paper holds it only its inner code shows\n",
			outer.Amount.Format(), outer.Serial(), state)
	})
	if err == nil && state != string(cash.StateUnspent) {
		return cli.ExitWith(cli.ExitRefused)
	}
	return err
}

package coin

import (
	"fmt"
	"strings"

	"rsc.io/qr"

	"github.com/aqsha/aqsha/cash"
	"github.com/aqsha/aqsha/money"
)

// MaxPrinted is how many notes a sheet has.
const MaxPrinted = 4

// Printed is a note on a sheet. Whoever has the inner code has the money.
type Printed struct {
	Amount money.Tiyn `json:"amount"`
	Serial string     `json:"serial"`
	Outer  string     `json:"outer"`
	Inner  string     `json:"-"` // a token of this note
}

// Sheet draws a sheet of A4 (SVG) of a token's notes: for each its face value, serial, outer code and inner code. Its
// notes are genuine, of keysets that are known.
func Sheet(sets []cash.Keyset, t *Token) (list []Printed, sheet []byte, err error) {
	for _, n := range t.Proofs {
		var p Printed
		for i := range sets {
			if sets[i].ID.String() != n.ID {
				continue
			}
			outer, err := OuterOf(&sets[i], n)
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
		one := Token{Mint: t.Mint, Unit: t.Unit, Proofs: []cash.Proof{n}}
		if p.Inner, err = one.Encode(true); err != nil {
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
func drawSheet(mint string, list []Printed) ([]byte, error) {
	var b strings.Builder
	b.WriteString(
		`<svg xmlns="http://www.w3.org/2000/svg" width="210mm" height="297mm" viewBox="0 0 210 297" font-family="sans-serif">` + "\n")
	for i, p := range list {
		top := 8 + i*noteHeight
		fmt.Fprintf(&b,
			`<g transform="translate(0 %d)"><rect x="10" y="0" width="190" height="66" fill="none" stroke="#000" stroke-width="0.3"/>`+"\n", top)
		// The line between the codes is where the inner one is folded or covered: everybody may read the outer code,
		// whoever reads the inner one has the money.
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
		}{{outerAt, p.Outer}, {innerAt, p.Inner}} {
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
	scale := codeSide * 100_000 / code.Size // of a square, in hundred-thousandths of a millimetre
	fmt.Fprintf(b, `<g transform="translate(%d %d) scale(%d.%05d)"><path d="`, x, y, scale/100_000, scale%100_000)
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

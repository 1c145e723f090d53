package trace

import (
	"cmp"
	"fmt"
	"html"
	"io"
	"slices"
	"strings"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// Bounds of a drawing: beyond them the smallest are drawn together.
const (
	maxWallets = 60
	maxFlows   = 160
)

// Drawing says how a trace is drawn.
type Drawing struct {
	Title   string
	Wallet  func(token.WalletID) string // its name
	Purpose func(uint32) string
}

// box is a wallet's place in the drawing.
type box struct {
	id          token.WalletID
	name        string
	layer, row  int
	through     money.Tiyn
	x, y, w     int
	left, right int // flows attached so far
	loops       int // of them, to itself
}

// The geometry, in pixels.
const (
	boxHeight = 44
	rowGap    = 34
	layerGap  = 150
	boxWidth  = 170
	margin    = 30
	headRoom  = 84
)

var colours = []string{"#475569", "#0f766e", "#b45309", "#6d28d9", "#be123c", "#1d4ed8", "#4d7c0f", "#a21caf"}

// SVG draws wallets in columns by how far money had come when it first reached them, and the flows between
// them with their amounts; the width of a line grows with the amount's logarithm, its colour is the mark's.
func (t *Trace) SVG(w io.Writer, d Drawing) error {
	flows, dropped := t.largest()
	boxes, order := layers(flows, d)
	width, height := place(boxes, order)
	var b strings.Builder
	fmt.Fprintf(&b,
		`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" font-family="system-ui, sans-serif">`+"\n", width, height, width, height)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#ffffff"/>`+"\n", width, height)
	fmt.Fprintf(&b, `<text x="%d" y="34" font-size="19" font-weight="600" fill="#0f172a">%s</text>`+"\n", margin,
		html.EscapeString(d.Title))
	note := fmt.Sprintf("%d events, %d tokens, %d flows between wallets", t.Events, t.Edges, len(t.Flows))
	if dropped > 0 {
		note += fmt.Sprintf("; the %d smallest are not drawn", dropped)
	}
	fmt.Fprintf(&b, `<text x="%d" y="56" font-size="12" fill="#475569">%s</text>`+"\n", margin, note)
	legend(&b, flows, d)
	b.WriteString(`<g fill="none" stroke-linecap="round">` + "\n")
	labels := &strings.Builder{}
	for i := range flows {
		// Labels are drawn last, over the lines and boxes.
		curve(&b, labels, boxes[flows[i].From], boxes[flows[i].To], &flows[i])
	}
	b.WriteString("</g>\n")
	for _, id := range order {
		x := boxes[id]
		fmt.Fprintf(&b, `<rect x="%d" y="%d" width="%d" height="%d" rx="6" fill="#f8fafc" stroke="#334155"/>`+"\n", x.x,
			x.y, x.w, boxHeight)
		fmt.Fprintf(&b, `<text x="%d" y="%d" font-size="13" text-anchor="middle" fill="#0f172a">%s</text>`+"\n",
			x.x+x.w/2, x.y+19, html.EscapeString(short(x.name)))
		if held := t.held(id); held > 0 {
			fmt.Fprintf(&b, `<text x="%d" y="%d" font-size="11" text-anchor="middle" fill="#0f766e">holds %s</text>`+
				"\n", x.x+x.w/2, x.y+35, held.Format())
		}
	}
	b.WriteString(labels.String())
	b.WriteString("</svg>\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// held is what of the traced money is with a wallet at the end.
func (t *Trace) held(id token.WalletID) (sum money.Tiyn) {
	for _, p := range t.Places {
		if p.Wallet == id {
			sum += p.Amount
		}
	}
	return sum
}

// largest keeps the flows that a page can show, in order of first happening: the largest amounts first, as long as
// there is room for their wallets. A smaller one between wallets that are there may still fit where a larger one did
// not.
func (t *Trace) largest() (flows []Flow, dropped int) {
	flows = slices.Clone(t.Flows)
	slices.SortStableFunc(flows, func(a, b Flow) int { return cmp.Compare(b.Amount, a.Amount) })
	wallets := map[token.WalletID]bool{}
	kept := flows[:0]
	for _, f := range flows {
		more := 0
		for _, id := range []token.WalletID{f.From, f.To} {
			if !wallets[id] {
				more++
			}
		}
		if len(kept) == maxFlows || len(wallets)+more > maxWallets {
			dropped++
			continue
		}
		wallets[f.From], wallets[f.To] = true, true
		kept = append(kept, f)
	}
	slices.SortStableFunc(kept, func(a, b Flow) int { return cmp.Compare(a.First, b.First) })
	return kept, dropped
}

// layers puts a wallet one column to the right of the one that paid it first.
func layers(flows []Flow, d Drawing) (map[token.WalletID]*box, []token.WalletID) {
	boxes := map[token.WalletID]*box{}
	var order []token.WalletID
	enter := func(id token.WalletID, layer int) *box {
		x, known := boxes[id]
		if !known {
			x = &box{id: id, name: d.Wallet(id), layer: layer}
			boxes[id] = x
			order = append(order, id)
		}
		return x
	}
	for i := range flows {
		from := enter(flows[i].From, 0)
		to := enter(flows[i].To, from.layer+1)
		from.through += flows[i].Amount
		to.through += flows[i].Amount
	}
	return boxes, order
}

// place gives each box its coordinates and returns the size of the page.
func place(boxes map[token.WalletID]*box, order []token.WalletID) (width, height int) {
	rows := map[int]int{}
	for _, id := range order {
		x := boxes[id]
		x.row = rows[x.layer]
		rows[x.layer]++
		x.w = boxWidth
		x.x = margin + x.layer*(boxWidth+layerGap)
		x.y = headRoom + x.row*(boxHeight+rowGap) + (x.layer%2)*20
		width, height = max(width, x.x+x.w+margin), max(height, x.y+boxHeight+2*margin)
	}
	return max(width, 480), max(height, headRoom+margin)
}

// curve draws a flow: to the right from side to side, back or within a column below the boxes.
func curve(b, labels *strings.Builder, from, to *box, f *Flow) {
	thickness := 1.5
	for a := f.Amount; a >= 10_000; a /= 10 {
		thickness += 0.8
	}
	x1, y1 := from.x+from.w, from.y+10+(from.right%4)*8
	x2, y2 := to.x, to.y+10+(to.left%4)*8
	from.right++
	to.left++
	bend := max((x2-x1)/2, 50)
	path := fmt.Sprintf("M%d %d C%d %d %d %d %d %d", x1, y1, x1+bend, y1, x2-bend, y2, x2-6, y2)
	tx, ty := x1+(x2-x1)/4, y1+(y2-y1)/8-4
	anchor := "start"
	if x2 <= x1 {
		x1, y1, x2, y2 = from.x+from.w/2+(from.right%5)*8, from.y+boxHeight, to.x+to.w/2-(to.left%5)*8, to.y+boxHeight
		low := max(y1, y2) + rowGap - 4
		path = fmt.Sprintf("M%d %d C%d %d %d %d %d %d", x1, y1, x1, low, x2, low, x2, y2+5)
		tx, ty, anchor = (x1+x2)/2, low-10, "middle"
		if from == to {
			ty += 13 * from.loops // one label below the other
			from.loops++
		}
	}
	colour := colours[int(f.Purpose)%len(colours)]
	fmt.Fprintf(b, `<path d="%s" stroke="%s" stroke-width="%.1f" opacity="0.55"/>`+"\n", path, colour, thickness)
	fmt.Fprintf(b, `<path d="M%d %d l-7 -4 v8 z" fill="%s" stroke="none"/>`+"\n", x2, y2, colour)
	text := f.Amount.Format()
	if f.Times > 1 {
		text += fmt.Sprintf(" (%d×)", f.Times)
	}
	fmt.Fprintf(labels,
		`<text x="%d" y="%d" font-size="11" text-anchor="%s" fill="%s" stroke="#ffffff" stroke-width="3" paint-order="stroke">%s</text>`+"\n", tx, ty, anchor, colour, text)
}

// legend names the colours, each purpose once.
func legend(b *strings.Builder, flows []Flow, d Drawing) {
	x := margin
	seen := map[uint32]bool{}
	for i := range flows {
		if p := flows[i].Purpose; !seen[p] {
			seen[p] = true
			name := d.Purpose(p)
			fmt.Fprintf(b,
				`<rect x="%d" y="64" width="14" height="4" fill="%s"/><text x="%d" y="71" font-size="11" fill="#475569">%s</text>`+"\n", x, colours[int(p)%len(colours)], x+19, html.EscapeString(name))
			x += 40 + 7*len([]rune(name))
		}
	}
}

// short cuts a name to what a box has room for.
func short(name string) string {
	if runes := []rune(name); len(runes) > 22 {
		return string(runes[:21]) + "…"
	}
	return name
}

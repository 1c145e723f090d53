package chart

import (
	"fmt"
	"html"
	"strings"
)

// Step is a bar between two values, such as a step of a waterfall; from 0 it is a plain bar.
type Step struct {
	Name     string
	From, To float64
	Label    string // beside the bar
	Class    string // of the style sheet: up, down or bar
}

// Steps draws bars below each other, in the order given.
type Steps struct {
	Title string
	Rows  []Step
}

// labelWidth is the room for names left of the bars, in units of the viewBox.
const labelWidth = 190.0

// SVG is the drawing as an element for a page.
func (s Steps) SVG() string {
	if len(s.Rows) == 0 {
		return ""
	}
	low, high := 0.0, 0.0
	for _, r := range s.Rows {
		low, high = min(low, r.From, r.To), max(high, r.From, r.To)
	}
	if low == high {
		high = low + 1
	}
	x := func(v float64) float64 {
		return labelWidth + (v-low)/(high-low)*(width-2*labelWidth-right)
	}
	tall := rowHeight*float64(len(s.Rows)) + 6
	var b strings.Builder
	fmt.Fprintf(&b, `<svg viewBox="0 0 %g %g" role="img" aria-label="%s">`, width, tall, html.EscapeString(s.Title))
	fmt.Fprintf(&b, `<line class="grid" x1="%.1f" x2="%.1f" y1="0" y2="%.1f"/>`, x(0), x(0), tall)
	for i, r := range s.Rows {
		top, from, to := rowHeight*float64(i), min(x(r.From), x(r.To)), max(x(r.From), x(r.To))
		fmt.Fprintf(&b, `<text class="y" x="%g" y="%.1f">%s</text>`, labelWidth-8, top+17, html.EscapeString(r.Name))
		fmt.Fprintf(&b, `<rect class="%s" x="%.1f" y="%.1f" width="%.1f" height="%g"/>`, html.EscapeString(r.Class),
			from, top+4, max(to-from, 1), rowHeight-8)
		fmt.Fprintf(&b, `<text x="%.1f" y="%.1f">%s</text>`, to+6, top+17, html.EscapeString(r.Label))
	}
	b.WriteString("</svg>")
	return b.String()
}

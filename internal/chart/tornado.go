package chart

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// Swing is what one input does to a result: its values at the input's two ends.
type Swing struct {
	Name      string
	LowEnd    string // the input there, in words: "−20 %"
	HighEnd   string
	Low, High float64
}

// Tornado draws swings around a base value, in the order given.
type Tornado struct {
	Title  string
	Base   float64
	Swings []Swing
	Format func(v float64) string
}

const (
	// In units of the viewBox.
	rowHeight = 26.0
	nameWidth = 250.0
)

// SVG is the drawing as an element for a page.
func (t Tornado) SVG() string {
	if len(t.Swings) == 0 {
		return ""
	}
	low, high := t.Base, t.Base
	for _, s := range t.Swings {
		low, high = min(low, s.Low, s.High), max(high, s.Low, s.High)
	}
	if low == high {
		low, high = low-1, high+1
	}
	margin := 0.12 * (high - low) // room for the ends' labels
	low, high = low-margin, high+margin
	x := func(v float64) float64 { return nameWidth + (v-low)/(high-low)*(width-nameWidth-right) }
	tall := rowHeight*float64(len(t.Swings)) + baseline
	var b strings.Builder
	fmt.Fprintf(&b, `<svg viewBox="0 0 %g %g" role="img" aria-label="%s">`, width, tall, html.EscapeString(t.Title))
	for i, s := range t.Swings {
		top := rowHeight * float64(i)
		fmt.Fprintf(&b, `<text class="y" x="%g" y="%.1f">%s</text>`, nameWidth-8, top+17, html.EscapeString(s.Name))
		t.bar(&b, x, top, s.Low, s.LowEnd)
		t.bar(&b, x, top, s.High, s.HighEnd)
	}
	fmt.Fprintf(&b,
		`<line class="axis" x1="%.1f" x2="%.1f" y1="0" y2="%.1f"/><text class="x" text-anchor="middle" x="%.1f" y="%.1f">%s</text></svg>`,
		x(t.Base), x(t.Base), tall-baseline, x(t.Base), tall-8, html.EscapeString(t.Format(t.Base)))
	return b.String()
}

// bar goes from the base to one end, with the input's value behind it.
func (t Tornado) bar(b *strings.Builder, x func(float64) float64, top, end float64, label string) {
	class, anchor, shift := "up", "start", 4.0
	if end < t.Base {
		class, anchor, shift = "down", "end", -4.0
	}
	from, to := min(x(t.Base), x(end)), max(x(t.Base), x(end))
	fmt.Fprintf(b, `<rect class="%s" x="%.1f" y="%.1f" width="%.1f" height="%g"><title>%s</title></rect>`, class, from,
		top+4, to-from, rowHeight-8, html.EscapeString(t.Format(end)))
	if math.Abs(x(end)-x(t.Base)) > 0.5 {
		fmt.Fprintf(b, `<text text-anchor="%s" x="%.1f" y="%.1f">%s</text>`, anchor, x(end)+shift, top+17,
			html.EscapeString(label))
	}
}

package chart

import (
	"fmt"
	"html"
	"math"
	"strconv"
	"strings"
)

// Line is one curve of a chart; NaN breaks it.
type Line struct {
	Name   string
	Values []float64
	Area   bool // filled to zero
}

// Band is the space between two curves, as in a fan of quantiles.
type Band struct {
	Name      string
	Low, High []float64
}

// Chart draws lines over days (or other labels) as inline SVG without any script. Colours come from the page's
// classes, so that dark mode works. Days, X and all values have the same length; Format writes a value of the vertical
// axis.
type Chart struct {
	Title  string
	Days   []string
	X      []float64 // positions; nil: evenly spaced
	Lines  []Line
	Bands  []Band // behind the lines, the widest first
	Log    bool
	Bars   []float64 // a histogram behind the lines
	Format func(v float64) string
}

// Measures in units of the viewBox. Two points of a line for each of maxPoints/2 buckets are about one a unit: more
// are not seen, and make the page large.
const (
	width, height                    = 860.0, 260.0
	left, right, topMargin, baseline = 62.0, 14.0, 14.0, 30.0
	maxPoints                        = 900
)

// SVG is the drawing as an element for a page; "" when no value is known. Names and labels are escaped: they may be of
// machines and files.
func (c Chart) SVG() string {
	low, high := c.span()
	if math.IsInf(low, 1) {
		return ""
	}
	y := func(v float64) float64 {
		if c.Log {
			v = math.Log10(v)
		}
		return topMargin + (high-v)/(high-low)*(height-topMargin-baseline)
	}
	n := len(c.Days)
	xAt := func(i int) float64 {
		if c.X != nil {
			return left + (c.X[i]-c.X[0])/(c.X[n-1]-c.X[0])*(width-left-right)
		}
		return left + float64(i)/float64(max(1, n-1))*(width-left-right)
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg viewBox="0 0 %g %g" role="img" aria-label="%s">`, width, height, html.EscapeString(c.Title))
	for _, tick := range c.ticks(low, high) {
		at := y(tick)
		fmt.Fprintf(&b,
			`<line class="grid" x1="%g" x2="%g" y1="%.1f" y2="%.1f"/><text class="y" x="%g" y="%.1f">%s</text>`, left,
			width-right, at, at, left-6, at+4, html.EscapeString(c.Format(tick)))
	}
	// In the order of painting: what is drawn later lies above, and lines must not be hidden by bars or bands.
	c.labels(&b, xAt)
	c.drawBars(&b, y, xAt)
	for _, band := range c.Bands {
		drawBand(&b, band, y, xAt)
	}
	for j, l := range c.Lines {
		c.draw(&b, l, j, y, xAt)
	}
	b.WriteString("</svg>")
	return b.String()
}

// span is what the vertical axis must reach. Values that are not there or infinite are passed over; an area and bars
// stand on 0, which is then part of it.
func (c Chart) span() (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	see := func(v float64) {
		if c.Log && v > 0 {
			v = math.Log10(v)
		}
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			low, high = min(low, v), max(high, v)
		}
	}
	for _, l := range c.Lines {
		for _, v := range l.Values {
			see(v)
		}
		if l.Area {
			see(0)
		}
	}
	for _, v := range c.Bars {
		see(v)
		see(0)
	}
	for _, band := range c.Bands {
		for i := range band.Low {
			see(band.Low[i])
			see(band.High[i])
		}
	}
	// A flat line has an axis too: its span would divide by zero.
	if high == low {
		high, low = high+1, low-1
	}
	return low, high
}

// ticks are round values; on a log axis 1, 2, 5 times powers of ten.
func (c Chart) ticks(low, high float64) []float64 {
	var out []float64
	if c.Log {
		steps := []float64{1, 2, 5}
		if high-low > 3 {
			steps = steps[:1]
		}
		for e := math.Floor(low); e <= high; e++ {
			for _, m := range steps {
				if v := m * math.Pow(10, e); math.Log10(v) >= low && math.Log10(v) <= high {
					out = append(out, v)
				}
			}
		}
		return out
	}
	raw := (high - low) / 5
	step := math.Pow(10, math.Floor(math.Log10(raw)))
	for _, m := range []float64{1, 2, 5, 10} {
		if m*step >= raw {
			step *= m
			break
		}
	}
	for v := math.Ceil(low/step) * step; v <= high+step*1e-9; v += step {
		tick := math.Round(v/step) * step
		if tick == 0 {
			tick = 0 // not −0
		}
		out = append(out, tick)
	}
	return out
}

// labels puts at most seven marks on the time axis.
func (c Chart) labels(b *strings.Builder, xAt func(int) float64) {
	n := len(c.Days)
	marks := min(7, n)
	for m := range marks {
		i := m * (n - 1) / max(1, marks-1)
		anchor := "middle"
		if m == 0 {
			anchor = "start"
		} else if m == marks-1 {
			anchor = "end"
		}
		fmt.Fprintf(b, `<text class="x" text-anchor="%s" x="%.1f" y="%g">%s</text>`, anchor, xAt(i), height-8,
			html.EscapeString(c.Days[i]))
	}
}

func (c Chart) drawBars(b *strings.Builder, y func(float64) float64, xAt func(int) float64) {
	if len(c.Bars) < 2 {
		return
	}
	w := (xAt(1) - xAt(0)) * 0.9
	for i, v := range c.Bars {
		if math.IsNaN(v) {
			continue
		}
		top := y(max(0, v)) // a negative one hangs from zero: SVG draws no negative height
		fmt.Fprintf(b, `<rect class="bar" x="%.1f" y="%.1f" width="%.1f" height="%.1f"/>`, max(left, xAt(i)-w/2), top,
			w, y(min(0, v))-top)
	}
}

// drawBand fills between its two curves, where both are known.
func drawBand(b *strings.Builder, band Band, y func(float64) float64, xAt func(int) float64) {
	var path strings.Builder
	pen := "M"
	for i, v := range band.High {
		if math.IsNaN(v) || math.IsNaN(band.Low[i]) {
			continue
		}
		fmt.Fprintf(&path, "%s%.1f %.1f", pen, xAt(i), y(v))
		pen = "L"
	}
	for i := len(band.Low) - 1; i >= 0; i-- {
		if math.IsNaN(band.Low[i]) || math.IsNaN(band.High[i]) {
			continue
		}
		fmt.Fprintf(&path, "L%.1f %.1f", xAt(i), y(band.Low[i]))
	}
	fmt.Fprintf(b, `<path class="area" d="%sZ"><title>%s</title></path>`, path.String(), html.EscapeString(band.Name))
}

// draw thins a long line to the lowest and highest point of each bucket, which
// keeps its outline.
func (c Chart) draw(b *strings.Builder, l Line, number int, y func(float64) float64, xAt func(int) float64) {
	var path strings.Builder
	pen, first, last := "M", -1.0, -1.0
	bucket := max(1, 2*len(l.Values)/maxPoints)
	emit := func(i int) {
		v := l.Values[i]
		// A hole in the data is a hole in the line, and not a stroke across it.
		if math.IsNaN(v) || (c.Log && v <= 0) {
			pen = "M"
			return
		}
		fmt.Fprintf(&path, "%s%.1f %.1f", pen, xAt(i), y(v))
		pen = "L"
		if first < 0 {
			first = xAt(i)
		}
		last = xAt(i)
	}
	for from := 0; from < len(l.Values); from += bucket {
		low, high := from, from
		for i := from; i < min(from+bucket, len(l.Values)); i++ {
			if l.Values[i] < l.Values[low] || math.IsNaN(l.Values[low]) {
				low = i
			}
			if l.Values[i] > l.Values[high] || math.IsNaN(l.Values[high]) {
				high = i
			}
		}
		// In the order of time: the lowest and the highest of a bucket, whichever came first.
		emit(min(low, high))
		if low != high {
			emit(max(low, high))
		}
	}
	if l.Area && first >= 0 {
		fmt.Fprintf(b, `<path class="area" d="%sL%.1f %.1fL%.1f %.1fZ"/>`, path.String(), last, y(0), first, y(0))
	}
	fmt.Fprintf(b, `<path class="line l%d" d="%s"><title>%s</title></path>`, number, path.String(),
		html.EscapeString(l.Name))
}

// Compact prints an axis value: 20 000 as 20k, small ones plainly; with a comma where the language has one.
func Compact(comma bool) func(float64) string {
	return func(v float64) string {
		suffix := ""
		for _, s := range []struct {
			at   float64
			name string
		}{{1e9, "G"}, {1e6, "M"}, {1e4, "k"}} {
			if math.Abs(v) >= s.at {
				if s.name == "k" {
					s.at = 1e3
				}
				v, suffix = v/s.at, s.name
				break
			}
		}
		text := strings.Replace(strconv.FormatFloat(v, 'g', 4, 64), "-", "−", 1)
		if comma {
			text = strings.Replace(text, ".", ",", 1)
		}
		return text + suffix
	}
}

package study

import (
	"fmt"
	"io"
	"math"
	"text/tabwriter"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/liquidity"
	"github.com/aqsha/aqsha/words"
)

// Liquidity is what it costs to trade, by bars.
type Liquidity struct {
	Origin Origin             `json:"origin"`
	Value  string             `json:"value_column"` // what was traded; empty: not available
	Unit   string             `json:"value_unit"`
	Whole  liquidity.Measures `json:"whole"`
	Years  []YearOfLiquidity  `json:"years"`
}

// YearOfLiquidity is a calendar year with at least 30 bars.
type YearOfLiquidity struct {
	Year string `json:"year"`
	liquidity.Measures
}

// StudyLiquidity takes value traded from the quote volume, from base volume
// times the traded price (close, where returns are of the adjusted close), or
// from a reported volume in dollars.
func StudyLiquidity(in Input) (Liquidity, error) {
	p, err := in.prepare()
	if err != nil {
		return Liquidity{}, err
	}
	out := Liquidity{Origin: p.origin}
	lead, err := in.withFirst(&p)
	if err != nil {
		return Liquidity{}, err
	}
	bars := liquidity.Bars{Close: p.prices.Values}
	aligned := func(name string) []float64 {
		s, err := in.Table.Series(name)
		if err != nil {
			return nil
		}
		// By time and not by row: columns have holes of their own.
		at := map[int64]float64{}
		for i, t := range s.Times {
			at[t.Unix()] = s.Values[i]
		}
		values := make([]float64, p.prices.Len())
		for i, t := range p.prices.Times {
			v, ok := at[t.Unix()]
			if values[i] = v; !ok {
				values[i] = math.NaN()
			}
		}
		return values
	}
	// Value is at the traded price: across a split the adjusted one is another, and the volume is not adjusted.
	traded := p.prices.Values
	if close := aligned("close"); p.origin.Column == "adjusted_close" && close != nil {
		traded = close
		factors := make([]float64, len(close))
		for i := range factors {
			factors[i] = p.prices.Values[i] / close[i]
		}
		if high, low := aligned("high"), aligned("low"); high != nil && low != nil {
			ranges := [][]float64{high, low}
			scale(ranges, factors)
			bars.High, bars.Low = ranges[0], ranges[1]
		}
	}
	if p.origin.Column == "close" {
		bars.High, bars.Low = aligned("high"), aligned("low")
	}
	for _, name := range []string{"volume_quote", "volume_usd", "volume_base"} {
		v := aligned(name)
		if v == nil {
			continue
		}
		if name == "volume_base" {
			for i := range v {
				v[i] *= traded[i]
			}
		}
		column, err := in.Table.Column(name)
		if err != nil {
			return Liquidity{}, err
		}
		out.Value, out.Unit, bars.Value = name, column.Unit, v
		break
	}
	if bars.Close == nil {
		return Liquidity{}, market.Refuse("too-short", "window", "no bars")
	}
	if out.Whole, err = liquidity.Measure(bars); err != nil {
		return Liquidity{}, err
	}
	return out, out.years(p, bars, lead)
}

// withFirst puts the price before the window in front of those inside, where there is one: the first return of the
// window is from it. It returns how many prices now stand before the window.
func (in Input) withFirst(p *prepared) (lead int, err error) {
	all, err := in.Table.Series(p.origin.Column)
	if err != nil {
		return 0, err
	}
	inside := p.prices.Len()
	p.prices = all.WindowAfter(in.From, in.To)
	return p.prices.Len() - inside, nil
}

// years measures each year of which a month and more is in the window; lead bars stand before it.
func (l *Liquidity) years(p prepared, bars liquidity.Bars, lead int) error {
	part := func(x []float64, from, to int) []float64 {
		if x == nil {
			return nil
		}
		return x[from:to]
	}
	for first := lead; first < p.prices.Len(); {
		year, last := p.prices.Times[first].Year(), first
		for last < p.prices.Len() && p.prices.Times[last].Year() == year {
			last++
		}
		if last-first >= 31 {
			from := max(0, first-1)
			m, err := liquidity.Measure(liquidity.Bars{High: part(bars.High, from, last),
				Low:   part(bars.Low, from, last),
				Close: bars.Close[from:last], Value: part(bars.Value, from, last)})
			if err != nil {
				return err
			}
			l.Years = append(l.Years, YearOfLiquidity{fmt.Sprint(year), m})
		}
		first = last
	}
	return nil
}

// Print writes the study for a terminal.
func (l Liquidity) Print(w io.Writer, lang words.Language) {
	fmt.Fprintln(w, l.Origin.Describe(lang))
	if l.Value == "" {
		fmt.Fprintln(w, lang.Text("study.liquidity-no-value"))
	} else {
		fmt.Fprintln(w, lang.Text("study.liquidity-value", "column", l.Value, "unit", l.Unit))
	}
	tab := tabwriter.NewWriter(w, 2, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tab, lang.Text("study.liquidity-columns"))
	row := func(name string, m liquidity.Measures) {
		number := func(v *float64) string {
			if v == nil {
				return lang.Text("study.liquidity-none")
			}
			return fmt.Sprintf("%.4g", *v)
		}
		fmt.Fprintf(tab, "  %s\t%d\t%s\t%s\t%s\t%s\t%s\t\n", name, m.N, number(m.Amihud), number(m.Roll),
			number(m.CorwinSchultz), number(m.Kyle), number(m.KyleSE))
	}
	for _, y := range l.Years {
		row(y.Year, y.Measures)
	}
	row(lang.Text("study.liquidity-whole"), l.Whole)
	tab.Flush()
}

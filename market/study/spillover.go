package study

import (
	"context"
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/spillover"
	"github.com/aqsha/aqsha/words"
)

// Spillover is how markets move each other, on the days they share.
type Spillover struct {
	Origins     []Origin            `json:"origins"`
	From        string              `json:"from"`
	To          string              `json:"to"`
	N           int                 `json:"n"`
	Returns     spillover.Connected `json:"returns"`
	Volatility  spillover.Connected `json:"volatility"` // of |r|
	Correlation *spillover.DCC      `json:"correlation"`
}

// StudySpillover needs two to twenty inputs; lags 0 is chosen by BIC.
func StudySpillover(ctx context.Context, inputs []Input, lags, ahead int) (Spillover, error) {
	if len(inputs) < 2 || len(inputs) > spillover.MaxMarkets {
		return Spillover{}, market.Refuse("spillover", "series", "%d files; want 2 to %d", len(inputs),
			spillover.MaxMarkets)
	}
	var out Spillover
	var prices []market.Series
	var names []string
	for _, in := range inputs {
		p, err := in.prepare()
		if err != nil {
			return Spillover{}, err
		}
		prices, out.Origins = append(prices, p.prices), append(out.Origins, p.origin)
		names = append(names, strings.TrimSuffix(p.origin.Source.File, ".csv"))
	}
	days, returns, err := spillover.Common(prices)
	if err != nil {
		return Spillover{}, err
	}
	out.From, out.To, out.N = days[0], days[len(days)-1], len(days)
	// The size of returns stands for volatility, day by day: it needs no model, whose lags would be found again as
	// spillover.
	sizes := make([][]float64, len(returns))
	for i, r := range returns {
		for _, v := range r {
			sizes[i] = append(sizes[i], math.Abs(v))
		}
	}
	if out.Returns, err = spillover.Connectedness(names, returns, lags, ahead); err != nil {
		return Spillover{}, err
	}
	if out.Volatility, err = spillover.Connectedness(names, sizes, lags, ahead); err != nil {
		return Spillover{}, err
	}
	out.Correlation, err = spillover.Correlate(ctx, names, returns)
	return out, err
}

// Print writes the study for a terminal.
func (s Spillover) Print(w io.Writer, l words.Language) {
	fmt.Fprintln(w, l.Text("study.spill-head", "n", s.N, "from", s.From, "to", s.To))
	for _, o := range s.Origins {
		fmt.Fprintln(w, " ", l.Text("study.origin-short", "file", o.Source.File, "column", o.Column, "sha",
			fmt.Sprintf("%.12s", o.Source.SHA256), "origin", l.Phrase("market-word", o.Source.Origin)))
	}
	connected(w, l, l.Text("study.returns"), s.Returns)
	connected(w, l, l.Text("study.spill-volatility"), s.Volatility)
	d := s.Correlation
	fmt.Fprintln(w, l.Text("study.spill-dcc", "a", fmt.Sprintf("%.4f", d.A), "b", fmt.Sprintf("%.4f", d.B), "loglik",
		fmt.Sprintf("%.2f", d.LogLik), "constant", fmt.Sprintf("%.2f", d.Constant)))
	three := func(v float64) string { return fmt.Sprintf("%.3f", v) }
	tab := tabwriter.NewWriter(w, 2, 0, 2, ' ', tabwriter.AlignRight)
	for i := range d.Names {
		for j := range i {
			fmt.Fprintln(tab, l.Text("study.spill-dcc-row", "one", d.Names[j], "two", d.Names[i], "mean",
				three(d.Mean[i][j]), "last", three(d.Last[i][j]), "next", three(d.Next[i][j])))
		}
	}
	tab.Flush()
}

func connected(w io.Writer, l words.Language, of string, c spillover.Connected) {
	fmt.Fprintln(w, l.Count("study.spill-connected", c.Ahead, "of", of, "total", fmt.Sprintf("%.2f", c.Total),
		"lags", c.Lags))
	tab := tabwriter.NewWriter(w, 2, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tab, l.Text("study.spill-columns", "names", strings.Join(c.Names, "\t")))
	for i, row := range c.Table {
		fmt.Fprintf(tab, "  %s\t", c.Names[i])
		for _, v := range row {
			fmt.Fprintf(tab, "%.2f\t", 100*v)
		}
		fmt.Fprintf(tab, "%.2f\t%.2f\t%+.2f\t\n", c.From[i], c.To[i], c.Net[i])
	}
	tab.Flush()
}

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
func (s Spillover) Print(w io.Writer) {
	fmt.Fprintf(w, "%d common days %s … %s\n", s.N, s.From, s.To)
	for _, o := range s.Origins {
		fmt.Fprintf(w, "  %s, column %s; sha-256 %.12s…; %s\n", o.Source.File, o.Column, o.Source.SHA256,
			o.Source.Origin)
	}
	connected(w, "returns", s.Returns)
	connected(w, "volatility (|r|)", s.Volatility)
	d := s.Correlation
	fmt.Fprintf(w, "correlations (DCC): a %.4f, b %.4f, log-likelihood %.2f against %.2f when constant\n", d.A, d.B,
		d.LogLik,
		d.Constant)
	tab := tabwriter.NewWriter(w, 2, 0, 2, ' ', tabwriter.AlignRight)
	for i := range d.Names {
		for j := range i {
			fmt.Fprintf(tab, "  %s – %s\tmean %.3f\tlast day %.3f\tnext %.3f\t\n", d.Names[j], d.Names[i], d.Mean[i][j],
				d.Last[i][j], d.Next[i][j])
		}
	}
	tab.Flush()
}

func connected(w io.Writer, of string, c spillover.Connected) {
	fmt.Fprintf(w,
		"connectedness of %s: %.2f %% of the variance of forecasts %d steps ahead comes from others (VAR, %d lags)\n",
		of, c.Total, c.Ahead, c.Lags)
	tab := tabwriter.NewWriter(w, 2, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(tab, "  \t%s\tfrom others\tto others\tnet\t\n", strings.Join(c.Names, "\t"))
	for i, row := range c.Table {
		fmt.Fprintf(tab, "  %s\t", c.Names[i])
		for _, v := range row {
			fmt.Fprintf(tab, "%.2f\t", 100*v)
		}
		fmt.Fprintf(tab, "%.2f\t%.2f\t%+.2f\t\n", c.From[i], c.To[i], c.Net[i])
	}
	tab.Flush()
}

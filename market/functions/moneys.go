package functions

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/paper"
	"github.com/aqsha/aqsha/market/stats"
	"github.com/aqsha/aqsha/words"
)

// maxMoneys is how many foreign moneys a scorecard takes from a folder.
const maxMoneys = 12

// foreign are the moneys, other than the dollar, whose daily rates in tenge the
// folder has: eur_kzt_daily.csv, rub_kzt_daily.csv and so on, each its own
// series (a price, or kzt_per_eur with the number of units in quant).
func (f folder) foreign() ([]holding, error) {
	paths, err := filepath.Glob(filepath.Join(f.dir, "*_kzt_daily.csv"))
	if err != nil {
		return nil, err
	}
	slices.Sort(paths)
	var out []holding
	for _, path := range paths {
		name := filepath.Base(path)
		code := strings.TrimSuffix(name, "_kzt_daily.csv")
		if code == "usd" || len(code) != 3 {
			continue
		}
		if len(out) == maxMoneys {
			f.study.note(words.Say("functions.note-moneys", "count", maxMoneys))
			break
		}
		prices, err := f.rate(path, code)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if prices.Len() > 60 {
			out = append(out, holding{name: strings.ToUpper(code), prices: prices, inKZT: true})
		} else {
			f.study.note(words.Say("functions.note-window", "name", name))
		}
	}
	return out, nil
}

// rate reads tenge per unit of a money; reading divides by the units it is
// quoted for.
func (f folder) rate(path, code string) (market.Series, error) {
	column := "kzt_per_" + code
	declared, err := market.ParseDeclared(column + "=" + column + ":KZT/" + strings.ToUpper(code))
	if err != nil {
		return market.Series{}, err
	}
	quant, err := market.ParseDeclared("quantity=quant:count")
	if err != nil {
		return market.Series{}, err
	}
	var t *market.Table
	for _, columns := range [][]market.Declared{{declared, quant}, {declared}, nil} {
		if t, err = market.ReadFile(path, market.ReadOptions{Columns: columns}); err == nil {
			break
		}
	}
	if err != nil {
		return market.Series{}, err
	}
	if !t.Has(column) {
		column = t.PriceColumn()
	}
	s, err := t.Series(column)
	if err != nil {
		return market.Series{}, err
	}
	f.study.Data = append(f.study.Data, t.Provenance)
	return s.Window(f.study.From, f.study.To), nil
}

// population of Kazakhstan, millions at the year's middle: Bureau of National
// Statistics, means of the first days of two years.
var population = map[int]float64{2019: 18.51, 2020: 18.75, 2021: 19.00}

// cards measures tenge paid by card from Table 3 of the paper, for its last year
// inside the window: payments an inhabitant a day. What a card costs its
// merchant, and the money that lies behind it, are in no file here.
func (s *Study) cards() (values map[string]float64, remark string) {
	values, remark = map[string]float64{},
		"tenge by card: account and store are the tenge's; no year of Table 3 lies in the window"
	report, err := paper.Check("")
	if err != nil {
		return values, remark
	}
	payments := map[int]float64{}
	for _, c := range report.Table3 {
		payments[c.Year] += c.PaymentsBn
	}
	for year := 2019; year <= 2021; year++ {
		if fmt.Sprintf("%d-01-31", year) < s.From || fmt.Sprintf("%d-12-01", year) > s.To {
			continue
		}
		values["transactions per active address"] = payments[year] * 1000 / population[year] / 365
		remark = fmt.Sprintf("tenge by card: account and store are the tenge's; payments an inhabitant in %d from "+
			"Table 3 of the paper; velocity and fees not available", year)
	}
	return values, remark
}

// turnover is the velocity of M1, four times quarterly output over M1, where the
// macro file has both.
func (w context) turnover(from, to string) (values map[string]float64, remark string) {
	values, remark = map[string]float64{},
		"price in dollars; exchange indicators not available: no gdp and m1 in the macro file"
	if w.macro == nil {
		return values, remark
	}
	gdp, err1 := w.macro.Series("gdp")
	m1, err2 := w.macro.Series("m1")
	if err1 != nil || err2 != nil {
		return values, remark
	}
	_, v := market.Align(gdp.Window(from, to), m1.Window(from, to))
	if len(v) < 2 || len(v[0]) == 0 {
		return values, remark
	}
	values["velocity"] = 4 * stats.Mean(v[0]) / stats.Mean(v[1])
	return values, "price in dollars; velocity is four times quarterly output over M1"
}

package page

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"strings"

	"github.com/aqsha/aqsha/internal/chart"
	"github.com/aqsha/aqsha/planner/advise"
)

//go:embed page.html
var source string

var page = template.Must(template.New("plan").Parse(source))

// view is what the template sees.
type view struct {
	Lang      string
	T         func(string) string
	Result    *advise.Result
	Advice    advise.Advice
	Simulated string
	Ways      [][]string
	Charts    []drawn
	Tornado   template.HTML
	Schedule  []drawn
	Months    [][]string
}

type drawn struct {
	Caption string
	Legend  []string
	SVG     template.HTML
}

// Write writes the page in a language.
func Write(out io.Writer, r *advise.Result, language string) error {
	i, err := index(language)
	if err != nil {
		return err
	}
	t := r.In(language)
	word := func(key string) string { return t.InUnit(words[key][i]) }
	v := view{Lang: language, T: word, Result: r, Advice: r.Words[language], Simulated: fmt.Sprintf(word("simulated"),
		t.Number(float64(r.Paths), 0), fmt.Sprint(r.Seed))}
	for _, o := range r.Options {
		v.Ways = append(v.Ways, []string{t.Say("way " + string(o.Way)), t.Amount(o.Mean),
			t.Number(o.MeanUSD/t.Scale(), 2),
			t.Amount(o.P5), t.Amount(o.Median), t.Amount(o.P95), t.Amount(o.VaR5), t.Amount(o.CVaR5),
			t.Number(100*o.LossProbability, 1) + " %", t.Amount(o.Objective)})
	}
	for _, m := range r.Months {
		v.Months = append(v.Months, []string{m.Month, t.Amount(m.Income), t.Amount(-m.Power), t.Amount(-m.Tax),
			t.Amount(m.Cash), t.Amount(m.Total)})
	}
	axis := chart.Compact(language != "en")
	v.Charts = fans(r, t, word, axis)
	v.Tornado = tornado(r, t, word)
	v.Schedule = schedule(r.Day, word, axis)
	// Written whole and then put into the other currency: amounts in words, tables and charts cannot disagree then.
	if r.Currency == "" {
		return page.Execute(out, v)
	}
	var whole strings.Builder
	if err := page.Execute(&whole, v); err != nil {
		return err
	}
	_, err = io.WriteString(out, advise.InCurrency(whole.String(), r.Currency))
	return err
}

// fans draw price, hashprice and money with their quantiles, and the mean cash of each month. Rows of a fan are 5, 25,
// 50, 75 and 95 per cent, in this order.
func fans(r *advise.Result, t advise.Phrases, word func(string) string, axis func(float64) string) []drawn {
	months := make([]string, len(r.Months))
	take := func(scale float64, fan func(advise.MonthRow) []float64) [][]float64 {
		columns := make([][]float64, 5)
		for _, m := range r.Months {
			for q, v := range fan(m) {
				columns[q] = append(columns[q], v*scale)
			}
		}
		return columns
	}
	var entry, cash []float64
	for i, m := range r.Months {
		months[i] = m.Month
		entry, cash = append(entry, 100*m.EntryCost), append(cash, m.Cash/t.Scale())
	}
	fan := func(key string, columns [][]float64, more ...chart.Line) chart.Chart {
		lines := append([]chart.Line{{Name: word("median one"), Values: columns[2]}}, more...)
		return chart.Chart{Title: word(key), Days: months, Lines: lines,
			Bands: []chart.Band{{Name: "5–95 %", Low: columns[0], High: columns[4]},
				{Name: "25–75 %", Low: columns[1], High: columns[3]}}, Format: axis}
	}
	price := fan("price", take(1, func(m advise.MonthRow) []float64 { return m.PriceFan }))
	// A price that doubles and one that halves are as far away from today's.
	price.Log = true
	hash := fan("hashprice", take(100, func(m advise.MonthRow) []float64 { return m.HashFan }),
		chart.Line{Name: word("entry"), Values: entry})
	total := fan("money", take(1/t.Scale(), func(m advise.MonthRow) []float64 { return m.TotalFan }))
	flow := chart.Chart{Title: word("flow"), Days: months, Bars: cash,
		Lines: []chart.Line{{Name: word("mean one"), Values: cash}}, Format: axis}
	return []drawn{
		{word("money"), []string{word("median one")}, template.HTML(total.SVG())},
		{word("flow"), []string{word("mean one")}, template.HTML(flow.SVG())},
		{word("price"), []string{word("median one")}, template.HTML(price.SVG())},
		{word("hashprice"), []string{word("median one"), word("entry")}, template.HTML(hash.SVG())},
	}
}

func tornado(r *advise.Result, t advise.Phrases, word func(string) string) template.HTML {
	d := chart.Tornado{Title: word("tornado"), Base: r.Option(advise.WayBest).Mean / t.Scale(),
		Format: func(v float64) string { return t.Number(v, 0) }}
	for _, s := range r.Tornado {
		d.Swings = append(d.Swings, chart.Swing{Name: t.Say("input " + s.Input), LowEnd: t.Percent(s.LowFactor-1, true),
			HighEnd: t.Percent(s.HighFactor-1, true), Low: s.Low / t.Scale(), High: s.High / t.Scale()})
	}
	return template.HTML(d.SVG())
}

// schedule draws load and limit as steps, and the tariff.
func schedule(day *advise.Day, word func(string) string, axis func(float64) string) []drawn {
	var hours []string
	var x, load, limit, tariff []float64
	for _, h := range day.Hours {
		price := float64(h.Price) / 100
		if h.Exact != 0 {
			price = float64(h.Exact) / 1e8
		}
		for _, end := range []float64{0, 0.999} { // a step from the hour's beginning to its end
			hours = append(hours, fmt.Sprintf("%02d:00", h.Hour+int(math.Round(end))))
			x = append(x, float64(h.Hour)+end)
			load, limit, tariff = append(load, float64(h.KWh)/1000), append(limit, float64(h.LimitWh)/1000),
				append(tariff, price)
		}
	}
	return []drawn{
		{word("schedule") + " (" + string(day.Date) + ")", []string{word("load"), word("limit")},
			template.HTML(chart.Chart{Title: word("schedule"), Days: hours, X: x,
				Lines: []chart.Line{{Name: word("load"), Values: load, Area: true},
					{Name: word("limit"), Values: limit}}, Format: axis}.SVG())},
		{word("tariff"), nil,
			template.HTML(chart.Chart{Title: word("tariff"), Days: hours, X: x,
				Lines: []chart.Line{{Name: word("tariff"), Values: tariff, Area: true}}, Format: axis}.SVG())},
	}
}

// PlanText is the plan as it was given.
func (v view) PlanText() string { return strings.TrimSpace(v.Result.Text) }

package risks

import (
	"fmt"
	"math"
	"time"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/stats"
	"github.com/aqsha/aqsha/words"
)

// residentsFile is what most of the risks need: it is not published by anybody
// in one place, so it is asked for by name and columns.
const residentsFile = "crypto_kz_quarterly.csv (quarter, holdings_usd, inflow_usd, outflow_usd, illicit_pct): " +
	"residents' holdings and flows as licensed exchanges report them"

// indicators follow the paper's list, 1 to 7. Each is a quantity that grows when
// the risk does; where its data are missing it is not available and says what it
// needs, and no other quantity stands in for it.
func (s *study) indicators() {
	s.Indicators = []Indicator{s.illicit(), s.foreign(), s.outsideControl(), s.seigniorage(), s.demand(),
		s.substitution(), s.intermediaries()}
	names := []string{
		"misuse for drugs, arms and other prohibited transactions", "foreign financial entities in the domestic market",
		"relinquishing the state's monopoly over currency issuance",
		"decline in central-bank income", "lower demand for the national currency, depreciation, velocity",
		"no effective monetary policy over money outside control", "financial intermediaries reduced or eliminated",
	}
	for i := range s.Indicators {
		s.Indicators[i].Number, s.Indicators[i].Risk = i+1, names[i]
	}
}

// of makes an indicator; one whose value is not a number is not available and
// keeps only its needs.
func of(measure string, value float64, unit, source, from, to string, said words.Said,
	needs string) Indicator {
	i := Indicator{Measure: measure, Unit: unit, Source: source, Needs: needs}
	if math.IsNaN(value) || math.IsInf(value, 0) {
		i.Words = words.Say("risks.none-window")
		return i
	}
	i.Value, i.From, i.To, i.Words = &value, from, to, said
	return i
}

// two is a figure with two digits behind the point.
func two(v float64) string { return fmt.Sprintf("%.2f", v) }

// with adds further figures of the same risk, those that are there.
func (i Indicator) with(more ...Indicator) Indicator {
	for _, m := range more {
		if m.Value != nil {
			i.Beside = append(i.Beside, m)
		}
	}
	return i
}

// quarterly is a column of a quarterly file inside the window.
func (s *study) quarterly(t *market.Table, column string) market.Series {
	if t == nil {
		return market.Series{}
	}
	series, err := t.Series(column)
	if err != nil {
		return market.Series{}
	}
	return series.Window(s.From, s.To)
}

// aligned are columns of the macro file (and, with a name that begins with
// "residents.", of the residents' file) on their common quarters.
func (s *study) aligned(columns ...string) ([]time.Time, [][]float64) {
	var all []market.Series
	for _, c := range columns {
		t, name := s.macro, c
		if len(c) > 10 && c[:10] == "residents." {
			t, name = s.residents, c[10:]
		}
		series := s.quarterly(t, name)
		if series.Len() == 0 {
			return nil, nil
		}
		all = append(all, series)
	}
	return market.Align(all...)
}

// end is the last common quarter's value of f and the quarters spanned.
func (s *study) end(f func(v []float64) float64, columns ...string) (value float64, from, to string) {
	times, v := s.aligned(columns...)
	if len(times) == 0 {
		return math.NaN(), "", ""
	}
	row := make([]float64, len(v))
	for j := range v {
		row[j] = v[j][len(times)-1]
	}
	return f(row), times[0].Format(time.DateOnly), times[len(times)-1].Format(time.DateOnly)
}

func (s *study) illicit() Indicator {
	v, from, to := s.end(func(v []float64) float64 { return v[0] }, "residents.illicit_pct")
	return of("share of residents' transfers that chain analysis calls illicit", v, "percent", "residents' file", from,
		to,
		words.Say("risks.illicit", "share", two(v)), residentsFile)
}

// foreign entities: capital that leaves through coins, against output. The
// paper's Table 3 speaks of cards, and stands beside it for its own years.
func (s *study) foreign() Indicator {
	const bn = 1e9
	v, from, to := s.end(func(v []float64) float64 { return 100 * (v[0] - v[1]) * v[2] / bn / v[3] },
		"residents.outflow_usd", "residents.inflow_usd", "kzt_per_usd", "gdp")
	card, first, year := s.internationalShare()
	cards := of("payments by card through international systems (cards, not coins)", 100*card, "percent",
		"Table 3 of the paper", fmt.Sprint(year), fmt.Sprint(year), words.Said{}, "")
	if cards.Value != nil && first != card {
		cards.Measure = fmt.Sprintf("payments by card through international systems, %.1f %% in the first year "+
			"(cards, not coins)", 100*first)
	}
	return of("net capital out through cryptocurrency over output", v, "percent of quarterly GDP",
		"residents' and macro files", from, to,
		words.Say("risks.foreign", "share", two(v)),
		residentsFile+"; macro file with gdp").with(cards)
}

// outsideControl holds what residents hold in coins against money: narrow and
// broad.
func (s *study) outsideControl() Indicator {
	const bn = 1e9
	v, from, to := s.end(func(v []float64) float64 { return 100 * v[0] * v[1] / bn / v[2] }, "residents.holdings_usd",
		"kzt_per_usd", "m1")
	m3, from3, to3 := s.end(func(v []float64) float64 { return 100 * v[0] * v[1] / bn / v[2] },
		"residents.holdings_usd", "kzt_per_usd", "m3")
	capKZT := s.last(s.cap) * s.rate()
	whole := of("value of all bitcoin in the world", capKZT/1e12, "trillion KZT", "network and rate files",
		s.cap.Last(), s.cap.Last(), words.Said{}, "")
	return of("residents' coins over M1", v, "percent", "residents' and macro files", from, to,
		words.Say("risks.outside", "share", two(v)),
		residentsFile+"; macro file with m1 and m3").
		with(of("residents' coins over M3", m3, "percent", "residents' and macro files", from3, to3,
			words.Said{}, ""), whole)
}

// seigniorage lost is the base money displaced times what it would have earned:
// the central bank's assets yield the money-market rate. Coins that residents
// hold are taken to displace base money one for one, which bounds it from above;
// the rate alone says what each hundred displaced would cost.
func (s *study) seigniorage() Indicator {
	const bn = 1e9
	rates := s.quarterly(s.macro, "tonia_pct")
	mean, from, to := math.NaN(), "", ""
	if n := rates.Len(); n >= 4 {
		mean, from, to = stats.Mean(rates.Values[n-4:]), rates.Times[n-4].Format(time.DateOnly), rates.Last()
	}
	each := of("lost a year for each 100 billion tenge of base money displaced", mean, "billion KZT",
		"macro file: money-market rate, mean of four quarters", from, to,
		words.Say("risks.yield", "rate", two(mean)), residentsFile+": how much is displaced")
	v, f, t := s.end(func(v []float64) float64 { return v[0] * v[1] / bn * v[2] / 100 }, "residents.holdings_usd",
		"kzt_per_usd", "tonia_pct")
	if math.IsNaN(v) {
		return each
	}
	each.Needs = ""
	return of("seigniorage lost a year if residents' coins displaced base money one for one", v, "billion KZT",
		"residents' and macro files", f, t,
		words.Say("risks.seigniorage", "sum", fmt.Sprintf("%.1f", v)), "").with(each)
}

// demand for the tenge: its fall against the dollar, whether coins lead it, and
// how fast money turns over.
func (s *study) demand() Indicator {
	p, change, from, to := s.tengeFollows()
	fall := 100 * (1 - 1/(1+change)) // change is the dollar's gain
	velocity, vf, vt := s.end(func(v []float64) float64 { return 4 * v[0] / v[1] }, "gdp", "m1")
	figures := []any{"fall", fmt.Sprintf("%.1f", fall), "p", fmt.Sprintf("%.3f", p)}
	said := words.Say("risks.demand-not", figures...)
	if p < 0.05 {
		said = words.Say("risks.demand-leads", figures...)
	}
	return of("the tenge's fall against the dollar", fall, "percent a year", "rate file", from, to, said,
		"macro file with gdp and m1, for velocity").
		with(of("Granger p: bitcoin's return → tenge's rate, weekly", p, "p-value", "rate and network files", from, to,
			words.Said{}, ""),
			of("velocity: four times quarterly output over M1", velocity, "a year", "macro file", vf, vt,
				words.Said{}, ""))
}

// substitution: policy works through deposits; what is held in coins, or in
// foreign money, is out of its reach.
func (s *study) substitution() Indicator {
	const bn = 1e9
	v, from, to := s.end(func(v []float64) float64 { return 100 * v[0] * v[1] / bn / v[2] }, "residents.holdings_usd",
		"kzt_per_usd", "deposits")
	fx, ff, ft := s.end(func(v []float64) float64 { return 100 * v[0] / v[1] }, "deposits_fx", "deposits")
	return of("residents' coins over bank deposits", v, "percent", "residents' and macro files", from, to,
		words.Say("risks.substitution", "sum", two(v)),
		residentsFile+"; macro file with deposits and deposits_fx").
		with(of("deposits in foreign money, the substitute that was there before", fx, "percent", "macro file", ff, ft,
			words.Said{}, ""))
}

func (s *study) intermediaries() Indicator {
	majority, hhi, month := s.poolMajority()
	return of("mining pools that make a majority", majority, "count", "pool file", month, month,
		words.Say("risks.pools", "count", fmt.Sprintf("%.0f", majority), "hhi", fmt.Sprintf("%.0f", hhi)),
		"pools_monthly.csv with a whole month in the window")
}

func (s *study) last(x market.Series) float64 {
	if x.Len() == 0 {
		return math.NaN()
	}
	return x.Values[x.Len()-1]
}

// rate is the tenge per dollar nearest to the window's end: the official one or
// the quarter's, whichever is later.
func (s *study) rate() float64 {
	rate, day := s.last(s.tenge), s.tenge.Last()
	if q := s.quarterly(s.macro, "kzt_per_usd"); q.Last() > day {
		return s.last(q)
	}
	return rate
}

// tengeFollows tests whether bitcoin's weekly return helps to predict the
// tenge's, and gives the dollar's yearly gain in tenge and the days that both
// cover: those, not the window asked for, are what the figures are of.
func (s *study) tengeFollows() (p, gain float64, from, to string) {
	if s.tenge.Len() < 400 {
		return math.NaN(), math.NaN(), "", ""
	}
	times, v := market.Align(s.price, s.tenge)
	if len(times) < 400 {
		return math.NaN(), math.NaN(), "", ""
	}
	var weekly [2][]float64
	for j := range weekly {
		for i := 7; i < len(v[j]); i += 7 {
			weekly[j] = append(weekly[j], math.Log(v[j][i]/v[j][i-7]))
		}
	}
	from, to = times[0].Format(time.DateOnly), times[len(times)-1].Format(time.DateOnly)
	years := times[len(times)-1].Sub(times[0]).Hours() / 24 / 365.25
	gain = math.Pow(v[1][len(times)-1]/v[1][0], 1/years) - 1
	test, err := stats.Granger(weekly[1], weekly[0], 2)
	if err != nil {
		return math.NaN(), gain, from, to
	}
	return test.P, gain, from, to
}

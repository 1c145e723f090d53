package risks

import (
	"fmt"
	"math"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/stats"
)

// add keeps a finite value, and says "not available" otherwise.
func (s *study) add(risk, measure string, value float64, unit, source, words string) {
	i := Indicator{Number: len(s.Indicators) + 1, Risk: risk, Measure: measure, Unit: unit, Source: source, Words: words}
	if math.IsNaN(value) || math.IsInf(value, 0) {
		i.Words = "not available in the window"
	} else {
		i.Value = &value
	}
	s.Indicators = append(s.Indicators, i)
}

// indicators follow the paper's list, 1 to 7. None measures the risk whole;
// each measures something that must be large for the risk to be.
func (s *study) indicators() error {
	identified := pair(s.volume, s.transfers)
	s.add("misuse for drugs, arms and other prohibited transactions", "exchange volume over on-chain transfers", identified, "ratio", "network files",
		fmt.Sprintf("for each dollar moved on the chain %.2f went through exchanges, which identify customers; what is illicit is not visible in these files", identified))

	first, last, err := internationalShare()
	if err != nil {
		return err
	}
	s.add("foreign financial entities in the domestic market", "share of card payments through international systems, 2021", last, "fraction", "Table 3 of the paper",
		fmt.Sprintf("it fell from %.1f %% in 2019 to %.1f %%: domestic systems took the market, without cryptocurrency", 100*first, 100*last))

	capKZT := s.last(s.cap) * s.rate()
	s.add("relinquishing the state's monopoly over currency issuance", "value of coins issued by bitcoin a year", s.yearlyIssue()*s.rate()/1e12, "trillion KZT", "network and rate files",
		fmt.Sprintf("money issued by a rule, worth %.2f trillion tenge a year; all its coins are worth %.0f trillion", s.yearlyIssue()*s.rate()/1e12, capKZT/1e12))

	s.add("decline in central-bank income", "value of coins issued a year over their capitalisation", s.yearlyIssue()/s.last(s.cap), "fraction a year", "network file",
		fmt.Sprintf("the issuer's gain is %.2f %% a year and goes to miners: that is what each tenge of savings moved over takes from the issuer's income base", 100*s.yearlyIssue()/s.last(s.cap)))

	p, depreciation := s.tengeFollows()
	s.add("lower demand for the national currency, depreciation, velocity", "Granger p: bitcoin's return → tenge's rate, weekly", p, "p-value", "rate and network files",
		fmt.Sprintf("the tenge lost %.1f %% a year against the dollar; bitcoin's returns %s it", 100*(1-1/(1+depreciation)), // the dollar gained depreciation
			map[bool]string{true: "help to predict", false: "do not help to predict"}[p < 0.05]))

	grip := s.policyGrip()
	s.add("no effective monetary policy over money outside control", "correlation of changes of TONIA with bitcoin's return, quarterly", grip, "ratio", "macro and network files",
		fmt.Sprintf("a correlation of %.2f: the national money-market rate has %s hold on it", grip, map[bool]string{true: "hardly any", false: "some"}[math.Abs(grip) < 0.3]))

	majority, where := s.poolMajority()
	s.add("financial intermediaries reduced or eliminated", "mining pools that make a majority", majority, "count", "pool file",
		fmt.Sprintf("%.0f %s: intermediaries are replaced by others, fewer, not eliminated", majority, where))
	return nil
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
	if s.macro == nil {
		return rate
	}
	quarterly, err := s.macro.Series("kzt_per_usd")
	if err != nil {
		return rate
	}
	if q := quarterly.Window("", s.To); q.Last() > day {
		return s.last(q)
	}
	return rate
}

// yearlyIssue is dollars issued over the last 365 days of the window.
func (s *study) yearlyIssue() float64 {
	if s.issued.Len() == 0 {
		return math.NaN()
	}
	_, v := market.Align(s.issued, s.price)
	if len(v) < 2 || len(v[0]) < 365 {
		return math.NaN()
	}
	sum := 0.0
	for i := len(v[0]) - 365; i < len(v[0]); i++ {
		sum += v[0][i] * v[1][i]
	}
	return sum
}

// tengeFollows tests whether bitcoin's weekly return helps to predict the
// tenge's, and gives the tenge's yearly loss against the dollar.
func (s *study) tengeFollows() (p, depreciation float64) {
	if s.tenge.Len() < 400 {
		return math.NaN(), math.NaN()
	}
	times, v := market.Align(s.price, s.tenge)
	if len(times) < 400 {
		return math.NaN(), math.NaN()
	}
	var weekly [2][]float64
	for j := range weekly {
		for i := 7; i < len(v[j]); i += 7 {
			weekly[j] = append(weekly[j], math.Log(v[j][i]/v[j][i-7]))
		}
	}
	years := times[len(times)-1].Sub(times[0]).Hours() / 24 / 365.25
	depreciation = math.Pow(v[1][len(times)-1]/v[1][0], 1/years) - 1
	test, err := stats.Granger(weekly[1], weekly[0], 2)
	if err != nil {
		return math.NaN(), depreciation
	}
	return test.P, depreciation
}

// policyGrip correlates quarterly changes of the money-market rate with
// bitcoin's return of the quarter.
func (s *study) policyGrip() float64 {
	if s.macro == nil {
		return math.NaN()
	}
	rates, err := s.macro.Series("tonia_pct")
	if err != nil {
		return math.NaN()
	}
	var changes, returns []float64
	for i := 1; i < rates.Len(); i++ {
		// The rate is the quarter's; the price's return runs over that quarter.
		from, to := rates.Times[i], rates.Times[i].AddDate(0, 3, 0)
		w := s.price.Window(from.Format("2006-01-02"), to.Format("2006-01-02"))
		if w.Len() < 80 {
			continue
		}
		changes = append(changes, rates.Values[i]-rates.Values[i-1])
		returns = append(returns, math.Log(w.Values[w.Len()-1]/w.Values[0]))
	}
	if len(changes) < 8 {
		return math.NaN()
	}
	return stats.Correlation(changes, returns)
}

package performance

import (
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/volatility"
)

func prices(values ...float64) market.Series {
	s := market.Series{Name: "p"}
	for i, v := range values {
		s.Times, s.Values = append(s.Times, time.Date(2021, 1, 1+i, 0, 0, 0, 0, time.UTC)), append(s.Values, v)
	}
	return s
}

func walk(n int, drift, sd float64, seed uint64) market.Series {
	r, p := rand.New(rand.NewPCG(seed, 1)), 100.0
	v := []float64{p}
	for range n {
		p *= math.Exp(drift + sd*r.NormFloat64())
		v = append(v, p)
	}
	return prices(v...)
}

func figure(p Performance, key string) Figure {
	for _, f := range p.Figures {
		if f.Key == key {
			return f
		}
	}
	return Figure{}
}

func TestKnownFigures(t *testing.T) {
	p, err := Measure(prices(100, 110, 99, 118.8), market.Series{}, volatility.EveryDay)
	if err != nil {
		t.Fatal(err)
	}
	r := []float64{0.1, -0.1, 0.2}
	mean := 0.2 / 3
	sd := math.Sqrt((math.Pow(r[0]-mean, 2) + math.Pow(r[1]-mean, 2) + math.Pow(r[2]-mean, 2)) / 2)
	for key, want := range map[string]float64{
		"cagr": math.Pow(1.188, 365.0/3) - 1, "sharpe": mean / sd * math.Sqrt(365), "sortino": mean / math.Sqrt(0.01/3) * math.Sqrt(365), "omega": 3, "maxDrawdown": -0.1,
	} {
		if f := figure(p, key); f.Value == nil || math.Abs(*f.Value/want-1) > 1e-9 {
			t.Errorf("%s: %+v, want %v", key, f, want)
		}
	}
	if figure(p, "beta").Value != nil {
		t.Error("a beta without a benchmark")
	}
	if len(p.Months) != 1 || math.Abs(p.Months[0].Return-0.188) > 1e-12 {
		t.Errorf("%+v", p.Months)
	}
}

// The interval holds the truth at about the nominal rate, and is reproducible.
func TestBootstrapIntervals(t *testing.T) {
	covered := 0
	const samples = 60
	for seed := range uint64(samples) {
		p, err := Measure(walk(400, 0.001, 0.02, seed+1), market.Series{}, volatility.EveryDay)
		if err != nil {
			t.Fatal(err)
		}
		if f := figure(p, "sharpe"); *f.Low < 0.0012/0.02*math.Sqrt(365) && *f.High > 0.0012/0.02*math.Sqrt(365) {
			covered++
		}
	}
	if covered < samples*85/100 {
		t.Errorf("covered %d of %d", covered, samples)
	}
	a, _ := Measure(walk(300, 0, 0.02, 5), walk(300, 0, 0.01, 6), volatility.EveryDay)
	b, _ := Measure(walk(300, 0, 0.02, 5), walk(300, 0, 0.01, 6), volatility.EveryDay)
	if !reflect.DeepEqual(a.Figures, b.Figures) {
		t.Error("two runs differ")
	}
}

func TestBenchmark(t *testing.T) {
	base := walk(500, 0, 0.01, 3)
	double := make([]float64, base.Len())
	double[0] = 100
	for i := 1; i < len(double); i++ {
		double[i] = double[i-1] * (1 + 2*(base.Values[i]/base.Values[i-1]-1))
	}
	p, err := Measure(prices(double...), base, volatility.EveryDay)
	if err != nil {
		t.Fatal(err)
	}
	if f := figure(p, "beta"); math.Abs(*f.Value-2) > 1e-9 || math.Abs(*figure(p, "correlation").Value-1) > 1e-9 || math.Abs(p.RollBeta[499]-2) > 1e-9 {
		t.Errorf("%+v", f)
	}
	if _, err := Measure(base, prices(1, 2, 3), volatility.EveryDay); err == nil {
		t.Error("three common days accepted")
	}
	if _, err := Measure(prices(5, 5, 5), market.Series{}, volatility.EveryDay); err == nil {
		t.Error("a constant series accepted")
	}
}

// A series over two years of which one was not recorded grows by the calendar.
func TestGrowthIsByTimeNotByCount(t *testing.T) {
	s := market.Series{Name: "close"}
	for i := range 397 {
		at := time.Date(2020, 1, 1+i, 0, 0, 0, 0, time.UTC)
		if i >= 366 {
			at = at.AddDate(0, 0, 365)
		}
		s.Times, s.Values = append(s.Times, at), append(s.Values, 100*math.Pow(2, float64(i)/396))
	}
	p, err := Measure(s, market.Series{}, volatility.EveryDay)
	if err != nil {
		t.Fatal(err)
	}
	want := math.Pow(2, 365/761.0) - 1
	if got := *p.Figures[0].Value; math.Abs(got-want) > 1e-12 {
		t.Errorf("CAGR %g, want %g", got, want)
	}
	// The first price is the close before: the month it stands alone in is no month.
	s.Times[0] = time.Date(2019, 12, 31, 0, 0, 0, 0, time.UTC)
	if p, err = Measure(s, market.Series{}, volatility.EveryDay); err != nil || p.Months[0].Year != 2020 || math.Abs(p.Months[0].Return-(s.Values[30]/s.Values[0]-1)) > 1e-12 {
		t.Errorf("%+v, %v", p.Months[0], err)
	}
}

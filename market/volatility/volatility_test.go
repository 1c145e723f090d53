package volatility

import (
	"errors"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/market"
)

func series(step time.Duration, values ...float64) market.Series {
	s := market.Series{Name: "p"}
	for i, v := range values {
		s.Times, s.Values = append(s.Times, time.Date(2021, 1, 4, 0, 0, 0, 0, time.UTC).Add(time.Duration(i)*step)), append(s.Values, v)
	}
	return s
}

func TestDrawdowns(t *testing.T) {
	all, ulcer, under := Drawdowns(series(24*time.Hour, 100, 50, 75, 120, 90, 60, 100))
	if len(all) != 2 || all[0].Depth != -0.5 || all[0].Trough != "2021-01-05" || all[0].Recovered != "2021-01-07" || all[1].Recovered != "" || all[1].DaysDown != 2 {
		t.Errorf("%+v", all)
	}
	if math.Abs(under-5.0/7) > 1e-12 || ulcer <= 0 {
		t.Error(ulcer, under)
	}
	if rising, _, _ := Drawdowns(series(24*time.Hour, 1, 2, 3)); len(rising) != 0 {
		t.Errorf("%+v", rising)
	}
}

// With no overnight jump and a driftless path every estimator is unbiased; on
// bars of one shape they are functions of the range alone.
func TestRangeEstimatorsOnKnownBars(t *testing.T) {
	n := 50
	o, h, l, c := make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)
	for i := range n {
		o[i], h[i], l[i], c[i] = 100, 100*math.Exp(0.02), 100*math.Exp(-0.02), 100
	}
	r, err := RangeEstimators(o, h, l, c, EveryDay)
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range map[string][2]float64{
		"Parkinson": {r.Parkinson, math.Sqrt(365 * 0.0016 / (4 * math.Ln2))}, "Garman–Klass": {r.GarmanKlass, math.Sqrt(365 * 0.0008)}, "Rogers–Satchell": {r.RogersSatchell, math.Sqrt(365 * 0.0008)},
		"Yang–Zhang": {r.YangZhang, math.Sqrt(365 * (1 - r.YangZhangK) * 0.0008)}, "close": {r.CloseToClose, 0},
	} {
		if math.Abs(v[0]-v[1]) > 1e-12 {
			t.Errorf("%s = %v, want %v", name, v[0], v[1])
		}
	}
	h[3] = 99
	if _, err := RangeEstimators(o, h, l, c, EveryDay); err == nil {
		t.Error("a high below the open was accepted")
	}
}

// Estimators scale with returns.
func TestScale(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rapid.SliceOfN(rapid.Float64Range(-10, 10), 20, 60).Draw(t, "returns")
		c := rapid.Float64Range(0.1, 10).Draw(t, "c")
		scaled := make([]float64, len(r))
		for i := range r {
			scaled[i] = c * r[i]
		}
		if a, b := Realised(r, EveryDay)*c, Realised(scaled, EveryDay); math.Abs(a-b) > 1e-9*max(1, a) {
			t.Fatalf("%v and %v", a, b)
		}
		x, _ := EWMA(r, EWMALambda, 5)
		y, _ := EWMA(scaled, EWMALambda, 5)
		if a, b := x[len(x)-1]*c*c, y[len(y)-1]; math.Abs(a-b) > 1e-9*max(1, a) {
			t.Fatalf("%v and %v", a, b)
		}
	})
}

func TestCalendar(t *testing.T) {
	values := make([]float64, 200)
	for i := range values {
		values[i] = 100
	}
	if got := Calendar(series(24*time.Hour, values...).Times); got != EveryDay {
		t.Error(got)
	}
	if got := Calendar(series(time.Hour, values...).Times); got != EveryHour {
		t.Error(got)
	}
	var work []time.Time
	for _, at := range series(24*time.Hour, values...).Times {
		if w := at.Weekday(); w != time.Saturday && w != time.Sunday {
			work = append(work, at)
		}
	}
	if got := Calendar(work); got != TradingDays {
		t.Error(got)
	}
}

func TestRealisedVarianceNeedsWholeDays(t *testing.T) {
	p := make([]float64, 24*3+5)
	for i := range p {
		p[i] = 100 + float64(i%2)
	}
	rv, err := RealisedVariance(series(time.Hour, p...))
	// The first day lacks its first return, the last day is partial.
	if err != nil || rv.Len() != 2 || math.Abs(rv.Values[0]-24*math.Pow(100*math.Log(1.01), 2)) > 1e-9 {
		t.Errorf("%+v, %v", rv.Values, err)
	}
	if _, err := RealisedVariance(series(24*time.Hour, p...)); err == nil {
		t.Error("daily prices gave a realised variance")
	}
}

func TestRefusals(t *testing.T) {
	for _, still := range []int{21, 22, 60} { // a day without variance: the first one's past, the first, another
		rv := make([]float64, 90)
		for i := range rv {
			rv[i] = 1 + float64(i%7)
		}
		rv[still] = 0
		_, err := FitHAR(rv, 5, 22)
		var refused *market.Error
		if !errors.As(err, &refused) || refused.Code != "market-variance-zero" {
			t.Errorf("no variance on day %d: %v", still+1, err)
		}
	}
	if _, err := FitHAR([]float64{1, 2}, 5, 22); err == nil {
		t.Error("two days accepted")
	}
	if _, err := EWMA([]float64{1}, 2, 1); err == nil {
		t.Error("λ = 2 accepted")
	}
	if _, err := Amihud([]float64{1}, []float64{0}); err == nil {
		t.Error("no volume accepted")
	}
}

package marketcmd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// near says whether two figures are the same but for rounding.
func near(a, b float64) bool { return math.Abs(a-b) <= 1e-9*(1+math.Abs(a)+math.Abs(b)) }

// What a line asks for is judged before a file is computed: a price, a rate, a share or a count that cannot be is
// refused, and no figure is left out for it in silence.
func TestFiguresThatCannotBe(t *testing.T) {
	csv := prices(t, 400, 7)
	for _, wrong := range []string{"-1", "0", "NaN", "Inf", "1e308"} {
		if code, field := run(t, "market", "use", t.TempDir(), "--usd-per-kwh="+wrong, "--json").Wants(t, 3).Code(t); code != "market-price" || field != "usd_per_kwh" {
			t.Errorf("power at %s: %s of %s", wrong, code, field)
		}
		if code, field := run(t, "market", "use", t.TempDir(), "--pue="+wrong, "--json").Wants(t, 3).Code(t); code != "market-choice" || field != "pue" {
			t.Errorf("a usage effectiveness of %s: %s of %s", wrong, code, field)
		}
		if wrong == "0" || wrong == "1e308" {
			continue
		}
		run(t, "market", "use", t.TempDir(), "--value-norm="+wrong).Wants(t, 3, "value-norm")
		run(t, "market", "use", t.TempDir(), "--kzt-per-usd="+wrong).Wants(t, 2, "--kzt-per-usd")
		run(t, "market", "architecture", "--kzt-per-usd="+wrong).Wants(t, 2, "--kzt-per-usd")
	}
	for _, flags := range []string{"--forecast -1", "--forecast 3 --paths -1", "--forecast 3 --paths 999999999",
		"--forecast 3 --paths 100 --level NaN", "--forecast 3 --paths 100 --level 2", "--forecast 999999999 --paths 10"} {
		if code, field := run(t, append([]string{"market", "garch", csv, "--json"}, strings.Fields(flags)...)...).Wants(t, 3).Code(t); code !=
			"market-forecast" {
			t.Errorf("%s: %s of %s", flags, code, field)
		}
	}
}

// walk are prices of days, with the value that was traded.
func walk(days int, seed uint64) (price, traded []float64) {
	rng := rand.New(rand.NewPCG(seed, 1))
	p := 100.0
	for range days {
		p *= math.Exp(0.03 * rng.NormFloat64())
		price, traded = append(price, p), append(traded, math.Exp(15+rng.NormFloat64()))
	}
	return price, traded
}

// prices is a file of such days.
func prices(t *testing.T, days int, seed uint64) string {
	t.Helper()
	price, traded := walk(days, seed)
	var b strings.Builder
	b.WriteString("date,price_usd,volume_usd\n")
	for i := range price {
		fmt.Fprintf(&b, "%s,%.10f,%.4f\n", time.Date(2024, 1, 1+i, 0, 0, 0, 0, time.UTC).Format(time.DateOnly), price[i], traded[i])
	}
	return file(t, "prices.csv", b.String())
}

// Moments of returns are those that a sheet of paper comes to: logarithms of one price to the next, in percent.
func TestMomentsByHand(t *testing.T) {
	const days = 300
	price, _ := walk(days, 3)
	var returns []float64
	for i := 1; i < days; i++ {
		returns = append(returns, 100*math.Log(price[i]/price[i-1]))
	}
	mean, squares := 0.0, 0.0
	for _, r := range returns {
		mean += r / float64(len(returns))
	}
	for _, r := range returns {
		squares += (r - mean) * (r - mean)
	}
	var got struct {
		Origin  struct{ N, Annualisation int }
		Moments struct {
			N                  int
			Mean, Sd, Min, Max float64
			Var                float64 `json:"var_n"`
		}
		Estimates []struct {
			Name    string
			Percent float64 `json:"percent_a_year"`
			N       int
		}
	}
	run(t, "market", "volatility", prices(t, days, 3), "--json").JSON(t, &got)
	m := got.Moments
	close := func(a, b float64) bool { return math.Abs(a-b) < 1e-6*(1+math.Abs(b)) } // the file has ten decimals
	if m.N != len(returns) || got.Origin.N != len(returns) || !close(m.Mean, mean) || !close(m.Var, squares/float64(len(returns))) ||
		!close(m.Sd, math.Sqrt(squares/float64(len(returns)-1))) || !close(m.Min, slices.Min(returns)) || !close(m.Max, slices.Max(returns)) {
		t.Errorf("%+v, by hand mean %v, variance %v of %d", m, mean, squares/float64(len(returns)), len(returns))
	}
	if want := math.Sqrt(squares/float64(len(returns)-1)) * math.Sqrt(float64(got.Origin.Annualisation)); len(got.Estimates) < 3 ||
		!close(got.Estimates[0].Percent, want) && !close(got.Estimates[0].Percent, math.Sqrt(squares/float64(len(returns)))*math.Sqrt(float64(got.Origin.Annualisation))) {
		t.Errorf("%+v, by hand %v a year", got.Estimates, want)
	}
}

// Concentration of lists, drawn: Herfindahl, Gini, Theil and Nakamoto are what their definitions say, holder by holder.
func TestConcentrationByHand(t *testing.T) {
	rng := rand.New(rand.NewPCG(37, 20))
	for range 25 {
		n := 2 + rng.IntN(30)
		var b strings.Builder
		b.WriteString("holder,amount\n")
		var amounts []float64
		total := 0.0
		for i := range n {
			amount := float64(1 + rng.IntN(1000))
			amounts, total = append(amounts, amount), total+amount
			fmt.Fprintf(&b, "h%d,%.0f\n", i, amount)
		}
		hhi, differences, theil := 0.0, 0.0, 0.0
		for _, x := range amounts {
			s := x / total
			hhi += 10_000 * s * s
			theil += s * math.Log(s*float64(n))
			for _, y := range amounts {
				differences += math.Abs(x - y)
			}
		}
		gini := differences / (2 * float64(n) * total)
		slices.SortFunc(amounts, func(a, b float64) int { return int(b - a) })
		nakamoto, held := 0, 0.0
		for held <= total/2 {
			held += amounts[nakamoto]
			nakamoto++
		}
		var got struct {
			Periods []struct {
				Whole struct {
					N                int
					Hhi, Gini, Theil float64
					Nakamoto         int     `json:"nakamoto_gt50"`
					First            float64 `json:"cr1"`
				} `json:"without_residual"`
				Lorenz []struct{ Population, Held float64 }
			}
		}
		run(t, "market", "concentration", file(t, "holders.csv", b.String()), "--by", "holder", "--of", "amount", "--json").JSON(t, &got)
		w := got.Periods[0].Whole
		if w.N != n || !near(w.Hhi, hhi) || !near(w.Gini, gini) || math.Abs(w.Theil-theil) > 1e-9 || w.Nakamoto != nakamoto ||
			!near(w.First, amounts[0]/total) {
			t.Errorf("%+v, by hand HHI %v, Gini %v, Theil %v, Nakamoto %d, the first %v", w, hhi, gini, theil, nakamoto, amounts[0]/total)
		}
		// The curve lies below the diagonal, rises, and twice the area between them is the Gini.
		area, last := 0.0, struct{ Population, Held float64 }{}
		for _, p := range got.Periods[0].Lorenz {
			if p.Held > p.Population+1e-9 || p.Held < last.Held || p.Population < last.Population {
				t.Errorf("a Lorenz curve through %+v after %+v", p, last)
			}
			area += (p.Population - last.Population) * (p.Held + last.Held) / 2
			last = p
		}
		if !near(last.Population, 1) || !near(last.Held, 1) || math.Abs(1-2*area-gini) > 1e-9 {
			t.Errorf("the curve ends at %+v and leaves %v, Gini %v", last, 1-2*area, gini)
		}
	}
}

// Amihud's measure is the mean of a return's size over what was traded, and a file without what was traded has none.
func TestLiquidityByHand(t *testing.T) {
	const days = 200
	price, traded := walk(days, 11)
	sum := 0.0
	for i := 1; i < days; i++ {
		sum += math.Abs(math.Log(price[i]/price[i-1])) / traded[i]
	}
	var got struct {
		Whole struct {
			N      int
			Amihud float64
		}
	}
	run(t, "market", "liquidity", prices(t, days, 11), "--json").JSON(t, &got)
	// Its scale is a convention; whatever it is, it is the same for another file.
	scale := got.Whole.Amihud / (sum / (days - 1))
	price, traded = walk(days, 12)
	sum = 0
	for i := 1; i < days; i++ {
		sum += math.Abs(math.Log(price[i]/price[i-1])) / traded[i]
	}
	run(t, "market", "liquidity", prices(t, days, 12), "--json").JSON(t, &got)
	if again := got.Whole.Amihud / (sum / (days - 1)); got.Whole.N != days-1 || math.Abs(again/scale-1) > 1e-6 || !(scale > 0) {
		t.Errorf("one file is %v of what it is by hand, another %v", scale, again)
	}
}

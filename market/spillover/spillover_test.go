package spillover

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/market"
)

// related makes k series that share a factor; the last follows the first a day later by lead.
func related(seed uint64, k, n int, common, lead float64) [][]float64 {
	random := rand.New(rand.NewPCG(seed, 11))
	out := make([][]float64, k)
	for i := range out {
		out[i] = make([]float64, n)
	}
	for t := range n {
		factor := random.NormFloat64()
		for i := range out {
			out[i][t] = common*factor + random.NormFloat64()
		}
		if t > 0 {
			out[k-1][t] += lead * out[0][t-1]
		}
	}
	return out
}

var names = []string{"a", "b", "c", "d"}

// TestSharesAddUp: rows are shares of one, net positions cancel, and neither the
// order nor the unit of the series changes who moves whom.
func TestSharesAddUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		k := rapid.IntRange(2, 4).Draw(t, "k")
		x := related(rapid.Uint64().Draw(t, "seed"), k, 200, rapid.Float64Range(0, 2).Draw(t, "common"),
			rapid.Float64Range(-0.5, 0.5).Draw(t, "lead"))
		c, err := Connectedness(names[:k], x, 2, 10)
		if err != nil {
			t.Fatal(err)
		}
		net := 0.0
		for i, row := range c.Table {
			sum := 0.0
			for _, v := range row {
				if sum += v; v < 0 || v > 1 || math.IsNaN(v) {
					t.Fatalf("a share of %g", v)
				}
			}
			if net += c.Net[i]; math.Abs(sum-1) > 1e-9 {
				t.Fatalf("row %d adds up to %g", i, sum)
			}
		}
		if math.Abs(net) > 1e-9 || c.Total < 0 || c.Total > 100 {
			t.Fatalf("net %g, total %g", net, c.Total)
		}
		turned, turnedNames := make([][]float64, k), make([]string, k)
		for i := range k {
			turnedNames[k-1-i] = names[i]
			for _, v := range x[i] {
				turned[k-1-i] = append(turned[k-1-i], 1000*v)
			}
		}
		again, err := Connectedness(turnedNames, turned, 2, 10)
		if err != nil {
			t.Fatal(err)
		}
		for i := range k {
			for j := range k {
				if math.Abs(again.Table[k-1-i][k-1-j]-c.Table[i][j]) > 1e-8 {
					t.Fatalf("turned round, %s from %s is %g and not %g", names[i], names[j], again.Table[k-1-i][k-1-j], c.Table[i][j])
				}
			}
		}
	})
}

// TestWhoMovesWhom: a series that leads another sends, the other receives; the
// share has a closed form when nothing else is there.
func TestWhoMovesWhom(t *testing.T) {
	t.Parallel()
	x := related(4, 2, 20_000, 0, 0.5)
	c, err := Connectedness(names[:2], x, 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	if want := 0.25 / 1.25; c.Lags != 1 || math.Abs(c.Table[1][0]-want) > 0.01 || c.Table[0][1] > 0.001 || c.Net[0] < 15 {
		t.Errorf("%+v, want a share of %g", c, want)
	}
}

// TestCorrelationsFollow: a change of correlation is followed, a constant one
// is not made to move, and each stays a correlation.
func TestCorrelationsFollow(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(6, 6))
	n := 3000
	x := [][]float64{make([]float64, n), make([]float64, n)}
	for i := range n {
		rho := 0.8 * math.Sin(2*math.Pi*float64(i)/1000)
		a, b := random.NormFloat64(), random.NormFloat64()
		x[0][i], x[1][i] = a, rho*a+math.Sqrt(1-rho*rho)*b
	}
	d, err := Dynamic(names[:2], x)
	if err != nil {
		t.Fatal(err)
	}
	if d.LogLik < d.Constant+100 || d.A < 0.01 || d.Paths[0][250] < 0.5 || d.Paths[0][750] > -0.5 || !d.Converged {
		t.Errorf("a %g, b %g, likelihoods %g and %g, correlations %g and %g", d.A, d.B, d.LogLik, d.Constant, d.Paths[0][250],
			d.Paths[0][750])
	}
	for _, path := range d.Paths {
		for _, r := range path {
			if !(r >= -1 && r <= 1) {
				t.Fatalf("a correlation of %g", r)
			}
		}
	}
	still, err := Correlate(context.Background(), names[:3], related(8, 3, 1500, 1, 0))
	if err != nil || still.LogLik < still.Constant-1e-6 || still.LogLik > still.Constant+8 || math.Abs(still.Mean[0][1]-0.5) > 0.06 {
		t.Errorf("%+v, %v", still, err)
	}
	// The constant model's likelihood is that of the sample's correlations.
	s := newWalker(x).s
	rho := s[1] / math.Sqrt(s[0]*s[2])
	want := 0.0
	for i := range n {
		a, b := x[0][i], x[1][i]
		want += 0.5 * (a*a + b*b - math.Log(1-rho*rho) - (a*a-2*rho*a*b+b*b)/(1-rho*rho))
	}
	if math.Abs(d.Constant-want) > 1e-6 {
		t.Errorf("constant %.9f, by hand %.9f", d.Constant, want)
	}
}

// TestCommonDays: only days that all have, returns from one to the next.
func TestCommonDays(t *testing.T) {
	t.Parallel()
	at := func(days ...int) (out []time.Time) {
		for _, d := range days {
			out = append(out, time.Date(2024, 1, d, 0, 0, 0, 0, time.UTC))
		}
		return out
	}
	days, r, err := Common([]market.Series{{Name: "a", Times: at(1, 2, 3, 4, 5, 8), Values: []float64{1, 2, 3, 4, 5, 8}},
		{Name: "b", Times: at(2, 4, 5, 6, 8), Values: []float64{10, 20, 10, 30, 40}}})
	if err != nil || len(days) != 3 || days[0] != "2024-01-04" || days[2] != "2024-01-08" {
		t.Fatal(days, err)
	}
	if math.Abs(r[0][0]-100*math.Log(2)) > 1e-12 || math.Abs(r[1][2]-100*math.Log(4)) > 1e-12 {
		t.Errorf("%v", r)
	}
	if _, _, err := Common([]market.Series{{Times: at(1), Values: []float64{1}}, {Times: at(2), Values: []float64{1}}}); err == nil {
		t.Error("series without a common day")
	}
}

func TestWhatCannotBeConnected(t *testing.T) {
	t.Parallel()
	x := related(1, 2, 100, 1, 0)
	for name, f := range map[string]func() error{
		"one series": func() error { _, err := Connectedness(names[:1], x[:1], 1, 10); return err },
		"unequal":    func() error { _, err := Connectedness(names[:2], [][]float64{x[0], x[1][1:]}, 1, 10); return err },
		"too short":  func() error { _, err := Connectedness(names[:2], [][]float64{x[0][:20], x[1][:20]}, 1, 10); return err },
		"no number": func() error {
			_, err := Connectedness(names[:2], [][]float64{append(x[0][:99:99], math.NaN()), x[1]}, 1, 10)
			return err
		},
		"no step":    func() error { _, err := Connectedness(names[:2], x, 1, 0); return err },
		"the same":   func() error { _, err := Connectedness(names[:2], [][]float64{x[0], x[0]}, 1, 10); return err },
		"a multiple": func() error { _, err := Dynamic(names[:2], [][]float64{x[0], x[0]}); return err },
		"dcc unequal": func() error {
			_, err := Correlate(context.Background(), names[:2], [][]float64{x[0], x[1][1:]})
			return err
		},
	} {
		if f() == nil {
			t.Errorf("%s: was taken", name)
		}
	}
}

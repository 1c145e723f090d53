package garch

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/aqsha/aqsha/market"
)

var sharedData = filepath.Join("..", "..", "..", "shared", "data")

func realReturns(t testing.TB, from, to string) []float64 {
	t.Helper()
	table, err := market.ReadFile(filepath.Join(sharedData, "cm_btc_daily.csv"), market.ReadOptions{})
	if err != nil {
		t.Skip("the folder of real extracts is not here")
	}
	prices, err := table.Series("price_usd")
	if err != nil {
		t.Fatal(err)
	}
	r, err := prices.LogReturns()
	if err != nil {
		t.Fatal(err)
	}
	return r.Window(from, to).Values
}

type published struct {
	Par       map[string]float64 `json:"par"`
	SEHessian map[string]float64 `json:"se_hessian"`
	SERobust  map[string]float64 `json:"se_robust"`
	LogLik    float64            `json:"loglik"`
}

// Log-likelihood within 1e-6, parameters 1e-5 relative, standard errors 0.1 %.
func TestAgainstR(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(sharedData, "reference.json"))
	if err != nil {
		t.Skip("the reference results are not here")
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	for window, days := range map[string][2]string{"btc_W1": {"2015-01-01", "2020-12-31"}, "btc_W2": {"2021-01-01", "2025-12-31"}} {
		r := realReturns(t, days[0], days[1])
		var reference struct {
			Garch map[string]json.RawMessage `json:"garch"`
		}
		if err := json.Unmarshal(all[window], &reference); err != nil {
			t.Fatal(err)
		}
		for name, spec := range map[string]Spec{
			"garch11_norm": {}, "garch11_t_free": {Law: StudentT, Free: true}, "garch11_t_boundary": {Law: StudentT}, "gjr11_norm": {Model: GJR},
			"egarch11_norm": {Model: EGARCH}, "egarch11_t": {Model: EGARCH, Law: StudentT},
		} {
			var want published
			if err := json.Unmarshal(reference.Garch[name], &want); err != nil {
				t.Fatal(err)
			}
			fit, err := Estimate(context.Background(), r, spec)
			if err != nil {
				t.Fatal(window, name, err)
			}
			compare(t, window+" "+name, fit, want)
		}
	}
}

func compare(t *testing.T, name string, fit *Fit, want published) {
	t.Helper()
	if math.Abs(fit.LogLik-want.LogLik) > 1e-6 {
		t.Errorf("%s: log-likelihood %.9f, want %.9f (%+v)", name, fit.LogLik, want.LogLik, fit.Convergence)
	}
	for _, p := range fit.Parameters {
		if w := want.Par[p.Name]; math.Abs(p.Value-w) > 1e-5*math.Abs(w) {
			t.Errorf("%s: %s %.9g, want %.9g (%.1e)", name, p.Name, p.Value, w, p.Value/w-1)
		}
		if want.SEHessian == nil {
			continue
		}
		if p.SEHessian == nil {
			t.Errorf("%s: no standard errors: %s", name, fit.Convergence.ErrorsNote)
			continue
		}
		if w := want.SEHessian[p.Name]; math.Abs(*p.SEHessian-w) > 1e-3*w {
			t.Errorf("%s: standard error of %s %.9g, want %.9g", name, p.Name, *p.SEHessian, w)
		}
		if w := want.SERobust[p.Name]; math.Abs(*p.SERobust-w) > 1e-3*w {
			t.Errorf("%s: robust error of %s %.9g, want %.9g", name, p.Name, *p.SERobust, w)
		}
	}
}

func BenchmarkEstimate(b *testing.B) {
	r := realReturns(b, "2015-01-01", "2025-12-31")
	for name, spec := range map[string]Spec{"normal": {}, "t": {Law: StudentT, Free: true}, "t-constrained": {Law: StudentT}} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := Estimate(context.Background(), r, spec); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

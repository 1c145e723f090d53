package study

import (
	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/garch"
)

// ParametersFormat names the file that a farm's planner reads.
const ParametersFormat = "aqsha-market-parameters/1"

// Parameters are what a planner needs to simulate prices: the last price, the
// fitted model, and where both come from. Returns are log returns in percent
// per step; variances in percent².
type Parameters struct {
	Format     string             `json:"format"`
	Origin     Origin             `json:"origin"`
	LastPrice  float64            `json:"last_price"`
	LastDay    string             `json:"last_day"`
	MeanReturn float64            `json:"mean_return"`
	Model      garch.Model        `json:"model"`
	Law        garch.Law          `json:"law"`
	Values     map[string]float64 `json:"values"`
	HNext      float64            `json:"h_next"`
	Stationary bool               `json:"stationary"`
	Converged  bool               `json:"converged"`
	Warnings   []string           `json:"warnings,omitempty"`
}

// ParametersOf extracts the planner's file from a fit of the same input. A fit that did not converge is refused: the
// file's readers take its values as an optimum's.
func ParametersOf(in Input, g Garch) (Parameters, error) {
	if !g.Fit.Convergence.Converged {
		return Parameters{}, market.Refuse("no-optimum", "parameters",
			"the fit did not converge: its parameters are not written for others to compute with")
	}
	p, err := in.prepare()
	if err != nil {
		return Parameters{}, err
	}
	out := Parameters{Format: ParametersFormat, Origin: g.Origin, LastPrice: p.prices.Values[p.prices.Len()-1],
		LastDay: p.prices.Last(), MeanReturn: g.Fit.Mean,
		Model: g.Fit.Spec.Model, Law: g.Fit.Spec.Law, Values: map[string]float64{}, HNext: g.Fit.HNext,
		Stationary: g.Fit.Stationary, Converged: true, Warnings: g.Fit.Warnings}
	for _, parameter := range g.Fit.Parameters {
		out.Values[parameter.Name] = parameter.Value
	}
	return out, nil
}

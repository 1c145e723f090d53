package marketcmd

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/garch/family"
	"github.com/aqsha/aqsha/market/study"
)

// familyFlags are what garch takes beyond order (1,1).
type familyFlags struct {
	order      []int
	power      float64
	lags       int
	regressors []string
}

func (f *familyFlags) register(command *cobra.Command) {
	flags := command.Flags()
	flags.IntSliceVar(&f.order, "order", nil,
		"lags of shocks, of their asymmetry, of variance: 2,1,2 (two numbers: shocks and variance)")
	flags.Float64Var(&f.power, "power", 0, "fixed power of aparch (default: estimated)")
	flags.IntVar(&f.lags, "mean-lags", 1, "lags of --mean ar")
	flags.StringArrayVar(&f.regressors, "regressor", nil,
		"column of the file in the mean, as it stands on the return's day (repeatable)")
}

// asked says whether the wider family was asked for, and by what.
func (f *familyFlags) asked(model, law, mean string) (bool, string) {
	switch {
	case slices.Contains([]string{"tgarch", "avgarch", "aparch", "figarch", "component", "igarch"}, model):
		return true, "--model " + model
	case slices.Contains([]string{"ged", "hansen", "nig"}, law):
		return true, "--law " + law
	case mean == "ar" || mean == "har":
		return true, "--mean " + mean
	case f.order != nil:
		return true, "--order"
	case f.power != 0:
		return true, "--power"
	case len(f.regressors) > 0:
		return true, "--regressor"
	}
	return false, ""
}

// spec of the family's by the names of the command line.
func (f *familyFlags) spec(model, law string) (family.Spec, error) {
	s := family.Spec{Law: family.Law(law), P: 1, Q: 1}
	asymmetric := model == "gjr" || model == "tgarch" || model == "aparch"
	if asymmetric {
		s.O = 1
	}
	switch len(f.order) {
	case 0:
	case 2:
		s.P, s.Q = f.order[0], f.order[1]
		// Two numbers are P and Q. With P of nothing there is no shock that could be asymmetric.
		s.O = min(s.O, s.P)
	case 3:
		s.P, s.O, s.Q = f.order[0], f.order[1], f.order[2]
		if s.O > 0 && !asymmetric {
			return s, market.Refuse("order", "order", "%s has no asymmetry; gjr, tgarch and aparch have", model)
		}
	default:
		return s, market.Refuse("order", "order", "want two or three numbers")
	}
	switch model {
	case "garch", "gjr":
		s.Model, s.Exp = family.Power, 2
	case "igarch":
		s.Model, s.Exp, s.Integrated = family.Power, 2, true
	case "tgarch", "avgarch":
		s.Model, s.Exp = family.Power, 1
	case "aparch", "figarch", "component":
		s.Model = family.Model(model)
		s.Exp = f.power
	case "egarch":
		return s, market.Refuse("choice", "model",
			"egarch is fitted with order (1,1), normal, t and skewt errors and without regressors only")
	default:
		return s, market.Refuse("choice", "model", "%q is not a model of the family", model)
	}
	if s.P+s.Q < 1 {
		return s, market.Refuse("order", "order", "a model without a lag has no variance to estimate")
	}
	// Refused and not passed over: a fit with another power than was asked for would pass for the one asked for.
	if f.power != 0 && model != "aparch" {
		return s, market.Refuse("power", "power", "only aparch takes a power; tgarch and avgarch have 1, the others 2")
	}
	return s, nil
}

func (f *familyFlags) run(command *cobra.Command, in study.Input, model, law, mean string) error {
	spec, err := f.spec(model, law)
	if err != nil {
		return err
	}
	lags := f.lags
	switch mean {
	case "demeaned":
		mean = "constant" // fitted jointly here
	case "ar1":
		mean, lags = "ar", 1
	}
	g, err := study.StudyFamily(command.Context(), in, study.FamilyOptions{Spec: spec, Mean: mean, MeanLags: lags,
		Regressors: f.regressors})
	if err != nil {
		return fmt.Errorf("garch: %w", err)
	}
	return show(command, g)
}

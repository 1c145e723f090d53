package paths

import (
	"encoding/json"
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/aqsha/aqsha/internal/oldnames"
)

// ModelFormat is the first field of the file that "aqsha market garch --parameters" writes.
const ModelFormat = "aqsha-market-parameters/1"

// Model is a fitted volatility model of daily log returns in percent.
type Model struct {
	Format    string             `json:"format"`
	Origin    Origin             `json:"origin"`
	Converged *bool              `json:"converged"` // nil: an older file, which does not say
	LastPrice float64            `json:"last_price"`
	LastDay   string             `json:"last_day"`
	Model     string             `json:"model"` // garch, gjr, egarch
	Law       string             `json:"law"`   // normal, t, skewt
	Values    map[string]float64 `json:"values"`
	HNext     float64            `json:"h_next"` // variance of the first day, percent²
}

// Origin is what the simulation asks of where the model was fitted: how many returns the series has in a year. 0: the
// file does not say, and is taken as of days, as Values are documented to be.
type Origin struct {
	Annual float64 `json:"annualisation"`
}

// ReadModel checks a file's content. It may be either form that aqsha market garch writes. Parameters are read as they
// are named; one that the model does not need is passed over.
func ReadModel(content []byte) (*Model, error) {
	if len(content) > 1<<20 {
		return nil, fmt.Errorf("volatility model: longer than %d bytes", 1<<20)
	}
	var m Model
	if err := json.Unmarshal(oldnames.Read(content), &m); err != nil {
		return nil, fmt.Errorf("volatility model: %w", err)
	}
	if m.Format == "" {
		m.fromFit(content)
	}
	if m.Format != ModelFormat {
		return nil, fmt.Errorf("volatility model: format %q, want %q (written by aqsha market garch --parameters) or "+
			"what aqsha market garch --json prints", m.Format, ModelFormat)
	}
	return &m, m.check()
}

// fromFit takes what "aqsha market garch --json" prints: the whole fit, without a last price. Where it is no fit, m
// stays empty, and its format is what is refused.
func (m *Model) fromFit(content []byte) {
	var study struct {
		Origin Origin
		Fit    struct {
			Spec       struct{ Model, Law string }
			Parameters []struct {
				Name  string
				Value float64
			}
			HNext       float64 `json:"h_next"`
			Convergence struct{ Converged *bool }
		}
	}
	if json.Unmarshal(oldnames.Read(content), &study) != nil || study.Fit.Spec.Model == "" {
		return
	}
	*m = Model{Format: ModelFormat, Model: study.Fit.Spec.Model, Law: study.Fit.Spec.Law, HNext: study.Fit.HNext,
		Values: map[string]float64{}, Origin: study.Origin, Converged: study.Fit.Convergence.Converged}
	for _, p := range study.Fit.Parameters {
		m.Values[p.Name] = p.Value
	}
}

// check refuses what cannot be simulated. Whether the model is stationary is not asked: the simulation caps its
// variance.
func (m *Model) check() error {
	if err := m.usable(); err != nil {
		return err
	}
	if !finite(m.LastPrice) || m.LastPrice < 0 || !finite(m.HNext) || m.HNext <= 0 || m.HNext > maxVariance {
		return fmt.Errorf(
			"volatility model: want a last price of at least 0 and a next variance of 0 to %v, got %v and %v",
			maxVariance, m.LastPrice, m.HNext)
	}
	need := []string{"omega", "alpha", "beta"}
	switch m.Model {
	case "garch":
	case "gjr", "egarch":
		need = append(need, "gamma")
	default:
		return fmt.Errorf("volatility model: %q is not one of garch, gjr, egarch", m.Model)
	}
	switch m.Law {
	case "normal":
	case "t":
		need = append(need, "nu")
	case "skewt":
		need = append(need, "nu", "xi")
	default:
		return fmt.Errorf("volatility model: law %q is not one of normal, t, skewt", m.Law)
	}
	for _, name := range need {
		if v, ok := m.Values[name]; !ok || !finite(v) {
			return fmt.Errorf("volatility model: parameter %s is missing", name)
		}
	}
	// Student's t has a variance only above two degrees of freedom, and the shocks are scaled to variance 1.
	if nu, ok := m.Values["nu"]; ok && !(nu > 2 && nu < 1000) {
		return fmt.Errorf("volatility model: nu %v, want above 2", nu)
	}
	if xi, ok := m.Values["xi"]; ok && !(xi > 0.01 && xi < 100) {
		return fmt.Errorf("volatility model: xi %v, want above 0", xi)
	}
	return nil
}

// usable refuses a model whose step is not the simulation's, a day of the calendar. A GARCH of another step has no
// exact counterpart by the day (Drost and Nijman 1993: sums of a GARCH are one in a weak sense only, whose parameters
// depend on the kurtosis; of EGARCH there is none), so that none is converted.
func (m *Model) usable() error {
	if a := m.Origin.Annual; a != 0 && !(a >= 365 && a <= 366) {
		return fmt.Errorf("volatility model: fitted to a series of %g returns a year, and the plan goes by days of "+
			"the calendar (365): there is no exact conversion of a GARCH model to another step; fit it to daily data", a)
	}
	if m.Converged != nil && !*m.Converged {
		return fmt.Errorf("volatility model: the fit did not converge, so that its parameters are of no optimum; " +
			"fit another model or a longer window")
	}
	return nil
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

const (
	// cells of the table; a shock's eleven highest bits choose one
	cells       = 2048
	maxVariance = 30.0 * 30 // percent²: no day is taken to be more volatile than 30 %
	maxReturn   = 60.0      // percent: a longer tail of a heavy law is cut there
)

// shocks is the inverse distribution of unit-variance shocks as a table, the two outermost cells again as tables.
type shocks struct {
	at   [cells + 1]float64
	low  [cells + 1]float64
	high [cells + 1]float64
	absE float64
}

// shocks computes the table, once for all paths: a quantile takes long.
func (m *Model) shocks() *shocks {
	quantile := m.quantile()
	s := new(shocks)
	// A symmetric law is mirrored and not computed twice, so that its mean is exactly 0.
	symmetric := m.Law != "skewt"
	for i := range cells + 1 {
		u := float64(i) / cells
		if symmetric && 2*i > cells {
			s.at[i] = -s.at[cells-i]
			continue
		}
		// The law's ends are infinite: what is taken is a quarter of a fine cell inward.
		s.at[i] = quantile(min(max(u, 0.25/(cells*cells)), 1-0.25/(cells*cells)))
	}
	for i := range cells + 1 {
		u := float64(i) / cells
		s.low[i] = quantile(max(u, 0.25/cells) / cells)
		if symmetric {
			s.high[cells-i] = -s.low[i]
		} else {
			s.high[i] = quantile(1 - max(1-u, 0.25/cells)/cells)
		}
	}
	for i := range cells {
		a, b := s.at[i], s.at[i+1]
		// E|e| of the table itself, cell by cell, with the crossing of zero: EGARCH subtracts the mean of what is
		// drawn, or its variance would drift.
		if a < 0 && b > 0 {
			s.absE += (a*a + b*b) / (2 * (b - a)) / cells
		} else {
			s.absE += math.Abs(a+b) / 2 / cells
		}
	}
	return s
}

// quantile of the model's law, with mean 0 and variance 1. It is of p in (0, 1), ends excluded.
func (m *Model) quantile() func(p float64) float64 {
	if m.Law == "normal" {
		return distuv.UnitNormal.Quantile
	}
	nu := m.Values["nu"]
	student := distuv.StudentsT{Sigma: math.Sqrt((nu - 2) / nu), Nu: nu}
	// By symmetry only upper quantiles are asked for, where the library is precise.
	t := func(p float64) float64 {
		if p < 0.5 {
			return -student.Quantile(1 - p)
		}
		return student.Quantile(p)
	}
	if m.Law == "t" {
		return t
	}
	// Fernández and Steel: halves stretched by ξ and 1/ξ, then standardised.
	xi := m.Values["xi"]
	below := 1 / (1 + xi*xi)
	lg := func(x float64) float64 { v, _ := math.Lgamma(x); return v }
	m1 := math.Exp(math.Ln2 + math.Log(nu-2)/2 + lg((nu+1)/2) - math.Log(math.Pi)/2 - math.Log(nu-1) - lg(nu/2))
	mean := m1 * (xi - 1/xi)
	sd := math.Sqrt((1-m1*m1)*(xi*xi+1/(xi*xi)) + 2*m1*m1 - 1)
	return func(p float64) float64 {
		var y float64
		if p < below {
			y = t(p/below/2) / xi
		} else {
			y = t(0.5+(p-below)/(1-below)/2) * xi
		}
		return (y - mean) / sd
	}
}

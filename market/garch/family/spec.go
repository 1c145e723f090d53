package family

import (
	"fmt"
	"slices"

	"github.com/aqsha/aqsha/market"
)

// Model is the recursion of the variance.
type Model string

// The models, with s = √h, P the power and e the residual:
//
//	power:     s^P = ω + Σ(αᵢ + γᵢ·1[e<0])·|e_{t−i}|^P + Σβⱼ·s^P_{t−j}; P = 2 is GARCH and GJR, 1 is threshold GARCH (Zakoian 1994)
//	aparch:    s^δ = ω + Σαᵢ(|e_{t−i}| − γᵢe_{t−i})^δ + Σβⱼ·s^δ_{t−j} (Ding, Granger and Engle 1993)
//	figarch:   h = ω/(1−β) + Σλᵢe²_{t−i}, λ from (φ, d, β), cut at 1,000 lags (Baillie, Bollerslev and Mikkelsen 1996)
//	component: q = ω + ρ(q−ω) + φ(e²−h), h = q + α(e²−q) + β(h−q), all of the day before (Engle and Lee 1999)
const (
	Power     Model = "power"
	APARCH    Model = "aparch"
	FIGARCH   Model = "figarch"
	Component Model = "component"
)

// MaxOrder of lags.
const MaxOrder = 5

// Spec is what to fit. Columns of the mean are given with the series.
type Spec struct {
	Model Model   `json:"model"`
	P     int     `json:"p"`               // lags of the shocks
	O     int     `json:"o,omitempty"`     // of the asymmetry
	Q     int     `json:"q"`               // of the variance
	Exp   float64 `json:"power,omitempty"` // of the power model; of aparch where it is fixed, 0: estimated
	Law   Law     `json:"law"`
	// Integrated holds the sum of α and β at one (power 2, no asymmetry).
	Integrated bool `json:"integrated,omitempty"`
}

// complete fills in what is left out and refuses what is no model.
func (s Spec) complete() (Spec, error) {
	if s.Model == "" {
		s.Model = Power
	}
	if s.Law == "" {
		s.Law = Normal
	}
	if s.P == 0 && s.Q == 0 {
		s.P, s.Q = 1, 1
	}
	if s.Model == Power && s.Exp == 0 {
		s.Exp = 2
	}
	switch {
	case !slices.Contains([]Model{Power, APARCH, FIGARCH, Component}, s.Model):
		return s, market.Refuse("choice", "model", "%q is not a model of the family", s.Model)
	case !slices.Contains(Laws, s.Law):
		return s, market.Refuse("choice", "law", "%q is not one of %v", s.Law, Laws)
	case s.P < 1 || s.P > MaxOrder || s.Q < 0 || s.Q > MaxOrder || s.O < 0 || s.O > s.P:
		return s, market.Refuse("order", "order",
			"(%d,%d,%d): want 1 to %d lags of shocks, up to as many asymmetric ones, 0 to %d of the variance", s.P, s.O,
			s.Q, MaxOrder, MaxOrder)
	case (s.Model == FIGARCH || s.Model == Component) && (s.P != 1 || s.Q != 1 || s.O != 0):
		return s, market.Refuse("order", "order", "%s has one lag of each and no asymmetry", s.Model)
	// Turned round for NaN.
	case !(s.Exp >= 0 && s.Exp <= 4):
		return s, market.Refuse("power", "power", "%g is not between 0 and 4", s.Exp)
	case s.Integrated && (s.Model != Power || s.Exp != 2 || s.O != 0 || s.Q == 0):
		return s, market.Refuse("choice", "integrated", "only GARCH without asymmetry can be held integrated")
	}
	return s, nil
}

// places of the parameters in the vector: the mean's first, then the
// variance's, then the law's.
type places struct {
	mean, alpha, gamma, beta, shape int // of the first of each
	omega, delta                    int
	size                            int
	names                           []string
}

// places names the parameters in the order of the vector: mean, ω, the model's own, the law's.
func (s Spec) places(mean []string) places {
	at := places{delta: -1}
	add := func(names ...string) int {
		first := len(at.names)
		at.names = append(at.names, names...)
		return first
	}
	numbered := func(name string, n int) (out []string) {
		for i := range n {
			if n == 1 {
				return []string{name}
			}
			out = append(out, fmt.Sprintf("%s%d", name, i+1))
		}
		return out
	}
	at.mean = add(mean...)
	at.omega = add("omega")
	switch s.Model {
	case FIGARCH:
		at.alpha = add("phi", "d", "beta")
	case Component:
		at.alpha = add("rho", "phi", "alpha", "beta")
	default:
		at.alpha = add(numbered("alpha", s.P)...)
		at.gamma = add(numbered("gamma", s.O)...)
		at.beta = add(numbered("beta", s.Q)...)
		// A power that is given is held; 0 has it estimated.
		if s.Model == APARCH && s.Exp == 0 {
			at.delta = add("delta")
		}
	}
	at.shape = add(s.Law.names()...)
	at.size = len(at.names)
	return at
}

package family

import (
	"math"

	"github.com/aqsha/aqsha/market/stats"
)

// aparch fills the shocks (|e| − γe)^δ of each lag, and gives u before the first day.
func (g *engine) aparch(theta []float64) float64 {
	s, delta := g.spec, g.power(theta)
	half := math.Log(g.start) / 2
	before := math.Exp(delta * half)
	for i := range g.shocks {
		shock, gamma := &g.shocks[i], 0.0
		if i < s.O {
			gamma = theta[g.at.gamma+i]
		}
		for j := range s.P {
			shock.value[j], shock.log[j], shock.ratio[j] = before, half, 0
		}
		value, log, ratio := shock.value[s.P:], shock.log[s.P:], shock.ratio[s.P:]
		for t, e := range g.e {
			m := math.Abs(e) - gamma*e
			if m < 1e-150 {
				value[t], log[t], ratio[t] = 0, 0, 0
				continue
			}
			log[t] = stats.Log(m)
			value[t], ratio[t] = stats.Exp(delta*log[t]), e/m
		}
	}
	return before
}

// asymmetric fills the source of ∂u/∂γ of a lag.
func (g *engine) asymmetric(theta []float64, i int) {
	s, at := g.spec, g.at
	c, shock := g.columns[at.gamma+i][s.Q:], g.shocks[i]
	if s.Model == Power {
		copy(c, g.lag(shock.fallen, s.P, i))
		return
	}
	value, ratio := g.lag(shock.value, s.P, i), g.lag(shock.ratio, s.P, i)
	by := -theta[at.alpha+i] * g.power(theta)
	for t := range c {
		c[t] = by * value[t] * ratio[t]
	}
}

// byPower fills the source of ∂u/∂δ.
func (g *engine) byPower(theta []float64) {
	c := g.columns[g.at.delta][g.spec.Q:]
	clear(c)
	for i, shock := range g.shocks {
		a := theta[g.at.alpha+i]
		value, log := g.lag(shock.value, g.spec.P, i), g.lag(shock.log, g.spec.P, i)
		for t := range c {
			c[t] += a * value[t] * log[t]
		}
	}
}

// bendShocks adds Σ λ·∂²F by α, γ and δ; where the power is free, it also turns the
// column of δ into that of L = 2/δ·ln u (times δu/2, as the other columns are) and adds
// what ∂²L has beyond them.
func (g *engine) bendShocks(theta []float64, both func(i, j int, v float64)) {
	s, at, delta := g.spec, g.at, g.power(theta)
	for i, shock := range g.shocks {
		value, log, ratio := g.lag(shock.value, s.P, i), g.lag(shock.log, s.P, i), g.lag(shock.ratio, s.P, i)
		var byG, byGG, byD, byDD, byGD float64
		for t, v := range g.l[:g.n] {
			v *= value[t]
			r, l := ratio[t], log[t]
			byG += v * r
			byGG += v * r * r
			byD += v * l
			byDD += v * l * l
			byGD += v * r * (1 + delta*l)
		}
		a := theta[at.alpha+i]
		if i < s.O {
			both(at.alpha+i, at.gamma+i, -delta*byG)
			both(at.gamma+i, at.gamma+i, a*delta*(delta-1)*byGG/2)
		}
		if at.delta < 0 {
			continue
		}
		both(at.alpha+i, at.delta, byD)
		both(at.delta, at.delta, a*byDD/2)
		if i < s.O {
			both(at.gamma+i, at.delta, -a*byGD)
		}
	}
	if at.delta < 0 {
		return
	}
	half := math.Log(g.start) / 2
	before := math.Exp(delta * half)
	for j := range s.Q {
		for t := range min(j+1, g.n) { // days that look back before the first
			both(at.delta, at.delta, g.l[t]*theta[at.beta+j]*before*half*half/2)
		}
	}
	column := g.columns[at.delta][s.Q:]
	more := 0.0
	for t, u := range g.u[s.Q:] {
		l := g.logH[t]
		column[t] -= u * l / 2
		more -= g.law.byL[t] * l * l / (2 * delta)
		g.mixed[t] = -g.byU[t] * (1/delta + l/2)
	}
	for i, c := range g.columns {
		both(i, at.delta, dot(g.mixed, c[s.Q:]))
	}
	both(at.delta, at.delta, more/2)
}

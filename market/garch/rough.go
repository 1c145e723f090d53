package garch

import (
	"context"
	"math"
)

// roughBetas are persistences of mild series, from where the search goes on when EGARCH came to no top.
var roughBetas = []float64{0.95, 0.975, 0.985, 0.993, 0.998}

// alongBeta climbs again from persistences beside the best climb's, which came to no top. Where α is negative and β
// near one, ln h hardly forgets where it began (Wintenberger 2013 has the condition): the likelihood is rough there,
// and Newton's steps stay between two of its folds. Neighbours keep β + |α|·E|z|/2 of the best, the mean slope of ln h
// by itself, since the folds lie along it. It appends its climbs; best moves only to a higher one.
func (e *estimator) alongBeta(ctx context.Context, climbs []*climb, reported []Start, best int) ([]*climb, []Start,
	int, error) {
	f, at, origin := e.objective(), e.spec.layout(), climbs[best]
	for _, beta := range roughBetas {
		if err := ctx.Err(); err != nil {
			return nil, nil, best, err
		}
		theta := append([]float64(nil), origin.theta...)
		e.coords.outward(theta)
		alpha, move := theta[at.alpha], math.Sqrt(2*math.Pi)*(beta-theta[at.beta])
		if rest := 1 - theta[at.beta]; rest > 1e-4 { // the level of ln h stays
			theta[at.omega] *= (1 - beta) / rest
		}
		theta[at.beta] = beta
		var from []float64
		var c *climb
		for _, part := range []float64{1, 0.5, 0} { // where ln h runs away it has too much of α
			if alpha < 0 {
				theta[at.alpha] = min(-1e-3, alpha+part*move)
			}
			from = append([]float64(nil), theta...)
			e.coords.inward(from)
			c = climbing{f: f, rows: e.rows, search: true}.from(from)
			if e.coords.outward(from); !math.IsInf(c.eval.value, 0) {
				break
			}
		}
		climbs = append(climbs, c)
		reported = append(reported, e.start(from, c, 0))
		if c.eval.value > climbs[best].eval.value+noise {
			best = len(climbs) - 1
		}
	}
	return climbs, reported, best, nil
}

package garch

import "math"

// starts are points in units of the mean square: persistent and jumpy, thin
// and heavy tails. For GARCH and GJR ω makes the unconditional variance one
// where it exists.
func (s Spec) starts() [][]float64 {
	at := s.layout()
	type point struct{ alpha, beta, nu float64 }
	points := []point{{0.05, 0.90, 6}, {0.10, 0.80, 4}, {0.12, 0.86, 3}}
	if s.Law != Normal {
		points = append(points, point{0.25, 0.85, 2.6})
		if !s.Free {
			points[3] = point{0.08, 0.915, 2.8}
		}
	}
	var out [][]float64
	for _, v := range points {
		theta := make([]float64, at.size)
		theta[at.alpha], theta[at.beta] = v.alpha, v.beta
		// Where α + β is 1 or more there is no variance for ω to make: a small one starts.
		theta[at.omega] = math.Max(1-v.alpha-v.beta, 0.02)
		switch s.Model {
		case EGARCH:
			theta[at.alpha], theta[at.beta], theta[at.omega] = 2*v.alpha, min(0.985, v.alpha+v.beta), 0
		case GARCH:
			if s.Integrated {
				theta[at.beta] = stationaryLimit - v.alpha
			}
		case GJR:
			theta[at.alpha], theta[at.gamma] = v.alpha*0.8, v.alpha*0.4
		}
		if at.nu >= 0 {
			theta[at.nu] = v.nu
		}
		if at.xi >= 0 {
			theta[at.xi] = 1
		}
		out = append(out, theta)
	}
	return out
}

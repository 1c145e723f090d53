package garch

// Point is where a Surface is and how it bends there. Gradient has k values,
// Hessian k·k by rows; a value of −Inf is outside the surface.
type Point struct {
	Value    float64
	Gradient []float64
	Hessian  []float64
}

// Bound is A·θ ≤ B; the name is what a report says when it binds.
type Bound struct {
	Name string
	A    []float64
	B    float64
}

// Top is where a climb ended.
type Top struct {
	Theta      []float64
	Point      Point
	Bound      []string // that bind
	Iterations int
	Converged  bool
	Decrement  float64 // gᵀ(−H)⁻¹g in the free directions
}

// Climb maximises a surface inside linear bounds by damped Newton steps with an
// active set. Unlike the fits of GARCH(1,1) here it looks for a shorter step before
// it damps, and takes curvatures that are not negative by their size. stop, if given,
// is asked after each step and ends the climb there.
func Climb(surface func(theta []float64, out *Point), start []float64, bounds []Bound,
	stop func(theta []float64, value float64) bool) Top {
	rows := make([]constraint, len(bounds))
	for i, b := range bounds {
		rows[i] = constraint{b.Name, b.A, b.B}
	}
	m := climbing{f: func(theta []float64, out *evaluation) {
		p := Point{Gradient: out.gradient, Hessian: out.hessian}
		surface(theta, &p)
		out.value = p.Value
	}, rows: rows, near: stop, search: true}
	c := m.from(start)
	top := Top{Theta: c.theta, Point: Point{c.eval.value, c.eval.gradient, c.eval.hessian}, Iterations: c.iterations,
		Converged: c.converged, Decrement: c.decrement}
	for _, i := range c.active {
		top.Bound = append(top.Bound, rows[i].name)
	}
	return top
}

// Basin says whether a point is so near to the top, and the likelihood so near to
// its parabola there, that Newton's method can only end in it; roughly, where that is
// only to sort starts.
func (t Top) Basin(theta []float64, value float64, roughly bool) bool {
	within := narrow
	if roughly {
		within = wide
	}
	return within.holds(t.Theta, t.Point.Hessian, t.Point.Value, theta, value)
}

// Covariance inverts a negative definite Hessian, and puts the outer products of
// the gradient between for the sandwich; nil where it is not negative definite.
func Covariance(hessian, outer []float64, k int) (inverse, sandwich []float64) {
	return standardErrors(hessian, outer, k)
}

package curve

// jacobian is the point (x/z², y/z³), or infinity if z is 0.
type jacobian struct{ x, y, z element }

// doubleGeneric sets p to 2q: 3M + 4S, with l = 3/2·x² (libsecp256k1, src/group_impl.h).
func (p *jacobian) doubleGeneric(q *jacobian) {
	var l, s, t, u element
	s.square(&q.y)
	l.square(&q.x)
	t.add(&l, &l)
	l.add(&l, &t)
	l.halve(&l)
	t.mul(&q.x, &s)
	p.z.mul(&q.y, &q.z)
	u.square(&l)
	u.sub(&u, &t)
	p.x.sub(&u, &t)
	t.sub(&t, &p.x)
	t.mul(&t, &l)
	s.square(&s)
	p.y.sub(&t, &s)
}

// addAffine sets p to p + q, 8M + 3S (madd-2004-hmv), for points that are neither infinity nor equal nor opposite:
// for equal and opposite ones the sum has z = 0, and stays so whatever is added to it.
func (p *jacobian) addAffine(q *Point) {
	var h element
	p.addAffineStep(q, &h)
}

// addAffineGeneric is addAffine, and sets h to what p's denominator was multiplied by.
func (p *jacobian) addAffineGeneric(q *Point, h *element) {
	var zz, r element
	zz.square(&p.z)
	h.mul(&q.x, &zz)
	zz.mul(&zz, &p.z)
	r.mul(&q.y, &zz)
	h.sub(h, &p.x)
	r.sub(&r, &p.y)
	p.finish(h, &r)
	p.z.mul(&p.z, h)
}

// finish has the part that both additions share: h is the difference of the x, r of the y, over p's denominators.
func (p *jacobian) finish(h, r *element) {
	var hh, hhh, v element
	hh.square(h)
	hhh.mul(&hh, h)
	v.mul(&p.x, &hh)
	p.x.square(r)
	p.x.sub(&p.x, &hhh)
	p.x.sub(&p.x, &v)
	p.x.sub(&p.x, &v)
	v.sub(&v, &p.x)
	v.mul(&v, r)
	hhh.mul(&hhh, &p.y)
	p.y.sub(&v, &hhh)
}

// addAffineVar sets p to p + q, whatever they are.
func (p *jacobian) addAffineVar(q *Point) {
	if q.IsZero() {
		return
	}
	if p.z.isZeroVar() {
		*p = q.jacobian()
		return
	}
	sum := *p
	sum.addAffine(q)
	if sum.z.isZeroVar() {
		// The x are equal: the points are, or p is −q.
		other := Point{q.x.canonical(), q.y.canonical()}
		if p.affineVar() != other {
			*p = jacobian{}
			return
		}
		sum.double(p)
	}
	*p = sum
}

// addVar sets p to p + q, whatever they are, 12M + 4S (add-1998-cmo-2).
func (p *jacobian) addVar(q *jacobian) {
	if q.z.isZeroVar() {
		return
	}
	if p.z.isZeroVar() {
		*p = *q
		return
	}
	var pp, qq, h, r, u, s element
	pp.square(&p.z)
	qq.square(&q.z)
	u.mul(&p.x, &qq)
	h.mul(&q.x, &pp)
	h.sub(&h, &u)
	qq.mul(&qq, &q.z)
	s.mul(&p.y, &qq)
	pp.mul(&pp, &p.z)
	r.mul(&q.y, &pp)
	r.sub(&r, &s)
	// The formula divides by the difference of the x. Branches by value: only for points that everybody sees.
	if h.isZeroVar() {
		if r.isZeroVar() {
			p.double(p)
		} else {
			*p = jacobian{}
		}
		return
	}
	sum := jacobian{x: u, y: s}
	sum.finish(&h, &r)
	sum.z.mul(&p.z, &q.z)
	sum.z.mul(&sum.z, &h)
	*p = sum
}

// jacobian is p with a denominator of one.
func (p *Point) jacobian() jacobian {
	if p.IsZero() {
		return jacobian{}
	}
	return jacobian{p.x, p.y, one}
}

// affineVar divides by the denominators; infinity becomes the zero Point.
func (p *jacobian) affineVar() Point {
	var inverse element
	inverse.invert(&p.z)
	return p.scale(&inverse)
}

// scale is the point of p, given 1/z, or 0 for infinity.
func (p *jacobian) scale(inverse *element) Point {
	var square, x, y element
	square.square(inverse)
	x.mul(&p.x, &square)
	square.mul(&square, inverse)
	y.mul(&p.y, &square)
	return Point{x.canonical(), y.canonical()}
}

// affinePair divides two points by their denominators at the cost of one inversion.
func affinePair(p, q *jacobian) (Point, Point) {
	if p.z.isZeroVar() || q.z.isZeroVar() {
		return p.affineVar(), q.affineVar()
	}
	var product, forP, forQ element
	product.mul(&p.z, &q.z)
	product.invert(&product)
	forP.mul(&product, &q.z)
	forQ.mul(&product, &p.z)
	return p.scale(&forP), q.scale(&forQ)
}

// negate sets p to −p.
func (p *jacobian) negate() { p.y.negate(&p.y) }

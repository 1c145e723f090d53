package curve

// generator is G.
var generator = Point{
	x: element{0x59f2815b16f81798, 0x029bfcdb2dce28d9, 0x55a06295ce870b07, 0x79be667ef9dcbbac},
	y: element{0x9c47d08ffb10d4b8, 0xfd17b448a6855419, 0x5da4fbfc0e1108a8, 0x483ada7726a3c465},
}

// baseTable has, for each digit of a scalar, the odd multiples of 32^i·G: 832 points, 53 kB.
var baseTable = makeBaseTable()

func makeBaseTable() *[wholeDigits]table {
	var multiples [wholeDigits * tableSize]jacobian
	step := generator.jacobian()
	for i := range wholeDigits {
		var twice jacobian
		twice.double(&step)
		row := multiples[i*tableSize:]
		row[0] = step
		for j := 1; j < tableSize; j++ {
			row[j] = row[j-1]
			row[j].addVar(&twice)
		}
		for range digitBits {
			step.double(&step)
		}
	}
	points := affineAll(multiples[:])
	t := new([wholeDigits]table)
	for i := range t {
		copy(t[i][:], points[i*tableSize:])
	}
	return t
}

// affineAll divides by all denominators with one inversion (Montgomery's trick). None is infinity.
func affineAll(from []jacobian) []Point {
	products := make([]element, len(from))
	product := one
	for i := range from {
		products[i] = product
		product.mul(&product, &from[i].z)
	}
	product.invert(&product)
	points := make([]Point, len(from))
	for i := len(from) - 1; i >= 0; i-- {
		var inverse element
		inverse.mul(&product, &products[i])
		product.mul(&product, &from[i].z)
		points[i] = from[i].scale(&inverse)
	}
	return points
}

// multiplyBase is s·G, in the same time for every s.
func multiplyBase(s *Scalar) jacobian {
	all := whole(&s.value)
	var q Point
	baseTable[0].pick(&q, uint64(all[0]))
	sum := jacobian{q.x, q.y, one}
	for i := 1; i < wholeDigits; i++ {
		baseTable[i].pick(&q, uint64(all[i]))
		sum.addAffine(&q)
	}
	if sum.z.isZeroVar() {
		// The last addition met equal or opposite points: s is 0, or one of few numbers that no random one is.
		return multiplyVar(&generator, &s.value)
	}
	return sum
}

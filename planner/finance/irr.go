package finance

import (
	"math/big"
	"slices"

	"github.com/aqsha/aqsha/money"
)

// IRR is every rate above −100 % a period at which the flows are worth nothing, ascending. None, one
// or several: with several no single one of them can be trusted, and callers warn.
func IRR(flows []money.Tiyn) []float64 {
	p := polynomial(flows)
	if signChanges(p) == 0 {
		return nil
	}
	chain := sturm(p)
	// Roots in x = 1/(1+r) > 0; none is as large as the Cauchy bound.
	bound := cauchy(p)
	free := squareFree(chain)
	var rates []float64
	for _, root := range isolate(chain, free, new(big.Rat), bound) {
		rate, _ := new(big.Rat).Sub(new(big.Rat).Inv(root), big.NewRat(1, 1)).Float64()
		rates = append(rates, rate)
	}
	slices.Sort(rates)
	return rates
}

// polynomial has the flows as coefficients, lowest first, without zeros at either end.
func polynomial(flows []money.Tiyn) []*big.Int {
	var p []*big.Int
	for _, flow := range flows {
		if len(p) > 0 || flow != 0 {
			p = append(p, big.NewInt(int64(flow)))
		}
	}
	return trim(p)
}

// trim drops leading zeros: the degree of a polynomial is its length less one.
func trim(p []*big.Int) []*big.Int {
	for len(p) > 0 && p[len(p)-1].Sign() == 0 {
		p = p[:len(p)-1]
	}
	return p
}

// signChanges of the coefficients bound the number of positive roots (Descartes).
func signChanges(p []*big.Int) int {
	changes, last := 0, 0
	for _, c := range p {
		if s := c.Sign(); s != 0 {
			if last != 0 && s != last {
				changes++
			}
			last = s
		}
	}
	return changes
}

// sturm is the chain p, p′, −rem, …, each made primitive by a positive factor: signs are kept, and coefficients stay
// as small as they can. By Sturm's theorem the changes of sign at a less those at b are the roots of p in (a, b].
func sturm(p []*big.Int) [][]*big.Int {
	derivative := make([]*big.Int, len(p)-1)
	for i := range derivative {
		derivative[i] = new(big.Int).Mul(p[i+1], big.NewInt(int64(i+1)))
	}
	chain := [][]*big.Int{primitive(p), primitive(derivative)}
	for {
		a, b := chain[len(chain)-2], chain[len(chain)-1]
		rest := remainder(a, b)
		if len(rest) == 0 {
			return chain
		}
		for _, c := range rest {
			c.Neg(c)
		}
		chain = append(chain, primitive(rest))
	}
}

// remainder of a by b times a positive number, so that it has the remainder's signs. Pseudo-division: no fractions
// come up, and nothing is rounded.
func remainder(a, b []*big.Int) []*big.Int {
	rest := make([]*big.Int, len(a))
	for i := range a {
		rest[i] = new(big.Int).Set(a[i])
	}
	lead := b[len(b)-1]
	size := new(big.Int).Abs(lead)
	for len(rest) >= len(b) {
		factor := new(big.Int).Set(rest[len(rest)-1])
		if lead.Sign() < 0 {
			factor.Neg(factor)
		}
		shift := len(rest) - len(b)
		for i := range rest {
			rest[i].Mul(rest[i], size)
		}
		for i := range b {
			rest[i+shift].Sub(rest[i+shift], new(big.Int).Mul(factor, b[i]))
		}
		rest = trim(rest)
	}
	return rest
}

// primitive divides by the greatest common divisor of the coefficients.
func primitive(p []*big.Int) []*big.Int {
	divisor := new(big.Int)
	for _, c := range p {
		divisor.GCD(nil, nil, divisor, new(big.Int).Abs(c))
	}
	out := make([]*big.Int, len(p))
	for i, c := range p {
		out[i] = new(big.Int).Quo(c, divisor)
	}
	return out
}

// squareFree is p without repeated roots: p over the last of its chain, which is gcd(p, p′). The division is exact, in
// rationals, and is brought to whole numbers by the least common denominator. refine bisects by signs, which p itself
// need not change at a double root.
func squareFree(chain [][]*big.Int) []*big.Int {
	p, common := chain[0], chain[len(chain)-1]
	if len(common) == 1 {
		return p
	}
	rest := make([]*big.Rat, len(p))
	for i := range p {
		rest[i] = new(big.Rat).SetInt(p[i])
	}
	quotient := make([]*big.Rat, len(p)-len(common)+1)
	for shift := len(quotient) - 1; shift >= 0; shift-- {
		quotient[shift] = new(big.Rat).Quo(rest[shift+len(common)-1], new(big.Rat).SetInt(common[len(common)-1]))
		for i, c := range common {
			rest[shift+i].Sub(rest[shift+i], new(big.Rat).Mul(quotient[shift], new(big.Rat).SetInt(c)))
		}
	}
	scale := big.NewInt(1)
	for _, c := range quotient {
		scale.Mul(scale, new(big.Int).Quo(c.Denom(), new(big.Int).GCD(nil, nil, scale, c.Denom())))
	}
	out := make([]*big.Int, len(quotient))
	for i, c := range quotient {
		out[i] = new(big.Int).Mul(c.Num(), new(big.Int).Quo(scale, c.Denom()))
	}
	return primitive(out)
}

// cauchy bounds the size of every root: 1 + max|a_i|/|a_n|.
func cauchy(p []*big.Int) *big.Rat {
	largest := new(big.Int)
	for _, c := range p {
		if a := new(big.Int).Abs(c); a.Cmp(largest) > 0 {
			largest = a
		}
	}
	bound := new(big.Int).Quo(largest, new(big.Int).Abs(p[len(p)-1]))
	return new(big.Rat).SetInt(bound.Add(bound, big.NewInt(2)))
}

// signAt is the sign of p at x > 0 or 0: Σ c_i·n^i·d^(degree−i).
func signAt(p []*big.Int, x *big.Rat) int {
	value, power := new(big.Int), big.NewInt(1)
	for i := len(p) - 1; i >= 0; i-- {
		value.Mul(value, x.Num())
		value.Add(value, new(big.Int).Mul(p[i], power))
		power.Mul(power, x.Denom())
	}
	return value.Sign()
}

// variations counts the chain's changes of sign at x; the difference of two counts is the number of
// distinct roots in (a, b].
func variations(chain [][]*big.Int, x *big.Rat) int {
	changes, last := 0, 0
	for _, p := range chain {
		if s := signAt(p, x); s != 0 {
			if last != 0 && s != last {
				changes++
			}
			last = s
		}
	}
	return changes
}

// isolate finds the roots in (a, b], each to a part in 2^58, in ascending order. Intervals are halved until each has
// one root; as p is free of squares this ends.
func isolate(chain [][]*big.Int, free []*big.Int, a, b *big.Rat) []*big.Rat {
	var roots []*big.Rat
	var split func(a, b *big.Rat, va, vb int)
	split = func(a, b *big.Rat, va, vb int) {
		switch va - vb {
		case 0:
			return
		case 1:
			if root := refine(free, a, b); root != nil {
				roots = append(roots, root)
				return
			}
		}
		middle := half(a, b)
		vm := variations(chain, middle)
		split(a, middle, va, vm)
		split(middle, b, vm, vb)
	}
	split(a, b, variations(chain, a), variations(chain, b))
	return roots
}

func half(a, b *big.Rat) *big.Rat {
	sum := new(big.Rat).Add(a, b)
	return sum.Quo(sum, big.NewRat(2, 1))
}

// refine bisects the one root in (a, b]; nil when a is 0 and the root may be too near it to tell its size.
func refine(free []*big.Int, a, b *big.Rat) *big.Rat {
	if a.Sign() == 0 {
		return nil
	}
	at := signAt(free, b)
	if at == 0 {
		return b
	}
	a, b = new(big.Rat).Set(a), new(big.Rat).Set(b)
	// Until the interval is a part in 2^58 of the root.
	for new(big.Rat).Sub(b, a).Cmp(new(big.Rat).Mul(a, big.NewRat(1, 1<<58))) > 0 {
		middle := half(a, b)
		s := signAt(free, middle)
		if s == 0 {
			return middle
		}
		if s == at {
			b = middle
		} else {
			a = middle
		}
	}
	return half(a, b)
}

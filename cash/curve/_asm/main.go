// Command asm generates the field and point arithmetic of package curve.
// It is a module of its own, so that Aqsha does not depend on the generator.
package main

//go:generate go run . -out ../element_amd64.s -stubs ../element_amd64.go -pkg curve

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// fold is 2^256 − p.
const fold = 1<<32 + 977

// element is four words in memory.
type element struct{ at operand.Mem }

func (e element) word(i int) operand.Mem { return e.at.Offset(8 * i) }

// at is the element with so many before it.
func at(base reg.Register, index int) element {
	return element{operand.Mem{Base: base, Disp: 32 * index}}
}

func local() element { return element{AllocLocal(32)} }

func words(n int) (w []reg.GPVirtual) {
	for range n {
		w = append(w, GP64())
	}
	return w
}

// mul writes x·y: rows of products with two chains of carries, one in CF and one in OF.
func mul(z, x, y element) {
	t := words(8)
	lo, hi := GP64(), GP64()
	MOVQ(y.word(0), reg.RDX)
	MULXQ(x.word(0), t[0], t[1])
	MULXQ(x.word(1), lo, t[2])
	ADDQ(lo, t[1])
	MULXQ(x.word(2), lo, t[3])
	ADCQ(lo, t[2])
	MULXQ(x.word(3), lo, t[4])
	ADCQ(lo, t[3])
	ADCQ(operand.Imm(0), t[4])
	for i := 1; i < 4; i++ {
		MOVQ(y.word(i), reg.RDX)
		XORQ(t[i+4], t[i+4]) // clears CF and OF
		for j := range 4 {
			MULXQ(x.word(j), lo, hi)
			ADCXQ(lo, t[i+j])
			ADOXQ(hi, t[i+j+1])
		}
		// Neither chain carries beyond the row: a row and what is there make no more than five words.
		ADCQ(operand.Imm(0), t[i+4])
	}
	store(z, reduce(t))
}

// square writes x².
func square(z, x element) {
	store(z, squareWords([4]operand.Op{x.word(0), x.word(1), x.word(2), x.word(3)}))
}

// squareWords is x² of words in memory or registers: six products doubled, four squares.
func squareWords(x [4]operand.Op) []reg.GPVirtual {
	t := words(8)
	lo, hi := GP64(), GP64()
	MOVQ(x[0], reg.RDX)
	MULXQ(x[1], t[1], t[2])
	MULXQ(x[2], lo, t[3])
	ADDQ(lo, t[2])
	MULXQ(x[3], lo, t[4])
	ADCQ(lo, t[3])
	ADCQ(operand.Imm(0), t[4])
	MOVQ(x[1], reg.RDX)
	XORQ(t[5], t[5])
	MULXQ(x[2], lo, hi)
	ADCXQ(lo, t[3])
	ADOXQ(hi, t[4])
	MULXQ(x[3], lo, hi)
	ADCXQ(lo, t[4])
	ADOXQ(hi, t[5])
	ADCQ(operand.Imm(0), t[5])
	MOVQ(x[2], reg.RDX)
	MULXQ(x[3], lo, t[6])
	ADDQ(lo, t[5])
	ADCQ(operand.Imm(0), t[6])
	// One chain doubles, the other adds the squares.
	MOVQ(x[0], reg.RDX)
	XORQ(t[7], t[7])
	MULXQ(reg.RDX, t[0], hi)
	ADCXQ(t[1], t[1])
	ADOXQ(hi, t[1])
	for i := 1; i < 4; i++ {
		MOVQ(x[i], reg.RDX)
		MULXQ(reg.RDX, lo, hi)
		ADCXQ(t[2*i], t[2*i])
		ADOXQ(lo, t[2*i])
		ADCXQ(t[2*i+1], t[2*i+1])
		ADOXQ(hi, t[2*i+1])
	}
	return reduce(t)
}

// reduce folds the upper four words in, and what is then above again.
func reduce(t []reg.GPVirtual) []reg.GPVirtual {
	lo, hi, above := GP64(), GP64(), GP64()
	MOVQ(operand.U64(fold), reg.RDX)
	XORQ(above, above)
	for i := range 4 {
		MULXQ(t[4+i], lo, hi)
		ADCXQ(lo, t[i])
		if i < 3 {
			ADOXQ(hi, t[i+1])
		} else {
			ADOXQ(hi, above)
			ADCQ(operand.Imm(0), above)
		}
	}
	MULXQ(above, lo, hi)
	ADDQ(lo, t[0])
	ADCQ(hi, t[1])
	ADCQ(operand.Imm(0), t[2])
	ADCQ(operand.Imm(0), t[3])
	SBBQ(lo, lo)
	ANDQ(reg.RDX, lo)
	ADDQ(lo, t[0])
	ADCQ(operand.Imm(0), t[1])
	return t[:4]
}

func load(x element) []reg.GPVirtual {
	t := words(4)
	for i := range t {
		MOVQ(x.word(i), t[i])
	}
	return t
}

func store(z element, t []reg.GPVirtual) {
	for i := range 4 {
		MOVQ(t[i], z.word(i))
	}
}

// add writes x + y: what carries is folded in twice.
func add(z, x, y element) {
	t, m, k := load(x), GP64(), GP64()
	MOVQ(operand.U64(fold), k)
	ADDQ(y.word(0), t[0])
	for i := 1; i < 4; i++ {
		ADCQ(y.word(i), t[i])
	}
	SBBQ(m, m)
	ANDQ(k, m)
	ADDQ(m, t[0])
	for i := 1; i < 4; i++ {
		ADCQ(operand.Imm(0), t[i])
	}
	SBBQ(m, m)
	ANDQ(k, m)
	ADDQ(m, t[0])
	store(z, t)
}

// sub writes x − y: what is borrowed is folded in twice.
func sub(z, x, y element) {
	t, m, k := load(x), GP64(), GP64()
	MOVQ(operand.U64(fold), k)
	SUBQ(y.word(0), t[0])
	for i := 1; i < 4; i++ {
		SBBQ(y.word(i), t[i])
	}
	SBBQ(m, m)
	ANDQ(k, m)
	SUBQ(m, t[0])
	for i := 1; i < 4; i++ {
		SBBQ(operand.Imm(0), t[i])
	}
	SBBQ(m, m)
	ANDQ(k, m)
	SUBQ(m, t[0])
	store(z, t)
}

// halve writes x/2: p is added to an odd x.
func halve(z, x element) {
	t, m, k := load(x), GP64(), GP64()
	MOVQ(t[0], m)
	ANDQ(operand.Imm(1), m)
	NEGQ(m)
	MOVQ(operand.U64(1<<64-fold), k)
	ANDQ(m, k)
	ADDQ(k, t[0])
	for i := 1; i < 4; i++ {
		ADCQ(m, t[i])
	}
	SBBQ(m, m)
	for i := range 3 {
		SHRQ(operand.Imm(1), t[i+1], t[i])
	}
	SHRQ(operand.Imm(1), m, t[3])
	store(z, t)
}

func pointer(name string) reg.Register { return Load(Param(name), GP64()) }

func main() {
	ConstraintExpr("amd64")

	TEXT("mulADX", NOSPLIT, "func(z, x, y *uint64)")
	Pragma("noescape")
	Doc("mulADX sets z to x·y. It needs BMI2 and ADX, as all here do.")
	px, py := pointer("x"), pointer("y")
	mul(at(pointer("z"), 0), at(px, 0), at(py, 0))
	RET()

	TEXT("squaresADX", NOSPLIT, "func(z, x *uint64, times uint64)")
	Pragma("noescape")
	Doc("squaresADX sets z to x^(2^times), at least once.")
	from, times := pointer("x"), AllocLocal(8) // the count is in memory: all registers are needed
	x := load(at(from, 0))
	count := Load(Param("times"), GP64())
	MOVQ(count, times)
	Label("again")
	for i, word := range squareWords([4]operand.Op{x[0], x[1], x[2], x[3]}) {
		MOVQ(word, x[i])
	}
	DECQ(times)
	JNZ(operand.LabelRef("again"))
	store(at(pointer("z"), 0), x)
	RET()

	generateDouble()
	generateAdd()
	generateInverted()
	Generate()
}

// generateDouble writes jacobian.double, step by step.
func generateDouble() {
	TEXT("doubleADX", NOSPLIT, "func(p, q *uint64)")
	Pragma("noescape")
	Doc("doubleADX sets p to 2q.")
	p, q := pointer("p"), pointer("q")
	l, s, t := local(), local(), local()
	square(s, at(q, 1))
	square(l, at(q, 0))
	add(t, l, l)
	add(l, l, t)
	halve(l, l)
	mul(t, at(q, 0), s)
	mul(at(p, 2), at(q, 1), at(q, 2))
	square(at(p, 0), l)
	sub(at(p, 0), at(p, 0), t)
	sub(at(p, 0), at(p, 0), t)
	sub(t, t, at(p, 0))
	mul(t, t, l)
	square(s, s)
	sub(at(p, 1), t, s)
	RET()
}

// generateAdd writes jacobian.addAffineStep.
func generateAdd() {
	TEXT("addAffineADX", NOSPLIT, "func(p, q, h *uint64)")
	Pragma("noescape")
	Doc("addAffineADX sets p to p + q and h to what multiplied p's denominator.")
	p, q := pointer("p"), pointer("q")
	zz, r, hh, hhh, v := local(), local(), local(), local(), local()
	h := local()
	square(zz, at(p, 2))
	mul(h, at(q, 0), zz)
	mul(zz, zz, at(p, 2))
	mul(r, at(q, 1), zz)
	sub(h, h, at(p, 0))
	sub(r, r, at(p, 1))
	square(hh, h)
	mul(hhh, hh, h)
	mul(v, at(p, 0), hh)
	square(at(p, 0), r)
	sub(at(p, 0), at(p, 0), hhh)
	sub(at(p, 0), at(p, 0), v)
	sub(at(p, 0), at(p, 0), v)
	sub(v, v, at(p, 0))
	mul(v, v, r)
	mul(hhh, hhh, at(p, 1))
	sub(at(p, 1), v, hhh)
	mul(at(p, 2), at(p, 2), h)
	out := pointer("h")
	store(at(out, 0), load(h))
	RET()
}

// generateInverted writes addDistinct: the affine sum of points whose x differ.
func generateInverted() {
	TEXT("addDistinctADX", NOSPLIT, "func(sum, p, q, inverse *uint64)")
	Pragma("noescape")
	Doc("addDistinctADX sets sum to p + q, given the inverse of the difference of their x.")
	p, q := pointer("p"), pointer("q")
	slope, x, y := local(), local(), local()
	sub(slope, at(q, 1), at(p, 1))
	inverse := pointer("inverse")
	mul(slope, slope, at(inverse, 0))
	square(x, slope)
	sub(x, x, at(p, 0))
	sub(x, x, at(q, 0))
	sub(y, at(p, 0), x)
	mul(y, y, slope)
	sub(y, y, at(p, 1))
	sum := pointer("sum")
	store(at(sum, 0), load(x))
	store(at(sum, 1), load(y))
	RET()
}

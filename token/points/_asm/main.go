// Command asm generates the field arithmetic of package points.
// It is a module of its own, so that Aqsha does not depend on the generator.
package main

//go:generate go run . -out ../field_amd64.s -stubs ../field_amd64.go -pkg points

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Eight elements of GF(2^255 − 19) at once, one in each 64-bit lane: five limbs of 51 bits, in five registers.
// A limb that goes in is below 2^52, which is all that VPMADD52 reads; so is one that comes out.
const limbs = 5

// acc are accumulators of product limbs by weight. The high half of a product of weight k has weight k+1 and counts
// twice, because a limb has 51 bits and VPMADD52 splits at 52.
type acc [2 * limbs]reg.VecVirtual

func load(name string) (z [limbs]reg.VecVirtual) {
	base := Load(Param(name), GP64())
	for i := range z {
		z[i] = ZMM()
		VMOVDQU64(operand.Mem{Base: base, Disp: 64 * i}, z[i])
	}
	return z
}

// mac adds both halves of a·b; the first product of an accumulator finds it zero.
func mac(low, high *acc, weight int, a, b reg.VecVirtual) {
	for _, half := range []struct {
		to *reg.VecVirtual
		op func(ops ...operand.Op)
	}{{&low[weight], VPMADD52LUQ}, {&high[weight+1], VPMADD52HUQ}} {
		if *half.to == nil {
			*half.to = ZMM()
			VPXORQ(*half.to, *half.to, *half.to)
		}
		half.op(b, a, *half.to)
	}
}

// sum adds twice the high halves to the low ones.
func sum(low, high *acc) (z acc) {
	for k := range z {
		if high[k] != nil {
			VPADDQ(high[k], high[k], high[k])
		}
		switch {
		case low[k] == nil:
			z[k] = high[k]
		case high[k] == nil:
			z[k] = low[k]
		default:
			VPADDQ(high[k], low[k], low[k])
			z[k] = low[k]
		}
	}
	return z
}

// times19 adds 19·a to z.
func times19(a, z reg.VecVirtual) {
	t := ZMM()
	VPADDQ(a, z, z)
	VPSLLQ(operand.U8(1), a, t)
	VPADDQ(t, z, z)
	VPSLLQ(operand.U8(4), a, t)
	VPADDQ(t, z, z)
}

// carry splits z at 51 bits.
func carry(z, mask reg.VecVirtual) (over reg.VecVirtual) {
	over = ZMM()
	VPSRLQ(operand.U8(51), z, over)
	VPANDQ(mask, z, z)
	return over
}

// reduce brings ten limbs, each below 2^57, to five below 2^52: 2^255 = 19.
func reduce(z *acc, mask reg.VecVirtual) (out [limbs]reg.VecVirtual) {
	var over [2 * limbs]reg.VecVirtual
	for k := limbs; k < 2*limbs; k++ {
		over[k] = carry(z[k], mask)
	}
	for k := limbs + 1; k < 2*limbs; k++ {
		VPADDQ(over[k-1], z[k], z[k])
	}
	times19(over[2*limbs-1], z[limbs]) // of weight 10
	for k := range limbs {
		times19(z[k+limbs], z[k])
	}
	for k := range limbs {
		over[k] = carry(z[k], mask)
	}
	for k := 1; k < limbs; k++ {
		VPADDQ(over[k-1], z[k], z[k])
	}
	times19(over[limbs-1], z[0])
	copy(out[:], z[:limbs])
	return out
}

func loadMask() reg.VecVirtual {
	m, mask := GP64(), ZMM()
	MOVQ(operand.U64(1<<51-1), m)
	VPBROADCASTQ(m, mask)
	return mask
}

func store(out [limbs]reg.VecVirtual) {
	base := Load(Param("out"), GP64())
	for i := range out {
		VMOVDQU64(out[i], operand.Mem{Base: base, Disp: 64 * i})
	}
	VZEROUPPER()
	RET()
}

func mul() {
	TEXT("mulIFMA", NOSPLIT, "func(out, a, b *uint64)")
	Pragma("noescape")
	Doc("mulIFMA multiplies eight pairs of elements. It needs AVX-512 with IFMA.")
	a, b := load("a"), load("b")
	var low, high acc
	for i := range limbs {
		for j := range limbs {
			mac(&low, &high, i+j, a[i], b[j])
		}
	}
	z := sum(&low, &high)
	store(reduce(&z, loadMask()))
}

// squared are the products of a square: those of different limbs stand twice in it.
func squared(a [limbs]reg.VecVirtual, mac func(low, high *acc, weight int, a, b reg.VecVirtual)) (low, high acc) {
	for i := range limbs {
		for j := i + 1; j < limbs; j++ {
			mac(&low, &high, i+j, a[i], a[j])
		}
	}
	for k := range low {
		if low[k] != nil {
			VPADDQ(low[k], low[k], low[k])
		}
		if high[k] != nil {
			VPADDQ(high[k], high[k], high[k])
		}
	}
	for i := range limbs {
		mac(&low, &high, 2*i, a[i], a[i])
	}
	return low, high
}

func square() {
	TEXT("squareIFMA", NOSPLIT, "func(out, a *uint64, times uint64)")
	Pragma("noescape")
	Doc("squareIFMA squares eight elements so many times, at least once. It needs AVX-512 with IFMA.")
	a := load("a")
	times := Load(Param("times"), GP64())
	mask := loadMask()
	Label("again")
	low, high := squared(a, mac)
	z := sum(&low, &high)
	out := reduce(&z, mask)
	for i := range a {
		VMOVDQA64(out[i], a[i])
	}
	DECQ(times)
	JNE(operand.LabelRef("again"))
	store(a)
}

func main() {
	ConstraintExpr("amd64")
	mul()
	square()
	buckets()
	addPoints()
	doublePoints()
	Generate()
}

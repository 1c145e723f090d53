package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

const (
	elementBytes = 64 * limbs // of eight lanes
)

// Places in the scratch memory, of one element each.
const (
	slotX = iota // the buckets' points
	slotY
	slotZ
	slotT
	slotPlus  // y + x of the point that is added, or y − x where it is subtracted
	slotMinus // the other one
	slotT2d   // 2dxy, or its negative
	slotA
	slotB
	slotC
	slotD
	slotE
	slotF
	slotG
	slotH
	slots
)

// workspace is scratch memory.
type workspace struct {
	base       reg.Register
	mask, zero reg.VecVirtual
}

func (w workspace) limb(slot, i int) operand.Mem {
	return operand.Mem{Base: w.base, Disp: slot*elementBytes + 64*i}
}

func (w workspace) get(slot int) (z [limbs]reg.VecVirtual) {
	for i := range z {
		z[i] = ZMM()
		VMOVDQU64(w.limb(slot, i), z[i])
	}
	return z
}

func (w workspace) put(z [limbs]reg.VecVirtual, slot int) {
	for i := range z {
		VMOVDQU64(z[i], w.limb(slot, i))
	}
}

// multiply reads the second factor from memory as it goes, to spare registers.
func (w workspace) multiply(a, b, to int) {
	x := w.get(a)
	var low, high acc
	for j := range limbs {
		for i := range limbs {
			w.mac(&low, &high, i+j, x[i], w.limb(b, j))
		}
	}
	z := sum(&low, &high)
	w.put(reduce(&z, w.mask), to)
}

// mac is mac with a factor in memory, or in a register. An accumulator begins as a copy of zero: one that was cleared by
// itself would count as read before it is written, and take a register from the beginning.
func (w workspace) mac(low, high *acc, weight int, a reg.VecVirtual, b operand.Op) {
	for _, half := range []struct {
		to *reg.VecVirtual
		op func(ops ...operand.Op)
	}{{&low[weight], VPMADD52LUQ}, {&high[weight+1], VPMADD52HUQ}} {
		if *half.to == nil {
			*half.to = ZMM()
			VMOVDQA64(w.zero, *half.to)
		}
		half.op(b, a, *half.to)
	}
}

// square is multiply with itself.
func (w workspace) square(a, to int) {
	low, high := squared(w.get(a), func(low, high *acc, weight int, a, b reg.VecVirtual) { w.mac(low, high, weight, a, b) })
	z := sum(&low, &high)
	w.put(reduce(&z, w.mask), to)
}

// settle brings limbs below 2^55 to below 2^52.
func (w workspace) settle(z [limbs]reg.VecVirtual, to int) {
	var over [limbs]reg.VecVirtual
	for k := range z {
		over[k] = carry(z[k], w.mask)
	}
	for k := 1; k < limbs; k++ {
		VPADDQ(over[k-1], z[k], z[k])
	}
	times19(over[limbs-1], z[0])
	w.put(z, to)
}

func (w workspace) add(a, b, to int) {
	z := w.get(a)
	for i := range z {
		VPADDQ(w.limb(b, i), z[i], z[i])
	}
	w.settle(z, to)
}

// subtract adds 4p first.
func (w workspace) subtract(a, b, to int, bias [2]reg.VecVirtual) {
	z := w.get(a)
	for i := range z {
		VPADDQ(bias[min(i, 1)], z[i], z[i])
		VPSUBQ(w.limb(b, i), z[i], z[i])
	}
	w.settle(z, to)
}

// transpose turns eight rows of eight into columns.
func transpose(a [8]reg.VecVirtual) (c [8]reg.VecVirtual) {
	var t [8]reg.VecVirtual
	for i := 0; i < 8; i += 2 {
		t[i], t[i+1] = ZMM(), ZMM()
		VPUNPCKLQDQ(a[i+1], a[i], t[i])
		VPUNPCKHQDQ(a[i+1], a[i], t[i+1])
	}
	shuffle := func(imm uint8, first, second reg.VecVirtual) reg.VecVirtual {
		out := ZMM()
		VSHUFI64X2(operand.U8(imm), second, first, out)
		return out
	}
	for odd := range 2 {
		u0, u1 := shuffle(0x88, t[odd], t[2+odd]), shuffle(0x88, t[4+odd], t[6+odd])
		v0, v1 := shuffle(0xdd, t[odd], t[2+odd]), shuffle(0xdd, t[4+odd], t[6+odd])
		c[odd], c[4+odd] = shuffle(0x88, u0, u1), shuffle(0xdd, u0, u1)
		c[2+odd], c[6+odd] = shuffle(0x88, v0, v1), shuffle(0xdd, v0, v1)
	}
	return c
}

// constant spreads a number over a register.
func constant(n uint64) reg.VecVirtual {
	g, z := GP64(), ZMM()
	MOVQ(operand.U64(n), g)
	VPBROADCASTQ(g, z)
	return z
}

func buckets() {
	TEXT("addToBucketsIFMA", NOSPLIT, "func(buckets, niels, places, signs, scratch *uint64, count uint64)")
	Pragma("noescape")
	Doc("addToBucketsIFMA adds points to buckets, each to one bucket in each of eight columns. For each point, niels holds",
		"y+x, y−x, 2dxy and −2dxy; places the byte offset of its bucket in each column; signs a bit for each column in which it",
		"is subtracted. A bucket is 24 words: X, Y, Z and T of five limbs each. It needs AVX-512 with IFMA.")
	base, niels, places, signs := Load(Param("buckets"), GP64()), Load(Param("niels"), GP64()),
		Load(Param("places"), GP64()), Load(Param("signs"), GP64())
	w := workspace{base: Load(Param("scratch"), GP64())}
	count := Load(Param("count"), GP64())
	w.mask, w.zero = loadMask(), constant(0)
	bias := [2]reg.VecVirtual{constant(4 * (1<<51 - 19)), constant(4 * (1<<51 - 1))}
	at := GP64()
	Label("point")

	// The buckets, one lane each.
	for part := range 3 {
		var rows [8]reg.VecVirtual
		for lane := range rows {
			rows[lane] = ZMM()
			MOVQ(operand.Mem{Base: places, Disp: 8 * lane}, at)
			VMOVDQU64(operand.Mem{Base: base, Index: at, Scale: 1, Disp: 64 * part}, rows[lane])
		}
		for k, column := range transpose(rows) {
			if limb := 8*part + k; limb < 4*limbs {
				VMOVDQU64(column, w.limb(limb/limbs, limb%limbs))
			}
		}
	}

	// The point, or its negative.
	sign, k := GP64(), K()
	MOVQ(operand.Mem{Base: signs}, sign)
	KMOVB(sign.As32(), k)
	for _, pair := range [][3]int{{slotPlus, 0, 1}, {slotMinus, 1, 0}, {slotT2d, 2, 3}} {
		for i := range limbs {
			z := ZMM()
			VPBROADCASTQ(operand.Mem{Base: niels, Disp: 8 * (limbs*pair[1] + i)}, z)
			VPBROADCASTQ(operand.Mem{Base: niels, Disp: 8 * (limbs*pair[2] + i)}, k, z)
			VMOVDQU64(z, w.limb(pair[0], i))
		}
	}

	// Mixed addition on −x² + y² = 1 + dx²y² (Hisil, Wong, Carter, Dawson 2008, §3.1), complete for this curve.
	w.subtract(slotY, slotX, slotA, bias)
	w.add(slotY, slotX, slotB)
	w.add(slotZ, slotZ, slotD)
	w.multiply(slotA, slotMinus, slotA)
	w.multiply(slotB, slotPlus, slotB)
	w.multiply(slotT, slotT2d, slotC)
	w.subtract(slotB, slotA, slotE, bias)
	w.subtract(slotD, slotC, slotF, bias)
	w.add(slotD, slotC, slotG)
	w.add(slotB, slotA, slotH)
	w.multiply(slotE, slotF, slotX)
	w.multiply(slotG, slotH, slotY)
	w.multiply(slotF, slotG, slotZ)
	w.multiply(slotE, slotH, slotT)

	// Back into the buckets.
	for part := range 3 {
		var columns [8]reg.VecVirtual
		for k := range columns {
			columns[k] = ZMM()
			limb := min(8*part+k, 4*limbs-1) // what stands in the room is never read
			VMOVDQU64(w.limb(limb/limbs, limb%limbs), columns[k])
		}
		for lane, row := range transpose(columns) {
			MOVQ(operand.Mem{Base: places, Disp: 8 * lane}, at)
			VMOVDQU64(row, operand.Mem{Base: base, Index: at, Scale: 1, Disp: 64 * part})
		}
	}
	ADDQ(operand.Imm(4*limbs*8), niels)
	ADDQ(operand.Imm(64), places)
	ADDQ(operand.Imm(8), signs)
	DECQ(count)
	JNE(operand.LabelRef("point"))
	VZEROUPPER()
	RET()
}

func addPoints() {
	TEXT("addPointsIFMA", NOSPLIT, "func(sum, point, scratch *uint64)")
	Pragma("noescape")
	Doc("addPointsIFMA adds to eight points eight others: X, Y, Z and T, of which T of the others has been multiplied by 2d.",
		"It needs AVX-512 with IFMA.")
	to, other := Load(Param("sum"), GP64()), Load(Param("point"), GP64())
	w := workspace{base: Load(Param("scratch"), GP64())}
	w.mask, w.zero = loadMask(), constant(0)
	bias := [2]reg.VecVirtual{constant(4 * (1<<51 - 19)), constant(4 * (1<<51 - 1))}
	move := func(from, into operand.Mem) {
		z := ZMM()
		VMOVDQU64(from, z)
		VMOVDQU64(z, into)
	}
	// The other's X, Y, Z and T stand where the mixed addition has other things.
	for i := range 4 * limbs {
		move(operand.Mem{Base: to, Disp: 64 * i}, w.limb(slotX+i/limbs, i%limbs))
		move(operand.Mem{Base: other, Disp: 64 * i}, w.limb(slotE+i/limbs, i%limbs))
	}
	w.subtract(slotF, slotE, slotMinus, bias)
	w.add(slotF, slotE, slotPlus)
	w.subtract(slotY, slotX, slotA, bias)
	w.add(slotY, slotX, slotB)
	w.multiply(slotA, slotMinus, slotA)
	w.multiply(slotB, slotPlus, slotB)
	w.multiply(slotT, slotH, slotC)
	w.multiply(slotZ, slotG, slotD)
	w.add(slotD, slotD, slotD)
	w.subtract(slotB, slotA, slotE, bias)
	w.subtract(slotD, slotC, slotF, bias)
	w.add(slotD, slotC, slotG)
	w.add(slotB, slotA, slotH)
	w.multiply(slotE, slotF, slotX)
	w.multiply(slotG, slotH, slotY)
	w.multiply(slotF, slotG, slotZ)
	w.multiply(slotE, slotH, slotT)
	for i := range 4 * limbs {
		move(w.limb(slotX+i/limbs, i%limbs), operand.Mem{Base: to, Disp: 64 * i})
	}
	VZEROUPPER()
	RET()
}

func doublePoints() {
	TEXT("doublePointsIFMA", NOSPLIT, "func(sum, scratch *uint64, times uint64)")
	Pragma("noescape")
	Doc("doublePointsIFMA doubles eight points so many times, at least once: X, Y, Z and T. It needs AVX-512 with IFMA.")
	to := Load(Param("sum"), GP64())
	w := workspace{base: Load(Param("scratch"), GP64())}
	times := Load(Param("times"), GP64())
	w.mask, w.zero = loadMask(), constant(0)
	bias := [2]reg.VecVirtual{constant(4 * (1<<51 - 19)), constant(4 * (1<<51 - 1))}
	for i := range 3 * limbs { // T is of no use here
		z := ZMM()
		VMOVDQU64(operand.Mem{Base: to, Disp: 64 * i}, z)
		VMOVDQU64(z, w.limb(slotX+i/limbs, i%limbs))
	}
	Label("double")
	// RFC 8032, section 5.1.4 (Hisil, Wong, Carter, Dawson 2008, section 3.3).
	w.square(slotX, slotA)
	w.square(slotY, slotB)
	w.square(slotZ, slotC)
	w.add(slotC, slotC, slotC)
	w.add(slotA, slotB, slotH)
	w.add(slotX, slotY, slotE)
	w.square(slotE, slotE)
	w.subtract(slotH, slotE, slotE, bias)
	w.subtract(slotA, slotB, slotG, bias)
	w.add(slotC, slotG, slotF)
	w.multiply(slotE, slotF, slotX)
	w.multiply(slotG, slotH, slotY)
	w.multiply(slotF, slotG, slotZ)
	DECQ(times)
	JNE(operand.LabelRef("double"))
	w.multiply(slotE, slotH, slotT)
	for i := range 4 * limbs {
		z := ZMM()
		VMOVDQU64(w.limb(slotX+i/limbs, i%limbs), z)
		VMOVDQU64(z, operand.Mem{Base: to, Disp: 64 * i})
	}
	VZEROUPPER()
	RET()
}

// Command asm generates the proof-of-work kernels of package sha256d.
// It is a module of its own, so that Aqsha does not depend on the generator.
package main

//go:generate go run . -out ../kernels_amd64.s -stubs ../kernels_amd64.go -pkg sha256d

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// program is a list of instructions that are emitted later, so that two programs can be interleaved.
// A step is what must stay together: it may leave nothing in the registers that programs share.
type program []func()

func (p *program) add(step func()) { *p = append(*p, step) }

// frame holds what all kernels share: their arguments in registers.
type frame struct {
	work, scratch reg.GPPhysical // tables of work, room for message words
	nonce         reg.GPPhysical // of the group's first lane
	left          reg.GPPhysical // groups still to do
	mask          reg.GPPhysical // lanes that are candidates
	spare         reg.GPPhysical
}

var args = frame{reg.RAX, reg.RBX, reg.RCX, reg.RDX, reg.RSI, reg.RDI}

// begin opens a kernel: it scans groups of lanes until one has a candidate.
//
//	left is the number of groups not begun, counting the one with the candidate as done.
func begin(name, doc string) {
	TEXT(name, NOSPLIT, "func(work, scratch *uint32, nonce uint32, groups uint64) (left, mask uint64)")
	Doc(doc)
	Load(Param("work"), args.work)
	Load(Param("scratch"), args.scratch)
	Load(Param("nonce"), args.nonce.As32())
	Load(Param("groups"), args.left)
	Label("group")
}

// end closes the loop over groups of n lanes.
func end(n int, cleanup bool) {
	DECQ(args.left)
	TESTQ(args.mask, args.mask)
	JNE(operand.LabelRef("done"))
	ADDL(operand.Imm(uint64(n)), args.nonce.As32())
	TESTQ(args.left, args.left)
	JNE(operand.LabelRef("group"))
	Label("done")
	if cleanup {
		VZEROUPPER()
	}
	Store(args.left, Return("left"))
	Store(args.mask, Return("mask"))
	RET()
}

func main() {
	ConstraintExpr("amd64")
	avx512()
	avx2()
	shani()
	mixed()
	pair()
	Generate()
}

// merge spreads b evenly over a.
func merge(a, b program) program {
	var all program
	done := 0
	for i, step := range a {
		all = append(all, step)
		for done < len(b)*(i+1)/len(a) {
			all = append(all, b[done])
			done++
		}
	}
	return append(all, b[done:]...)
}

func (p program) emit() {
	for _, step := range p {
		step()
	}
}

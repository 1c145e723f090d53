//go:build amd64

package points

import "golang.org/x/sys/cpu"

// supported says whether this processor multiplies eight pairs at once.
var supported = cpu.X86.HasAVX512F && cpu.X86.HasAVX512DQ && cpu.X86.HasAVX512IFMA

func (e *element8) mul(a, b *element8) { mulIFMA(&e[0][0], &a[0][0], &b[0][0]) }

func (e *element8) square(a *element8, times int) { squareIFMA(&e[0][0], &a[0][0], uint64(times)) }

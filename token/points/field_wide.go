//go:build amd64

package points

import "golang.org/x/sys/cpu"

// supported says whether this processor multiplies eight pairs at once.
var supported = cpu.X86.HasAVX512F && cpu.X86.HasAVX512DQ && cpu.X86.HasAVX512IFMA

func (e *element8) mul(a, b *element8) { mulIFMA(&e[0][0], &a[0][0], &b[0][0]) }

func (e *element8) square(a *element8, times int) { squareIFMA(&e[0][0], &a[0][0], uint64(times)) }

func addToBuckets(buckets *uint64, niels *niels, places, signs *uint64, scratch *element8, count int) {
	addToBucketsIFMA(buckets, &niels[0][0], places, signs, &scratch[0][0], uint64(count))
}

func addPointsWide(sum, other *point8, scratch *element8) {
	addPointsIFMA(&sum[0][0][0], &other[0][0][0], &scratch[0][0])
}

func doublePoints(sum *point8, scratch *element8, times int) {
	doublePointsIFMA(&sum[0][0][0], &scratch[0][0], uint64(times))
}

package curve

import (
	"bufio"
	"crypto/rand"
	"math"
	randv2 "math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"
)

// Does the time of signing tell the key? The test is dudect's (Reparaz, Balasch, Verbauwhede, "Dude, is my code
// constant time?", 2017): two classes of input in random order, the slowest samples dropped, Welch's t of what is
// left. It runs for minutes and wants a machine that does not change its speed for one class only, so that it is run
// by make timing, with TIMING samples.

const (
	noDifference = 5  // |t| below: no difference was seen; chance alone passes it once in a million
	difference   = 10 // |t| above: the classes are told apart
)

// welch is the t of two samples' means, after the slowest tenth of both together has been dropped: what the system
// did meanwhile.
func welch(samples [2][]float64) float64 {
	all := slices.Sorted(slices.Values(slices.Concat(samples[0], samples[1])))
	limit := all[len(all)*9/10]
	var mean, variance, n [2]float64
	for c, list := range samples {
		for _, v := range list {
			if v <= limit {
				n[c]++
				delta := v - mean[c]
				mean[c] += delta / n[c]
				variance[c] += delta * (v - mean[c])
			}
		}
		variance[c] /= n[c] - 1
	}
	return (mean[0] - mean[1]) / math.Sqrt(variance[0]/n[0]+variance[1]/n[1])
}

// compare measures do, n times in each of two classes in random order. set prepares the class, in the same place in
// memory and before the clock runs.
func compare(n int, set func(class int), do func()) float64 {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	order := make([]int, 2*n)
	for i := range order {
		order[i] = i % 2
	}
	randv2.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	var samples [2][]float64
	for _, class := range order {
		set(class)
		start := time.Now()
		do()
		samples[class] = append(samples[class], float64(time.Since(start)))
	}
	return welch(samples)
}

func TestTimingDoesNotTellTheKey(t *testing.T) {
	n, _ := strconv.Atoi(os.Getenv("TIMING"))
	if n == 0 {
		t.Skip("minutes of measuring: make timing")
	}
	source := bufio.NewReaderSize(rand.Reader, 1<<16)
	// A key of which plain multiplication meets few digits, and one of many.
	keys := [2]*Signer{
		NewSigner(scalar(t, "0000000000000000000000000000000100000000000000000000000000000001")),
		NewSigner(scalar(t, "b7e151628aed2a6abf7158809cf4f3c762e7160f38b4da56a784d9045190cfef")),
	}
	// A point that somebody chose, the half of G, whose x has 90 zero bits, and points as they come.
	chosen := point(t, "0200000000000000000000003b78ce563f89a0ed9414f5aa28ad0d96d6795f9c63")
	points, _ := notes(keys[1], 512, source)

	var signer Signer
	var p Point
	class := func(keyOf, pointOf func(class, i int) any) func(int) {
		i := 0
		return func(c int) {
			i++
			signer, p = *keyOf(c, i).(*Signer), pointOf(c, i).(Point)
		}
	}
	anyPoint := func(_, i int) any { return points[i%len(points)] }
	chosenPoint := func(c, i int) any {
		if c == 0 {
			return chosen
		}
		return points[i%len(points)]
	}
	twoKeys := func(c, _ int) any { return keys[c] }
	oneKey := func(_, _ int) any { return keys[1] }
	sign := func() { signer.Sign(p, source) }
	valid := func() { signer.Valid(p, points[0]) }
	plain := func() { multiplyVar(&p, &signer.k.value) }
	base := func() { multiplyBase(&signer.k) }

	for _, c := range []struct {
		name  string
		set   func(int)
		do    func()
		plain bool
	}{
		{"signing, two keys", class(twoKeys, anyPoint), sign, false},
		{"signing, two keys, a chosen point", class(twoKeys, func(_, _ int) any { return chosen }), sign, false},
		{"signing, a chosen point and others", class(oneKey, chosenPoint), sign, false},
		{"redeeming, two keys", class(twoKeys, anyPoint), valid, false},
		{"the base point, two scalars", class(twoKeys, anyPoint), base, false},
		{"plain multiplication, two keys", class(twoKeys, anyPoint), plain, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			value := compare(n, c.set, c.do)
			t.Logf("t = %.1f of %d samples each", value, n)
			if !c.plain && math.Abs(value) > noDifference {
				t.Errorf("t = %.1f: the time tells the classes apart", value)
			}
			if c.plain && math.Abs(value) < difference {
				t.Errorf("t = %.1f: this test does not see what plain multiplication tells", value)
			}
		})
	}
}

package finance_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/planner/finance"
)

func Example() {
	flows := []money.Tiyn{-1_000_000, 500_000, 500_000, 500_000}
	npv, _ := finance.NPV(finance.One/5, flows)
	payback, _ := finance.Payback(flows)
	fmt.Printf("%s %.6f %.1f\n", npv, finance.IRR(flows)[0], payback)
	// Output: 532.41 0.233752 2.0
}

func flows(t *rapid.T) []money.Tiyn {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) money.Tiyn {
		return money.Tiyn(rapid.Int64Range(-1e12, 1e12).Draw(t, "flow"))
	}), 1, 40).Draw(t, "flows")
}

// A spreadsheet discounts each flow by itself; ours is Horner's rule on integers.
func TestNPVIsASpreadsheets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := flows(t)
		rate := finance.Rate(rapid.Int64Range(-900_000_000, 3_000_000_000).Draw(t, "rate"))
		got, err := finance.NPV(rate, f)
		sheet, size := 0.0, 0.0
		for i, v := range f {
			term := float64(v) / math.Pow(1+rate.Float(), float64(i))
			sheet += term
			size += math.Abs(term)
		}
		if err != nil {
			if size < math.MaxInt64/2 {
				t.Fatal(err)
			}
			return
		}
		if math.Abs(sheet-float64(got)) > 0.5+1e-11*size {
			t.Fatalf("%v at %v: %v, a spreadsheet says %v", f, rate, got, sheet)
		}
	})
}

func TestPaybackIsASpreadsheets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := flows(t)
		got, ok := finance.Payback(f)
		total, want, found := 0.0, 0.0, false
		for i, v := range f {
			next := total + float64(v)
			if next >= 0 {
				if found = true; i > 0 {
					want = float64(i) - next/float64(v)
				}
				break
			}
			total = next
		}
		if ok != found || math.Abs(got-want) > 1e-9 {
			t.Fatalf("%v: %v, %v; a spreadsheet says %v, %v", f, got, ok, want, found)
		}
	})
}

// With one change of sign a bracketed secant, as spreadsheets use, must find our root.
func TestIRRIsASpreadsheets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 60).Draw(t, "periods")
		f := []money.Tiyn{-money.Tiyn(rapid.Int64Range(1, 1e13).Draw(t, "outlay"))}
		for range n {
			f = append(f, money.Tiyn(rapid.Int64Range(0, 1e12).Draw(t, "income")))
		}
		if slices.Max(f[1:]) == 0 {
			if roots := finance.IRR(f); roots != nil {
				t.Fatalf("%v has roots %v", f, roots)
			}
			return
		}
		value := func(growth float64) float64 {
			total := 0.0
			for i, v := range f {
				total += float64(v) / math.Pow(growth, float64(i))
			}
			return total
		}
		low, high := math.Log(1e-18), math.Log(1e16) // of 1+r
		for range 200 {
			if m := (low + high) / 2; value(math.Exp(m)) > 0 {
				low = m
			} else {
				high = m
			}
		}
		got := finance.IRR(f)
		if len(got) != 1 {
			t.Fatalf("%v: roots %v", f, got)
		}
		if want := math.Exp(low); math.Abs(1+got[0]-want) > 1e-9*want+1e-15 {
			t.Fatalf("%v: 1+r = %v, a spreadsheet says %v", f, 1+got[0], want)
		}
	})
}

// Flows built from chosen rates have just those, also when one is there twice.
func TestIRRFindsEveryRoot(t *testing.T) {
	for _, tc := range []struct {
		flows []money.Tiyn
		want  []float64
	}{
		{[]money.Tiyn{-100, 230, -132}, []float64{0.10, 0.20}},
		{[]money.Tiyn{-1000, 3600, -4310, 1716}, []float64{0.1, 0.2, 0.3}},
		{[]money.Tiyn{100, -220, 121}, []float64{0.10}}, // twice
		{[]money.Tiyn{-100, 50}, []float64{-0.5}},
		{[]money.Tiyn{100, 50}, nil},
		{[]money.Tiyn{0, 0, -100, 120, 0}, []float64{0.20}},
		{[]money.Tiyn{100, -100, 100}, nil}, // two changes of sign, no root
		{nil, nil},
		{[]money.Tiyn{0}, nil},
	} {
		got := finance.IRR(tc.flows)
		if len(got) != len(tc.want) {
			t.Errorf("%v: %v, want %v", tc.flows, got, tc.want)
			continue
		}
		for i := range got {
			if math.Abs(got[i]-tc.want[i]) > 1e-12 {
				t.Errorf("%v: %v, want %v", tc.flows, got, tc.want)
			}
		}
	}
}

func TestEveryRootIsARoot(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := flows(t)
		for _, r := range finance.IRR(f) {
			if r < -0.999 {
				continue // a float's distance to −1 has too few digits to put it back
			}
			// The sign changes, or touches, within a hair of the root.
			total, size := 0.0, 0.0
			for i, v := range f {
				term := float64(v) * math.Pow(1+r, float64(len(f)-1-i))
				total += term
				size += math.Abs(term)
			}
			if math.Abs(total) > 1e-9*size {
				t.Fatalf("%v: %v leaves %v of %v", f, r, total, size)
			}
		}
	})
}

func TestOutcomes(t *testing.T) {
	var o finance.Outcomes
	for i := range 100 {
		o = append(o, float64((i*37)%100)-20)
	}
	var5, cvar5 := o.Risk()
	if var5 != 16 || cvar5 != 18 || o.LossProbability() != 0.2 || o.Mean() != 29.5 {
		t.Fatal(var5, cvar5, o.LossProbability(), o.Mean())
	}
	if q := o.Quantiles(0, 0.5, 1); q[0] != -20 || q[1] != 29.5 || q[2] != 79 {
		t.Fatal(q)
	}
}

func BenchmarkIRR(b *testing.B) {
	f := []money.Tiyn{-1_000_000_000}
	for i := range 60 {
		f = append(f, money.Tiyn(40_000_000-i*1_000_003))
	}
	for b.Loop() {
		finance.IRR(f)
	}
}

// A rate of a period compounds to the year's, within what its rounding makes of a year.
func TestAPeriodsRateCompounds(t *testing.T) {
	for _, annual := range []finance.Rate{0, 10_000_000, 145_000_000, finance.One, -200_000_000} {
		for _, n := range []int{1, 2, 4, 12, 365} {
			year := math.Pow(1+finance.PerPeriod(annual, n).Float(), float64(n)) - 1
			if off := math.Abs(year - annual.Float()); off > float64(n)*1e-9*(1+math.Abs(annual.Float())) {
				t.Errorf("%d periods of %v make %v a year", n, annual, year)
			}
		}
	}
}

// Discounted, money comes back later than it does undiscounted, and at no interest at the same time.
func TestDiscountedPayback(t *testing.T) {
	flows := []money.Tiyn{-1_000_000, 300_000, 400_000, 500_000, 600_000}
	plain, ok := finance.Payback(flows)
	if !ok {
		t.Fatal("it never pays back")
	}
	none, ok, err := finance.DiscountedPayback(0, flows)
	if err != nil || !ok || none != plain {
		t.Errorf("at no interest %v, undiscounted %v (%v)", none, plain, err)
	}
	// By hand at 10 %: −1,000,000 + 272,727 + 330,579 + 375,657 leave 21,037 of the last 409,808.
	ten, ok, err := finance.DiscountedPayback(100_000_000, flows)
	if want := 3 + 21_037.0/409_808; err != nil || !ok || math.Abs(ten-want) > 1e-5 {
		t.Errorf("at 10 %% after %v periods, want %v (%v)", ten, want, err)
	}
	if _, ok, err := finance.DiscountedPayback(400_000_000, flows); err != nil || ok {
		t.Errorf("at 40 %% it pays back (%v)", err)
	}
	if _, _, err := finance.DiscountedPayback(-finance.One, flows); err == nil {
		t.Error("a rate of −100 %")
	}
}

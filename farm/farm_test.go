package farm_test

import (
	"errors"
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/money"
)

func TestHashpriceRefusals(t *testing.T) {
	for _, tc := range []struct {
		reward     money.Satoshi
		difficulty float64
		field      string
	}{
		{-1, 1e14, "reward"}, {101 * money.Bitcoin, 1e14, "reward"}, {1, 0.5, "difficulty"},
		{1, math.NaN(), "difficulty"}, {1, math.Inf(1), "difficulty"}, {50 * money.Bitcoin, 1, "difficulty"},
	} {
		_, err := farm.HashpriceOf(tc.reward, tc.difficulty)
		var refusal *farm.Error
		if !errors.As(err, &refusal) || refusal.Field != tc.field {
			t.Errorf("HashpriceOf(%d, %v): %v, want a refusal of %s", tc.reward, tc.difficulty, err, tc.field)
		}
	}
}

// A block's expected work is worth the block's reward, less the price's own rounding.
func TestHashpriceOfOneBlock(t *testing.T) {
	price, err := farm.HashpriceOf(314_500_000, 150e12)
	if err != nil {
		t.Fatal(err)
	}
	work := new(big.Rat).SetFrac(new(big.Int).Mul(big.NewInt(150e12), new(big.Int).Lsh(big.NewInt(1), 48)), big.NewInt(65535))
	worth := new(big.Rat).Mul(work, new(big.Rat).SetFrac64(int64(price), 1e18))
	worth.Quo(worth, big.NewRat(1e6, 1))
	got, _ := worth.Float64()
	if math.Abs(got-314_500_000) > 1 {
		t.Fatalf("a block's work is worth %.3f satoshi", got)
	}
}

func TestValueAgreesWithBig(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h, p := rapid.Int64().Draw(t, "h"), rapid.Int64Range(0, math.MaxInt64).Draw(t, "p")
		got, err := farm.Hashprice(p).Value(farm.Hashes(h))
		want := new(big.Int).Mul(big.NewInt(h), big.NewInt(p))
		want.Quo(want, big.NewInt(1e18))
		if err != nil {
			if !errors.Is(err, money.ErrOverflow) || want.CmpAbs(big.NewInt(math.MaxInt64/4)) < 0 {
				t.Fatalf("Value(%d) at %d: %v, big says %v", h, p, err, want)
			}
			return
		}
		if !want.IsInt64() || want.Int64() != int64(got) {
			t.Fatalf("Value(%d) at %d = %d, want %v", h, p, got, want)
		}
	})
}

func TestTotalAgreesWithBig(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		amounts := rapid.SliceOfN(rapid.Int64(), 0, 50).Draw(t, "amounts")
		var total farm.Total
		want := new(big.Int)
		for i, a := range amounts {
			if i%3 == 2 {
				total = total.Sub(farm.TotalOf(farm.Hashes(a)))
				want.Sub(want, big.NewInt(a))
				continue
			}
			total = total.AddHashes(farm.Hashes(a))
			want.Add(want, big.NewInt(a))
		}
		if total.Big().Cmp(want) != 0 || total.Sign() != want.Sign() {
			t.Fatalf("%v, want %v", total, want)
		}
		text, _ := total.MarshalText()
		var back farm.Total
		if err := back.UnmarshalText(text); err != nil || back != total {
			t.Fatalf("%s reads back as %v, %v", text, back, err)
		}
	})
}

func TestShareRoundsDownAndSplitsExactly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := farm.Hashes(rapid.Int64Range(-math.MaxInt64, math.MaxInt64).Draw(t, "h"))
		whole := rapid.Int64Range(1, 1<<40).Draw(t, "whole")
		part := rapid.Int64Range(0, whole).Draw(t, "part")
		got := h.Share(part, whole)
		want := new(big.Int).Mul(big.NewInt(int64(h)), big.NewInt(part))
		if want.Quo(want, big.NewInt(whole)); want.Int64() != int64(got) {
			t.Fatalf("%d·%d/%d = %d, want %v", h, part, whole, got, want)
		}
	})
}

func TestWorkOfDifficulty(t *testing.T) {
	if work, ok := farm.WorkOfDifficulty(1); !ok || work != 4_295_032_833 { // 2^48/65535 = 4,295,032,833.0000…
		t.Fatalf("difficulty 1 is %d hashes", work)
	}
	for _, bad := range []float64{-1, math.NaN(), math.Inf(1), 1e12} {
		if work, ok := farm.WorkOfDifficulty(bad); ok {
			t.Errorf("difficulty %v is %d hashes", bad, work)
		}
	}
}

func TestTotalOfDifficulty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := float64(rapid.Int64Range(0, 1<<52).Draw(t, "d"))
		want := new(big.Rat).SetFrac(new(big.Int).Mul(big.NewInt(int64(d)), new(big.Int).Lsh(big.NewInt(1), 48)), big.NewInt(65535))
		exact, _ := want.Float64()
		if got := farm.TotalOfDifficulty(d).Float(); math.Abs(got-exact) > 1e-9*exact+1 {
			t.Fatalf("difficulty %v is %v hashes, want %v", d, got, exact)
		}
	})
}

func TestPowerCost(t *testing.T) {
	// 34.2 J/TH at 20 tenge and PUE 1.05: 34.2·0.024·20·1.05 = 17.2368 tenge.
	if got := farm.PowerCostPerTHDay(34_200, 20*money.Tenge, 1050).Tiyn(); got != 1724 {
		t.Fatalf("got %d tiyn", got)
	}
	if _, err := farm.BreakEvenTariff(1, 1, 0, 0, 1000); err == nil {
		t.Fatal("a machine without power was accepted")
	}
}

package tune_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/records"
	"github.com/aqsha/aqsha/farm/tune"
	"github.com/aqsha/aqsha/money"
)

// terms are at 150e12 of difficulty, 3.15 BTC a block.
func terms(t testing.TB, bitcoin string, power money.Tiyn) tune.Terms {
	t.Helper()
	price, err := records.ParsePrice("150e12", "3.15", bitcoin)
	if err != nil {
		t.Fatal(err)
	}
	return tune.Terms{Work: price, Power: power}
}

// An hour at 100 TH/s is 3.6e17 of the 6.4425e23 hashes of a block on average; 3 kW for an hour at 20 tenge cost 60.
func TestNet(t *testing.T) {
	w := tune.Window{RateMHs: 100_000_000, Watts: 3000}
	got, err := terms(t, "58500000", 2000).Net(w)
	blocks := 3.6e17 / (150e12 * (1 << 48) / 65535)
	want := farm.MicroTiyn(blocks*3.15*58_500_000*100*1e6) - 60*100*1e6
	if err != nil || got-want > 20_000 || want-got > 20_000 {
		t.Errorf("%d, want %d, %v", got, want, err)
	}
	free, _ := terms(t, "58500000", 0).Net(w)
	if free-got != 60*100*1e6 {
		t.Errorf("electricity costs %d", free-got)
	}
	for _, bad := range []tune.Window{{RateMHs: -1}, {RateMHs: 2_000_000_001}, {Watts: -1}, {Watts: 1_000_001}} {
		if _, err := terms(t, "1", 1).Net(bad); err == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
}

// Every machine is in one part, by the seed and not by its place in the list; another seed draws others.
func TestSplit(t *testing.T) {
	ids := []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"}
	tuned, held := tune.Split(ids, 20, 7)
	backwards := slices.Clone(ids)
	slices.Reverse(backwards)
	again, _ := tune.Split(backwards, 20, 7)
	all := slices.Sorted(slices.Values(slices.Concat(tuned, held)))
	if !slices.Equal(all, ids) || len(held) != 3 || !slices.Equal(tuned, again) {
		t.Errorf("%v %v, from behind %v", tuned, held, again)
	}
	others := 0
	for seed := range uint64(20) {
		if _, h := tune.Split(ids, 20, seed); !slices.Equal(h, held) {
			others++
		}
	}
	if others < 10 {
		t.Errorf("of 20 seeds %d draw others", others)
	}
}

// What the weather gave to everybody is no profile's merit, and what was not measured is not chosen.
func TestBest(t *testing.T) {
	whole := []bool{true, true, true}
	for _, c := range []struct {
		net      []farm.MicroTiyn
		measured []bool
		drift    []farm.MicroTiyn
		want     int
	}{
		{[]farm.MicroTiyn{10, 20, 15}, whole, []farm.MicroTiyn{0, 0, 0}, 1},
		{[]farm.MicroTiyn{10, 20, 15}, whole, []farm.MicroTiyn{0, 12, 0}, 2},
		{[]farm.MicroTiyn{10, 20, 15}, []bool{true, false, true}, []farm.MicroTiyn{0, 0, 0}, 2},
		{[]farm.MicroTiyn{10, 20, 15}, []bool{false, true, true}, []farm.MicroTiyn{0, 0, 0}, 0},
		{[]farm.MicroTiyn{10, 10, 10}, whole, []farm.MicroTiyn{0, 0, 0}, 0},
		{[]farm.MicroTiyn{-30, -20, -25}, whole, []farm.MicroTiyn{0, 0, 0}, 1},
	} {
		if got := tune.Best(c.net, c.measured, c.drift); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
}

// The interval is Welch's: of 2,000 draws without a gain it leaves zero out in about a twentieth, whatever the weather
// adds to everybody; a gain of five deviations is always seen.
func TestTheIntervalIsHonest(t *testing.T) {
	rng := rand.New(rand.NewPCG(25, 1))
	draw := func(n int, gain, scatter float64) (list []tune.Change) {
		for range n {
			before := farm.MicroTiyn(1e9 + 2e8*rng.NormFloat64())
			list = append(list, tune.Change{Before: before,
				After: before + farm.MicroTiyn(3e8+gain+scatter*rng.NormFloat64())})
		}
		return list
	}
	outside := 0
	for range 2000 {
		i, err := tune.GainOf(draw(12, 0, 1e7), draw(4, 0, 2e7))
		if err != nil {
			t.Fatal(err)
		}
		if i.Low > 0 || i.High < 0 {
			outside++
		}
	}
	if outside < 60 || outside > 140 { // 100 ± 4 deviations
		t.Errorf("%d of 2000 intervals leave the truth out", outside)
	}
	for range 200 {
		if i, _ := tune.GainOf(draw(12, 5e7, 1e7), draw(6, 0, 1e7)); i.Low <= 0 || i.Mean < i.Low || i.Mean > i.High {
			t.Errorf("%+v", i)
		}
	}
	if _, err := tune.GainOf(draw(1, 0, 1), draw(5, 0, 1)); err == nil {
		t.Error("one machine has a scatter")
	}
	same := []tune.Change{{1, 3}, {5, 7}}
	if i, err := tune.GainOf(same, same); err != nil || i != (tune.Interval{}) {
		t.Errorf("%+v, %v", i, err)
	}
}

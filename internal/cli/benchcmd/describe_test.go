package benchcmd

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	clusterbench "github.com/aqsha/aqsha/cluster/bench"
	"github.com/aqsha/aqsha/node/bench"
)

// says holds that what a bench printed has some texts, and no figure that is none.
func says(t *testing.T, describe func(io.Writer), wants ...string) {
	t.Helper()
	var out bytes.Buffer
	describe(&out)
	for _, want := range append(wants, "\n") {
		if !strings.Contains(out.String(), want) {
			t.Errorf("want %q in\n%s", want, out.String())
		}
	}
	for _, none := range []string{"NaN", "Inf", "%!"} {
		if strings.Contains(out.String(), none) {
			t.Errorf("%s in\n%s", none, out.String())
		}
	}
}

// Every figure of a result is printed under its name, and what was not measured is left out.
func TestWhatBenchesPrint(t *testing.T) {
	r := bench.Result{Cores: 2, Wallets: 10, RatioToPlain: 0.96, RatioWithIndex: 0.65, KeyCacheHitRate: 0.5, VerifiedEntries: 77,
		StageMicros: map[string]float64{"verify": 5.9}, HalfLoad: bench.Latency{Load: 0.5, P50: 10}}
	says(t, func(w io.Writer) { describeBench(w, r) }, "0.96 of plain", "0.65 of plain", "50 % hits", "latency at 50 %", "5.90 µs", "77 entries")
	var out bytes.Buffer
	if describeBench(&out, r); strings.Contains(out.String(), "grown") {
		t.Error("growth that was not measured is printed")
	}
	r.GrownLiveTokens, r.RatioGrown = 500, 0.82
	says(t, func(w io.Writer) { describeBench(w, r) }, "to 500 live tokens: 0.82")
	says(t, func(w io.Writer) { describeRestart(w, bench.RestartResult{Answered: 9, Found: 8, Lost: 1}) }, "answered before: 9 entries; found: 8; lost: 1")
	says(t, func(w io.Writer) {
		describeSoak(w, bench.SoakResult{Samples: []bench.Sample{{Seconds: 3, LiveTokens: 41}}, VerifiedEntries: 5})
	}, "41", "verified: 5 entries")
	says(t, func(w io.Writer) {
		describeClusterBench(w, []clusterbench.Result{{Validators: 4, PerSecond: 1000, Ratio: 0.5}, {Validators: 7, PerSecond: 600}})
	}, "1000", "Of a second with 7")
	contracts := bench.ContractResult{Units: []bench.UnitCost{{Expression: "a", NanosPerUnit: 3}, {Expression: "b", NanosPerUnit: 9}}}
	says(t, func(w io.Writer) { describeBenchContracts(w, contracts) }, "at most 9 ns (b), at least 3 ns (a)")
	copies := copiesRates{Answered: 12, Lost: 1}
	copies.Acks = [3]float64{1000, 900, 800}
	says(t, copies.describe, "2 of 2 followers acknowledge:      800 payments/s, 0.80", "12 answered in all, 1 lost")
}

// What fails once is not measured.
func TestTimes(t *testing.T) {
	n := 0
	if span, err := timesOf(3, func() error { n++; return nil }); err != nil || n != 3 || span < 0 {
		t.Errorf("%d times, %s, %v", n, span, err)
	}
	broken := errors.New("no")
	if _, err := timesOf(3, func() error { n++; return broken }); !errors.Is(err, broken) || n != 4 {
		t.Errorf("%d times, %v", n, err)
	}
	if _, err := onOneCore(func() (int, error) { return 0, broken }); !errors.Is(err, broken) {
		t.Error(err)
	}
}

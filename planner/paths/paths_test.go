package paths_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/planner/paths"
)

func model(t testing.TB, kind, law string) *paths.Model {
	t.Helper()
	values := map[string]float64{"omega": 0.4, "alpha": 0.08, "beta": 0.89, "nu": 4, "xi": 0.95, "gamma": 0.02}
	if kind == "egarch" {
		values = map[string]float64{"omega": 0.05, "alpha": 0.15, "beta": 0.98, "nu": 4, "xi": 0.95, "gamma": -0.03}
	}
	content, err := json.Marshal(paths.Model{Format: paths.ModelFormat, LastPrice: 95_000, LastDay: "2026-11-20", Model: kind, Law: law, Values: values, HNext: 9})
	if err != nil {
		t.Fatal(err)
	}
	m, err := paths.ReadModel(content)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func months(n int) (days paths.Calendar) {
	for m := range n {
		days = append(days, []int{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}[m%12])
	}
	return days
}

func network(n int) paths.Network {
	net := paths.Defaults
	for range n {
		net.SubsidyBTC = append(net.SubsidyBTC, 3.125)
	}
	return net
}

func Example() {
	net := network(2)
	hashprices, _ := net.Hashprices(context.Background(), paths.Fixed(95_000, 0, months(2)), 1)
	fmt.Printf("%.4f dollars for a TH/s and day\n", hashprices[0])
	// Output: 0.0401 dollars for a TH/s and day
}

// A price that jumps draws machines in, until the hashprice is near the cost of entry; without an answer it stays.
func TestHashpriceCannotStayFarAboveEntry(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const n = 120
		net := network(n)
		net.Elasticity = rapid.Float64Range(0.08, 0.5).Draw(t, "elasticity")
		net.MaxGrowth = rapid.Float64Range(0.06, 0.15).Draw(t, "growth")
		net.Lag = rapid.IntRange(1, 8).Draw(t, "lag")
		net.Improvement = rapid.Float64Range(0, 0.15).Draw(t, "improvement")
		jump := rapid.Float64Range(1, 10).Draw(t, "jump")
		prices := paths.Fixed(95_000, 0, months(n))
		answered, err := net.Hashprices(context.Background(), prices, jump)
		if err != nil {
			t.Fatal(err)
		}
		// After the lag, 2/elasticity and ln(jump)/(growth − attrition − improvement) months, with time to settle: within 40 % for the rest.
		settled := net.Lag + int(math.Log(max(jump, 1)*3)/(net.MaxGrowth-net.Attrition-net.Improvement/12)+2/net.Elasticity) + 8
		for m := settled; m < n; m++ {
			cost, _ := net.Entry(m)
			if answered[m] > 1.4*cost {
				t.Fatalf("month %d: hashprice %.4f, cost of entry %.4f", m, answered[m], cost)
			}
		}
		net.Elasticity = 0
		still, err := net.Hashprices(context.Background(), prices, 10)
		if err != nil {
			t.Fatal(err)
		}
		if cost, _ := net.Entry(n - 1); still[n-1] < 3*cost {
			t.Fatalf("without an answer the hashprice is %.4f, cost of entry %.4f", still[n-1], cost)
		}
	})
}

// When the price falls machines are switched off, so that the hashprice falls by less.
func TestMachinesSwitchOff(t *testing.T) {
	net := network(1)
	prices := paths.Fixed(95_000, 0, months(1))
	before, _ := net.Hashprices(context.Background(), prices, 1)
	after, _ := net.Hashprices(context.Background(), prices, 0.4)
	if ratio := after[0] / before[0]; ratio < 0.45 || ratio > 0.8 {
		t.Fatalf("the price at 40 %%, the hashprice at %.0f %%", 100*ratio)
	}
}

func TestHalvingHalvesIncomeThenDrivesMachinesOut(t *testing.T) {
	net := network(48)
	for m := 12; m < 48; m++ {
		net.SubsidyBTC[m] = 1.5625
	}
	net.Improvement = 0
	prices := paths.Fixed(95_000, 0, months(48))
	h, _ := net.Hashprices(context.Background(), prices, 1)
	if ratio := h[12] / h[11]; ratio < 0.5 || ratio > 0.85 {
		t.Errorf("the month of the halving: %.2f of the one before", ratio)
	}
	if h[47] < h[12] {
		t.Errorf("the hashprice falls on after the halving: %v, then %v", h[12], h[47])
	}
}

// The expected price grows as asked, volatility is the model's, and heavy tails are there.
func TestSimulatedPricesAreTheModels(t *testing.T) {
	days := paths.Calendar{1, 1}
	for _, kind := range []string{"garch", "gjr", "egarch"} {
		for _, law := range []string{"normal", "t", "skewt"} {
			m := model(t, kind, law)
			p, err := m.Simulate(context.Background(), 100, 0, days, 200_000, 1)
			if err != nil {
				t.Fatal(err)
			}
			sum, square, far := 0.0, 0.0, 0
			for i := range p.Paths {
				r := 100 * math.Log(p.Mean[2*i+1]/100)
				sum += r
				square += r * r
				if math.Abs(r) > 12 { // four standard deviations
					far++
				}
			}
			n := float64(p.Paths)
			mean, sd := sum/n, math.Sqrt(square/n)
			if math.Abs(mean+9.0/200) > 0.03 || math.Abs(sd-3) > 0.06 {
				t.Errorf("%s %s: mean %.4f, deviation %.4f", kind, law, mean, sd)
			}
			if heavy := far > 200; heavy != (law != "normal") {
				t.Errorf("%s %s: %d of 200,000 days beyond four deviations", kind, law, far)
			}
		}
	}
	p, err := model(t, "garch", "normal").Simulate(context.Background(), 100, 0.2, months(12), 20_000, 7)
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, v := range p.Final {
		sum += v / float64(p.Paths)
	}
	if math.Abs(sum-120) > 4 {
		t.Errorf("a price that grows by 20 %% a year is %.2f after one, from 100", sum)
	}
}

// A path does not depend on how many there are.
func TestPathsAreTheirOwn(t *testing.T) {
	m := model(t, "gjr", "t")
	few, _ := m.Simulate(context.Background(), 100, 0, months(3), 10, 5)
	many, _ := m.Simulate(context.Background(), 100, 0, months(3), 1000, 5)
	other, _ := m.Simulate(context.Background(), 100, 0, months(3), 10, 6)
	for i, v := range few.Mean {
		if many.Mean[i] != v {
			t.Fatalf("month %d of path %d: %v among ten, %v among a thousand", i%3, i/3, v, many.Mean[i])
		}
	}
	if other.Final[0] == few.Final[0] {
		t.Error("another seed gives the same path")
	}
}

func TestReplayIsHistory(t *testing.T) {
	history := make([]float64, 200)
	for i := range history {
		history[i] = 10 * math.Exp(float64(i)/100)
	}
	p := paths.Replay(50, history, paths.Calendar{30, 31})
	if p.Paths != 5 || math.Abs(p.Final[0]-50*math.Exp(0.61)) > 1e-9 || math.Abs(p.Final[3]-p.Final[0]) > 1e-9 {
		t.Fatalf("%d paths, final %v", p.Paths, p.Final)
	}
}

// What "aqsha market garch --json" prints will do as well; it has no last price.
func TestReadsAWholeFit(t *testing.T) {
	m, err := paths.ReadModel([]byte(`{"origin":{},"fit":{"spec":{"model":"gjr","law":"t"},"parameters":[{"name":"omega","value":0.3},{"name":"alpha","value":0.05},{"name":"gamma","value":0.02},{"name":"beta","value":0.9},{"name":"nu","value":4}],"h_next":6.5}}`))
	if err != nil || m.Model != "gjr" || m.Values["gamma"] != 0.02 || m.HNext != 6.5 || m.LastPrice != 0 {
		t.Fatalf("%+v, %v", m, err)
	}
	if _, err := paths.ReadModel([]byte(`{"fit":{}}`)); err == nil {
		t.Fatal("an empty fit was accepted")
	}
}

// A step other than a day's, and a fit that stopped short of an optimum, are refused in both forms of the file.
func TestReadsOnlyDailyModelsThatConverged(t *testing.T) {
	const values = `"model":"garch","law":"normal","values":{"omega":0.3,"alpha":0.05,"beta":0.9},"h_next":6.5`
	const fit = `"spec":{"model":"garch","law":"normal"},"parameters":[{"name":"omega","value":0.3},` +
		`{"name":"alpha","value":0.05},{"name":"beta","value":0.9}],"h_next":6.5`
	for annual, ok := range map[string]bool{"365": true, "365.25": true, "8760": false, "52": false, "12": false,
		"252": false, "-1": false, "1e300": false} {
		for name, file := range map[string]string{
			"parameters": `{"format":"aqsha-market-parameters/1","origin":{"annualisation":` + annual + `},` + values + `}`,
			"fit":        `{"origin":{"annualisation":` + annual + `},"fit":{` + fit + `}}`,
		} {
			if _, err := paths.ReadModel([]byte(file)); (err == nil) != ok {
				t.Errorf("%s of %s returns a year: %v", name, annual, err)
			}
		}
	}
	for name, file := range map[string]string{
		"parameters": `{"format":"aqsha-market-parameters/1","converged":%,` + values + `}`,
		"fit":        `{"fit":{"convergence":{"converged":%},` + fit + `}}`,
	} {
		if _, err := paths.ReadModel([]byte(strings.Replace(file, "%", "true", 1))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := paths.ReadModel([]byte(strings.Replace(file, "%", "false", 1))); err == nil {
			t.Errorf("%s of a fit that did not converge was accepted", name)
		}
	}
}

func FuzzReadModel(f *testing.F) {
	f.Add([]byte(`{"format":"aqsha-market-parameters/1","last_price":1,"h_next":1,"model":"garch","law":"t","values":{"omega":1,"alpha":0.1,"beta":0.8,"nu":3}}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		m, err := paths.ReadModel(content)
		if err != nil {
			return
		}
		p, err := m.Simulate(context.Background(), 100, 0, paths.Calendar{5}, 3, 1)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range p.Mean {
			if math.IsNaN(v) || v < 0 {
				t.Fatalf("%s gives a price of %v", content, v)
			}
		}
	})
}

func BenchmarkSimulate(b *testing.B) {
	m, net := model(b, "garch", "t"), network(60)
	for b.Loop() {
		p, err := m.Simulate(context.Background(), 95_000, 0, months(60), 10_000, 1)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := net.Hashprices(context.Background(), p, 1); err != nil {
			b.Fatal(err)
		}
	}
}

package usage

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/market"
	"github.com/aqsha/aqsha/market/stats"
	"github.com/aqsha/aqsha/market/synthetic"
	"github.com/aqsha/aqsha/words"
)

// A dead machine lost time, not speed.
func TestDeadMachineIsAnExtensiveReserve(t *testing.T) {
	c, err := Machine{Name: "dead", CalendarHours: 720, NormTHs: 100}.Use()
	if err != nil || c.Extensive != 72_000 || c.Intensive != 0 || c.Int != 0 || c.Ext != 0 {
		t.Errorf("%+v, %v", c, err)
	}
	slow, err := Machine{Name: "slow", CalendarHours: 740, RepairHours: 20, HoursFact: 720, NormTHs: 100, FactTHs: 90,
		NormJTH: 30, FactJTH: 33}.Use()
	if err != nil || slow.Extensive != 0 || slow.Intensive != 7_200 || math.Abs(slow.Efficiency-30.0/33) > 1e-12 {
		t.Errorf("%+v, %v", slow, err)
	}
	if _, err := (Machine{Name: "none"}).Use(); err == nil {
		t.Error("a machine without hours accepted")
	}
}

// The parts of the reserve add up to norm − fact, and the site's integral
// coefficient is fact over norm.
func TestReserveAddsUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 8).Draw(t, "n")
		var machines []Machine
		norm, fact := 0.0, 0.0
		for range n {
			m := Machine{CalendarHours: 720, RepairHours: rapid.Float64Range(0, 100).Draw(t, "repair"),
				HoursFact: rapid.Float64Range(0, 720).Draw(t, "hours"),
				NormTHs:   rapid.Float64Range(1, 200).Draw(t, "norm"),
				FactTHs:   rapid.Float64Range(0, 200).Draw(t, "fact")}
			machines = append(machines, m)
			norm += m.norm() * m.NormTHs
			fact += m.HoursFact * m.FactTHs
		}
		c, err := Site(machines)
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(c.Extensive+c.Intensive-(norm-fact)) > 1e-6*norm || math.Abs(c.Integral-fact/norm) > 1e-9 {
			t.Fatalf("%+v, norm %v, fact %v", c, norm, fact)
		}
	})
}

func TestEnergyOfOneDevice(t *testing.T) {
	var b strings.Builder
	b.WriteString("date,PriceUSD,HashRate,IssTotNtv,FeeTotNtv\n")
	for i := range 20 {
		b.WriteString(time.Date(2020, 1, 1+i, 0, 0, 0, 0, time.UTC).Format(time.DateOnly) + ",10000,1000000,900,0\n")
	}
	table, err := market.Parse("n.csv", []byte(b.String()), market.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	// 50 J/TH × 1e6 TH/s = 50 MW; × 8,766 h = 0.4383 TWh.
	devices := []Device{{"a", time.Date(2019, 1, 1, 0, 0, 0, 0, time.UTC), 50},
		{"later", time.Date(2021, 1, 1, 0, 0, 0, 0, time.UTC), 20}}
	e, err := Estimate(table, devices, Overheads{0.05, 1, 1, 1.2}, "", "")
	if err != nil || len(e) != 7 || math.Abs(e[0].BestTWh-0.4383) > 1e-9 || math.Abs(e[0].HighTWh-1.2*0.4383) > 1e-9 ||
		e[0].Profitable != 1 {
		t.Fatalf("%+v, %v", e, err)
	}
	// 50 MW × 24 h × 0.05 USD/kWh / 900 coins.
	if want := 50_000 * 24 * 0.05 / 900; math.Abs(e[0].BestUSD-want) > 1e-9 {
		t.Errorf("a coin costs %v, want %v", e[0].BestUSD, want)
	}
	if _, err := Estimate(table, devices, Overheads{}, "", ""); err == nil {
		t.Error("free electricity accepted")
	}
}

// Against Cambridge's own series: the same method on a shorter device list
// stays within a factor of 1.6 and moves with it.
func TestEnergyAgainstCambridge(t *testing.T) {
	dir := filepath.Join("..", "..", "..", "shared", "data")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("the folder of real extracts is not here")
	}
	s, err := OfFolder(Options{Dir: dir, From: "2016-01-01", To: "2021-08-31", Overheads: CBECI, Country: "Kazakhstan"})
	if err != nil {
		t.Fatal(err)
	}
	table, err := market.ReadFile(filepath.Join(dir, "cbeci_consumption_twh.csv"), market.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	theirs, _ := table.Series("twh_at_0.05")
	ours := market.Series{}
	for _, e := range s.Energy {
		at, _ := time.Parse(time.DateOnly, e.Day)
		ours.Times, ours.Values = append(ours.Times, at), append(ours.Values, e.BestTWh)
		if !(e.LowTWh <= e.BestTWh && e.BestTWh <= e.HighTWh) {
			t.Fatalf("%+v", e)
		}
	}
	_, v := market.Align(ours, theirs)
	var ratios []float64
	for i := range v[0] {
		ratios = append(ratios, v[0][i]/v[1][i])
	}
	sorted := stats.Sorted(ratios)
	t.Logf("ours over theirs: median %.3f, 5 %% %.3f, 95 %% %.3f, correlation %.4f", stats.Quantile(sorted, 0.5),
		stats.Quantile(sorted, 0.05), stats.Quantile(sorted, 0.95), stats.Correlation(v[0], v[1]))
	if m := stats.Quantile(sorted, 0.5); m < 0.7 || m > 1.6 || stats.Correlation(v[0], v[1]) < 0.95 {
		t.Errorf("median ratio %v", m)
	}
	if len(s.Months) != 24 || math.Abs(s.Months[23].SharePct-18.1) > 1e-9 {
		t.Errorf("%+v", s.Months)
	}
}

func TestMissingColumnsAreNotAvailable(t *testing.T) {
	dir := t.TempDir()
	if err := synthetic.Write(dir); err != nil {
		t.Fatal(err)
	}
	s, err := OfFolder(Options{Dir: dir, From: "2018-01-01", To: "2018-12-31", Overheads: CBECI, Country: "Steppeland"})
	if err != nil {
		t.Fatal(err)
	}
	late, early := s.Systems[0], s.Systems[1]
	for _, key := range []string{"network K_int", "network K", "currency K_ext", "velocity", "median fee"} {
		if _, ok := late.Values[key]; ok {
			t.Errorf("%s has a value without its column", key)
		}
	}
	if early.Values["velocity"] <= 0 || late.Values["network K_ext"] <= 0 ||
		late.Values["electricity per payment"] <= 0 {
		t.Errorf("%+v", s.Systems)
	}
	var b strings.Builder
	s.Print(&b, words.English)
	if !strings.Contains(b.String(), "not available") || strings.Contains(b.String(), "NaN") {
		t.Error(b.String())
	}
	if _, err := json.Marshal(s); err != nil {
		t.Error(err)
	}
	if _, err := OfFolder(Options{Dir: t.TempDir(), Overheads: CBECI}); err == nil {
		t.Error("an empty folder gave a study")
	}
}

func TestTengeFromANode(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/v1/supply":
			_, _ = w.Write([]byte(`{"circulating": 1000000, "wallets": 40}`))
		case "/v1/blocks":
			_, _ = w.Write([]byte(`[{"height":3,"time_millis":20000,"count":60},{"height":2,"time_millis":10000,"count":40},{"height":1,"time_millis":0,"count":7}]`))
		case "/v1/followers":
			_, _ = w.Write([]byte(`{"followers":["a","b"],"acks":1}`))
		case "/v1/authority":
			_, _ = w.Write([]byte(`{"sets":[{"threshold":3},{"threshold":2},{"threshold":2},{"threshold":4}]}`))
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer server.Close()
	stats, err := FetchTenge(context.Background(), server.Client(), server.URL)
	if err != nil || *stats.Transactions != 100 || *stats.SpanSeconds != 20 || *stats.Wallets != 40 {
		t.Fatalf("%+v, %v", stats, err)
	}
	if *stats.Nodes != 3 || *stats.BusiestPerSecond != 60 || *stats.KeysOfFraud != 2 {
		t.Errorf("nodes %v, busiest second %v, keys %v", *stats.Nodes, *stats.BusiestPerSecond, *stats.KeysOfFraud)
	}
	s := stats.System(450, time.Unix(0, 0))
	for _, daily := range []string{"transactions", "capacity reserve", "velocity"} {
		if v, ok := s.Values[daily]; ok {
			t.Errorf("%s is %g, from twenty seconds", daily, v)
		}
	}
	day := 86400.0
	stats.SpanSeconds = &day
	if s = stats.System(450, time.Unix(0, 0)); s.Values["transactions"] != 100 {
		t.Errorf("%+v", s)
	}
	if _, ok := s.Values["velocity"]; ok {
		t.Error("a velocity without values")
	}
	full, err := ReadTenge([]byte(`{"node":"file","circulating_tiyn":1e9,"wallets":100,"active_wallets":50,"transactions":1000,"value_tiyn":1e7,"span_seconds":86400,"fee_tiyn":0,"power_watts":200,"capacity_per_second":1000}`))
	if err != nil {
		t.Fatal(err)
	}
	c := full.System(450, time.Unix(0, 0))
	if c.Values["currency K_ext"] != 0.5 || math.Abs(c.Values["velocity"]-3.65) > 1e-9 ||
		c.Values["fee over value"] != 0 || math.Abs(c.Values["electricity per payment"]-0.0048) > 1e-9 {
		t.Errorf("%+v", c.Values)
	}
	if _, err := ReadTenge([]byte("{")); err == nil {
		t.Error("half a file accepted")
	}
}

// node answers with the daily series given and little else.
func node(t *testing.T, series map[string]string) TengeStats {
	t.Helper()
	stats, err := nodeWith(t, series)
	if err != nil {
		t.Fatal(err)
	}
	return stats
}

func nodeWith(t *testing.T, series map[string]string) (TengeStats, error) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		measure, daily := strings.CutPrefix(r.URL.Path, "/v1/series/")
		switch answer, ok := series[measure]; {
		case daily && ok && r.URL.Query().Get("step") == "day" && r.URL.Query().Get("from") != "":
			_, _ = w.Write([]byte(`{"measure":"` + measure + `","step":"day","rows":[` + answer + `]}`))
		case r.URL.Path == "/v1/supply":
			_, _ = w.Write([]byte(`{"circulating": 9000000, "wallets": 200}`))
		case r.URL.Path == "/v1/blocks":
			_, _ = w.Write([]byte(`[]`))
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer server.Close()
	return FetchTenge(context.Background(), server.Client(), server.URL)
}

// Figures of a day come from the node's daily series: over the days on which all
// measures are shown, the suppressed ones counted and told apart.
func TestDailyFiguresOfANode(t *testing.T) {
	hidden := `{"date":"2026-11-02","suppressed":true}`
	series := map[string]string{
		"payments": `{"date":"2026-11-01","value":300},` + hidden + `,{"date":"2026-11-03","value":100}`,
		"value":    `{"date":"2026-11-01","value":6000000},` + hidden + `,{"date":"2026-11-03","value":2000000}`,
		"active":   `{"date":"2026-11-01","value":50},` + hidden + `,{"date":"2026-11-03","value":30}`,
		"held":     `{"date":"2026-11-01","value":8000000},{"date":"2026-11-02","value":70000000},{"date":"2026-11-03","value":8000000},{"date":"2026-11-04","value":1}`,
	}
	stats := node(t, series)
	d := stats.Days
	if d == nil || d.Shown != 2 || d.Suppressed != 1 || d.From != "2026-11-01" || d.To != "2026-11-03" ||
		*d.Payments != 200 || *d.HeldTiyn != 8e6 {
		t.Fatalf("%+v", d)
	}
	s := stats.System(500, time.Unix(0, 0))
	for key, want := range map[string]float64{"transactions": 200, "currency K_ext": 0.2, "velocity": 182.5,
		"value per active address": 2} {
		if math.Abs(s.Values[key]-want) > 1e-9 {
			t.Errorf("%s is %v, not %v", key, s.Values[key], want)
		}
	}
	if len(s.Remarks) != 1 || !strings.Contains(s.Remarks[0], "2 days from 2026-11-01") ||
		!strings.Contains(s.Remarks[0], "1 days of few wallets are suppressed") {
		t.Errorf("%v", s.Remarks)
	}
	// All days suppressed: no figure, and it says so; no day over: nothing; an older node: nothing.
	all := map[string]string{"payments": hidden, "value": hidden, "active": hidden,
		"held": `{"date":"2026-11-02","value":7}`}
	stats = node(t, all)
	if s := stats.System(500, time.Unix(0, 0)); stats.Days == nil || stats.Days.Payments != nil || len(s.Values) != 0 ||
		len(s.Remarks) != 1 {
		t.Errorf("%+v %+v", stats.Days, s)
	}
	if stats = node(t, map[string]string{"payments": "", "value": "", "active": "", "held": ""}); stats.Days != nil {
		t.Errorf("%+v", stats.Days)
	}
	if stats = node(t, map[string]string{"payments": hidden}); stats.Days != nil {
		t.Errorf("%+v", stats.Days)
	}
	for _, bad := range []string{`{"date":"2026-11-01","value":-1}`, `{"date":"x","value":1}`, `{"date":"2026-11-01"}`,
		`{"date":"2026-11-01","value":1e300}`,
		// no older node: one whose answer is cut, or is of another shape
		`{"date":"2026-11-01",`, `{"date":7,"value":1}`, `7`,
		`{"date":"2026-11-01","value":1},{"date":"2026-11-01","value":1}`,
		`{"date":"2026-11-01","of":"bank","value":1}`, `{"date":"2026-11-01","value":1,"suppressed":true}`} {
		series["active"] = bad
		if _, err := nodeWith(t, series); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
}

func FuzzReadMachines(f *testing.F) {
	f.Add([]byte(strings.Join(machineHeader, ",") + "\na,720,0,0,700,100,95,30,31\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		machines, err := ReadMachines(data)
		if err != nil || len(machines) == 0 {
			return
		}
		if _, err := ReservesOf(machines, 450, 1e8, 1e7); err != nil {
			t.Fatal(err)
		}
	})
}

// The cost of machines that pay is below the price by construction; the fleet's
// is not. A list that ended long ago marks what is drawn out from it.
func TestCostIsHeldAgainstPriceWithoutTautology(t *testing.T) {
	var b strings.Builder
	b.WriteString("time,PriceUSD,HashRate,IssTotNtv,FeeTotNtv\n")
	for i := range 900 {
		price := 100.0
		if i >= 600 { // the price halves, the fleet stays
			price = 45
		}
		fmt.Fprintf(&b, "%s,%g,1000000,1800,0\n", time.Date(2020, 1, 1+i, 0, 0, 0, 0, time.UTC).Format(time.DateOnly),
			price)
	}
	table, err := market.Parse("n.csv", []byte(b.String()), market.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	released := time.Date(2019, 6, 1, 0, 0, 0, 0, time.UTC)
	devices := []Device{{"lean", released, 40}, {"hungry", released, 120}}
	energy, err := Estimate(table, devices, CBECI, "", "")
	if err != nil {
		t.Fatal(err)
	}
	// 80 J/TH · 10⁶ TH/s · 1.1 = 88 MW = 2,112,000 kWh a day at 0.05 over 1,800 coins.
	want := 80 * 1e6 * 1.1 * 24 / 1000 * 0.05 / 1800
	above := 0
	for _, e := range energy {
		if math.Abs(e.FleetUSD-want) > 1e-6*want {
			t.Fatalf("%s: %v, want %v", e.Day, e.FleetUSD, want)
		}
		if e.FleetUSD > e.Price {
			above++
		}
		// revenue is smoothed over 14 days
		if fell := e.Day >= "2021-08-23" && e.Day <= "2021-09-05"; !fell && e.Profitable > 0 && e.BestUSD > e.Price {
			t.Errorf("%s: machines that pay cost %v at a price of %v", e.Day, e.BestUSD, e.Price)
		}
		if days := e.ListDays; e.Extrapolated != (days > 365) || days < 200 {
			t.Errorf("%s: %+v", e.Day, e)
		}
	}
	if above != 300 || !energy[len(energy)-1].Extrapolated || energy[0].Extrapolated {
		t.Errorf("above on %d days", above)
	}
	var out strings.Builder
	Study{Energy: energy, Overheads: CBECI}.Print(&out, words.English)
	for _, want := range []string{"EXTRAPOLATED", "more than its price on 300 of",
		"device list is more than a year old"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in %s", want, out.String())
		}
	}
}

// Size says weight exactly before segregated witness and bounds it after.
func TestIntensityFromBlockSize(t *testing.T) {
	at := func(year int) System {
		var b strings.Builder
		b.WriteString("time,PriceUSD,BlkCnt,TxCnt,BlkSizeMeanByte\n")
		for i := range 60 {
			fmt.Fprintf(&b, "%s,600,144,200000,800000\n",
				time.Date(year, 1, 1+i, 0, 0, 0, 0, time.UTC).Format(time.DateOnly))
		}
		table, err := market.Parse("n.csv", []byte(b.String()), market.ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return Network("Bitcoin", table, fmt.Sprintf("%d-01-01", year), fmt.Sprintf("%d-02-28", year), 144, nil)
	}
	old, today := at(2016).Values, at(2024).Values
	if old["network K_int"] != 0.8 || old["capacity"] != 250000 || math.Abs(old["capacity reserve"]-50000) > 1e-6 ||
		old["time to finality"] != 60 {
		t.Errorf("%v", old)
	}
	if _, known := today["network K_int"]; known || today["network K_int at least"] != 0.2 ||
		today["network K_int at most"] != 0.8 {
		t.Errorf("%v", today)
	}
}

// FuzzReadTenge: whatever a node's statistics say, no figure of the table is no
// number or endless.
func FuzzReadTenge(f *testing.F) {
	f.Add([]byte(`{"node":"file","circulating_tiyn":1e9,"wallets":100,"active_wallets":50,"transactions":1000,"value_tiyn":1e7,"span_seconds":86400,"fee_tiyn":0,"power_watts":200,"capacity_per_second":1000}`), 450.0)
	f.Add([]byte(`{"wallets":10,"capacity_per_second":1,"fee_tiyn":1,"days":{"payments":1,"value_tiyn":5,"active_wallets":2,"held_tiyn":0}}`), 450.0)
	f.Add([]byte(`{"days":{"payments":-1,"value_tiyn":5,"active_wallets":2,"held_tiyn":3}}`), 450.0)
	f.Add([]byte(`{"transactions":1e308,"span_seconds":1e-300,"capacity_per_second":-1e308,"block_seconds":1e308}`),
		1e-308)
	f.Fuzz(func(t *testing.T, data []byte, rate float64) {
		stats, err := ReadTenge(data)
		if err != nil {
			return
		}
		for key, v := range stats.System(rate, time.Unix(0, 0)).Values {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				t.Fatalf("%s is %g", key, v)
			}
		}
	})
}

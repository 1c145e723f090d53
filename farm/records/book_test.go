package records_test

import (
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/records"
	"github.com/aqsha/aqsha/farm/simulate/past"
	"github.com/aqsha/aqsha/farm/telemetry"
	"github.com/aqsha/aqsha/farm/usage"
)

var almaty = time.FixedZone("+05:00", 5*3600)

func code(err error) string {
	var refusal *farm.Error
	if errors.As(err, &refusal) {
		return refusal.Code
	}
	return ""
}

// lived is a farm of seven simulated machines over some days.
func lived(t *testing.T, days int) (dir string, from time.Time) {
	t.Helper()
	dir, from = t.TempDir(), time.Date(2026, 10, 1, 0, 0, 0, 0, almaty)
	if err := past.Write(t.Context(), dir, past.Options{Machines: 7, Seed: 4, From: from, To: from.AddDate(0, 0, days), Interval: 5 * time.Minute, Faults: true}); err != nil {
		t.Fatal(err)
	}
	return dir, from
}

func openReader(t *testing.T, dir string) *records.Records {
	t.Helper()
	b, err := records.OpenReader(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

// The account of a month adds up at every level, and is the same from polls and from sums.
func TestAccountAddsUp(t *testing.T) {
	dir, from := lived(t, 6)
	b := openReader(t, dir)
	if !b.Store.HasRollup(usage.At(from).Floor(usage.Day)) {
		t.Fatal("no day is summed up")
	}
	begin := usage.At(from)
	a, err := b.Account(t.Context(), "*", begin, begin+6*usage.Day, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Machines) != 7 || len(a.Days) != 6 || a.Unpriced != 0 {
		t.Fatalf("%d machines, %d days, %d unpriced", len(a.Machines), len(a.Days), a.Unpriced)
	}
	for _, by := range records.By {
		groups, err := b.Groups(a, by)
		if err != nil {
			t.Fatal(err)
		}
		var sum usage.Totals
		machines := 0
		for i := range groups {
			machines += groups[i].Machines
			if err := sum.Merge(&groups[i].Totals); err != nil {
				t.Fatal(err)
			}
		}
		if sum != a.Whole || machines != 7 {
			t.Errorf("by %s: parts do not add up to the whole", by)
		}
	}
	// Two halves are the whole.
	var halves usage.Totals
	for _, span := range [][2]usage.Instant{{begin, begin + 3*usage.Day}, {begin + 3*usage.Day, begin + 6*usage.Day}} {
		half, err := b.Account(t.Context(), "*", span[0], span[1], nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := halves.Merge(&half.Whole); err != nil {
			t.Fatal(err)
		}
	}
	if halves != a.Whole {
		t.Error("two halves are not the whole")
	}
	// The planned stop is there, and nearly all of the nameplate's time is accounted for.
	if a.Whole.Work[usage.CausePlanned].Sign() <= 0 || a.Whole.Work[usage.Accepted].Sign() <= 0 {
		t.Errorf("planned %v, accepted %v", a.Whole.Work[usage.CausePlanned], a.Whole.Work[usage.Accepted])
	}
	want := new(big.Int)
	for _, m := range b.Fleet.Machines {
		rate, _, _ := m.Nameplate()
		want.Add(want, new(big.Int).Mul(big.NewInt(rate*1_000_000), big.NewInt(6*86_400)))
	}
	if ppm, _ := a.Whole.Nameplate().RatioPPM(total(t, want)); ppm < 999_000 || ppm > 1_000_000 {
		t.Errorf("%d ppm of the nameplate's time are accounted for", ppm)
	}
	polled, summed, err := b.CheckSums(t.Context(), begin, begin+6*usage.Day)
	if err != nil || polled < 6 || summed != 0 {
		t.Errorf("%d days derived from polls, %d from sums, %v", polled, summed, err)
	}
}

func total(t *testing.T, n *big.Int) (out farm.Total) {
	t.Helper()
	if err := out.UnmarshalText([]byte(n.String())); err != nil {
		t.Fatal(err)
	}
	return out
}

// A sum that is not what the polls give is named.
func TestForgedSumsAreSeen(t *testing.T) {
	dir, from := lived(t, 5)
	day := usage.At(from).Floor(usage.Day) + usage.Day
	writer, err := records.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "samples", "rollup", itoa(int64(day/usage.Day)))
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	err = writer.Store.WriteRollup(day, func(uint32) ([]usage.Cell, error) {
		cells := usage.NewCells(day, day+usage.Day, usage.Grid).Cells
		cells[0].Work[usage.Accepted] = 1
		return cells, nil
	})
	if err := errors.Join(err, writer.Close()); err != nil {
		t.Fatal(err)
	}
	b := openReader(t, dir)
	if _, _, err := b.CheckSums(t.Context(), usage.At(from), usage.At(from)+5*usage.Day); code(err) != "sum-differs" {
		t.Errorf("a forged sum: %v", err)
	}
}

func itoa(n int64) string { return big.NewInt(n).String() }

func TestMarks(t *testing.T) {
	dir, from := lived(t, 5)
	b := openReader(t, dir)
	at := usage.At(from)
	for want, m := range map[string]records.Annotation{
		"day-closed": {Annotation: usage.Annotation{From: at, To: at + usage.Hour, State: usage.Repair}, Selector: "*"},
		"bad-time":   {Annotation: usage.Annotation{From: at + usage.Hour, To: at, State: usage.Repair}, Selector: "*"},
		"no-machine": {Annotation: usage.Annotation{From: at + 4*usage.Day, To: at + 5*usage.Day, State: usage.Repair}, Selector: "nowhere"},
	} {
		if err := b.Annotate(m); code(err) != want {
			t.Errorf("%s: %v", want, err)
		}
	}
	good := records.Annotation{Annotation: usage.Annotation{From: at + 4*usage.Day, To: at + 4*usage.Day + usage.Hour, State: usage.Repair}, Selector: "simulated/c1", Why: "fans, all of them"}
	if err := b.Annotate(good); err != nil {
		t.Fatal(err)
	}
	again := openReader(t, dir)
	if !slices.Contains(again.Annotations, good) {
		t.Errorf("marks %v", again.Annotations)
	}
}

func TestReconcile(t *testing.T) {
	dir, from := lived(t, 4)
	b := openReader(t, dir)
	a, err := b.Account(t.Context(), "*", usage.At(from), usage.At(from)+4*usage.Day, nil)
	if err != nil {
		t.Fatal(err)
	}
	energy, err := b.Reconcile(a)
	if err != nil || len(energy) != 1 {
		t.Fatal(energy, err)
	}
	e := energy[0]
	if e.Metered <= 0 || e.ByMachine+e.ByMeter+e.ByNameplate+e.Overhead != e.Metered {
		t.Errorf("the parts do not add up to the meter: %+v", e)
	}
	if share := float64(e.Overhead) / float64(e.Metered); share < 0.02 || share > 0.09 {
		t.Errorf("overhead is %.3f of the meter, 0.057 was made", share)
	}
	b.Meters = b.Meters[1:] // a day is missing: no meter covers the span
	energy, err = b.Reconcile(a)
	if err != nil || energy[0].Metered != usage.Unknown || energy[0].ByNameplate == 0 {
		t.Errorf("%+v, %v", energy, err)
	}
}

func TestConfig(t *testing.T) {
	for text, want := range map[string]string{
		"name = \"x\"":                         "",
		"interval = \"10s\"\ntimeout = \"2s\"": "",
		"colour = \"red\"":                     "unknown-setting",
		"zone = \"Almaty\"":                    "bad-setting",
		"zone = \"+05:30\"":                    "bad-setting",
		"interval = \"1h\"":                    "bad-setting",
		"timeout = \"40s\"":                    "bad-setting",
		"tariff_kzt = \"cheap\"":               "bad-setting",
		"webhooks = [\"ftp://x\"]":             "bad-setting",
		"step_kw = 0":                          "bad-setting",
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "farm.toml"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := records.ReadConfig(dir); code(err) != want || (want == "" && err != nil) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	c, err := records.ReadConfig(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	from, to, err := c.Month("2026-10")
	if err != nil || from.Time() != time.Date(2026, 9, 30, 19, 0, 0, 0, time.UTC) || to-from != 31*usage.Day {
		t.Errorf("October is %v to %v, %v", from.Time(), to.Time(), err)
	}
	if _, _, err := c.Month("October"); code(err) != "bad-time" {
		t.Error("a month in words")
	}
}

func TestBadTables(t *testing.T) {
	for name, cases := range map[string]map[string]string{
		"marks.csv":  {"a,b\n": "header", "from,to,selector,state,why\n1,2,*,planned,x\n": "bad-time", "from,to,selector,state,why\n2026-10-01T00:00:00Z,2026-10-02T00:00:00Z,*,tired,x\n": "unknown-state"},
		"prices.csv": {"from,difficulty,reward_btc,bitcoin_kzt\n2026-10-01T00:00:00Z,x,3,5\n": "not-a-number", "from,difficulty,reward_btc,bitcoin_kzt\n2026-10-01T00:00:00Z,0,3,5\n": "farm-out-of-range"},
		"meter.csv":  {"from,to,site,kwh\n2026-10-01T00:00:00Z,2026-10-02T00:00:00Z,s,much\n": "not-a-number", "from,to,site,kwh\n2026-10-01T00:00:00Z,2026-10-02T00:00:00Z\n": "csv"},
	} {
		for text, want := range cases {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			if _, err := records.OpenReader(dir); code(err) != want {
				t.Errorf("%s %q: %v, want %s", name, text, err, want)
			}
		}
	}
}

// A machine that is never heard of is lost from its first day on, and one that joined later only from then.
func TestSilentMachines(t *testing.T) {
	dir := t.TempDir()
	b, err := records.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	day := usage.Instant(20_500) * usage.Day
	machines := []fleet.Machine{
		{ID: "old", Protocol: "luxos", Address: "10.0.0.1", Model: "Antminer S19", Since: int64(day / usage.Second)},
		{ID: "new", Protocol: "luxos", Address: "10.0.0.2", Model: "Antminer S19", Since: int64((day + 6*usage.Hour) / usage.Second)},
		{ID: "talks", Protocol: "luxos", Address: "10.0.0.3", Model: "Antminer S19", Since: int64(day / usage.Second)},
	}
	if _, _, err := b.Fleet.Merge(machines); err != nil {
		t.Fatal(err)
	}
	numbers, err := b.Store.Numbers([]string{"old", "new", "talks"})
	if err != nil {
		t.Fatal(err)
	}
	for at := day; at <= day+12*usage.Hour; at += usage.Minute {
		p := usage.Poll{At: at, Elapsed: int64(at-day) / 10, NameplateMHs: 95e6, TotalMH: int64(at-day) * 95e5, AcceptedMH: int64(at-day) * 95e5, CapPermille: 1000, PoolAlive: true}
		if _, err := b.Store.Append([]telemetry.Row{{Machine: numbers[2], Poll: p}}); err != nil {
			t.Fatal(err)
		}
	}
	a, err := b.Account(t.Context(), "*", day, day+usage.Day, nil)
	if err != nil {
		t.Fatal(err)
	}
	hours := func(id string, s usage.State) int64 { return int64(a.Machines[id].Time[s] / usage.Hour) }
	if hours("old", usage.Lost) != 12 || hours("new", usage.Lost) != 6 || hours("talks", usage.Running) != 12 || hours("talks", usage.Lost) != 0 {
		t.Errorf("old %v, new %v, talks %v", a.Machines["old"].Time, a.Machines["new"].Time, a.Machines["talks"].Time)
	}
	if a.Unpriced == 0 {
		t.Error("there is a price from nowhere")
	}
	if _, err := b.Account(t.Context(), "*", day+1, day+usage.Day, nil); code(err) != "bad-time" {
		t.Errorf("a part of an hour: %v", err)
	}
}

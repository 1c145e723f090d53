package book_test

import (
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/book"
	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/sample"
	"github.com/aqsha/aqsha/farm/simulate/past"
	"github.com/aqsha/aqsha/farm/use"
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

func openReader(t *testing.T, dir string) *book.Book {
	t.Helper()
	b, err := book.OpenReader(dir)
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
	if !b.Store.HasRollup(use.At(from).Floor(use.Day)) {
		t.Fatal("no day is summed up")
	}
	begin := use.At(from)
	a, err := b.Account(t.Context(), "*", begin, begin+6*use.Day, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Machines) != 7 || len(a.Days) != 6 || a.Unpriced != 0 {
		t.Fatalf("%d machines, %d days, %d unpriced", len(a.Machines), len(a.Days), a.Unpriced)
	}
	for _, by := range book.By {
		groups, err := b.Groups(a, by)
		if err != nil {
			t.Fatal(err)
		}
		var sum use.Totals
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
	var halves use.Totals
	for _, span := range [][2]use.Instant{{begin, begin + 3*use.Day}, {begin + 3*use.Day, begin + 6*use.Day}} {
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
	if a.Whole.Work[use.CausePlanned].Sign() <= 0 || a.Whole.Work[use.Accepted].Sign() <= 0 {
		t.Errorf("planned %v, accepted %v", a.Whole.Work[use.CausePlanned], a.Whole.Work[use.Accepted])
	}
	want := new(big.Int)
	for _, m := range b.Fleet.Machines {
		rate, _, _ := m.Nameplate()
		want.Add(want, new(big.Int).Mul(big.NewInt(rate*1_000_000), big.NewInt(6*86_400)))
	}
	if ppm, _ := a.Whole.Nameplate().RatioPPM(total(t, want)); ppm < 999_000 || ppm > 1_000_000 {
		t.Errorf("%d ppm of the nameplate's time are accounted for", ppm)
	}
	polled, summed, err := b.CheckSums(t.Context(), begin, begin+6*use.Day)
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
	day := use.At(from).Floor(use.Day) + use.Day
	writer, err := book.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "samples", "rollup", itoa(int64(day/use.Day)))
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	err = writer.Store.WriteRollup(day, func(uint32) ([]use.Cell, error) {
		cells := use.NewCells(day, day+use.Day, use.Grid).Cells
		cells[0].Work[use.Accepted] = 1
		return cells, nil
	})
	if err := errors.Join(err, writer.Close()); err != nil {
		t.Fatal(err)
	}
	b := openReader(t, dir)
	if _, _, err := b.CheckSums(t.Context(), use.At(from), use.At(from)+5*use.Day); code(err) != "sum_differs" {
		t.Errorf("a forged sum: %v", err)
	}
}

func itoa(n int64) string { return big.NewInt(n).String() }

func TestMarks(t *testing.T) {
	dir, from := lived(t, 5)
	b := openReader(t, dir)
	at := use.At(from)
	for want, m := range map[string]book.Mark{
		"day_closed": {Mark: use.Mark{From: at, To: at + use.Hour, State: use.Repair}, Selector: "*"},
		"bad_time":   {Mark: use.Mark{From: at + use.Hour, To: at, State: use.Repair}, Selector: "*"},
		"no_machine": {Mark: use.Mark{From: at + 4*use.Day, To: at + 5*use.Day, State: use.Repair}, Selector: "nowhere"},
	} {
		if err := b.AddMark(m); code(err) != want {
			t.Errorf("%s: %v", want, err)
		}
	}
	good := book.Mark{Mark: use.Mark{From: at + 4*use.Day, To: at + 4*use.Day + use.Hour, State: use.Repair}, Selector: "simulated/c1", Why: "fans, all of them"}
	if err := b.AddMark(good); err != nil {
		t.Fatal(err)
	}
	again := openReader(t, dir)
	if !slices.Contains(again.Marks, good) {
		t.Errorf("marks %v", again.Marks)
	}
}

func TestReconcile(t *testing.T) {
	dir, from := lived(t, 4)
	b := openReader(t, dir)
	a, err := b.Account(t.Context(), "*", use.At(from), use.At(from)+4*use.Day, nil)
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
	if err != nil || energy[0].Metered != use.Unknown || energy[0].ByNameplate == 0 {
		t.Errorf("%+v, %v", energy, err)
	}
}

func TestConfig(t *testing.T) {
	for text, want := range map[string]string{
		"name = \"x\"":                         "",
		"interval = \"10s\"\ntimeout = \"2s\"": "",
		"colour = \"red\"":                     "unknown_setting",
		"zone = \"Almaty\"":                    "bad_setting",
		"zone = \"+05:30\"":                    "bad_setting",
		"interval = \"1h\"":                    "bad_setting",
		"timeout = \"40s\"":                    "bad_setting",
		"tariff_kzt = \"cheap\"":               "bad_setting",
		"webhooks = [\"ftp://x\"]":             "bad_setting",
		"step_kw = 0":                          "bad_setting",
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "farm.toml"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := book.ReadConfig(dir); code(err) != want || (want == "" && err != nil) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	c, err := book.ReadConfig(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	from, to, err := c.Month("2026-10")
	if err != nil || from.Time() != time.Date(2026, 9, 30, 19, 0, 0, 0, time.UTC) || to-from != 31*use.Day {
		t.Errorf("October is %v to %v, %v", from.Time(), to.Time(), err)
	}
	if _, _, err := c.Month("October"); code(err) != "bad_time" {
		t.Error("a month in words")
	}
}

func TestBadTables(t *testing.T) {
	for name, cases := range map[string]map[string]string{
		"marks.csv":  {"a,b\n": "header", "from,to,selector,state,why\n1,2,*,planned,x\n": "bad_time", "from,to,selector,state,why\n2026-10-01T00:00:00Z,2026-10-02T00:00:00Z,*,tired,x\n": "unknown_state"},
		"prices.csv": {"from,difficulty,reward_btc,bitcoin_kzt\n2026-10-01T00:00:00Z,x,3,5\n": "not_a_number", "from,difficulty,reward_btc,bitcoin_kzt\n2026-10-01T00:00:00Z,0,3,5\n": "out_of_range"},
		"meter.csv":  {"from,to,site,kwh\n2026-10-01T00:00:00Z,2026-10-02T00:00:00Z,s,much\n": "not_a_number", "from,to,site,kwh\n2026-10-01T00:00:00Z,2026-10-02T00:00:00Z\n": "csv"},
	} {
		for text, want := range cases {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			if _, err := book.OpenReader(dir); code(err) != want {
				t.Errorf("%s %q: %v, want %s", name, text, err, want)
			}
		}
	}
}

// A machine that is never heard of is lost from its first day on, and one that joined later only from then.
func TestSilentMachines(t *testing.T) {
	dir := t.TempDir()
	b, err := book.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	day := use.Instant(20_500) * use.Day
	machines := []fleet.Machine{
		{ID: "old", Dialect: "luxos", Address: "10.0.0.1", Model: "Antminer S19", Since: int64(day / use.Second)},
		{ID: "new", Dialect: "luxos", Address: "10.0.0.2", Model: "Antminer S19", Since: int64((day + 6*use.Hour) / use.Second)},
		{ID: "talks", Dialect: "luxos", Address: "10.0.0.3", Model: "Antminer S19", Since: int64(day / use.Second)},
	}
	if _, _, err := b.Fleet.Merge(machines); err != nil {
		t.Fatal(err)
	}
	numbers, err := b.Store.Numbers([]string{"old", "new", "talks"})
	if err != nil {
		t.Fatal(err)
	}
	for at := day; at <= day+12*use.Hour; at += use.Minute {
		p := use.Poll{At: at, Elapsed: int64(at-day) / 10, NameplateMHs: 95e6, TotalMH: int64(at-day) * 95e5, AcceptedMH: int64(at-day) * 95e5, CapPermille: 1000, PoolAlive: true}
		if _, err := b.Store.Append([]sample.Row{{Machine: numbers[2], Poll: p}}); err != nil {
			t.Fatal(err)
		}
	}
	a, err := b.Account(t.Context(), "*", day, day+use.Day, nil)
	if err != nil {
		t.Fatal(err)
	}
	hours := func(id string, s use.State) int64 { return int64(a.Machines[id].Time[s] / use.Hour) }
	if hours("old", use.Lost) != 12 || hours("new", use.Lost) != 6 || hours("talks", use.Running) != 12 || hours("talks", use.Lost) != 0 {
		t.Errorf("old %v, new %v, talks %v", a.Machines["old"].Time, a.Machines["new"].Time, a.Machines["talks"].Time)
	}
	if a.Unpriced == 0 {
		t.Error("there is a price from nowhere")
	}
	if _, err := b.Account(t.Context(), "*", day+1, day+use.Day, nil); code(err) != "bad_time" {
		t.Errorf("a part of an hour: %v", err)
	}
}

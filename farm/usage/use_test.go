package usage

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/money"
)

const s19 = 95_000_000 // MH/s

// steady is a healthy S19 that has run for some seconds at an instant.
func steady(at Instant, elapsed int64) Poll {
	total := s19 * elapsed
	return Poll{At: at, Elapsed: elapsed, RateMHs: s19, NameplateMHs: s19, TotalMH: total, AcceptedMH: total, RejectedMH: 0, HardwareErrors: 0, ChipTemp: 70, SlowestFan: 5000,
		Watts: 3250, Source: ByMachine, NominalWatts: 3250, Boards: 3, BoardsDue: 3, CapPermille: 1000, PoolAlive: true}
}

// account walks polls and sums them in one cell.
func account(annotations []Annotation, end Instant, polls ...Poll) (Cell, []Leaf) {
	var cell Cell
	var leaves []Leaf
	w := Walker{Annotations: annotations, Emit: func(l Leaf) {
		cell.Add(l)
		leaves = append(leaves, l)
	}}
	for _, p := range polls {
		w.Add(p)
	}
	w.Finish(end, Poll{})
	return cell, leaves
}

const start = 1_000 * Hour

func second(n Instant) Instant { return start + n*Second }

// Each history has the losses that its faults make, in terahashes.
func TestCauses(t *testing.T) {
	later := func(p Poll, change func(*Poll)) Poll { change(&p); return p }
	healthy := steady(start, 10_000)
	next := steady(second(60), 10_060) // 60 s: 5,700 TH
	for _, tc := range []struct {
		name        string
		annotations []Annotation
		end         Instant
		polls       []Poll
		want        map[Cause]int64
		gain        map[Cause]int64
	}{
		{"healthy", nil, second(60), []Poll{healthy, next}, map[Cause]int64{Accepted: 5700}, nil},
		{"silence unresolved", nil, second(60), []Poll{healthy}, map[Cause]int64{CauseUnknown: 5700}, nil},
		{"silence within a plan and an outage: the plan is first", []Annotation{{start, second(60), Outage}, {start, second(30), Planned}}, second(60), []Poll{healthy}, map[Cause]int64{CausePlanned: 2850, CauseOutage: 2850}, nil},
		{"a gap through which the program ran", []Annotation{{start, second(60), Repair}}, second(60), []Poll{healthy, next}, map[Cause]int64{Accepted: 5700}, nil},
		{"restarted 20 s ago", nil, second(60), []Poll{healthy, steady(second(60), 20)}, map[Cause]int64{CauseUnknown: 3800, Accepted: 1900}, nil},
		{"restarted, its counter went on", nil, second(60), []Poll{healthy, later(steady(second(60), 20), func(p *Poll) { p.TotalMH, p.AcceptedMH = healthy.TotalMH+1900e6, healthy.AcceptedMH+1900e6 })}, map[Cause]int64{CauseUnknown: 3800, Accepted: 1900}, nil},
		{"absurd counter: the rate counts", nil, second(60), []Poll{healthy, later(next, func(p *Poll) { p.TotalMH = 1 << 60 })}, map[Cause]int64{Accepted: 5700}, nil},
		{"a board of three dead", nil, second(60), []Poll{later(healthy, func(p *Poll) { p.Boards = 2 }), later(next, func(p *Poll) {
			p.Boards = 2
			p.TotalMH -= 1900e6
			p.AcceptedMH -= 1900e6
		})},
			map[Cause]int64{CauseBoards: 1900, Accepted: 3800}, map[Cause]int64{CauseBoards: 1900}},
		{"a board dead under a cap of 80 %: repair gains less than was lost", nil, second(60), []Poll{later(healthy, func(p *Poll) { p.Boards, p.CapPermille = 2, 800 }), later(next, func(p *Poll) {
			p.Boards, p.CapPermille = 2, 800
			p.TotalMH -= 1900e6
			p.AcceptedMH -= 1900e6
		})},
			map[Cause]int64{CauseBoards: 1900, Accepted: 3800}, map[Cause]int64{CauseBoards: 760}},
		{"a power cap of 80 %", nil, second(60), []Poll{healthy, later(next, func(p *Poll) { p.CapPermille, p.TotalMH, p.AcceptedMH = 800, p.TotalMH-1140e6, p.AcceptedMH-1140e6 })},
			map[Cause]int64{CauseCap: 1140, Accepted: 4560}, map[Cause]int64{CauseCap: 1140}},
		{"slowed by heat", nil, second(60), []Poll{healthy, later(next, func(p *Poll) { p.Throttled, p.TotalMH, p.AcceptedMH = true, p.TotalMH-1000e6, p.AcceptedMH-1000e6 })},
			map[Cause]int64{CauseHeat: 1000, Accepted: 4700}, map[Cause]int64{CauseHeat: 1000}},
		{"slow for no known reason", nil, second(60), []Poll{healthy, later(next, func(p *Poll) { p.TotalMH -= 700e6; p.AcceptedMH -= 700e6 })},
			map[Cause]int64{CauseSlow: 700, Accepted: 5000}, map[Cause]int64{CauseSlow: 700}},
		{"faster than the nameplate", nil, second(60), []Poll{healthy, later(next, func(p *Poll) { p.TotalMH += 100e6; p.AcceptedMH += 100e6 })}, map[Cause]int64{CauseGain: -100, Accepted: 5800}, nil},
		{"rejects and bad luck", nil, second(60), []Poll{healthy, later(next, func(p *Poll) { p.AcceptedMH -= 500e6; p.RejectedMH = 200e6 })}, map[Cause]int64{CauseRejected: 200, CauseLuck: 300, Accepted: 5200}, map[Cause]int64{CauseRejected: 200}},
		{"good luck", nil, second(60), []Poll{healthy, later(next, func(p *Poll) { p.AcceptedMH += 500e6 })}, map[Cause]int64{CauseLuck: -500, Accepted: 6200}, nil},
		{"hardware errors", nil, second(60), []Poll{healthy, later(next, func(p *Poll) { p.HardwareErrors = 1_000_000; p.AcceptedMH -= 4295e6 })}, map[Cause]int64{CauseInvalid: 4295, Accepted: 1405}, map[Cause]int64{CauseInvalid: 4295}},
		{"no pool, and no work", nil, second(60), []Poll{later(healthy, func(p *Poll) { p.PoolAlive = false }), later(next, func(p *Poll) { p.PoolAlive, p.TotalMH, p.AcceptedMH = false, healthy.TotalMH, healthy.AcceptedMH })},
			map[Cause]int64{CauseIdle: 5700}, map[Cause]int64{CauseIdle: 5700}},
		{"no pool, hashed in vain", nil, second(60), []Poll{later(healthy, func(p *Poll) { p.PoolAlive = false }), later(next, func(p *Poll) { p.PoolAlive, p.AcceptedMH = false, healthy.AcceptedMH })},
			map[Cause]int64{CauseUnsent: 5700}, map[Cause]int64{CauseUnsent: 5700}},
		{"works for a stranger", nil, second(60), []Poll{later(healthy, func(p *Poll) { p.PoolWrong = true }), later(next, func(p *Poll) { p.PoolWrong = true })},
			map[Cause]int64{CauseUnsent: 5700}, map[Cause]int64{CauseUnsent: 5700}},
		{"told to sleep", nil, second(60), []Poll{later(healthy, func(p *Poll) { p.Sleeping = true }), later(next, func(p *Poll) { p.Sleeping, p.TotalMH, p.AcceptedMH = true, healthy.TotalMH, healthy.AcceptedMH })}, map[Cause]int64{CauseCurtailed: 5700}, nil},
		{"told to sleep, in a planned stop", []Annotation{{second(30), second(90), Planned}}, second(60), []Poll{later(healthy, func(p *Poll) { p.Sleeping = true }), later(next, func(p *Poll) { p.Sleeping, p.TotalMH, p.AcceptedMH = true, healthy.TotalMH, healthy.AcceptedMH })},
			map[Cause]int64{CauseCurtailed: 2850, CausePlanned: 2850}, nil},
		{"answers, hashes nothing, half of it a repair", []Annotation{{second(30), second(90), Repair}}, second(60), []Poll{healthy, later(next, func(p *Poll) { p.TotalMH, p.AcceptedMH, p.RateMHs = healthy.TotalMH, healthy.AcceptedMH, 0 })},
			map[Cause]int64{CauseSlow: 2850, CauseRepair: 2850}, map[Cause]int64{CauseSlow: 2850}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cell, _ := account(tc.annotations, tc.end, tc.polls...)
			for c := range Causes {
				if got := cell.Work[c]; got != farm.Hashes(tc.want[c])*1e12 {
					t.Errorf("%v: %d TH, want %d", c, got/1e12, tc.want[c])
				}
				if got := int64(cell.Gain[c] / 1e12); got != tc.gain[c] {
					t.Errorf("gain without %v: %d TH, want %d", c, got, tc.gain[c])
				}
			}
		})
	}
}

// A gap of two days is resolved by the next poll; a longer one stays unknown.
func TestLongGap(t *testing.T) {
	for _, tc := range []struct {
		days  Instant
		cause Cause
	}{{2, Accepted}, {9, CauseUnknown}} {
		first := steady(start, 10_000)
		back := steady(start+tc.days*Day, 10_000+int64(tc.days)*86_400)
		var total Totals
		cells := NewCells(start, start+tc.days*Day, Hour)
		w := Walker{Emit: cells.Add}
		w.Add(first)
		w.Add(back)
		for i := range cells.Cells {
			if err := total.AddCell(&cells.Cells[i], Price{1, 1}); err != nil {
				t.Fatal(err)
			}
		}
		want := new(big.Int).Mul(big.NewInt(s19*1_000_000), big.NewInt(int64(tc.days)*86_400))
		if total.Work[tc.cause].Big().Cmp(want) != 0 || total.Nameplate() != total.Work[tc.cause] {
			t.Errorf("%d days: %v is %v of %v, want %v", tc.days, tc.cause, total.Work[tc.cause], total.Nameplate(), want)
		}
	}
}

// drawHistory is a machine's life with every kind of fault, and marks that may overlap.
func drawHistory(t *rapid.T) ([]Annotation, []Poll, Instant) {
	p := steady(start+Instant(rapid.IntRange(0, 5000).Draw(t, "begin")), rapid.Int64Range(0, 100_000).Draw(t, "elapsed"))
	polls := []Poll{p}
	for range rapid.IntRange(0, 12).Draw(t, "polls") {
		gap := rapid.SampledFrom([]Instant{300, 300, 301, 299, 3_000, 40_000, 2_000_000}).Draw(t, "gap")
		p.At += gap
		p.Boards = rapid.Int64Range(-1, 4).Draw(t, "boards")
		p.CapPermille = rapid.SampledFrom([]int64{1000, 1000, 700, 0, 1200}).Draw(t, "cap")
		p.Throttled, p.PoolAlive, p.Sleeping, p.PoolWrong = rapid.Bool().Draw(t, "hot"), rapid.Bool().Draw(t, "pool"), rapid.Bool().Draw(t, "asleep"), rapid.Bool().Draw(t, "wrong")
		p.RateMHs = rapid.Int64Range(-1, 2*s19).Draw(t, "rate")
		p.Watts = rapid.Int64Range(-1, 4000).Draw(t, "watts")
		made := rapid.Int64Range(0, 2*s19*int64(gap)/10).Draw(t, "made")
		switch rapid.IntRange(0, 5).Draw(t, "kind") {
		case 0: // restarted
			p.Elapsed = rapid.Int64Range(0, int64(gap)/10).Draw(t, "since")
			p.TotalMH, p.AcceptedMH, p.RejectedMH, p.HardwareErrors = made, made/2, made/100, 0
		case 1: // nonsense
			p.TotalMH, p.AcceptedMH = rapid.Int64Range(-1, 1<<60).Draw(t, "total"), rapid.Int64Range(-1, 1<<60).Draw(t, "accepted")
			p.Elapsed = rapid.Int64Range(-1, 1<<30).Draw(t, "uptime")
		default:
			p.Elapsed += int64(gap) / 10
			p.TotalMH = max(0, p.TotalMH) + made
			p.AcceptedMH = max(0, p.AcceptedMH) + rapid.Int64Range(0, 2*made+1).Draw(t, "shares")
			p.RejectedMH = max(0, p.RejectedMH) + rapid.Int64Range(0, made/10+1).Draw(t, "rejects")
			p.HardwareErrors += rapid.Int64Range(0, 1000).Draw(t, "errors")
		}
		polls = append(polls, p)
	}
	var annotations []Annotation
	for range rapid.IntRange(0, 4).Draw(t, "marks") {
		from := start + Instant(rapid.Int64Range(-10_000, 3_000_000).Draw(t, "from"))
		annotations = append(annotations, Annotation{from, from + Instant(rapid.Int64Range(-10, 500_000).Draw(t, "long")), State(rapid.IntRange(0, int(States)).Draw(t, "state"))})
	}
	return annotations, polls, p.At + Instant(rapid.IntRange(0, 100_000).Draw(t, "tail"))
}

// Whatever the history: leaves follow each other without a gap and lie within the grid; the split adds
// up to the nameplate; nothing is negative but luck and gain; the time is one state's at each instant.
func TestEveryHistoryAddsUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		annotations, polls, end := drawHistory(t)
		_, leaves := account(annotations, end, polls...)
		at := polls[0].At
		for _, l := range leaves {
			if l.From != at || l.To <= l.From || l.To > l.From.Floor(Grid)+Grid {
				t.Fatalf("leaf [%d, %d) after %d", l.From, l.To, at)
			}
			at = l.To
			var sum farm.Hashes
			for c, work := range l.Work {
				sum += work
				if work < 0 && Cause(c) != CauseLuck && Cause(c) != CauseGain {
					t.Fatalf("%v is %d in %+v", Cause(c), work, l)
				}
				if l.Gain[c] < 0 || (l.State != Running && l.Gain[c] != 0) {
					t.Fatalf("gain without %v is %d", Cause(c), l.Gain[c])
				}
			}
			if l.Work[CauseGain] > 0 || sum != l.Nameplate || l.Nameplate != polls[0].Nameplate(l.To-l.From) {
				t.Fatalf("the split of %+v adds up to %d", l, sum)
			}
			if l.State != Running && l.Work[causeOf(l.State)] != l.Nameplate {
				t.Fatalf("%v has another cause: %+v", l.State, l)
			}
		}
		if at != end {
			t.Fatalf("the account ends at %d, want %d", at, end)
		}
	})
}

// Sums agree exactly however machines and hours are grouped, in hashes and in money.
func TestSumsAgreeAtEveryLevel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		machines := rapid.IntRange(1, 4).Draw(t, "machines")
		var whole Totals
		byRack := make([]Totals, 2)
		byHour := map[Instant]*Totals{}
		nameplate := new(big.Int)
		for i := range machines {
			annotations, polls, end := drawHistory(t)
			from, to := polls[0].At.Floor(Hour), end.Floor(Hour)+Hour
			cells := NewCells(from, to, Hour)
			w := Walker{Annotations: annotations, Emit: func(l Leaf) {
				cells.Add(l)
				nameplate.Add(nameplate, big.NewInt(int64(l.Nameplate)))
			}}
			for _, p := range polls {
				w.Add(p)
			}
			w.Finish(end, Poll{})
			for j := range cells.Cells {
				c := &cells.Cells[j]
				price := Price{farm.Hashprice(6e8 + 1e6*int64(j)), 50_000_000*money.Tenge + money.Tiyn(j)}
				if byHour[c.From] == nil {
					byHour[c.From] = new(Totals)
				}
				for _, sum := range []*Totals{&whole, &byRack[i%2], byHour[c.From]} {
					if err := sum.AddCell(c, price); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		racks, hours := byRack[0], Totals{}
		if err := racks.Merge(&byRack[1]); err != nil {
			t.Fatal(err)
		}
		for _, h := range byHour {
			if err := hours.Merge(h); err != nil {
				t.Fatal(err)
			}
		}
		if racks != whole || hours != whole {
			t.Fatalf("racks %+v\nhours %+v\nwhole %+v", racks, hours, whole)
		}
		if whole.Nameplate().Big().Cmp(nameplate) != 0 {
			t.Fatalf("%v partitions %v", whole.Nameplate(), nameplate)
		}
		levels := whole.Waterfall()
		if last := levels[len(levels)-1]; last.Work != whole.Work[Accepted] {
			t.Fatalf("the waterfall ends at %v, accepted is %v", last.Work, whole.Work[Accepted])
		}
	})
}

func TestCoefficients(t *testing.T) {
	// Half of the time lost, then 90 % of the speed and 99 % delivered.
	a, b := steady(second(60), 0), steady(second(120), 60)
	b.TotalMH, b.AcceptedMH, b.RejectedMH = b.TotalMH/10*9, b.TotalMH/1000*891, b.TotalMH/1000*9
	var cell Cell
	w := Walker{Emit: cell.Add}
	w.Begin(start)
	w.Add(Poll{At: a.At, Elapsed: 0, NameplateMHs: s19, NominalWatts: 3250, Watts: 3250, Source: ByMachine, TotalMH: 0, AcceptedMH: 0, RejectedMH: 0, Boards: 3, BoardsDue: 3, CapPermille: 1000, PoolAlive: true})
	w.Add(b)
	var total Totals
	if err := total.AddCell(&cell, Price{600_000_000, 50_000_000 * money.Tenge}); err != nil {
		t.Fatal(err)
	}
	got := total.Coefficients()
	want := Coefficients{Extensive: 500_000, Speed: 900_000, Delivery: 990_000, Intensive: 891_000, Integral: 445_500, Efficiency: 891_000, MilliJTH: 38_395}
	if got != want {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	ext, intensive := total.Reserve()
	if ext.Float() != 5700e12 || intensive.Float() != 5700e12-5078.7e12 {
		t.Errorf("reserves %v and %v", ext, intensive)
	}
	if empty := (&Totals{}).Coefficients(); empty.Extensive != Unknown || empty.MilliJTH != Unknown {
		t.Errorf("nothing has coefficients: %+v", empty)
	}
}

func TestParseState(t *testing.T) {
	for name, ok := range map[string]bool{"planned": true, "repair": true, "running": false, "unknown": false, "": false} {
		if s, err := ParseState(name); (err == nil) != ok || (ok && s.String() != name) {
			t.Errorf("%q: %v, %v", name, s, err)
		}
	}
}

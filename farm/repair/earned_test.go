package repair_test

import (
	"testing"
	"time"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/alert"
	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/records"
	"github.com/aqsha/aqsha/farm/repair"
	"github.com/aqsha/aqsha/farm/simulate"
	"github.com/aqsha/aqsha/farm/telemetry"
	"github.com/aqsha/aqsha/farm/usage"
)

var midnight = time.Date(2026, 11, 3, 0, 0, 0, 0, time.FixedZone("+05:00", 5*3600))

// repairedFarm is a farm of two machines, the first of which lacked a hash board from the 10th hour to the 34th of three
// days.
func repairedFarm(t *testing.T) (*records.Records, []fleet.Machine) {
	t.Helper()
	dir := t.TempDir()
	config := records.Defaults()
	if err := config.Write(dir); err != nil {
		t.Fatal(err)
	}
	if err := records.AddPrice(dir, midnight, "150000000000000", "3.2", "50000000"); err != nil {
		t.Fatal(err)
	}
	b, err := records.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	from := usage.At(midnight)
	units := simulate.Units(2, 5, "", from, nil)
	units[0].Break(simulate.Fault{Kind: simulate.BoardDead, From: from + 10*usage.Hour, To: from + 34*usage.Hour})
	machines := []fleet.Machine{units[0].Machine, units[1].Machine}
	if _, _, err := b.Fleet.Merge(machines); err != nil {
		t.Fatal(err)
	}
	numbers, err := b.Store.Numbers([]string{machines[0].ID, machines[1].ID})
	if err != nil {
		t.Fatal(err)
	}
	for at := from; at <= from+72*usage.Hour; at += 5 * usage.Minute {
		for i, u := range units {
			if reading, ok := u.Reading(at); ok {
				row := telemetry.Row{Machine: numbers[i], Poll: u.Machine.Observe(reading, at.Time(), nil)}
				if _, err := b.Store.Append([]telemetry.Row{row}); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	return b, machines
}

// What a repair earned is what the machine's account says by another way: the part of the nameplate that was lost while
// the board was dead, less what is lost after it, of the nameplate's value after it, less the power for it.
func TestWhatARepairEarned(t *testing.T) {
	b, machines := repairedFarm(t)
	hour := func(n int) time.Time { return midnight.Add(time.Duration(n) * time.Hour) }
	ticket := repair.Ticket{ID: 1, Machine: machines[0].ID, Kind: alert.Board, Since: hour(10), Closed: hour(34),
		Outcome: repair.Repaired, CostTiyn: 12_345}
	e, known, err := repair.EarnedBy(t.Context(), b, &ticket)
	if err != nil || !known {
		t.Fatal(known, err)
	}
	_, _, boards := machines[0].Nameplate()
	if share := int64(1_000_000 / boards); e.LostBefore < share-30_000 || e.LostBefore > share+60_000 ||
		e.LostAfter > 40_000 || e.Hours != 38 {
		t.Errorf("lost %d ppm before and %d after it of %d boards, over %d hours", e.LostBefore, e.LostAfter, boards, e.Hours)
	}
	account, err := b.Account(t.Context(), machines[0].ID, usage.At(hour(34)), usage.At(hour(72)), nil)
	if err != nil {
		t.Fatal(err)
	}
	worth := int64(0)
	for _, part := range account.Whole.Value {
		worth += int64(part.MicroTiyn)
	}
	_, watts, _ := machines[0].Nameplate()
	const perKWh = 2200 // 20 ₸ and the levy of 2 ₸
	gain := float64(e.LostBefore-e.LostAfter) / 1e6
	want := float64(farm.MicroTiyn(float64(worth)*gain).Tiyn()) - float64(watts)*38/1000*perKWh*gain
	if got := float64(e.Earned); got < want-2 || got > want+2 || e.Net != e.Earned-12_345 {
		t.Errorf("earned %v, net %v, want %v", got, e.Net, want)
	}
	idle := ticket
	idle.Machine = machines[1].ID // whose boards all worked
	if e, known, err := repair.EarnedBy(t.Context(), b, &idle); err != nil || !known || e.LostBefore > 40_000 {
		t.Errorf("a machine that was whole: %+v, %v, %v", e, known, err)
	}
	for name, change := range map[string]func(t *repair.Ticket){
		"open":      func(t *repair.Ticket) { t.Closed = time.Time{} },
		"too early": func(t *repair.Ticket) { t.Closed = hour(72) },
		"too short": func(t *repair.Ticket) { t.Since = t.Closed.Add(-time.Minute) },
		"gone":      func(t *repair.Ticket) { t.Machine = "M9" },
	} {
		other := ticket
		change(&other)
		if e, known, err := repair.EarnedBy(t.Context(), b, &other); known || err != nil {
			t.Errorf("%s: %+v, %v", name, e, err)
		}
	}
}

package monitor_test

import (
	"bufio"
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/aqsha/aqsha/farm/alert"
	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/monitor"
	"github.com/aqsha/aqsha/farm/protocol"
	"github.com/aqsha/aqsha/farm/records"
	"github.com/aqsha/aqsha/farm/simulate"
	"github.com/aqsha/aqsha/farm/usage"
)

// newMonitor is a farm of simulated machines, asked without a network, within a synctest bubble.
func newMonitor(t *testing.T, units []*simulate.Unit, notify func([]alert.Notice)) (*records.Records, *monitor.Monitor) {
	t.Helper()
	dir := t.TempDir()
	config := records.Defaults()
	config.Pools = []string{"stratum+tcp://127.0.0.1:3333 simulated."}
	if err := config.Write(dir); err != nil {
		t.Fatal(err)
	}
	b, err := records.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	var machines []fleet.Machine
	for _, u := range units {
		u.Machine.Protocol = protocol.Braiins // which is never asked who it is
		machines = append(machines, u.Machine)
	}
	if _, _, err := b.Fleet.Merge(machines); err != nil {
		t.Fatal(err)
	}
	d, err := monitor.New(b, monitor.Options{Log: slog.New(slog.DiscardHandler), Query: asker(units), Notify: notify})
	if err != nil {
		t.Fatal(err)
	}
	return b, d
}

// asker asks units without a network; those that say nothing are waited for.
func asker(units []*simulate.Unit) func(ctx context.Context, m *fleet.Machine) (*protocol.Reading, error) {
	byID := map[string]*simulate.Unit{}
	for _, u := range units {
		byID[u.Machine.ID] = u
	}
	return func(ctx context.Context, m *fleet.Machine) (*protocol.Reading, error) {
		r, ok := byID[m.ID].Reading(usage.At(time.Now()))
		if !ok {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return r, nil
	}
}

// Two hours of a watch: what breaks is told once and in its group, silences hold back, polls are stored.
func TestDuty(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := usage.At(time.Now())
		units := simulate.Units(40, 3, protocol.Braiins, now, nil) // two racks
		for _, u := range units[20:] {
			u.Break(simulate.Fault{Kind: simulate.Offline, From: now + 20*usage.Minute, To: now + 40*usage.Minute})
		}
		units[3].Break(simulate.Fault{Kind: simulate.BoardDead, From: now + 30*usage.Minute})
		units[5].Break(simulate.Fault{Kind: simulate.FanDead, From: now + 30*usage.Minute})
		var mu sync.Mutex
		var reported []alert.Notice
		b, d := newMonitor(t, units, func(n []alert.Notice) { mu.Lock(); reported = append(reported, n...); mu.Unlock() })
		if err := monitor.WriteSilences(b.Dir, []alert.Silence{{Selector: units[5].Machine.ID, Until: now + usage.Day}}); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithTimeout(t.Context(), 2*time.Hour-time.Millisecond)
		defer stop()
		if err := d.Run(ctx); err != nil {
			t.Fatal(err)
		}
		kinds := map[string]int{}
		for _, n := range reported {
			sign := "-"
			if n.Raised {
				sign = "+"
			} else if n.Detail != "over after 21 min; it was: did not answer in time" {
				t.Errorf("the end of %s says %q", n.Scope, n.Detail)
			}
			kinds[sign+string(n.Kind)] += len(n.Machines)
		}
		if kinds["+offline"] != 20 || kinds["-offline"] != 20 || kinds["+board"] != 1 || kinds["+fan"] != 0 || len(kinds) != 3 {
			t.Errorf("told %v", kinds)
		}
		counts := d.Counts()
		if counts.Polls < 9500 || counts.Answered < 8700 || counts.Skipped != 0 || counts.Late != 0 {
			t.Errorf("%+v", counts)
		}
		number, _ := b.Store.Number(units[0].Machine.ID)
		if polls, err := b.Store.Polls(number, 0, now+usage.Day); err != nil || len(polls) != 240 {
			t.Errorf("%d polls are stored, %v", len(polls), err)
		}
		lines, _ := os.Open(filepath.Join(b.Dir, "alerts.jsonl"))
		defer lines.Close()
		count, silenced := 0, []string(nil)
		for scanner := bufio.NewScanner(lines); scanner.Scan(); count++ {
			var n alert.Notice
			if err := json.Unmarshal(scanner.Bytes(), &n); err != nil {
				t.Error(err)
			}
			if n.Silenced {
				silenced = append(silenced, n.Scope+" "+string(n.Kind))
			}
		}
		if count != len(reported)+len(silenced) || len(silenced) != 1 || silenced[0] != units[5].Machine.ID+" fan" {
			t.Errorf("%d notices in the file, %d told, silenced %v", count, len(reported), silenced)
		}
		metrics(t, d)
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
}

// What was mended while no watch ran is cleared by the next one, and what still holds keeps its beginning.
func TestWatchResumes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := usage.At(time.Now())
		units := simulate.Units(3, 5, protocol.Braiins, now, nil)
		units[0].Break(simulate.Fault{Kind: simulate.BoardDead, From: now + 5*usage.Minute, To: now + 15*usage.Minute})
		units[1].Break(simulate.Fault{Kind: simulate.FanDead, From: now + 5*usage.Minute})
		b, d := newMonitor(t, units, nil)
		run := func(d *monitor.Monitor) (standing []alert.Standing) {
			ctx, stop := context.WithTimeout(t.Context(), 10*time.Minute)
			defer stop()
			if err := d.Run(ctx); err != nil {
				t.Fatal(err)
			}
			standing, _, err := b.Standing()
			if err != nil {
				t.Fatal(err)
			}
			return standing
		}
		before := run(d)
		if len(before) != 2 {
			t.Fatalf("%v stand", before)
		}
		time.Sleep(30 * time.Minute) // in which the board is mended
		d, err := monitor.New(b, monitor.Options{Log: slog.New(slog.DiscardHandler), Query: asker(units)})
		if err != nil {
			t.Fatal(err)
		}
		after := run(d)
		if len(after) != 1 || after[0].Kind != alert.Fan || !after[0].Since.Equal(before[0].Since) {
			t.Errorf("%v stand after %v", after, before)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
}

// Machines that are added meanwhile are taken up, and what the watch saves does not undo what others wrote.
func TestFleetGrows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := usage.At(time.Now())
		units := simulate.Units(3, 3, protocol.Braiins, now, nil)
		b, _ := newMonitor(t, units, nil)
		all := b.Fleet.Machines
		b.Fleet.Machines = nil
		for i := range all {
			all[i].IdealMHs, all[i].NominalWatts = 0, 3250
		}
		stored, err := fleet.OpenInventory(b.Dir)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := stored.Merge(all[:2]); err != nil {
			t.Fatal(err)
		}
		if err := stored.Save(); err != nil {
			t.Fatal(err)
		}
		go func() { // ten minutes later somebody adds the third, and names the second's rack
			time.Sleep(10 * time.Minute)
			stored, _ := fleet.OpenInventory(b.Dir)
			_, _, _ = stored.Merge(all[2:])
			stored.Machines[1].Place.Rack = "renamed"
			_ = stored.Save()
		}()
		d := again(t, b, units)
		ctx, stop := context.WithTimeout(t.Context(), 30*time.Minute)
		defer stop()
		if err := d.Run(ctx); err != nil {
			t.Fatal(err)
		}
		after, err := fleet.OpenInventory(b.Dir)
		if err != nil || len(after.Machines) != 3 || after.Machines[1].Place.Rack != "renamed" || after.Machines[2].IdealMHs == 0 {
			t.Errorf("%+v, %v", after.Machines, err)
		}
		number, _ := b.Store.Number(all[2].ID)
		if polls, err := b.Store.Polls(number, 0, now+usage.Day); err != nil || len(polls) < 36 || len(polls) > 40 {
			t.Errorf("%d polls of the third machine, %v", len(polls), err)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
}

// again is a monitor over the fleet as it stands in its file.
func again(t *testing.T, b *records.Records, units []*simulate.Unit) *monitor.Monitor {
	t.Helper()
	inventory, err := fleet.OpenInventory(b.Dir)
	if err != nil {
		t.Fatal(err)
	}
	b.Fleet = inventory
	d, err := monitor.New(b, monitor.Options{Log: slog.New(slog.DiscardHandler), Query: asker(units)})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func metrics(t *testing.T, d *monitor.Monitor) {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(&monitor.Metrics{Monitor: d, PerMachine: true})
	families, err := registry.Gather() // which checks names, labels and help
	if err != nil {
		t.Fatal(err)
	}
	series := map[string]int{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := f.GetName()
			for _, l := range m.GetLabel() {
				if l.GetName() == "answered" || l.GetName() == "end" {
					name += " " + l.GetValue()
				}
			}
			series[name]++
			if v := m.GetGauge().GetValue(); (name == "aqsha_farm_machines yes" && v != 40) || (name == "aqsha_farm_machines no" && v != 0) {
				t.Errorf("%s is %v", name, v)
			}
		}
	}
	for name, want := range map[string]int{"aqsha_farm_machine_hashrate_hashes_per_second": 40, "aqsha_farm_machine_chip_celsius": 40, "aqsha_farm_alerts": len(alert.Kinds), "aqsha_farm_machines yes": 1, "aqsha_farm_polls_total answered": 1} {
		if series[name] != want {
			t.Errorf("%d series of %s, want %d", series[name], name, want)
		}
	}
}

func TestSilencesComeBack(t *testing.T) {
	dir := t.TempDir()
	if got, err := monitor.ReadSilences(dir); err != nil || got != nil {
		t.Fatal(got, err)
	}
	want := alert.Silence{Selector: "*", Kinds: []alert.Kind{alert.Hot}, Until: 7, Why: "summer"}
	if err := monitor.WriteSilences(dir, []alert.Silence{want}); err != nil {
		t.Fatal(err)
	}
	got, err := monitor.ReadSilences(dir)
	if err != nil || len(got) != 1 || got[0].Selector != "*" || got[0].Kinds[0] != alert.Hot || got[0].Until != 7 {
		t.Errorf("%+v, %v", got, err)
	}
}

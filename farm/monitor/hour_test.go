package monitor_test

import (
	"context"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aqsha/aqsha/farm/alert"
	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/monitor"
	"github.com/aqsha/aqsha/farm/protocol"
	"github.com/aqsha/aqsha/farm/records"
	"github.com/aqsha/aqsha/farm/simulate"
	"github.com/aqsha/aqsha/farm/usage"
)

// broken are faults that a poll shows, with the alert that must come by the second poll after they begin.
var broken = []struct {
	fault simulate.Kind
	kind  alert.Kind
}{
	{simulate.Offline, alert.Offline}, {simulate.Silent, alert.Offline}, {simulate.Garbage, alert.Hung},
	{simulate.BoardDead, alert.Board}, {simulate.FanDead, alert.Fan}, {simulate.WrongPool, alert.Pool},
	{simulate.NoPool, alert.NoPool}, {simulate.Hung, alert.Hung},
}

// untold are faults of which a firmware says nothing: plain cgminer has no fans in its answers, AxeOS one board and
// nothing of whether its pool answers.
var untold = map[protocol.Protocol][]simulate.Kind{protocol.Cgminer: {simulate.FanDead},
	protocol.AxeOS: {simulate.BoardDead, simulate.NoPool}}

// mixed are machines that answer in the words of each firmware that is simulated, in turn. One in eleven breaks after
// twenty minutes; of 1,500 machines each firmware has each fault.
func mixed(machines int, now usage.Instant) (units []*simulate.Unit, due map[string]alert.Kind) {
	due = map[string]alert.Kind{}
	spoken := append(slices.Clone(simulate.Spoken), simulate.Aside...)
	for i := range machines {
		u := simulate.NewUnit(i, 17, spoken[i%len(spoken)], now)
		units = append(units, u)
		if i%11 != 4 {
			continue
		}
		k := i / 11
		b := broken[(k+k/len(broken))%len(broken)]
		if slices.Contains(untold[u.Machine.Protocol], b.fault) {
			b = broken[0]
		}
		u.Break(simulate.Fault{Kind: b.fault, From: now + 20*usage.Minute, To: now + usage.Day})
		due[u.Machine.ID] = b.kind
	}
	return units, due
}

// An hour of a mixed farm, each machine asked and understood in its firmware's own words: no poll is skipped, whatever
// breaks is told by the second poll that shows it, nothing else is told, and a machine that is silent delays nobody.
// HOUR_MACHINES asks for more of them (make farm-hour).
func TestAnHourOfEveryDialect(t *testing.T) {
	machines := 160
	if n, err := strconv.Atoi(os.Getenv("HOUR_MACHINES")); err == nil && n > 0 {
		machines = n
	}
	synctest.Test(t, func(t *testing.T) {
		now := usage.At(time.Now())
		units, due := mixed(machines, now)
		dir := t.TempDir()
		b, err := records.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		b.Config.Pools = []string{"stratum+tcp://127.0.0.1:3333 simulated."}
		var fleetOf []fleet.Machine
		byID := map[string]*simulate.Unit{}
		for _, u := range units {
			fleetOf, byID[u.Machine.ID] = append(fleetOf, u.Machine), u
		}
		if _, _, err := b.Fleet.Merge(fleetOf); err != nil {
			t.Fatal(err)
		}
		var notices []alert.Notice // of one goroutine: the watch's
		d, err := monitor.New(b, monitor.Options{Log: slog.New(slog.DiscardHandler),
			Notify: func(n []alert.Notice) { notices = append(notices, n...) },
			Query: func(ctx context.Context, m *fleet.Machine) (*protocol.Reading, error) {
				return fleet.PollOver(ctx, simulate.Link{Unit: byID[m.ID]}, m)
			}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithTimeout(t.Context(), time.Hour)
		defer stop()
		if err := d.Run(ctx); err != nil {
			t.Fatal(err)
		}
		counts := d.Counts()
		if want := int64(machines) * 118; counts.Skipped > 0 || counts.Late > 0 || counts.Polls < want {
			t.Errorf("%+v, want at least %d polls", counts, want)
		}
		// Two polls, and the watch's own second.
		latest := now.Time().Add(20*time.Minute + 2*b.Config.Interval + b.Config.Timeout + 2*time.Second)
		for _, n := range notices {
			for _, machine := range n.Machines {
				switch kind, breaks := due[machine]; {
				case !breaks || kind != n.Kind || !n.Raised:
					t.Errorf("%s (%s) breaks %v: %+v", machine, byID[machine].Machine.Protocol, breaks, n)
				case n.At.After(latest):
					t.Errorf("%s is told of at %v, %v is the latest", machine, n.At, latest)
				default:
					delete(due, machine)
				}
			}
		}
		for machine, kind := range due {
			t.Errorf("%s (%s): nobody is told of %s", machine, byID[machine].Machine.Protocol, kind)
		}
		watts, known, err := b.MeanWatts(units[3].Machine.ID, now+20*usage.Minute, now+30*usage.Minute) // LuxOS
		if model := units[3].Model.Watts; err != nil || !known || watts < model*9/10 || watts > model*11/10 {
			t.Errorf("%d W of %d, %t, %v", watts, model, known, err)
		}
		if _, known, err = b.MeanWatts(units[6].Machine.ID, now, now+usage.Hour); known || err != nil { // plain cgminer
			t.Errorf("cgminer tells its watts, %v", err)
		}
		t.Logf("%d machines in the words of %v and %v: %d polls, %d answered, %d told of", machines, simulate.Spoken,
			simulate.Aside, counts.Polls, counts.Answered, counts.Raised)
	})
}

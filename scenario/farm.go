package scenario

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/aqsha/aqsha/farm/daily"
	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/protocol"
	"github.com/aqsha/aqsha/farm/records"
	"github.com/aqsha/aqsha/farm/simulate/past"
	"github.com/aqsha/aqsha/farm/usage"
	"github.com/aqsha/aqsha/pool/miner"
)

// farmSteps are the machines: many that do not exist and are called simulated, and our one that does.
func farmSteps() []Step {
	return []Step{
		{"machines", "A farm of simulated machines stands beside our one real miner", standMachines},
		{"bad-night", "A bad night: what every machine could have done, and did", showNight},
		{"morning", "The daily report: which machines to visit, and what each visit earns", showDailyReport},
	}
}

// storyMachines is how many simulated machines the farm has: two racks.
const storyMachines = 40

func (w *Stage) farmDir() string { return filepath.Join(w.DataDir, "farm") }

// standMachines writes two days of simulated machines, the last night a bad one, up to now. They are written beside
// and put in place by one rename, so that a story that is broken off finds all of them or none.
func standMachines(ctx context.Context, w *Stage) error {
	err := w.Once("past", func() error {
		unfinished := w.farmDir() + ".new"
		if err := os.RemoveAll(unfinished); err != nil {
			return err
		}
		to := time.Now().Truncate(time.Hour)
		if err := past.Write(ctx, unfinished, past.Options{Machines: storyMachines, Seed: 7,
			From: to.Add(-48 * time.Hour), To: to, Interval: time.Minute, BadNight: true}); err != nil {
			return err
		}
		return os.Rename(unfinished, w.farmDir())
	})
	if err != nil {
		return err
	}
	w.Say("machines-say-1", "count", storyMachines)
	if w.Mining == nil || w.Mining.Reading == nil {
		w.Say("machines-say-2")
	} else {
		r := w.Mining.Reading
		w.Say("machines-say-3", "rate", r.RateMHs, "total", r.TotalMH, "shares", r.Accepted, "protocol", r.Protocol)
	}
	w.Proves("machines-proves")
	return nil
}

// showNight accounts for the last twelve hours. Causes are disjoint: that they add up to the nameplate is asserted, as
// the step says so.
func showNight(ctx context.Context, w *Stage) error {
	b, err := records.OpenReader(w.farmDir())
	if err != nil {
		return err
	}
	defer b.Close()
	to := b.Store.Newest().Floor(usage.Hour)
	a, err := b.Account(ctx, "*", to-12*usage.Hour, to, nil)
	if err != nil {
		return err
	}
	sum := a.Whole.Work[usage.Accepted]
	for _, c := range []usage.Cause{usage.CauseOutage, usage.CauseIdle, usage.CauseSlow, usage.CauseBoards,
		usage.CauseUnsent, usage.CauseHeat, usage.CauseUnknown, usage.CauseRejected} {
		if ppm, _ := a.Whole.Work[c].RatioPPM(a.Whole.Nameplate()); ppm > 500 {
			w.Say("bad-night-say", "cause", w.language().Text("farm-cause."+c.String()), "share",
				fmt.Sprintf("%.2f", float64(ppm)/10_000), "value", a.Whole.Value[c].MicroTiyn.Tiyn().Format())
		}
	}
	for c := range usage.Accepted {
		sum = sum.Add(a.Whole.Work[c])
	}
	if sum != a.Whole.Nameplate() {
		return fmt.Errorf("causes add up to %v of %v hashes", sum, a.Whole.Nameplate())
	}
	w.Proves("bad-night-proves", "hashes", a.Whole.Nameplate())
	return nil
}

// showDailyReport builds the report of the newest day that the farm's records have, not of this machine's clock.
func showDailyReport(ctx context.Context, w *Stage) error {
	b, err := records.OpenReader(w.farmDir())
	if err != nil {
		return err
	}
	defer b.Close()
	page, err := daily.Build(ctx, b, 0, b.Newest().Time(), 10, nil) // of that morning
	if err != nil {
		return err
	}
	w.Say("morning-say-1", "lost", page.Lost.Format(), "accepted", page.Accepted.Format(), "running", page.Running,
		"machines", page.Machines, "simulated", page.Simulated)
	for _, v := range page.Visits {
		w.Say("morning-say-2", "place", v.Place, "why", daily.WhyText(w.language(), v.Why), "net", v.Net.Format())
	}
	w.Proves("morning-proves", "earns", page.Earns.Format(), "dir", w.farmDir())
	return nil
}

// queryMiner lets the real miner answer as machines do, and asks it.
func queryMiner(ctx context.Context, stats *miner.Stats) (*protocol.Reading, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithTimeout(ctx, 5*time.Second)
	api := &miner.API{Stats: stats, Version: "story", Now: time.Now}
	ended := make(chan error, 1)
	go func() { ended <- api.Serve(ctx, listener) }()
	reading, err := fleet.Poll(ctx, &fleet.Machine{Protocol: protocol.Cgminer, Address: listener.Addr().String()})
	stop()
	return reading, errors.Join(err, <-ended)
}

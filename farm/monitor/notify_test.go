package monitor_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aqsha/aqsha/farm/alert"
	"github.com/aqsha/aqsha/farm/monitor"
	"github.com/aqsha/aqsha/farm/notify"
	"github.com/aqsha/aqsha/farm/protocol"
	"github.com/aqsha/aqsha/farm/records"
	"github.com/aqsha/aqsha/farm/simulate"
	"github.com/aqsha/aqsha/farm/usage"
)

// A watch tells its routes: a storm of twenty machines in one message, and, when it was stopped before the storm ended,
// the next watch tells that it has.
func TestAWatchTellsItsRoutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := usage.At(time.Now())
		units := simulate.Units(40, 3, protocol.Braiins, now, nil)
		for _, u := range units[20:] {
			u.Break(simulate.Fault{Kind: simulate.Offline, From: now + 20*usage.Minute, To: now + 50*usage.Minute})
		}
		b, _ := newMonitor(t, units, nil)
		dir := b.Dir
		if err := b.Fleet.Save(); err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		var took []notify.Message
		watch := func(b *records.Records, duration time.Duration) {
			t.Helper()
			b.Config.Routes = []notify.Route{{Name: "chat", Form: notify.Slack, URLFile: "u"}}
			if err := notify.CheckRoutes(b.Config.Routes); err != nil {
				t.Fatal(err)
			}
			d, err := monitor.New(b, monitor.Options{Log: slog.New(slog.DiscardHandler), Query: asker(units),
				Send: func(_ context.Context, _ *notify.Route, m notify.Message) error {
					mu.Lock()
					defer mu.Unlock()
					took = append(took, m)
					return nil
				}})
			if err != nil {
				t.Fatal(err)
			}
			ctx, stop := context.WithTimeout(t.Context(), duration)
			defer stop()
			if err := d.Run(ctx); err != nil {
				t.Fatal(err)
			}
			if err := b.Close(); err != nil {
				t.Fatal(err)
			}
		}
		watch(b, 30*time.Minute)
		again, err := records.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		watch(again, 30*time.Minute)
		if len(took) != 2 || count(took[0].Raised) != 20 || took[0].Raised[0].Kind != alert.Offline ||
			count(took[1].Recovered) != 20 || usage.At(took[1].At) < now+50*usage.Minute ||
			len(took[1].Raised)+len(took[1].Past) > 0 {
			t.Errorf("%+v", took)
		}
	})
}

func count(lines []notify.Line) (machines int) {
	for _, l := range lines {
		machines += l.Count
	}
	return machines
}

package fleet

import (
	"bytes"
	"context"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aqsha/aqsha/farm/protocol"
)

func watchedMachines(n int) []*Machine {
	out := make([]*Machine, n)
	for i := range out {
		out[i] = &Machine{ID: "M" + string(rune('A'+i)), Address: "127.0.0.1:1"}
	}
	return out
}

// Whatever pauses the watch meets, each machine's next turn comes within one interval after the pause's end.
func TestAPausePutsNobodyOffByMoreThanAnInterval(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 11))
	for range 200 {
		synctest.Test(t, func(t *testing.T) {
			n := 1 + random.IntN(40)
			w := Watcher{Machines: watchedMachines(n), Interval: 30 * time.Second, Timeout: 5 * time.Second,
				Log: slog.New(slog.DiscardHandler), state: make([]watched, n)}
			ctx, stop := context.WithTimeout(t.Context(), time.Hour)
			defer stop()
			asked, resumed := make([]time.Time, n), time.Now()
			w.schedule(ctx, func(i int) bool {
				now := time.Now()
				from := asked[i]
				if resumed.After(from) {
					from = resumed
				}
				if late := now.Sub(from) - w.Interval; late >= w.Timeout { // what is not worth a new beginning
					t.Errorf("machine %d of %d is polled %v after its time", i, n, late)
				}
				if again := now.Sub(asked[i]); !asked[i].IsZero() && again < w.Interval-w.Timeout {
					t.Errorf("machine %d of %d is polled again after %v", i, n, again)
				}
				w.state[i].busy = false // it answers at once
				if asked[i] = now; random.IntN(20*n) == 0 {
					time.Sleep(time.Duration(random.Int64N(int64(8 * time.Minute)))) // the host stands still
					resumed = time.Now()
				}
				return true
			})
		})
	}
}

// A machine whose poll was skipped for want of a slot has its turn again an interval later, and the log says so.
func TestSkippedMachinesArePolledAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 20
		begun := time.Now()
		ctx, stop := context.WithTimeout(t.Context(), 20*time.Minute)
		defer stop()
		var log bytes.Buffer
		var mu sync.Mutex
		last := map[string]time.Time{}
		w := Watcher{Machines: watchedMachines(n), Interval: 30 * time.Second, Timeout: 29 * time.Second, MaxInFlight: 2,
			Log: slog.New(slog.NewTextHandler(&log, nil)), Handle: func([]Outcome) {}}
		w.Query = func(ctx context.Context, m *Machine) (*protocol.Reading, error) {
			mu.Lock()
			last[m.ID] = time.Now()
			mu.Unlock()
			if time.Since(begun) < 10*time.Minute { // all are silent: there are not slots enough
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return &protocol.Reading{}, nil
		}
		if err := w.Run(ctx); err != nil {
			t.Fatal(err)
		}
		if w.Skipped.Load() == 0 {
			t.Error("there were slots enough")
		}
		for _, m := range w.Machines {
			if age := time.Since(last[m.ID]); age > w.Interval {
				t.Errorf("%s was last polled %v before the end", m.ID, age)
			}
		}
		if text := log.String(); !strings.Contains(text, "level=WARN") || !strings.Contains(text, "overdue=18") {
			t.Errorf("the log says %q", text[:min(len(text), 500)])
		}
	})
}

// A host that stood still is said in the log, with for how long.
func TestAWatchSaysThatItStoodStill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		w := Watcher{Machines: watchedMachines(3), Interval: 30 * time.Second, Timeout: 5 * time.Second,
			Log: slog.New(slog.NewTextHandler(&log, nil)), state: make([]watched, 3)}
		ctx, stop := context.WithTimeout(t.Context(), 10*time.Minute-time.Millisecond)
		defer stop()
		polls := 0
		w.schedule(ctx, func(i int) bool {
			w.state[i].busy = false
			if polls++; polls == 5 {
				time.Sleep(4 * time.Minute)
			}
			return true
		})
		if text := log.String(); !strings.Contains(text, "stood still") || !strings.Contains(text, "for=3m50s") ||
			!strings.Contains(text, "overdue=1") || !strings.Contains(text, "[MA MB]") {
			t.Errorf("the log says %q", text)
		}
		if polls != 5+32 { // of the 320 seconds after it, three in 30
			t.Errorf("%d polls", polls)
		}
	})
}

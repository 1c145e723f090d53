package fleet_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/protocol"
)

func machines(n int) []*fleet.Machine {
	out := make([]*fleet.Machine, n)
	for i := range out {
		out[i] = &fleet.Machine{ID: string(rune('a' + i%26)), Address: "127.0.0.1:1"}
	}
	return out
}

// In an hour every machine is polled 120 times, at its own moment of each half minute, although most never answer.
func TestSilentMachinesDelayNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		ctx, stop := context.WithTimeout(t.Context(), time.Hour-time.Millisecond)
		defer stop()
		const n = 100
		var mu sync.Mutex
		answered := make([]int, n)
		failed := 0
		w := fleet.Watcher{Machines: machines(n), Interval: 30 * time.Second, Timeout: 5 * time.Second}
		index := map[*fleet.Machine]int{}
		for i, m := range w.Machines {
			m.Worker = string(rune(i))
			index[m] = i
		}
		w.Query = func(ctx context.Context, m *fleet.Machine) (*protocol.Reading, error) {
			i := int([]rune(m.Worker)[0])
			if phase := time.Since(begun) % (30 * time.Second); phase != 30*time.Second*time.Duration(i)/n {
				t.Errorf("machine %d is polled at %v", i, phase)
			}
			if i%3 != 0 { // two thirds are silent
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return &protocol.Reading{}, nil
		}
		w.Handle = func(batch []fleet.Outcome) {
			mu.Lock()
			defer mu.Unlock()
			for _, o := range batch {
				if o.Err != nil {
					failed++
					continue
				}
				answered[o.Index]++
			}
		}
		if err := w.Run(ctx); err != nil {
			t.Fatal(err)
		}
		for i, count := range answered {
			if want := map[bool]int{true: 120, false: 0}[i%3 == 0]; count != want {
				t.Errorf("machine %d answered %d times, want %d", i, count, want)
			}
		}
		if w.Skipped.Load() != 0 || w.WorstLag.Load() != 0 || failed < 66*119 {
			t.Errorf("%d skipped, %d ms late, %d failed", w.Skipped.Load(), w.WorstLag.Load(), failed)
		}
	})
}

// A machine that comes back is asked who it is; another one at its address is not taken for it.
func TestAddressesThatChangeHands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithTimeout(t.Context(), 95*time.Second)
		defer stop()
		w := fleet.Watcher{Machines: []*fleet.Machine{{ID: "HTM30S0009", Serial: "HTM30S0009", Address: "10.0.0.1:4028"}}, Interval: 30 * time.Second, Timeout: 5 * time.Second}
		round := 0
		w.Query = func(context.Context, *fleet.Machine) (*protocol.Reading, error) {
			if round++; round == 2 {
				return nil, errors.New("away")
			}
			return &protocol.Reading{}, nil
		}
		asked := 0
		w.Identify = func(context.Context, *fleet.Machine) (string, string, error) {
			if asked++; asked == 1 {
				return "", "HTM30S0009", nil
			}
			return "", "HTM30S0010", nil
		}
		var errs []error
		w.Handle = func(batch []fleet.Outcome) {
			for _, o := range batch {
				errs = append(errs, o.Err)
			}
		}
		if err := w.Run(ctx); err != nil {
			t.Fatal(err)
		}
		var other *fleet.OtherMachine
		if len(errs) != 4 || errs[0] != nil || errs[1] == nil || !errors.As(errs[2], &other) || other.Serial != "HTM30S0010" {
			t.Errorf("outcomes %v", errs)
		}
	})
}

func TestWatchRefusals(t *testing.T) {
	w := fleet.Watcher{}
	if code(w.Run(t.Context())) != "no-machine" {
		t.Error("an empty fleet is watched")
	}
	w = fleet.Watcher{Machines: machines(1), Interval: time.Second, Timeout: time.Second}
	if code(w.Run(t.Context())) != "farm-out-of-range" {
		t.Error("a timeout as long as the interval")
	}
}

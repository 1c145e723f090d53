package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aqsha/aqsha/farm/alert"
	"github.com/aqsha/aqsha/internal/sim/diskfault"
	"github.com/aqsha/aqsha/txlog/vfs"
)

// receiver writes down what arrives, and refuses while it is down.
type receiver struct {
	mu   sync.Mutex
	down bool
	took []string
	ids  []int64
}

func (v *receiver) send(_ context.Context, r *Route, m Message) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.down {
		return errors.New("down")
	}
	v.took, v.ids = append(v.took, r.Name+": "+shortened(m)), append(v.ids, m.Sequence)
	return nil
}

func (v *receiver) all() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return append([]string(nil), v.took...)
}

func (v *receiver) set(down bool) { v.mu.Lock(); v.down = down; v.mu.Unlock() }

// courier runs over a folder until stop is called.
func courier(t *testing.T, dir string, v *receiver, log []alert.Notice, routes ...Route) (*Courier, func()) {
	t.Helper()
	if err := CheckRoutes(routes); err != nil {
		t.Fatal(err)
	}
	c := &Courier{Dir: dir, Name: "north", Zone: almaty, Routes: routes, Log: slog.New(slog.DiscardHandler), Send: v.send}
	if err := c.Open(); err != nil {
		t.Fatal(err)
	}
	c.SetSubjects(newFarm().Subjects)
	for _, n := range log {
		c.Take(n, true)
	}
	ctx, stop := context.WithCancel(t.Context())
	c.Start(ctx)
	return c, func() { stop(); c.Wait() }
}

func now(kind alert.Kind, raised bool, machines ...string) alert.Notice {
	return alert.Notice{At: time.Now().UTC(), Kind: kind, Raised: raised, Scope: machines[0], Machines: machines}
}

// What changes within a minute is one message; a receiver that is down for hours gets one message with all of it, also
// when the program was started again meanwhile; one that is slow holds up nobody else.
func TestCourier(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, v := t.TempDir(), &receiver{}
		chat := Route{Name: "chat", Form: Slack, URLFile: "u"}
		var log []alert.Notice
		c, stop := courier(t, dir, v, nil, chat)
		report := func(n alert.Notice) { log = append(log, n); c.Take(n, true) }
		for i := range 6 {
			report(now(alert.Offline, true, fmt.Sprintf("M%02d", i)))
			time.Sleep(5 * time.Second)
		}
		time.Sleep(2 * time.Minute)
		if got := v.all(); len(got) != 1 || got[0] != "chat: +offline north 6" {
			t.Fatalf("after the storm: %q", got)
		}
		v.set(true)
		report(now(alert.Hot, true, "M07"))
		report(now(alert.Fan, true, "M08"))
		time.Sleep(time.Hour)
		report(now(alert.Hot, false, "M07"))
		stop()
		c, stop = courier(t, dir, v, log, chat)
		time.Sleep(time.Hour)
		v.set(false)
		time.Sleep(15 * time.Minute)
		if got := v.all(); len(got) != 2 || got[1] != "chat: +fan M08 1, ~hot M07 1" || v.ids[1] != 2 {
			t.Fatalf("after the receiver's time away: %q", got)
		}
		stop()
		report(now(alert.Fan, false, "M08"))
		_, stop = courier(t, dir, v, log, chat, Route{Name: "new", Form: Slack, URLFile: "u"})
		time.Sleep(5 * time.Minute)
		stop()
		if got := v.all(); len(got) != 4 || v.ids[2]+v.ids[3] != 4 { // 3 and 1
			t.Fatalf("after another start: %q", got)
		}
	})
}

// In quiet hours nothing is sent, and after them what still holds and what is past, at once.
func TestCourierIsQuiet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // it is 2000-01-01 05:00 in this zone
		v := &receiver{}
		c, stop := courier(t, t.TempDir(), v, nil, Route{Name: "chat", Form: Slack, URLFile: "u", Quiet: "22:00-07:00"})
		c.Take(now(alert.Hot, true, "M00"), true)
		time.Sleep(time.Hour)
		c.Take(now(alert.Hot, false, "M00"), true)
		c.Take(now(alert.Fan, true, "M01"), true)
		time.Sleep(59 * time.Minute)
		if got := v.all(); len(got) != 0 {
			t.Errorf("in quiet hours: %q", got)
		}
		time.Sleep(2 * time.Minute)
		if got := v.all(); len(got) != 1 || got[0] != "chat: +fan M01 1, ~hot M00 1" {
			t.Errorf("after them: %q", got)
		}
		stop()
	})
}

// Somebody who acknowledges in time saves the next one his sleep.
func TestCourierEscalates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, v := t.TempDir(), &receiver{}
		c, stop := courier(t, dir, v, nil, Route{Name: "first", Form: Slack, URLFile: "u"},
			Route{Name: "second", Form: Slack, URLFile: "u", After: 15 * time.Minute})
		seen, unseen := now(alert.Hot, true, "M00"), now(alert.Fan, true, "M01")
		c.Take(seen, true)
		c.Take(unseen, true)
		time.Sleep(5 * time.Minute)
		if err := Acknowledge(vfs.OS, dir, []Acknowledgement{{Machine: "M00", Kind: alert.Hot, Since: seen.At}}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Minute)
		if got := v.all(); len(got) != 2 || got[0] != "first: +fan M01 1, +hot M00 1" || got[1] != "second: +fan M01 1" {
			t.Errorf("%q", got)
		}
		stop()
	})
}

// Whatever the disk does, what was written down as told is told no more, and what was not is told again.
func TestToldSurvivesItsDisk(t *testing.T) {
	t.Parallel()
	open := func(files vfs.FS) (*Courier, error) {
		c := &Courier{Dir: "farm", Files: files, Routes: []Route{{Name: "chat"}}, Log: slog.New(slog.DiscardHandler)}
		return c, c.Open()
	}
	diskfault.Every(t, func(files vfs.FS) error { return files.MkdirAll("farm") }, func(files vfs.FS) (done int, err error) {
		c, err := open(files)
		if err != nil {
			return 0, err
		}
		for done = range 8 {
			if err := c.commit(&c.Routes[0], State{Sequence: int64(done + 1), Reported: make([]Reported, 5)}); err != nil {
				return done, err
			}
		}
		return 8, nil
	}, func(files vfs.FS, done int) error {
		c, err := open(files)
		if err != nil {
			return err
		}
		if n := int(c.states["chat"].Sequence); n < done || n > done+1 {
			return fmt.Errorf("%d messages were written down, %d are there", done, n)
		}
		return nil
	})
}

// An acknowledgement that was given is there, and those of before.
func TestAcknowledgementsSurviveTheirDisk(t *testing.T) {
	t.Parallel()
	add := func(files vfs.FS, n int) error {
		return Acknowledge(files, "farm", []Acknowledgement{{Machine: fmt.Sprint("M", n), Kind: alert.Hot, Since: noon}})
	}
	diskfault.Every(t, func(files vfs.FS) error { return errors.Join(files.MkdirAll("farm"), add(files, 0)) },
		func(files vfs.FS) (done int, err error) {
			for done = 1; done < 9; done++ {
				if err := add(files, done); err != nil {
					return done, err
				}
			}
			return done, nil
		}, func(files vfs.FS, done int) error {
			acks, err := ReadAcknowledgements(files, "farm")
			if err != nil {
				return err
			}
			if len(acks) < done || len(acks) > done+1 {
				return fmt.Errorf("%d were given, %d are there", done, len(acks))
			}
			for i, a := range acks {
				if a.Machine != fmt.Sprint("M", i) || !a.Of(alert.Standing{Machine: a.Machine, Kind: alert.Hot, Since: noon}) {
					return fmt.Errorf("acknowledgement %d is %+v", i, a)
				}
			}
			return nil
		})
}

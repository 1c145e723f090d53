package orders

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/control"
	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/internal/sim/diskfault"
	"github.com/aqsha/aqsha/txlog/vfs"
)

var noon = time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)

func ready() error { return nil }

func given(id int64, second bool, from, until time.Time) Entry {
	return Entry{Order: id, At: noon, Who: "aigerim", Step: Given, What: &control.Order{Action: control.Sleep},
		Machines: []string{"M1", "M2"}, From: from, Until: until, Second: second}
}

func code(err error) string {
	var refusal *farm.Error
	if errors.As(err, &refusal) {
		return refusal.Code
	}
	return ""
}

// An order of many machines goes out only after somebody else has confirmed it, and once.
func TestFourEyes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	add := func(e Entry) error {
		_, err := Add(vfs.OS, dir, func(*Book) ([]Entry, error) { return []Entry{e}, nil })
		return err
	}
	if err := add(given(1, true, time.Time{}, time.Time{})); err != nil {
		t.Fatal(err)
	}
	claim := func(at time.Time) int {
		t.Helper()
		begun, _, err := Claim(vfs.OS, dir, "runner", at, ready)
		if err != nil {
			t.Fatal(err)
		}
		return len(begun)
	}
	if claim(noon) != 0 {
		t.Fatal("an order that nobody confirmed was begun")
	}
	if err := add(Entry{Order: 1, At: noon, Who: "runner", Step: Begun}); code(err) != "farm-order-state" {
		t.Errorf("begun without a second person: %v", err)
	}
	if err := add(Entry{Order: 1, At: noon, Who: "aigerim", Step: Confirmed}); code(err) != "farm-second-person" {
		t.Errorf("confirmed by who gave it: %v", err)
	}
	if err := add(Entry{Order: 1, At: noon, Who: "bolat", Step: Confirmed}); err != nil {
		t.Fatal(err)
	}
	if err := add(Entry{Order: 1, At: noon, Who: "gulnar", Step: Confirmed}); code(err) != "farm-order-state" {
		t.Errorf("confirmed twice: %v", err)
	}
	if claim(noon) != 1 || claim(noon) != 0 {
		t.Error("a confirmed order is begun once")
	}
	b, err := Read(vfs.OS, dir)
	if err != nil || b.Orders[0].State(noon) != Interrupted || b.Orders[0].Confirmer() != "bolat" {
		t.Errorf("%+v, %v", b, err)
	}
	if err := add(Entry{Order: 1, At: noon, Who: "bolat", Step: Withdrawn}); code(err) != "farm-order-state" {
		t.Errorf("withdrawn after it was begun: %v", err)
	}
	if err := add(Entry{Order: 1, At: noon, Who: "runner", Step: Ended, Done: 2}); err != nil {
		t.Fatal(err)
	}
	if b, err = Read(vfs.OS, dir); err != nil || b.Orders[0].State(noon) != Finished {
		t.Errorf("%v, %v", b.Orders[0].State(noon), err)
	}
}

// What is scheduled begins in its time; what was missed is written down and never begun.
func TestSchedules(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := Add(vfs.OS, dir, func(*Book) ([]Entry, error) {
		return []Entry{given(1, false, noon.Add(time.Hour), noon.Add(70*time.Minute)),
			given(2, true, noon.Add(time.Hour), noon.Add(70*time.Minute)),
			given(3, false, noon.Add(5*time.Hour), noon.Add(6*time.Hour))}, nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		after         time.Duration
		begun, missed []int64
	}{{0, nil, nil}, {65 * time.Minute, []int64{1}, nil}, {71 * time.Minute, nil, []int64{2}},
		{72 * time.Minute, nil, nil},
		{7 * time.Hour, nil, []int64{3}}, {8 * time.Hour, nil, nil}} {
		begun, missed, err := Claim(vfs.OS, dir, "runner", noon.Add(step.after), ready)
		numbers := func(list []Order) (out []int64) {
			for _, o := range list {
				out = append(out, o.ID)
			}
			return out
		}
		if err != nil || !slices.Equal(numbers(begun), step.begun) || !slices.Equal(numbers(missed), step.missed) {
			t.Errorf("after %v: begun %v, missed %v, %v", step.after, numbers(begun), numbers(missed), err)
		}
	}
	b, err := Read(vfs.OS, dir)
	if err != nil || b.Orders[1].State(noon) != Passed || b.Orders[2].State(noon) != Passed {
		t.Errorf("%+v, %v", b, err)
	}
}

// Nothing that is acknowledged is lost, and nothing is begun twice, whatever the disk does.
func TestOrdersSurviveTheirDisk(t *testing.T) {
	t.Parallel()
	add := func(files vfs.FS) error {
		_, err := Add(files, "farm", func(b *Book) ([]Entry, error) {
			return []Entry{given(int64(len(b.Orders))+1, false, time.Time{}, time.Time{})}, nil
		})
		return err
	}
	diskfault.Every(t, func(files vfs.FS) error { return errors.Join(files.MkdirAll("farm"), add(files)) },
		func(files vfs.FS) (done int, err error) {
			for done = 1; done < 5; done++ {
				if err := add(files); err != nil {
					return done, err
				}
			}
			_, _, err = Claim(files, "farm", "runner", noon, ready)
			return done, err
		}, func(files vfs.FS, done int) error {
			b, err := Read(files, "farm")
			if err != nil {
				return err
			}
			if len(b.Orders) < done || len(b.Orders) > done+2 {
				return fmt.Errorf("%d orders were given, %d are there", done, len(b.Orders))
			}
			first, _, err := Claim(files, "farm", "runner", noon, ready)
			if err != nil {
				return err
			}
			for _, o := range first {
				if b.Orders[o.ID-1].Last().Step == Begun {
					return fmt.Errorf("order %d was begun twice", o.ID)
				}
			}
			return add(files)
		})
}

// What cannot be is refused, in a program and in a file.
func TestEntriesAreChecked(t *testing.T) {
	t.Parallel()
	bad := map[string]Entry{"gap": given(2, false, time.Time{}, time.Time{}), "end first": given(1, false, noon, noon),
		"unknown": {Order: 5, At: noon, Who: "x", Step: Ended}, "nobody": {Order: 1, At: noon, Step: Given}}
	e := given(1, false, time.Time{}, time.Time{})
	e.Machines = nil
	bad["no machines"] = e
	e = given(1, false, time.Time{}, time.Time{})
	e.What = &control.Order{Action: control.Password, Secret: "long enough"}
	bad["password"] = e
	e.What = &control.Order{Action: control.Power}
	bad["no watts"] = e
	for name, e := range bad {
		if err := new(Book).Take(e); err == nil {
			t.Errorf("%s: taken", name)
		} else if name == "password" && !strings.Contains(err.Error(), "not kept with an order") {
			t.Errorf("%s: refused for another reason: %v", name, err)
		}
	}
	dir := t.TempDir()
	if _, err := Add(vfs.OS, dir, func(*Book) ([]Entry, error) {
		return []Entry{given(1, true, noon, noon.Add(1))}, nil
	}); err != nil {
		t.Fatal(err)
	}
	forged := `{"order":1,"at":"2026-12-01T12:00:00Z","who":"aigerim","step":"confirmed"}` + "\n"
	path := filepath.Join(dir, "orders.jsonl")
	content, err := os.ReadFile(path)
	if err != nil || os.WriteFile(path, append(content, forged...), 0o600) != nil {
		t.Fatal(err)
	}
	if _, err := Read(vfs.OS, dir); err == nil {
		t.Error("a file in which who gave an order has confirmed it was read")
	}
}

func machines(n int) (out []*fleet.Machine) {
	for i := range n {
		out = append(out, &fleet.Machine{ID: fmt.Sprintf("M%03d", i), NominalWatts: int64(1000 + 500*(i%5)),
			Place: fleet.Place{Site: "s", Container: fmt.Sprint("c", i%4)}})
	}
	return out
}

// The load of a curtailed farm is within the plan in every hour, nobody who rests is woken too early, and only machines
// of the groups are told; what a plan leaves room for runs.
func TestCurtailmentKeepsToItsPlan(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		fleet := machines(rapid.IntRange(4, 40).Draw(t, "machines"))
		groups := []string{"s/c2", "s/c1"}
		all, fixed := int64(0), int64(0)
		for _, m := range fleet {
			all += m.LoadWatts()
			if !m.Matches(groups[0]) && !m.Matches(groups[1]) {
				fixed += m.LoadWatts()
			}
		}
		least, most := (fixed+999)/1000, all/1000+2
		rest := time.Duration(rapid.IntRange(0, 4).Draw(t, "rest")) * time.Hour
		var hours []Hour
		for i := range rapid.IntRange(1, 24).Draw(t, "hours") {
			from := noon.Add(time.Duration(i) * time.Hour)
			hours = append(hours, Hour{from, from.Add(time.Hour), rapid.Int64Range(least, most).Draw(t, "kw")})
		}
		entries, err := Curtail(fleet, hours, Terms{Groups: groups, MinRest: rest, MinRun: time.Hour,
			Grace: time.Minute,
			Plan:  "p", Who: "x", Now: noon})
		if err != nil {
			t.Fatal(err)
		}
		asleep, since := map[string]bool{}, map[string]time.Time{}
		for _, h := range hours {
			for _, e := range entries {
				if !e.From.Equal(h.From) {
					continue
				}
				for _, id := range e.Machines {
					sleep := e.What.Action == control.Sleep
					if asleep[id] == sleep {
						t.Fatalf("%s is told to %s, which it is", id, e.What.Action)
					}
					if !sleep && h.From.Sub(since[id]) < rest {
						t.Fatalf("%s is woken after %v", id, h.From.Sub(since[id]))
					}
					asleep[id], since[id] = sleep, h.From
				}
			}
			load, room := int64(0), true
			for _, m := range fleet {
				if asleep[m.ID] && !m.Matches(groups[0]) && !m.Matches(groups[1]) {
					t.Fatalf("%s of no group sleeps", m.ID)
				}
				if !asleep[m.ID] {
					load += m.LoadWatts()
				}
			}
			for _, m := range fleet {
				if asleep[m.ID] && rest == 0 && load+m.LoadWatts() <= h.KW*1000 {
					room = false
				}
			}
			if load > h.KW*1000 || !room {
				t.Fatalf("%v: %d W run; everybody who could run does: %t", h, load, room)
			}
		}
	})
}

func TestCurtailmentRefuses(t *testing.T) {
	t.Parallel()
	hour := func(kw int64) []Hour { return []Hour{{noon, noon.Add(time.Hour), kw}} }
	terms := Terms{Groups: []string{"s/c1"}, Who: "x", Now: noon, Grace: time.Minute}
	if _, err := Curtail(machines(8), hour(1), terms); code(err) != "farm-infeasible-plan" {
		t.Errorf("a plan below what may not sleep: %v", err)
	}
	if _, err := Curtail(machines(8), nil, terms); code(err) != "farm-bad-plan" {
		t.Errorf("no hours: %v", err)
	}
	if _, err := Curtail(machines(8), append(hour(9), hour(9)...), terms); code(err) != "farm-bad-plan" {
		t.Errorf("an hour twice: %v", err)
	}
	terms.Groups = []string{"elsewhere"}
	if _, err := Curtail(machines(8), hour(99), terms); code(err) != "no-machine" {
		t.Errorf("groups without machines: %v", err)
	}
	terms.Groups, terms.Now = []string{"s"}, noon.Add(2*time.Hour)
	if entries, err := Curtail(machines(8), hour(1), terms); err != nil || len(entries) != 0 {
		t.Errorf("an hour that has passed: %v, %v", entries, err)
	}
}

// The account sets what was planned beside what was seen to be done.
func TestAccount(t *testing.T) {
	t.Parallel()
	b := new(Book)
	sleep, wake := given(1, false, noon, noon.Add(time.Minute)),
		given(2, false, noon.Add(time.Hour), noon.Add(2*time.Hour))
	sleep.Plan, sleep.KW, wake.Plan, wake.KW = "p", 9, "p", 7
	wake.What = &control.Order{Action: control.Wake}
	other := given(3, false, noon, noon.Add(time.Minute))
	for _, e := range []Entry{sleep, wake, other, {Order: 1, At: noon, Who: "r", Step: Begun},
		{Order: 1, At: noon, Who: "r", Step: Ended, Done: 1, DoneKW: 5}} {
		if err := b.Take(e); err != nil {
			t.Fatal(err)
		}
	}
	want := []Kept{{At: noon, SleepKW: 9, SleptKW: 5}, {At: noon.Add(time.Hour), WakeKW: 7, Missed: 1}}
	if got := b.Account("p", noon.Add(3*time.Hour), nil); !slices.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	// The machine drew 3.1 kW in the ten minutes before, and 60 W in those that begin two minutes after.
	meter := func(machine string, from, to time.Time) (int64, bool) {
		switch {
		case to.Sub(from) != 10*time.Minute:
			t.Errorf("asked for %s from %v to %v", machine, from, to)
		case machine != sleep.Machines[0]: // it does not tell its watts
		case to.Equal(noon):
			return 3100, true
		case from.Equal(noon.Add(2 * time.Minute)):
			return 60, true
		}
		return 0, false
	}
	want[0].SleptWatts, want[0].Measured = 3040, 1
	if got := b.Account("p", noon.Add(3*time.Hour), meter); !slices.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func FuzzEntries(f *testing.F) {
	f.Add([]byte(`{"order":1,"at":"2026-12-01T12:00:00Z","who":"a","step":"given","what":{"action":"sleep"},"machines":["M"]}`))
	f.Add([]byte(`{"order":1,"at":"2026-12-01T12:00:00Z","who":"b","step":"confirmed"}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		b := new(Book)
		if b.Take(given(1, true, time.Time{}, time.Time{})) != nil {
			t.Fatal("a sound entry is refused")
		}
		var e Entry
		if json.Unmarshal(line, &e) == nil {
			_ = b.Take(e) // what is refused changes nothing
		}
		for i := range b.Orders {
			o := &b.Orders[i]
			began := slices.ContainsFunc(o.Entries, func(e Entry) bool { return e.Step == Begun })
			if o.ID != int64(i)+1 || (o.First().Second && began && o.Confirmer() == "") ||
				o.Confirmer() == o.First().Who {
				t.Errorf("%+v", o)
			}
			_ = o.State(noon)
		}
	})
}

// What is due is begun once everything that it needs is there, and asked for only then.
func TestWhatIsDueWaitsForWhatItNeeds(t *testing.T) {
	dir := t.TempDir()
	asked, busy := 0, errors.New("somebody else's order is under way")
	claim := func(at time.Time, answer error) (begun, missed int, err error) {
		b, m, err := Claim(vfs.OS, dir, "runner", at, func() error { asked++; return answer })
		return len(b), len(m), err
	}
	if _, err := Add(vfs.OS, dir, func(*Book) ([]Entry, error) {
		return []Entry{given(1, false, noon, noon.Add(time.Hour))}, nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		after                time.Duration
		answer               error
		begun, missed, asked int
	}{
		{-time.Minute, busy, 0, 0, 0},
		{time.Minute, busy, 0, 0, 1},
		{2 * time.Minute, nil, 1, 0, 2},
		{3 * time.Minute, busy, 0, 0, 2},
	} {
		begun, missed, err := claim(noon.Add(step.after), step.answer)
		if waits := step.answer != nil && step.after == time.Minute; errors.Is(err, busy) != waits || begun != step.begun || missed != step.missed || asked != step.asked {
			t.Fatalf("after %s: %d begun, %d missed, asked %d times, %v", step.after, begun, missed, asked, err)
		}
	}
}

package records

import (
	"context"
	"errors"
	"io/fs"
	"math"
	"path/filepath"
	"slices"
	"sort"
	"sync/atomic"
	"time"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/telemetry"
	"github.com/aqsha/aqsha/farm/usage"
)

// Records is a farm's folder, open.
type Records struct {
	Dir         string
	Config      Config
	Fleet       *fleet.Inventory
	Store       *telemetry.Store
	Annotations []Annotation
	Prices      []PricePoint
	Meters      []MeterReading

	looked atomic.Int64 // usage.Instant of a watch's last look
}

// Open opens a folder to add to it; OpenReader to read it, beside a watch that adds.
func Open(dir string) (*Records, error) { return open(dir, telemetry.Open) }

// OpenReader opens a folder to read what is there now.
func OpenReader(dir string) (*Records, error) { return open(dir, telemetry.OpenReader) }

func open(dir string, samples func(string) (*telemetry.Store, error)) (*Records, error) {
	b := &Records{Dir: dir}
	var err error
	if b.Config, err = ReadConfig(dir); err != nil {
		return nil, err
	}
	if b.Fleet, err = fleet.OpenInventory(dir); err != nil {
		return nil, err
	}
	if b.Annotations, err = readAnnotations(dir); err != nil {
		return nil, err
	}
	if b.Prices, err = readPrices(dir); err != nil {
		return nil, err
	}
	if b.Meters, err = readMeters(dir); err != nil {
		return nil, err
	}
	looked, err := readLooked(dir)
	if err != nil {
		return nil, err
	}
	b.looked.Store(int64(looked))
	b.Store, err = samples(filepath.Join(dir, "samples"))
	return b, err
}

// Close lets go of the samples.
func (b *Records) Close() error { return b.Store.Close() }

// PriceAt is what work is worth in an hour; before the first price there is none, and work is worth nothing.
func (b *Records) PriceAt(hour usage.Instant) (usage.Price, bool) {
	after := sort.Search(len(b.Prices), func(i int) bool { return b.Prices[i].From > hour })
	if after == 0 {
		return usage.Price{}, false
	}
	return b.Prices[after-1].Price, true
}

// Annotate appends a mark. It may not reach into a day that is summed up.
func (b *Records) Annotate(m Annotation) error {
	if m.To <= m.From {
		return farm.Refuse("bad-time", "to", "want it after from")
	}
	if _, err := b.Fleet.Select(m.Selector); err != nil {
		return err
	}
	for day := m.From.Floor(usage.Day); day < m.To; day += usage.Day {
		if b.Store.HasRollup(day) {
			return farm.Refuse("day-closed", "from", "%s is summed up and does not change any more",
				day.Time().Format(time.DateOnly))
		}
	}
	if err := appendRows(b.Dir, "marks.csv", annotationHeader, []string{m.From.Time().Format(time.RFC3339),
		m.To.Time().Format(time.RFC3339), m.Selector, m.State.String(), m.Why}); err != nil {
		return err
	}
	b.Annotations = append(b.Annotations, m)
	return nil
}

// annotationsOf are a machine's marks.
func (b *Records) annotationsOf(m *fleet.Machine) (annotations []usage.Annotation) {
	for _, annotation := range b.Annotations {
		if m.Matches(annotation.Selector) {
			annotations = append(annotations, annotation.Annotation)
		}
	}
	return annotations
}

// tailAllowed is how long a machine may be silent before now without being accounted as lost: its next
// poll is not due yet, or was missed once.
func (b *Records) tailAllowed() usage.Instant {
	return max(3*usage.Minute, 5*usage.Instant(b.Config.Interval/(100*time.Millisecond))/2)
}

// cells computes a machine's cells of [from, to), multiples of the grid, from its polls. They are cut at
// the newest poll of the farm.
func (b *Records) cells(m *fleet.Machine, number uint32, from, to, newest usage.Instant) ([]usage.Cell, error) {
	since := usage.Instant(m.Since) * usage.Second
	if since >= min(to, newest) {
		return nil, nil
	}
	polls, err := b.Store.Around(number, from, to, usage.LongestGap)
	if err != nil {
		return nil, err
	}
	before, first := 0, max(from, since)
	for before < len(polls) && polls[before].At <= first {
		before++
	}
	// One poll before the span: work is what counters rose between two polls.
	polls = polls[max(0, before-1):]
	cells := usage.NewCells(from, to, usage.Grid)
	w := usage.Walker{Annotations: b.annotationsOf(m), Emit: cells.Add}
	// No poll before: the span begins with the machine's own beginning, and the time up to its first answer is its
	// loss.
	if before == 0 {
		w.Begin(first)
	}
	last := first
	for _, p := range polls {
		w.Add(p)
		if last = max(last, p.At); p.At >= to {
			break
		}
	}
	// Silent up to the farm's newest poll: the farm was watched, so the machine is what was missing.
	if end := min(to, newest); newest-last > b.tailAllowed() {
		rate, watts, _ := m.Nameplate()
		w.Finish(end, usage.Poll{NameplateMHs: rate, NominalWatts: watts})
	}
	return cells.Cells, nil
}

// Days calls do for each machine with its cells of each day (of UTC) of [from, to), from the day's sums
// where they are, from polls elsewhere. Sums are of whole days, and may reach beyond the span.
func (b *Records) Days(ctx context.Context, from, to usage.Instant, progress func(done, all int),
	do func(m *fleet.Machine, day usage.Instant, cells []usage.Cell) error) error {
	machines := b.Fleet.Machines
	identities := make([]string, len(machines))
	for i := range machines {
		identities[i] = machines[i].ID
	}
	numbers := b.numbers(identities)
	newest := b.Newest()
	first := from.Floor(usage.Day)
	all := int((to-first+usage.Day-1)/usage.Day) * len(machines)
	for day := first; day < to; day += usage.Day {
		// The day's sums where they are: polls may have been dropped since, and an account must not change by that.
		sums, err := b.Store.OpenRollup(day)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for i := range machines {
			if err := ctx.Err(); err != nil {
				return err
			}
			var cells []usage.Cell
			err = nil
			number, known := numbers[machines[i].ID]
			switch {
			case !known:
			case sums != nil:
				cells, err = sums.Cells(number)
			case day < newest:
				cells, err = b.cells(&machines[i], number, max(from, day), min(to, day+usage.Day), newest)
			}
			if err == nil && cells != nil {
				err = do(&machines[i], day, cells)
			}
			if err != nil {
				return errors.Join(err, closeRollup(sums))
			}
			if progress != nil {
				progress(int((day-first)/usage.Day)*len(machines)+i+1, all)
			}
		}
		if err := closeRollup(sums); err != nil {
			return err
		}
	}
	return nil
}

func closeRollup(r *telemetry.Rollup) error {
	if r == nil {
		return nil
	}
	return r.Close()
}

// numbers finds the store's numbers without giving new ones.
func (b *Records) numbers(identities []string) map[string]uint32 {
	out := make(map[string]uint32, len(identities))
	for number, identity := range b.Store.Machines() {
		out[identity] = uint32(number)
	}
	return out
}

// settled says whether nothing that can still come changes a day: two days have passed after it.
func settled(day, newest usage.Instant) bool { return day+usage.Day+usage.LongestGap <= newest }

// SumUp sums up the days that are settled and not summed up yet, and lets go of polls that are older
// than they are kept. It returns the days.
func (b *Records) SumUp(ctx context.Context) (days []usage.Instant, err error) {
	newest := b.Store.Newest()
	byNumber := map[uint32]*fleet.Machine{}
	numbers := b.numbers(nil)
	for i := range b.Fleet.Machines {
		if number, ok := numbers[b.Fleet.Machines[i].ID]; ok {
			byNumber[number] = &b.Fleet.Machines[i]
		}
	}
	for _, day := range b.Store.Days() {
		if b.Store.HasRollup(day) || !settled(day, newest) {
			continue
		}
		err := b.Store.WriteRollup(day, func(number uint32) ([]usage.Cell, error) {
			if err := ctx.Err(); err != nil || byNumber[number] == nil {
				return nil, err
			}
			return b.cells(byNumber[number], number, day, day+usage.Day, newest)
		})
		if err != nil {
			return days, err
		}
		days = append(days, day)
	}
	return days, b.Store.Retain(newest)
}

// CheckSums derives the cells of the summed days of [from, to) again from polls, where these are still
// there with two days before and after, and refuses when a sum differs. It counts both kinds of days.
func (b *Records) CheckSums(ctx context.Context, from, to usage.Instant) (polled, summed int, err error) {
	kept := map[usage.Instant]bool{}
	days := b.Store.Days()
	for _, day := range days {
		kept[day] = true
	}
	first := usage.Instant(math.MaxInt64) // of the farm: before it there is nothing to miss
	for i := range b.Fleet.Machines {
		first = min(first, (usage.Instant(b.Fleet.Machines[i].Since) * usage.Second).Floor(usage.Day))
	}
	newest, numbers := b.Store.Newest(), b.numbers(nil)
	for day := from.Floor(usage.Day); day < to; day += usage.Day {
		if !b.Store.HasRollup(day) {
			if kept[day] {
				polled++
			}
			continue
		}
		whole := true
		for near := max(first, day-usage.LongestGap); near <= day+usage.LongestGap; near += usage.Day {
			whole = whole && kept[near]
		}
		if !whole {
			summed++
			continue
		}
		if err := b.checkDay(ctx, day, newest, numbers); err != nil {
			return polled, summed, err
		}
		polled++
	}
	return polled, summed, nil
}

// checkDay derives a day's sums anew from its polls and compares them with those that are kept: the sums outlive the
// polls, and are all that later accounts have.
func (b *Records) checkDay(ctx context.Context, day, newest usage.Instant, numbers map[string]uint32) error {
	sums, err := b.Store.OpenRollup(day)
	if err != nil {
		return err
	}
	defer sums.Close()
	for i := range b.Fleet.Machines {
		if err := ctx.Err(); err != nil {
			return err
		}
		m := &b.Fleet.Machines[i]
		number, ok := numbers[m.ID]
		if !ok {
			continue
		}
		stored, err := sums.Cells(number)
		if err != nil {
			return err
		}
		derived, err := b.cells(m, number, day, day+usage.Day, newest)
		if err != nil {
			return err
		}
		// Equal and not alike: both are exact integers of the same polls.
		if !slices.Equal(stored, derived) {
			return farm.Refuse("sum-differs", "samples", "machine %s on %s: its sums are not what its polls give", m.ID,
				day.Time().Format(time.DateOnly))
		}
	}
	return nil
}

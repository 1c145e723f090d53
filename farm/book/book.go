package book

import (
	"context"
	"errors"
	"io/fs"
	"math"
	"path/filepath"
	"slices"
	"sort"
	"time"

	"github.com/aqsha/aqsha/farm"
	"github.com/aqsha/aqsha/farm/fleet"
	"github.com/aqsha/aqsha/farm/sample"
	"github.com/aqsha/aqsha/farm/use"
)

// Book is a farm's folder, open.
type Book struct {
	Dir    string
	Config Config
	Fleet  *fleet.Inventory
	Store  *sample.Store
	Marks  []Mark
	Prices []PricePoint
	Meters []MeterReading
}

// Open opens a folder to add to it; OpenReader to read it, beside a watch that adds.
func Open(dir string) (*Book, error) { return open(dir, sample.Open) }

// OpenReader opens a folder to read what is there now.
func OpenReader(dir string) (*Book, error) { return open(dir, sample.OpenReader) }

func open(dir string, samples func(string) (*sample.Store, error)) (*Book, error) {
	b := &Book{Dir: dir}
	var err error
	if b.Config, err = ReadConfig(dir); err != nil {
		return nil, err
	}
	if b.Fleet, err = fleet.OpenInventory(dir); err != nil {
		return nil, err
	}
	if b.Marks, err = readMarks(dir); err != nil {
		return nil, err
	}
	if b.Prices, err = readPrices(dir); err != nil {
		return nil, err
	}
	if b.Meters, err = readMeters(dir); err != nil {
		return nil, err
	}
	b.Store, err = samples(filepath.Join(dir, "samples"))
	return b, err
}

// Close lets go of the samples.
func (b *Book) Close() error { return b.Store.Close() }

// PriceAt is what work is worth in an hour; before the first price there is none, and work is worth nothing.
func (b *Book) PriceAt(hour use.Instant) (use.Price, bool) {
	after := sort.Search(len(b.Prices), func(i int) bool { return b.Prices[i].From > hour })
	if after == 0 {
		return use.Price{}, false
	}
	return b.Prices[after-1].Price, true
}

// AddMark appends a mark. It may not reach into a day that is summed up.
func (b *Book) AddMark(m Mark) error {
	if m.To <= m.From {
		return farm.Refuse("bad_time", "to", "want it after from")
	}
	if _, err := b.Fleet.Select(m.Selector); err != nil {
		return err
	}
	for day := m.From.Floor(use.Day); day < m.To; day += use.Day {
		if b.Store.HasRollup(day) {
			return farm.Refuse("day_closed", "from", "%s is summed up and does not change any more", day.Time().Format(time.DateOnly))
		}
	}
	if err := appendRows(b.Dir, "marks.csv", markHeader, []string{m.From.Time().Format(time.RFC3339), m.To.Time().Format(time.RFC3339), m.Selector, m.State.String(), m.Why}); err != nil {
		return err
	}
	b.Marks = append(b.Marks, m)
	return nil
}

// marksOf are a machine's marks.
func (b *Book) marksOf(m *fleet.Machine) (marks []use.Mark) {
	for _, mark := range b.Marks {
		if m.Matches(mark.Selector) {
			marks = append(marks, mark.Mark)
		}
	}
	return marks
}

// tailAllowed is how long a machine may be silent before now without being accounted as lost: its next
// poll is not due yet, or was missed once.
func (b *Book) tailAllowed() use.Instant {
	return max(3*use.Minute, 5*use.Instant(b.Config.Interval/(100*time.Millisecond))/2)
}

// cells computes a machine's cells of [from, to), multiples of the grid, from its polls. They are cut at
// the newest poll of the farm.
func (b *Book) cells(m *fleet.Machine, number uint32, from, to, newest use.Instant) ([]use.Cell, error) {
	since := use.Instant(m.Since) * use.Second
	if since >= min(to, newest) {
		return nil, nil
	}
	polls, err := b.Store.Around(number, from, to, use.LongestGap)
	if err != nil {
		return nil, err
	}
	before, first := 0, max(from, since)
	for before < len(polls) && polls[before].At <= first {
		before++
	}
	polls = polls[max(0, before-1):]
	cells := use.NewCells(from, to, use.Grid)
	w := use.Walker{Marks: b.marksOf(m), Emit: cells.Add}
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
	if end := min(to, newest); newest-last > b.tailAllowed() {
		rate, watts, _ := m.Nameplate()
		w.Finish(end, use.Poll{NameplateMHs: rate, NominalWatts: watts})
	}
	return cells.Cells, nil
}

// Days calls do for each machine with its cells of each day (of UTC) of [from, to), from the day's sums
// where they are, from polls elsewhere. Sums are of whole days, and may reach beyond the span.
func (b *Book) Days(ctx context.Context, from, to use.Instant, progress func(done, all int), do func(m *fleet.Machine, day use.Instant, cells []use.Cell) error) error {
	machines := b.Fleet.Machines
	identities := make([]string, len(machines))
	for i := range machines {
		identities[i] = machines[i].ID
	}
	numbers := b.numbers(identities)
	newest := b.Store.Newest()
	first := from.Floor(use.Day)
	all := int((to-first+use.Day-1)/use.Day) * len(machines)
	for day := first; day < to; day += use.Day {
		sums, err := b.Store.OpenRollup(day)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for i := range machines {
			if err := ctx.Err(); err != nil {
				return err
			}
			var cells []use.Cell
			err = nil
			number, known := numbers[machines[i].ID]
			switch {
			case !known:
			case sums != nil:
				cells, err = sums.Cells(number)
			case day < newest:
				cells, err = b.cells(&machines[i], number, max(from, day), min(to, day+use.Day), newest)
			}
			if err == nil && cells != nil {
				err = do(&machines[i], day, cells)
			}
			if err != nil {
				return errors.Join(err, closeRollup(sums))
			}
			if progress != nil {
				progress(int((day-first)/use.Day)*len(machines)+i+1, all)
			}
		}
		if err := closeRollup(sums); err != nil {
			return err
		}
	}
	return nil
}

func closeRollup(r *sample.Rollup) error {
	if r == nil {
		return nil
	}
	return r.Close()
}

// numbers finds the store's numbers without giving new ones.
func (b *Book) numbers(identities []string) map[string]uint32 {
	out := make(map[string]uint32, len(identities))
	for number, identity := range b.Store.Machines() {
		out[identity] = uint32(number)
	}
	return out
}

// settled says whether nothing that can still come changes a day: two days have passed after it.
func settled(day, newest use.Instant) bool { return day+use.Day+use.LongestGap <= newest }

// SumUp sums up the days that are settled and not summed up yet, and lets go of polls that are older
// than they are kept. It returns the days.
func (b *Book) SumUp(ctx context.Context) (days []use.Instant, err error) {
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
		err := b.Store.WriteRollup(day, func(number uint32) ([]use.Cell, error) {
			if err := ctx.Err(); err != nil || byNumber[number] == nil {
				return nil, err
			}
			return b.cells(byNumber[number], number, day, day+use.Day, newest)
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
func (b *Book) CheckSums(ctx context.Context, from, to use.Instant) (polled, summed int, err error) {
	kept := map[use.Instant]bool{}
	days := b.Store.Days()
	for _, day := range days {
		kept[day] = true
	}
	first := use.Instant(math.MaxInt64) // of the farm: before it there is nothing to miss
	for i := range b.Fleet.Machines {
		first = min(first, (use.Instant(b.Fleet.Machines[i].Since) * use.Second).Floor(use.Day))
	}
	newest, numbers := b.Store.Newest(), b.numbers(nil)
	for day := from.Floor(use.Day); day < to; day += use.Day {
		if !b.Store.HasRollup(day) {
			if kept[day] {
				polled++
			}
			continue
		}
		whole := true
		for near := max(first, day-use.LongestGap); near <= day+use.LongestGap; near += use.Day {
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

func (b *Book) checkDay(ctx context.Context, day, newest use.Instant, numbers map[string]uint32) error {
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
		derived, err := b.cells(m, number, day, day+use.Day, newest)
		if err != nil {
			return err
		}
		if !slices.Equal(stored, derived) {
			return farm.Refuse("sum_differs", "samples", "machine %s on %s: its sums are not what its polls give", m.ID, day.Time().Format(time.DateOnly))
		}
	}
	return nil
}

package telemetry

import (
	"encoding/binary"

	"github.com/aqsha/aqsha/farm/usage"
)

// PollColumns is how many numbers a poll is stored as; MeasuredColumns of them are measurements,
// the others its time and what the machine should be.
const (
	PollColumns     = 16
	MeasuredColumns = 12
)

// Flags of a poll.
const (
	flagPoolAlive = 1 << iota
	flagPoolWrong
	flagThrottled
	flagSleeping
	flagSource // two bits from here
)

// row is a poll as columns. The order of its columns is that of the blocks on the disk, and may never change.
type row [PollColumns]int64

// rowOf lays a poll out, its columns so that they hardly change from poll to poll.
func rowOf(p usage.Poll) row {
	flags := int64(p.Source) * flagSource
	for bit, set := range map[int64]bool{flagPoolAlive: p.PoolAlive, flagPoolWrong: p.PoolWrong,
		flagThrottled: p.Throttled, flagSleeping: p.Sleeping} {
		if set {
			flags |= bit
		}
	}
	elapsed := p.Elapsed // against our clock it is all but constant; even numbers are known ones
	if elapsed >= 0 {
		elapsed = 2 * (elapsed - int64(p.At/usage.Second))
	} else {
		elapsed = 1
	}
	return row{int64(p.At), elapsed, p.RateMHs, p.NameplateMHs, p.TotalMH, p.AcceptedMH, p.RejectedMH, p.HardwareErrors,
		p.ChipTemp, p.SlowestFan, p.Watts, p.NominalWatts, p.Boards, p.BoardsDue, p.CapPermille, flags}
}

// poll is the poll that rowOf laid out; a source that is not known is taken for the nameplate.
func (r *row) poll() usage.Poll {
	flags := r[15]
	p := usage.Poll{At: usage.Instant(r[0]), Elapsed: usage.Unknown, RateMHs: r[2], NameplateMHs: r[3], TotalMH: r[4],
		AcceptedMH: r[5], RejectedMH: r[6], HardwareErrors: r[7], ChipTemp: r[8], SlowestFan: r[9],
		Watts: r[10], NominalWatts: r[11], Boards: r[12], BoardsDue: r[13], CapPermille: r[14],
		PoolAlive: flags&flagPoolAlive != 0, PoolWrong: flags&flagPoolWrong != 0, Throttled: flags&flagThrottled != 0,
		Sleeping: flags&flagSleeping != 0,
		Source:   usage.PowerSource(min(uint64(flags/flagSource)&3, uint64(usage.ByNameplate)))}
	if r[1]&1 == 0 {
		p.Elapsed = r[1]/2 + r[0]/int64(usage.Second)
	}
	return p
}

// Quantise rounds a poll to what is kept of it: rates to 1/256 of the nameplate, counters to about 10 ms of its work or
// less, watts to 10, fans to 60 rpm. What is not known stays so. Quantising what is quantised changes nothing.
func Quantise(p usage.Poll) usage.Poll {
	step := int64(1)
	for step <= p.NameplateMHs/1000 {
		step *= 10
	}
	for _, q := range []struct {
		value *int64
		step  int64
	}{{&p.RateMHs, max(1, p.NameplateMHs/256)}, {&p.TotalMH, step}, {&p.AcceptedMH, step}, {&p.RejectedMH, step},
		{&p.Watts, 10}, {&p.SlowestFan, 60}} {
		if *q.value > 0 {
			*q.value = (*q.value + q.step/2) / q.step * q.step
		}
	}
	return p
}

// appendRow writes a row as differences from the one before: what the journal and the open hour hold.
func appendRow(to []byte, r, before *row) []byte {
	for i := range r {
		to = binary.AppendVarint(to, r[i]-before[i])
	}
	return to
}

// takeRow reads a row that appendRow wrote after the same row before.
func takeRow(in []byte, before *row) (r row, rest []byte, err error) {
	for i := range r {
		var d int64
		if d, in, err = takeVarint(in); err != nil {
			return r, nil, err
		}
		r[i] = before[i] + d
	}
	return r, in, nil
}

// packRows turns rows into a block. Column by column: numbers of one kind lie together.
func packRows(rows []row, p *packer) (to []byte) {
	values := make([]int64, len(rows))
	for c := range PollColumns {
		for i := range rows {
			values[i] = rows[i][c]
		}
		to = packColumn(to, values, p)
	}
	return to
}

// unpackRows reads a block of n rows, which must be all that there is.
func unpackRows(in []byte, n int) ([]row, error) {
	if n < 1 || n > maxColumn {
		return nil, errBlock
	}
	rows, values := make([]row, n), make([]int64, n)
	for c := range PollColumns {
		var err error
		if in, err = unpackColumn(in, values); err != nil {
			return nil, err
		}
		for i := range rows {
			rows[i][c] = values[i]
		}
	}
	if len(in) != 0 {
		return nil, errBlock
	}
	return rows, nil
}

// cellsADay is how many cells of five minutes a day has.
const cellsADay = int(usage.Day / usage.Grid)

// cellColumns are a cell's numbers, each by its place.
func cellColumns(c *usage.Cell) []*int64 {
	var out []*int64
	for i := range c.Time {
		out = append(out, (*int64)(&c.Time[i]))
	}
	for i := range c.Work {
		out = append(out, (*int64)(&c.Work[i]))
	}
	for i := range c.Gain {
		out = append(out, (*int64)(&c.Gain[i]))
	}
	for i := range c.Energy {
		out = append(out, &c.Energy[i])
	}
	return append(out, &c.NormEnergy, (*int64)(&c.Estimated))
}

// packCells turns the cells of a day into a block. Their times follow from the day.
func packCells(to []byte, cells []usage.Cell, p *packer) []byte {
	columns := make([][]*int64, len(cells))
	for i := range cells {
		columns[i] = cellColumns(&cells[i])
	}
	values := make([]int64, len(cells))
	for c := range columns[0] {
		for i := range cells {
			values[i] = *columns[i][c]
		}
		to = packColumn(to, values, p)
	}
	return to
}

// unpackCells reads a day's block; its number of cells follows from the day.
func unpackCells(in []byte, day usage.Instant) ([]usage.Cell, error) {
	cells := usage.NewCells(day, day+usage.Day, usage.Grid).Cells
	columns := make([][]*int64, len(cells))
	for i := range cells {
		columns[i] = cellColumns(&cells[i])
	}
	values := make([]int64, len(cells))
	for c := range columns[0] {
		var err error
		if in, err = unpackColumn(in, values); err != nil {
			return nil, err
		}
		for i := range cells {
			*columns[i][c] = values[i]
		}
	}
	if len(in) != 0 {
		return nil, errBlock
	}
	return cells, nil
}

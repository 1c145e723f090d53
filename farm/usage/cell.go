package usage

import "github.com/aqsha/aqsha/farm"

// Cell sums a machine's leaves within five minutes or an hour: the smallest account that is kept.
type Cell struct {
	From       Instant
	Time       [States]Instant
	Work       [Causes]farm.Hashes
	Gain       [Causes]farm.Hashes
	Energy     [3]int64 // tenths of a joule by source
	NormEnergy int64
	Estimated  Instant // time whose work is estimated
}

// Add counts a leaf.
func (c *Cell) Add(l Leaf) {
	c.Time[l.State] += l.To - l.From
	for i := range l.Work {
		c.Work[i] += l.Work[i]
		c.Gain[i] += l.Gain[i]
	}
	for i := range l.Energy {
		c.Energy[i] += l.Energy[i]
	}
	c.NormEnergy += l.NormEnergy
	if l.Estimated {
		c.Estimated += l.To - l.From
	}
}

// Merge counts another cell.
func (c *Cell) Merge(d Cell) {
	for i := range d.Time {
		c.Time[i] += d.Time[i]
	}
	for i := range d.Work {
		c.Work[i] += d.Work[i]
		c.Gain[i] += d.Gain[i]
	}
	for i := range d.Energy {
		c.Energy[i] += d.Energy[i]
	}
	c.NormEnergy += d.NormEnergy
	c.Estimated += d.Estimated
}

// Nameplate is the work that the cell partitions.
func (c *Cell) Nameplate() (sum farm.Hashes) {
	for _, work := range c.Work {
		sum += work
	}
	return sum
}

// Cells are a machine's cells on a grid, over a span.
type Cells struct {
	From  Instant
	Step  Instant
	Cells []Cell
}

// NewCells makes the empty cells of [from, to), which are multiples of the step.
func NewCells(from, to, step Instant) *Cells {
	c := &Cells{from, step, make([]Cell, (to-from)/step)}
	for i := range c.Cells {
		c.Cells[i].From = from + Instant(i)*step
	}
	return c
}

// Add counts a leaf in its cell; leaves outside the span are not of this account.
func (c *Cells) Add(l Leaf) {
	if i := (l.From - c.From) / c.Step; l.From >= c.From && int(i) < len(c.Cells) {
		c.Cells[i].Add(l)
	}
}

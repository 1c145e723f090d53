package market

import "strings"

// Decision is one thing that reading a file settled, and why: what
// "import --explain" prints.
type Decision struct {
	What string `json:"what"`
	Is   string `json:"is"`
	Why  string `json:"why"`
}

// span is a cell as a part of the text, or of the unescaped cells.
type span struct {
	from  uint32
	bytes uint16
	extra bool
}

// grid is a file as cells, before anything is interpreted. A cell is eight
// bytes that point into the text, so that a million rows cost no million
// strings.
type grid struct {
	origin    string // as the file states it
	symbol    string // whose rows were taken, where the file has several lists of rows
	separator byte
	headers   []string
	units     []string // that a line below the header gives, or nil
	text      string
	extra     []byte // cells that had to be unescaped, end to end
	spans     []span
	starts    []uint32 // of each record in spans, and one past the last
	lines     []int    // of the file, a record each
	body      []int32  // the records that are rows, once the layout is known
	plain     map[int]*plainColumn
	decided   []Decision
	findings  []Finding // what the layout passed over
}

// decide notes what was settled.
func (g *grid) decide(what, is, why string) {
	g.decided = append(g.decided, Decision{what, is, why})
}

// rows is how many data rows the layout found.
func (g *grid) rows() int { return len(g.body) }

// line is where row i stands in the file.
func (g *grid) line(i int) int { return g.lines[g.body[i]] }

// columnSpans is the first span of a column and the distance to the next, where
// all rows follow each other and have the same width; ok is false elsewhere.
func (g *grid) columnSpans(column int) (first, step int, ok bool) {
	if len(g.body) == 0 {
		return 0, 0, false
	}
	a, b := int(g.body[0]), int(g.body[len(g.body)-1])
	step = g.width(a)
	first = int(g.starts[a])
	return first + column, step, b-a == len(g.body)-1 && int(g.starts[b]) == first+step*(b-a)
}

// cell is a data cell, trimmed.
func (g *grid) cell(row, column int) string {
	return trim(g.raw(int(g.starts[g.body[row]]) + column))
}

// raw is a cell as it stands; it is a part of the text and must not outlive it.
func (g *grid) raw(i int) string {
	s := g.spans[i]
	if s.extra {
		return string(g.extra[s.from : s.from+uint32(s.bytes)])
	}
	return g.text[s.from : s.from+uint32(s.bytes)]
}

// records counts the records that there are: banner, header, rows and what is below them.
func (g *grid) records() int { return len(g.lines) }

// width is a record's number of cells.
func (g *grid) width(record int) int { return int(g.starts[record+1] - g.starts[record]) }

// record copies a record's cells, trimmed; they may outlive the text.
func (g *grid) record(i int) []string {
	cells := make([]string, g.width(i))
	for c := range cells {
		cells[c] = strings.Clone(trim(g.raw(int(g.starts[i]) + c)))
	}
	return cells
}

// maxExtra bounds the text of cells that are put together: a span counts it in 32 bits.
const maxExtra = 2 << 30

// room refuses a table of more cells than are read, before any of them is made: what is missing in a row costs a file
// nothing, and here as much as what is there.
func room(rows, columns int) error {
	if rows*columns > maxCells {
		return Refuse("too-many-cells", "file", "more than %d cells in %d rows of %d columns", maxCells, rows, columns)
	}
	return nil
}

// add appends a record of ready cells: what all but separated text gives. It refuses what text is refused for too,
// before it takes anything: a small file can stand for a great many cells.
func (g *grid) add(line int, cells []string) error {
	if len(cells) > maxColumns {
		return Refuse("too-many-columns", "file", "line %d: more than %d columns", line, maxColumns)
	}
	if g.records() >= maxRows+16 {
		return Refuse("too-many-rows", "file", "more than %d rows", maxRows)
	}
	if len(g.spans)+len(cells) > maxCells || len(g.extra)+len(cells)*maxCellBytes > maxExtra {
		return Refuse("too-many-cells", "file", "line %d: more than %d cells, or %d MiB in them", line, maxCells,
			maxExtra>>20)
	}
	for _, cell := range cells {
		if len(cell) > maxCellBytes {
			return Refuse("cell-too-long", "file", "line %d: a cell of more than %d bytes", line, maxCellBytes)
		}
	}
	if g.starts == nil {
		g.starts = []uint32{0}
	}
	for _, cell := range cells {
		g.spans = append(g.spans, span{uint32(len(g.extra)), uint16(len(cell)), true})
		g.extra = append(g.extra, cell...)
	}
	g.starts, g.lines = append(g.starts, uint32(len(g.spans))), append(g.lines, line)
	return nil
}

// allRows makes every record a row.
func (g *grid) allRows() {
	g.body = make([]int32, g.records())
	for i := range g.body {
		g.body[i] = int32(i)
	}
}

// column copies a column's cells, so that they may outlive the text.
func (g *grid) column(i int) []string {
	out := make([]string, g.rows())
	seen := map[string]string{} // names repeat: one string each
	for r := range out {
		cell := g.cell(r, i)
		kept, ok := seen[cell]
		if !ok {
			kept = strings.Clone(cell)
			if len(seen) < 4096 {
				seen[kept] = kept
			}
		}
		out[r] = kept
	}
	return out
}

// trim cuts blanks of all kinds; the no-break spaces of spreadsheets too.
func trim(cell string) string {
	if cell == "" || (cell[0] > ' ' && cell[0] < 0x80 && cell[len(cell)-1] > ' ' && cell[len(cell)-1] < 0x80) {
		return cell
	}
	return strings.TrimFunc(cell, isBlank)
}

// isBlank is any blank that programs put around or between digits, and every control character.
func isBlank(r rune) bool {
	return r <= ' ' || r == '\u00a0' || r == '\u202f' || r == '\u2009' || r == '\ufeff'
}

package market

import (
	"fmt"
	"math/bits"
	"strings"
)

// maxCells bounds the cells of one file: eight bytes each.
const maxCells = 64_000_000

// readText splits separated text into records and finds header and rows. The grid points into the text, which must stay
// as it is.
func readText(name, text string, options ReadOptions) (*grid, error) {
	if !strings.Contains(text, "\n") {
		text = strings.ReplaceAll(text, "\r", "\n") // Mac OS 9
	}
	g := &grid{}
	g.text = g.unwrapped(text)
	text = g.comments()
	g.separator = separatorOf(text)
	g.decide("separator", fmt.Sprintf("%q", g.separator),
		"the sign that cuts the first lines into the same number of cells")
	if err := g.split(name, len(g.text)-len(text)); err != nil {
		return nil, err
	}
	err := g.layOut(name, options)
	if err == nil {
		g.lastLine()
	}
	return g, err
}

// comments reads lines that start with # at the top, of which "# origin: …"
// states where the data come from, and returns the text after them.
func (g *grid) comments() string {
	text := g.text
	for strings.HasPrefix(text, "#") {
		line, rest, _ := strings.Cut(text, "\n")
		if origin, ok := strings.CutPrefix(strings.TrimSpace(line), "# origin:"); ok && len(origin) <= maxCellBytes {
			g.origin = strings.Clone(strings.TrimSpace(origin))
		}
		text = rest
	}
	return text
}

// separatorOf takes the sign that cuts most of the first lines into equally
// many cells; with a draw, the one that makes more of them, and with another the comma last: a decimal comma in every
// line, and one in the header ("Курс, тенге"), makes as many cells as the semicolon that separates them.
// Remarks and blank lines do not count; a line is looked at up to 64 KiB.
func separatorOf(text string) byte {
	best, bestLines, bestCells := byte(','), 0, 0
	for _, sign := range []byte(";\t|,") {
		lines := map[int]int{}
		rest := text
		for range 50 {
			line, after, more := strings.Cut(rest[:min(len(rest), 1<<16)], "\n")
			if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
				if n := signs(line, sign); n > 0 {
					lines[n]++
				}
			}
			if !more {
				break
			}
			rest = rest[len(rest[:min(len(rest), 1<<16)])-len(after):]
		}
		for cells, n := range lines {
			if n > bestLines || n == bestLines && cells > bestCells {
				best, bestLines, bestCells = sign, n, cells
			}
		}
	}
	return best
}

// signs counts a separator outside of quotes.
func signs(line string, sign byte) (n int) {
	quoted := false
	for i := range len(line) {
		switch {
		case line[i] == '"':
			quoted = !quoted
		case line[i] == sign && !quoted:
			n++
		}
	}
	return n
}

// split cuts the text from an offset on into records (RFC 4180, with the bare quotes that exports have). Blank lines
// and those that start with # are passed over. Time is linear in the text, and the text is not copied but for cells
// with quotes inside.
func (g *grid) split(name string, at int) error {
	line := 1 + strings.Count(g.text[:at], "\n")
	// Room for all at once: growing by doubling would touch the memory thrice.
	rows := min(strings.Count(g.text, "\n")+1, maxRows+17)
	g.spans = make([]span, 0, min(strings.Count(g.text, string(g.separator))+rows, maxCells+maxColumns))
	g.starts, g.lines = append(make([]uint32, 0, rows+1), 0), make([]int, 0, rows)
	for at < len(g.text) {
		if c := g.text[at]; c == '\n' || c == '#' || c == '\r' && strings.HasPrefix(g.text[at:], "\r\n") {
			end := strings.IndexByte(g.text[at:], '\n')
			if end < 0 {
				break
			}
			at, line = at+end+1, line+1
			continue
		}
		first := line
		more := true
		for more && at < len(g.text) && g.text[at] != '"' {
			// Cells without quotes, most of most files: what cut does, without the call.
			end := endOfCell(g.text, at, g.separator)
			if end == len(g.text) || g.text[end] == '\n' || end-at > maxCellBytes {
				break
			}
			g.spans = append(g.spans, span{from: uint32(at), bytes: uint16(end - at)})
			at = end + 1
		}
		for more {
			var err error
			if at, more, err = g.cut(name, at, &line); err != nil {
				return err
			}
		}
		g.starts, g.lines = append(g.starts, uint32(len(g.spans))), append(g.lines, first)
		if g.width(g.records()-1) > maxColumns {
			return Refuse("too-many-columns", name, "line %d: more than %d columns", first, maxColumns)
		}
		if g.records() > maxRows+16 {
			return Refuse("too-many-rows", name, "more than %d rows", maxRows)
		}
		if len(g.spans) > maxCells {
			return Refuse("too-many-cells", name, "more than %d cells", maxCells)
		}
	}
	return nil
}

// cut takes one cell that begins at an offset; more says whether the record goes on. The line is counted on by the line
// ends that the cell holds and ends with.
func (g *grid) cut(name string, at int, line *int) (next int, more bool, err error) {
	text, first := g.text, at
	if at < len(text) && text[at] == '"' {
		return g.cutQuoted(name, at, line)
	}
	at = endOfCell(text, at, g.separator)
	last := at
	if last > first && (at == len(text) || text[at] == '\n') && text[last-1] == '\r' {
		last--
	}
	if last-first > maxCellBytes {
		return 0, false, Refuse("cell-too-long", name, "line %d: a cell of more than %d bytes", *line, maxCellBytes)
	}
	g.spans = append(g.spans, span{from: uint32(first), bytes: uint16(last - first)})
	if at == len(text) {
		return at, false, nil
	}
	if text[at] == '\n' {
		*line++
		return at + 1, false, nil
	}
	return at + 1, true, nil
}

// endOfCell is where the next separator or line end stands. Eight bytes are
// compared at once: x has a zero byte where (x - 0x01…) &^ x & 0x80… has a bit,
// and the lowest such bit is the first.
func endOfCell(text string, at int, separator byte) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	s, n := uint64(separator)*ones, uint64('\n')*ones
	for at+8 <= len(text) {
		w := eightAt(text, at)
		a, b := w^s, w^n
		if found := ((a-ones)&^a | (b-ones)&^b) & highs; found != 0 {
			return at + bits.TrailingZeros64(found)/8
		}
		at += 8
	}
	for at < len(text) && text[at] != separator && text[at] != '\n' {
		at++
	}
	return at
}

// cutQuoted takes a cell in quotes. A quote that neither ends the cell nor is doubled is kept, as spreadsheets write
// inches. Such a cell is put together in extra; any other stays a part of the text.
func (g *grid) cutQuoted(name string, at int, line *int) (next int, more bool, err error) {
	text, opened := g.text, *line
	escaped, begin := false, len(g.extra)
	for from := at + 1; ; {
		end := strings.IndexByte(text[from:min(len(text), from+maxCellBytes+2)], '"')
		if end < 0 {
			return 0, false, Refuse("csv", name, "line %d: a quote that does not close within %d bytes", opened,
				maxCellBytes)
		}
		end += from
		after := end + 1
		if after+1 < len(text) && text[after] == '\r' && text[after+1] == '\n' {
			after++
		}
		closes := after >= len(text) || text[after] == g.separator || text[after] == '\n'
		if closes && !escaped {
			g.spans = append(g.spans, span{from: uint32(at + 1), bytes: uint16(end - at - 1)})
		} else {
			escaped = true
			g.extra = append(g.extra, text[from:end]...)
			if !closes {
				g.extra = append(g.extra, '"')
			} else {
				g.spans = append(g.spans, span{uint32(begin), uint16(len(g.extra) - begin), true})
			}
		}
		if end-at > maxCellBytes {
			return 0, false, Refuse("cell-too-long", name, "line %d: a cell of more than %d bytes", opened,
				maxCellBytes)
		}
		if closes {
			*line += strings.Count(text[at:end], "\n")
			if after >= len(text) {
				return len(text), false, nil
			}
			if text[after] == '\n' {
				*line++
			}
			return after + 1, text[after] != '\n', nil
		}
		if from = end + 1; text[from] == '"' {
			from++
		}
		// The first part of an escaped cell was copied with the parts before it.
	}
}

package market

import (
	"bytes"
	"slices"
	"strings"
)

// Sheet is a table of words and numbers without times, as people fill it in: scores, lists.
type Sheet struct {
	Cells [][]string // by row, as the columns were asked for; trimmed
	Lines []int      // of the file, a row each
	grid  *grid
	at    []int // where the columns stand
	raw   ReadOptions
}

// Limits of a sheet.
const (
	maxSheetBytes  = 4 << 20
	maxSheetHeader = 16 // lines in which the header is looked for
)

// ReadSheet reads separated text, bare or packed, or a workbook, whose header has a column of each list of names, in
// any order and writing: encoding, separator and quotes are found as in files of prices, lines above the header and
// empty ones are passed over. A row of another width than the header's is refused, for cells of it would stand in other
// columns.
func ReadSheet(name string, data []byte, columns [][]string, options ReadOptions) (*Sheet, error) {
	if len(data) > maxSheetBytes {
		return nil, Refuse("too-large", name, "more than %d MiB", maxSheetBytes>>20)
	}
	if options.Decimal != "" && options.Decimal != "." && options.Decimal != "," {
		return nil, Refuse("decimal", "decimal", "%q is neither . nor ,", options.Decimal)
	}
	_, data, _, err := unpack(name, data, options)
	if err != nil {
		return nil, err
	}
	// A workbook is known by what it begins with, and not by its name, which people change.
	s := &Sheet{raw: options}
	if bytes.HasPrefix(data, []byte("PK\x03\x04")) {
		if s.grid, err = readWorkbook(name, data, options); err != nil {
			return nil, err
		}
		if s.at, err = columnsIn(s.grid.headers, columns); err != nil {
			return nil, err
		}
	} else {
		text, _, err := decodeText(name, data, options.Encoding)
		if err != nil {
			return nil, err
		}
		if err := s.text(name, text, columns); err != nil {
			return nil, err
		}
	}
	for i := range s.grid.rows() {
		row := make([]string, len(s.at))
		for j, column := range s.at {
			row[j] = strings.Clone(s.grid.cell(i, column))
		}
		s.Cells, s.Lines = append(s.Cells, row), append(s.Lines, s.grid.line(i))
	}
	return s, nil
}

// text finds header and rows of separated text.
func (s *Sheet) text(name, text string, columns [][]string) error {
	if !strings.Contains(text, "\n") {
		text = strings.ReplaceAll(text, "\r", "\n") // Mac OS 9
	}
	g := &grid{}
	s.grid = g
	g.text = g.unwrapped(text)
	text = g.comments()
	g.separator = separatorOf(text)
	if err := g.split(name, len(g.text)-len(text)); err != nil {
		return err
	}
	var missing error = Refuse("empty", name, "no header row")
	header := 0
	for ; header < min(g.records(), maxSheetHeader); header++ {
		at, err := columnsIn(g.record(header), columns)
		if err == nil {
			s.at, g.headers = at, g.record(header)
			break
		}
		if header == 0 {
			missing = err
		}
	}
	if s.at == nil {
		return missing
	}
	for r := header + 1; r < g.records(); r++ {
		if strings.Join(g.record(r), "") == "" {
			continue // separators only: a spreadsheet's empty line
		}
		if g.width(r) != len(g.headers) {
			return Refuse("ragged", name, "line %d has %d cells, the header %d", g.lines[r], g.width(r), len(g.headers))
		}
		g.body = append(g.body, int32(r))
	}
	return nil
}

// columnsIn finds each column under one of its names; two of one name are refused.
func columnsIn(headers []string, columns [][]string) ([]int, error) {
	at := make([]int, len(columns))
	for i, names := range columns {
		at[i] = -1
		for j, header := range headers {
			if !slices.ContainsFunc(names, func(n string) bool {
				return strings.EqualFold(n, strings.Trim(header, " \ufeff\u00a0"))
			}) {
				continue
			}
			if at[i] >= 0 {
				return nil, Refuse("column-ambiguous", names[0], "two columns are called so")
			}
			at[i] = j
		}
		if at[i] < 0 {
			return nil, Refuse("column-missing", names[0], "no such column")
		}
	}
	return at, nil
}

// Numbers parses a column by the style that all its cells show, as files of prices are: decimal commas and groups are
// recognised, refused where a cell could be either, or declared. Empty cells are NaN.
func (s *Sheet) Numbers(column int) ([]float64, error) {
	if s.grid.rows() == 0 {
		return nil, nil
	}
	values, _, err := s.grid.styledNumbers(s.at[column], field{}, s.raw)
	return values, err
}

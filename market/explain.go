package market

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Cell is what became of one cell of the file.
type Cell struct {
	Line   int    `json:"line"`
	Header string `json:"header"`
	Raw    string `json:"raw"`
	Column string `json:"column"`
	Value  string `json:"value"`
}

// maxExplained bounds the lines that are told cell by cell.
const maxExplained = 100

// explain tells the cells of some lines, as written and as read. The table
// must still be in the file's order.
func (g *grid) explain(t *Table, lines []int) []Cell {
	var cells []Cell
	if len(lines) > maxExplained {
		lines = lines[:maxExplained]
	}
	for _, line := range lines {
		// By the file's line and not the table's row: rows may have been left out.
		row := slices.Index(t.Lines, line)
		if row < 0 {
			continue
		}
		for column, header := range g.headers {
			raw := strings.Clone(g.cell(row, column))
			cell := Cell{line, header, raw, "", "not used"}
			for _, c := range t.Columns {
				if c.Header != header {
					continue
				}
				cell.Column, cell.Value = c.Name, "not available"
				if v := c.Values[row]; !math.IsNaN(v) {
					cell.Value = strconv.FormatFloat(v, 'g', -1, 64)
				}
			}
			for _, c := range t.Texts {
				if c.Header == header {
					cell.Column, cell.Value = c.Name, c.Values[row]
				}
			}
			cells = append(cells, cell)
		}
		if t.Times != nil {
			cells = append(cells, Cell{line, "", "", "time", t.Times[row].Format(time.RFC3339)})
		}
	}
	return cells
}

package market

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// columnStyle is a style with the rows that settled it (-1: none).
type columnStyle struct {
	style
	decimalRow, groupRow int
	eitherMark           byte // a sign that could be of thousands or of decimals
	eitherRow            int
	otherRow             int // a filled cell without the per cent or currency sign of the others
	signRow              int
}

// styledNumbers decides a column's style from all its cells and parses them by it. The style is settled first, from the
// whole column, so that no cell is read in another way than its neighbours.
func (g *grid) styledNumbers(column int, f field, options ReadOptions) (values []float64, s style, err error) {
	header := g.headers[column]
	c, err := g.styleOf(column, f)
	if err != nil {
		return nil, c.style, err
	}
	if err := g.settle(column, &c, options); err != nil {
		return nil, c.style, err
	}
	if d := options.Decimal; d != "" && c.decimal != 0 && c.decimal != d[0] {
		return nil, c.style, Refuse("number-mixed", header, "declared with the decimal sign %q, but line %d says %q", d,
			g.line(max(0, c.decimalRow)), g.cell(max(0, c.decimalRow), column))
	}
	values = make([]float64, g.rows())
	flags := flagged{} // counted here, where each cell is read once
	for i := range values {
		cell := g.cell(i, column)
		if missing(cell) {
			values[i] = math.NaN()
			continue
		}
		flags.see(cell, g.line(i))
		v, ok := c.parse(cell)
		if !ok {
			return nil, c.style, Refuse("not-a-number", header, "line %d: %q is not a number", g.line(i), cell)
		}
		values[i] = v
	}
	if flags.rows > 0 {
		g.findings = append(g.findings, flags.finding(header))
	}
	return values, c.style, nil
}

// flagged counts the cells of a column that have a flag behind their number.
type flagged struct {
	rows, first, last int
	flags             []string
}

// see counts a cell that has a flag, and keeps the first eight different ones for the finding.
func (f *flagged) see(cell string, line int) {
	_, flag := cutFlag(cell)
	if flag == "" {
		return
	}
	if f.rows++; f.rows == 1 {
		f.first = line
	}
	if f.last = line; len(f.flags) < 8 && !slices.Contains(f.flags, flag) {
		f.flags = append(f.flags, flag)
	}
}

// finding says how many cells have a flag and which. It is a note: the numbers are read all the same, and what a flag
// means (provisional, estimated, broken series) only the source says.
func (f *flagged) finding(header string) Finding {
	return Finding{Code: "flag", Severity: Note, Column: header, FirstLine: f.first, LastLine: f.last, Rows: f.rows,
		Detail: fmt.Sprintf("%d cells have a flag or a footnote behind the number, which is read without it: %s",
			f.rows, strings.Join(f.flags, ", "))}
}

// styleOf collects the evidence of all filled cells; two cells that contradict
// each other are named.
func (g *grid) styleOf(column int, f field) (columnStyle, error) {
	header := g.headers[column]
	c := columnStyle{decimalRow: -1, groupRow: -1, eitherRow: -1, otherRow: -1, signRow: -1}
	c.suffix = f.suffix()
	mixed := func(a, b int, what string) error {
		return Refuse("number-mixed", header, "%s: line %d has %q, line %d %q", what, g.line(a), g.cell(a, column),
			g.line(b), g.cell(b, column))
	}
	bracketed, bare := -1, false
	for i := range g.rows() {
		cell := g.cell(i, column)
		if missing(cell) {
			continue
		}
		body, _ := c.cutSuffix(cell)
		e := evidenceOf(body)
		if cell[0] == '(' && bracketed < 0 {
			bracketed = i
		}
		bare = bare || cell[0] != '('
		if e.bad {
			return c, Refuse("not-a-number", header, "line %d: %q is not a number", g.line(i), cell)
		}
		switch {
		case e.percent || e.currency != "":
			if c.signRow >= 0 && (c.percent != e.percent || c.currency != e.currency) {
				return c, mixed(c.signRow, i, "two signs of unit")
			}
			c.percent, c.currency, c.signRow = e.percent, e.currency, i
		case c.otherRow < 0:
			c.otherRow = i
		}
		if c.signRow >= 0 && c.otherRow >= 0 {
			return c, mixed(c.signRow, c.otherRow, "a sign of unit on some cells only")
		}
		if e.group != 0 {
			if c.groupRow >= 0 && c.group != e.group {
				return c, mixed(c.groupRow, i, "two signs of thousands")
			}
			c.group, c.groupRow = e.group, i
		}
		switch {
		case e.either:
			if c.eitherRow >= 0 && c.eitherMark != e.decimal {
				// "1,234" and "1.234" in one column: whichever is decimal, the other is thousands.
				return c, mixed(c.eitherRow, i, "either sign could be the decimal one")
			}
			c.eitherMark, c.eitherRow = e.decimal, i
		case e.decimal != 0:
			if c.decimalRow >= 0 && c.decimal != e.decimal {
				return c, mixed(c.decimalRow, i, "two decimal signs")
			}
			c.decimal, c.decimalRow = e.decimal, i
		}
		if c.decimalRow >= 0 && c.groupRow >= 0 && c.decimal == c.group {
			return c, mixed(c.decimalRow, c.groupRow, "one sign as decimal and of thousands")
		}
	}
	if bracketed >= 0 && !bare { // below zero, beside others that are not; all of them could be anything
		return c, Refuse("not-a-number", header, "line %d: %q is not a number, and every cell of the column stands in "+
			"brackets", g.line(bracketed), g.cell(bracketed, column))
	}
	return c, nil
}

// settle decides signs that could be either, in this order: what is declared,
// the column's other cells, the file's other columns, and the custom that a
// file separated by commas, tabs or bars has decimal points. What is left is refused.
func (g *grid) settle(column int, c *columnStyle, options ReadOptions) error {
	mark := c.eitherMark
	decided := func(decimal byte, row int, why string) error {
		if c.decimal, c.why = decimal, why; mark != 0 && mark != decimal {
			c.group = mark
		}
		if c.decimalRow < 0 {
			c.decimalRow = row
		}
		return nil
	}
	switch {
	case mark == 0 && c.decimal == 0:
		c.why = "whole numbers only"
		return nil
	case mark == 0 || c.decimalRow >= 0:
		if mark != 0 && mark != c.decimal && c.group != 0 && c.group != mark {
			return Refuse("number-mixed", g.headers[column],
				"line %d: %q has another sign of thousands than line %d, %q", g.line(c.eitherRow),
				g.cell(c.eitherRow, column), g.line(c.groupRow), g.cell(c.groupRow, column))
		}
		return decided(c.decimal, c.decimalRow, fmt.Sprintf("line %d, %q, can be read in one way only",
			g.line(c.decimalRow), g.cell(c.decimalRow, column)))
	case options.Decimal != "":
		return decided(options.Decimal[0], c.eitherRow, "as declared with --decimal")
	case c.group == mark:
		return decided(0, c.groupRow, fmt.Sprintf("line %d, %q, has it twice: it is of thousands", g.line(c.groupRow),
			g.cell(c.groupRow, column)))
	case c.group != 0:
		return decided(mark, c.eitherRow, fmt.Sprintf("thousands are marked otherwise in line %d, %q",
			g.line(c.groupRow), g.cell(c.groupRow, column)))
	}
	if sign, where := g.fileDecimal(column); sign != 0 {
		return decided(sign, c.eitherRow, fmt.Sprintf("the column %q of the same file can be read in one way only",
			where))
	}
	// Where semicolons separate, the comma is likely the decimal sign, and a point may be of thousands: then nothing
	// is guessed.
	if mark == '.' && g.separator != ';' {
		return decided('.', c.eitherRow, "a point, in a file that is not separated by semicolons")
	}
	return Refuse("number-ambiguous", g.headers[column],
		"line %d: %q could be thousands or decimals, and nothing in the file tells; say which with --decimal . or "+
			"--decimal ,", g.line(c.eitherRow), g.cell(c.eitherRow, column))
}

// fileDecimal is the decimal sign that the other columns agree on, 0 when they
// have none or two.
func (g *grid) fileDecimal(but int) (sign byte, where string) {
	for column := range g.headers {
		if column == but {
			continue
		}
		c, err := g.styleOf(column, field{name: "volume_base"})
		if err != nil || c.decimalRow < 0 {
			continue // a column of words, or whole numbers
		}
		if sign != 0 && sign != c.decimal {
			return 0, ""
		}
		sign, where = c.decimal, g.headers[column]
	}
	return sign, where
}

// parse reads a cell by the column's style, and nothing else. A cell that the style cannot write is refused, not read
// in its own way.
func (s style) parse(cell string) (float64, bool) {
	body, factor := s.cutSuffix(cell)
	e := evidenceOf(body)
	if e.bad || e.group != 0 && e.group != s.group || e.decimal != 0 && e.decimal != s.decimal &&
		(!e.either || e.decimal != s.group) {
		return 0, false
	}
	text := e.digits
	if s.group != 0 {
		text = strings.ReplaceAll(text, string(s.group), "")
	}
	if s.decimal == ',' {
		text = strings.ReplaceAll(text, ",", ".")
	}
	v, ok := plain(text)
	return v * factor, ok && !math.IsInf(v*factor, 0)
}

// thousandWords are what exports write for powers of ten, in lower case; longer before shorter.
var thousandWords = []struct {
	word   string
	factor float64
}{{"тыс.", 1e3}, {"тыс", 1e3}, {"мың", 1e3}, {"млн.", 1e6}, {"млн", 1e6}, {"mln", 1e6}, {"mio.", 1e6}, {"mio", 1e6},
	{"million", 1e6}, {"млрд.", 1e9}, {"млрд", 1e9}, {"mrd.", 1e9}, {"mrd", 1e9}, {"billion", 1e9}, {"bn", 1e9},
	{"трлн", 1e12}, {"tsd.", 1e3}, {"k", 1e3}, {"m", 1e6}, {"b", 1e9}, {"t", 1e12}}

// cutSuffix takes the K, M, B, T or word behind volumes and capitalisations.
func (s style) cutSuffix(cell string) (body string, factor float64) {
	if !s.suffix || cell == "" || cell[len(cell)-1]-'0' <= 9 {
		return cell, 1
	}
	lower := strings.ToLower(cell)
	for _, w := range thousandWords {
		if body, ok := strings.CutSuffix(lower, w.word); ok {
			if body = trim(body); body != "" && body[len(body)-1]-'0' <= 9 {
				return body, w.factor
			}
		}
	}
	return cell, 1
}

// suffix says whether such a column is written with K, M, B.
func (f field) suffix() bool {
	return strings.HasPrefix(f.name, "volume") || strings.HasPrefix(f.name, "cap_")
}

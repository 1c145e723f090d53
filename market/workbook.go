package market

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// readWorkbook reads one sheet of an xlsx workbook (ECMA-376 part 1, section
// 18): numbers as stored, with the unit that they are shown with, and dates by their cell's style.
func readWorkbook(name string, data []byte, options ReadOptions) (*grid, error) {
	w := workbook{options: options}
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err == nil {
		w.archive = archive
		err = w.open()
	}
	if err == nil {
		err = w.chooseSheet()
	}
	var refused *Error
	if errors.As(err, &refused) {
		return nil, err
	}
	if err != nil {
		return nil, Refuse("workbook", name, "%v", err)
	}
	w.decide("container", "workbook, sheet "+w.sheetName, "the zip holds xl/workbook.xml"+w.passedOver())
	return &w.grid, w.layOut(name, options)
}

// workbook is an archive that is being read, and the grid that its sheet becomes.
type workbook struct {
	grid
	archive   *zip.Reader
	options   ReadOptions
	unpacked  int64
	date1904  bool
	sheets    []sheet
	sheetName string
	shared    []string
	dates     []bool     // by cell style: is it a date?
	shows     []cellUnit // by cell style
}

// sheet is one of a workbook's; those that are hidden, and those without a table in front of the chosen one, are passed
// over.
type sheet struct {
	name, id, path string
	hidden, passed bool
}

// part decodes one file of the archive, element by element; see is called at each start.
func (w *workbook) part(name string, see func(d *xml.Decoder, e xml.StartElement) error) error {
	i := slices.IndexFunc(w.archive.File, func(f *zip.File) bool { return f.Name == name })
	if i < 0 {
		return nil // sharedStrings and styles may be missing
	}
	r, err := w.archive.File[i].Open()
	if err != nil {
		return err
	}
	defer r.Close()
	limited := &io.LimitedReader{R: r, N: MaxFileBytes - w.unpacked}
	d := xml.NewDecoder(limited)
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			w.unpacked = MaxFileBytes - limited.N
			return nil
		}
		if limited.N <= 0 {
			return fmt.Errorf("unpacks to more than %d MiB", MaxFileBytes>>20)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if e, ok := token.(xml.StartElement); ok {
			if err := see(d, e); err != nil {
				return err
			}
		}
	}
}

// attribute is an element's, whatever its name space; empty where it has none.
func attribute(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// open reads what the cells refer to: sheets, strings, styles.
func (w *workbook) open() error {
	err := w.part("xl/workbook.xml", func(_ *xml.Decoder, e xml.StartElement) error {
		switch e.Name.Local {
		case "workbookPr":
			w.date1904 = attribute(e, "date1904") == "1" || attribute(e, "date1904") == "true"
		case "sheet":
			state := attribute(e, "state")
			w.sheets = append(w.sheets, sheet{name: attribute(e, "name"), id: attribute(e, "id"),
				hidden: state == "hidden" || state == "veryHidden"})
		}
		return nil
	})
	if err != nil {
		return err
	}
	if m := w.options.Member; m != "" && !slices.ContainsFunc(w.sheets, func(s sheet) bool { return s.name == m }) {
		return Refuse("sheet", "member", "the workbook has no sheet %q", m)
	}
	err = w.part("xl/_rels/workbook.xml.rels", func(_ *xml.Decoder, e xml.StartElement) error {
		for i := range w.sheets {
			if e.Name.Local != "Relationship" || attribute(e, "Id") != w.sheets[i].id {
				continue
			}
			// A path of a part within the archive: from its root where it begins with a stroke, else from the folder
			// xl.
			target := attribute(e, "Target")
			if w.sheets[i].path = strings.TrimPrefix(target, "/"); !strings.HasPrefix(target, "/") {
				w.sheets[i].path = path.Join("xl", target)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = w.part("xl/sharedStrings.xml", func(d *xml.Decoder, e xml.StartElement) error {
		if e.Name.Local != "si" {
			return nil
		}
		text, err := textOf(d, e)
		w.shared = append(w.shared, text)
		return err
	})
	if err != nil {
		return err
	}
	return w.styles()
}

// textOf joins the runs (t) of a string; phonetic hints (rPh) are left out.
func textOf(d *xml.Decoder, e xml.StartElement) (string, error) {
	var s struct {
		T    string `xml:"t"`
		Runs []struct {
			T string `xml:"t"`
		} `xml:"r"`
	}
	if err := d.DecodeElement(&s, &e); err != nil {
		return "", err
	}
	for _, r := range s.Runs {
		s.T += r.T
	}
	if len(s.T) > maxCellBytes {
		return "", fmt.Errorf("a cell of more than %d bytes", maxCellBytes)
	}
	return s.T, nil
}

// showsDate is whether a format code's section for positive numbers spells a date or a time of day (section 18.8.31): a
// letter of year, month, day, hour, minute or second outside of texts, and no place of a digit but those of a second's
// fraction. A time that has elapsed, [h]:mm, is a length and no date.
func showsDate(code string) bool {
	code = strings.ToLower(code)
	letters := false
	for i := 0; i < len(code); i++ {
		switch c := code[i]; c {
		case '\\', '_', '*': // the character after it is written, left out or repeated
			i++
		case '"', '[': // a text; a colour, condition, locale or currency
			end := strings.IndexByte(code[i+1:], map[byte]byte{'"': '"', '[': ']'}[c])
			if end < 0 {
				return letters
			}
			inside := code[i+1 : i+1+end]
			if c == '[' && inside != "" && (strings.Trim(inside, "h") == "" || strings.Trim(inside, "m") == "" ||
				strings.Trim(inside, "s") == "") {
				return false
			}
			i += end + 1
		case ';':
			return letters
		case 'y', 'm', 'd', 'h', 's':
			letters = true
			if c == 's' && strings.HasPrefix(code[i+1:], ".0") {
				for i += 2; i+1 < len(code) && code[i+1] == '0'; {
					i++
				}
			}
		case '0', '#', '?', '@':
			return false
		}
	}
	return letters
}

// styles finds which cell styles show a date: the built-in formats 14 to 22
// and 45 to 47 (section 18.8.30), and those whose code shows one.
func (w *workbook) styles() error {
	custom, inCells := map[string]bool{}, false
	units := map[string]cellUnit{}
	return w.part("xl/styles.xml", func(_ *xml.Decoder, e xml.StartElement) error {
		switch e.Name.Local {
		case "numFmt":
			units[attribute(e, "numFmtId")] = unitOfFormat(attribute(e, "formatCode"))
			custom[attribute(e, "numFmtId")] = showsDate(attribute(e, "formatCode"))
		case "cellXfs":
			inCells = true
		case "cellStyles", "dxfs":
			inCells = false
		case "xf":
			if inCells {
				id := attribute(e, "numFmtId")
				n, _ := strconv.Atoi(id)
				// A code goes before what its number is built in as: files say both.
				unit, is := units[id]
				if !is {
					unit = builtInUnit(id)
				}
				w.shows = append(w.shows, unit)
				w.dates = append(w.dates, custom[id] || n >= 14 && n <= 22 || n >= 45 && n <= 47)
			}
		}
		return nil
	})
}

// chooseSheet reads the sheet that is asked for, or the first that can be seen and has two columns: a title page has
// one.
func (w *workbook) chooseSheet() error {
	empty := w.grid
	for i := range w.sheets {
		s := &w.sheets[i]
		if w.options.Member != "" && s.name != w.options.Member {
			continue
		}
		if s.passed = s.hidden && w.options.Member == ""; s.passed {
			continue
		}
		w.grid, w.sheetName = empty, s.name
		if err := w.sheet(s.path); err != nil || w.options.Member != "" {
			return err
		}
		for r := range w.records() {
			if w.width(r) > 1 {
				return nil
			}
		}
		s.passed = true
	}
	return nil // the last one, of which the layout says what it lacks
}

// passedOver names the sheets that were not taken before the chosen one.
func (w *workbook) passedOver() string {
	var names []string
	for _, s := range w.sheets {
		if s.passed {
			names = append(names, s.name)
		}
	}
	if names == nil {
		return ""
	}
	return fmt.Sprintf("; passed over, as hidden or without a table: %.200s", strings.Join(names, ", "))
}

// maxSheetCells bounds the cells of a sheet, those that are not stored among them: they stand as texts until its width
// is known. As many as a text can have take more than MaxFileBytes where they are stored.
const maxSheetCells = maxCells / 4

// sheet reads the rows; cells that are not stored are empty.
func (w *workbook) sheet(from string) error {
	var row []string
	line, at := 0, 0
	width := 0
	var records [][]string
	var lines, unseen []int
	flush := func() error {
		for len(row) > 0 && row[len(row)-1] == "" {
			row = row[:len(row)-1]
		}
		if len(row) > 0 {
			records, lines = append(records, row), append(lines, line)
			width = max(width, len(row))
		}
		row = nil
		// A cell that stands alone far to the right makes all before it: in every row, once the width is known.
		if len(records)*width > maxSheetCells {
			return Refuse("too-many-cells", "sheet", "more than %d cells in %d rows of %d", maxSheetCells, len(records),
				width)
		}
		if len(records) > maxRows+16 {
			return Refuse("too-many-rows", "sheet", "more than %d rows", maxRows)
		}
		return nil
	}
	err := w.part(from, func(d *xml.Decoder, e xml.StartElement) error {
		switch e.Name.Local {
		case "row":
			if err := flush(); err != nil {
				return err
			}
			line++
			hidden := attribute(e, "hidden")
			// Rows may be numbered, with gaps; a number that goes back is not believed.
			if n, err := strconv.Atoi(attribute(e, "r")); err == nil && n >= line && n <= 1<<20 {
				line = n
			}
			if at = 0; hidden == "1" || hidden == "true" {
				unseen = append(unseen, line)
			}
		case "c":
			column := at
			if ref := attribute(e, "r"); ref != "" {
				column = columnOf(ref)
			}
			if column < 0 || column >= maxColumns {
				return Refuse("too-many-columns", "sheet", "row %d: more than %d columns", line, maxColumns)
			}
			text, err := w.cellText(d, e)
			if err != nil {
				return fmt.Errorf("row %d: %w", line, err)
			}
			for len(row) <= column {
				row = append(row, "")
			}
			row[column], at = text, column+1
		}
		return nil
	})
	if err == nil {
		err = flush()
	}
	if err != nil {
		return err
	}
	return w.addRecords(records, lines, unseen, width)
}

// addRecords takes the rows, and says which of them a sheet hides.
func (w *workbook) addRecords(records [][]string, lines, unseen []int, width int) error {
	banner := width > 1
	for i, record := range records {
		// Lone cells above the table are a title, whatever the width of the sheet.
		if banner = banner && len(record) == 1; !banner {
			for len(record) < width {
				record = append(record, "")
			}
		}
		if err := w.add(lines[i], record); err != nil {
			return err
		}
	}
	if n := len(unseen); n > 0 {
		w.findings = append(w.findings, Finding{Code: "hidden", Severity: Note, Column: "file", FirstLine: unseen[0],
			LastLine: unseen[n-1], Rows: n,
			Detail: fmt.Sprintf("%d rows of the sheet are hidden, by a filter or by hand; they are read as the others",
				n)})
	}
	return nil
}

// columnOf is the index that the letters of a reference such as AB12 count.
func columnOf(ref string) int {
	n := 0
	for _, c := range ref {
		if c < 'A' || c > 'Z' || n > maxColumns {
			break
		}
		n = 26*n + int(c-'A') + 1
	}
	return n - 1
}

// cellText is what a cell holds, by its kind: a text of the table, an error, which is no value, a text of its own, or a
// number, which is a date where its style says so.
func (w *workbook) cellText(d *xml.Decoder, e xml.StartElement) (string, error) {
	kind := attribute(e, "t")
	style, _ := strconv.Atoi(attribute(e, "s"))
	var c struct {
		V  string `xml:"v"`
		Is struct {
			T string `xml:"t"`
		} `xml:"is"`
	}
	if err := d.DecodeElement(&c, &e); err != nil {
		return "", err
	}
	switch kind {
	case "s":
		i, err := strconv.Atoi(c.V)
		if err != nil || i < 0 || i >= len(w.shared) {
			return "", fmt.Errorf("string %q is not in the table of strings", c.V)
		}
		return w.shared[i], nil
	case "e":
		return "", nil // #N/A and other errors hold no value
	case "inlineStr":
		c.V = c.Is.T
	case "", "n":
		if v, err := strconv.ParseFloat(c.V, 64); err == nil && style >= 0 && style < len(w.dates) && w.dates[style] {
			return w.serialDate(v)
		}
		if style >= 0 && style < len(w.shows) {
			c.V = w.shows[style].shown(c.V)
		}
	}
	if len(c.V) > maxCellBytes {
		return "", fmt.Errorf("a cell of more than %d bytes", maxCellBytes)
	}
	return c.V, nil
}

// serialDate turns days since 1899-12-30 (or 1904-01-01) into a date, or date
// and time. Day 60 of the first system is the 29th of February 1900, which never was.
func (w *workbook) serialDate(v float64) (string, error) {
	if !(v > 60 && v < 110_000) {
		return "", fmt.Errorf("%g is no date", v)
	}
	epoch := time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)
	if w.date1904 {
		epoch = time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	days, part := math.Modf(v)
	at := epoch.AddDate(0, 0, int(days)).Add(time.Duration(math.Round(part*86400)) * time.Second)
	// One layout for the whole column: midnight is written too when the file has hours.
	if part == 0 {
		return at.Format(time.DateOnly), nil
	}
	return at.Format(time.DateTime), nil
}

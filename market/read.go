package market

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Limits on what is read from outside; of a packed file, on what it unpacks to.
const (
	MaxFileBytes = 256 << 20
	maxRows      = 5_000_000
	maxColumns   = 512
	maxCellBytes = 4096
)

// Declared names a column of the file that is not recognised, or overrides one.
type Declared struct{ Name, Header, Unit string }

// ReadOptions declare what the file does not say of itself; zero values mean
// "recognise it".
type ReadOptions struct {
	TimeColumn   string         `json:"time_column,omitempty"`
	TimeLayout   string         `json:"time_layout,omitempty"` // Go layout, "unix", or empty to recognise
	TimeZone     *time.Location `json:"-"`                     // of the times as written; nil means UTC
	Zone         string         `json:"time_zone,omitempty"`   // its name, where TimeZone is nil
	Origin       string         `json:"-"`
	Columns      []Declared     `json:"columns,omitempty"`
	Decimal      string         `json:"decimal,omitempty"`   // "." or ","
	Encoding     string         `json:"encoding,omitempty"`  // utf-8, utf-16le, utf-16be, cp1251, cp1252
	Member       string         `json:"member,omitempty"`    // of a zip, or the sheet of a workbook
	NoHeader     bool           `json:"no_header,omitempty"` // the first line is data; columns are called 1, 2, 3 …
	Only         []string       `json:"only,omitempty"`      // header=name: of a file with several series
	ExplainLines []int          `json:"-"`                   // lines of which each cell is told: see Table.Cells
	// Panel reads names and amounts, at times or at none, as a study of shares wants them: which holders
	// there are is its question, so several names at one time are no several series.
	Panel bool `json:"panel,omitempty"`
}

// given are the options that change what is read, nil where none was.
func (o ReadOptions) given(zone *time.Location) *ReadOptions {
	if o.TimeColumn == "" && o.TimeLayout == "" && zone == time.UTC && len(o.Columns) == 0 && o.Decimal == "" &&
		o.Encoding == "" && o.Member == "" && !o.NoHeader && len(o.Only) == 0 && !o.Panel {
		return nil
	}
	o.Zone, o.TimeZone, o.Origin, o.ExplainLines = zone.String(), nil, "", nil
	return &o
}

// ReadFile reads a CSV, workbook or Parquet file of at most MaxFileBytes. The whole file is read into memory.
func ReadFile(path string, options ReadOptions) (*Table, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := readBounded(file)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return Parse(filepath.Base(path), data, options)
}

// Parse reads the bytes of a file: Parquet, a workbook (xlsx), or separated
// text, bare or in gzip or zip. The file's name only enters the provenance.
func Parse(name string, data []byte, options ReadOptions) (*Table, error) {
	if len(data) > MaxFileBytes {
		return nil, Refuse("too-large", name, "more than %d MiB", MaxFileBytes>>20)
	}
	if options.Decimal != "" && options.Decimal != "." && options.Decimal != "," {
		return nil, Refuse("decimal", "decimal", "%q is neither . nor ,", options.Decimal)
	}
	// Of the bytes as they came, before anything is read out of them: what a study names is the file.
	sum := sha256.Sum256(data)
	provenance := Provenance{File: name, SHA256: hex.EncodeToString(sum[:]), Bytes: len(data)}
	cells, err := readCells(name, data, options)
	if err != nil {
		return nil, err
	}
	zone := options.TimeZone
	if zone == nil {
		if zone, err = time.LoadLocation(options.Zone); err != nil {
			return nil, Refuse("time-zone", "time-zone", "%v", err)
		}
	}
	table, err := cells.interpret(name, options, zone)
	if err != nil {
		return nil, err
	}
	provenance.Form, provenance.Origin = table.Provenance.Form, table.Provenance.Origin
	provenance.TimeZone, provenance.Rows = zone.String(), table.Rows()
	if table.Provenance = provenance; options.Origin != "" {
		table.Provenance.Origin = options.Origin
	}
	table.Reading = options.given(zone)
	table.Decisions, table.passed = cells.decided, cells.findings
	table.Cells = cells.explain(table, options.ExplainLines)
	table.sortByTime()
	if err := table.keepOnly(options.Only); err != nil {
		return nil, err
	}
	table.Provenance.Rows = table.Rows()
	if table.allMissing() {
		return nil, Refuse("empty", name, "no value in any of its %d rows", table.Rows())
	}
	if options.Panel {
		return table, nil
	}
	return table, table.oneSeries()
}

// readCells unpacks and decodes a file and finds its header and rows.
func readCells(name string, data []byte, options ReadOptions) (*grid, error) {
	_, data, decided, err := unpack(name, data, options)
	if err != nil {
		return nil, err
	}
	var g *grid
	switch { // what the bytes are, not the name: portals give any name to anything
	case bytes.HasPrefix(data, []byte("PAR1")):
		g, err = readParquet(name, data)
	case bytes.HasPrefix(data, []byte("PK\x03\x04")):
		g, err = readWorkbook(name, data, options)
	case isJSON(data):
		g, err = readJSON(name, data, options)
	case isHTML(data):
		return nil, Refuse("xml", name, "it is a web page, whatever it is called; save its table as separated values")
	case isXML(data):
		g, err = readXML(name, data, options)
	default:
		var text string
		var encoding Decision
		if text, encoding, err = decodeText(name, data, options.Encoding); err == nil {
			decided = append(decided, encoding)
			g, err = readText(name, text, options)
		}
	}
	if err != nil {
		return nil, err
	}
	g.decided = append(decided, g.decided...)
	return g, nil
}

// formOf finds the file's form, once its times stand in one column; nil where its columns are to be declared.
func (g *grid) formOf(name string, options ReadOptions) (*form, error) {
	free := len(options.Columns) == 0 && options.TimeColumn == "" && !options.NoHeader && !options.Panel
	if free {
		if err := g.joinParts(); err != nil {
			return nil, err
		}
	}
	known := g.recognise(options)
	if known == nil && free {
		if err := g.unfold(name); err != nil {
			return nil, err
		}
		known = g.recognise(options)
	}
	if options.Panel {
		known = g.panelForm(known, options)
	}
	if known == nil && len(options.Columns) == 0 && options.TimeColumn == "" {
		return g.generic()
	}
	return known, nil
}

// interpret turns cells into times, names and numbers. What the options declare goes before what is recognised. Rows
// stay in the file's order.
func (g *grid) interpret(name string, options ReadOptions, zone *time.Location) (*Table, error) {
	known, err := g.formOf(name, options)
	if err != nil {
		return nil, err
	}
	table := &Table{Lines: make([]int, g.rows()), Provenance: Provenance{Form: "declared", Origin: "not stated"}}
	for i := range table.Lines {
		table.Lines[i] = g.line(i)
	}
	if known != nil {
		table.Provenance.Form = known.name
		if known.origin != "" { // a layout is a hint, not a proof
			table.Provenance.Origin = "not stated; laid out like " + known.origin
		}
	} else {
		known = &form{}
		if len(options.Columns) == 0 && options.TimeColumn == "" {
			if err := g.oddCell(); err != nil {
				return nil, err
			}
			return nil, Refuse("form-unknown", name,
				"no known form has the columns %s; declare the time column and the columns",
				strings.Join(g.headers[:min(8, len(g.headers))], ", "))
		}
	}
	if g.origin != "" {
		table.Provenance.Origin = g.origin
	}
	g.decide("form", table.Provenance.Form, "its columns: "+strings.Join(known.needs, ", "))
	timeColumn, err := g.timeColumn(known, options)
	if err != nil {
		return nil, err
	}
	hour := -1
	if timeColumn >= 0 {
		// Stooq and MetaTrader write the hour beside the day
		if normal(g.headers[timeColumn]) == "date" && options.TimeColumn == "" {
			hour = slices.IndexFunc(g.headers, func(h string) bool { return normal(h) == "time" })
			if hour >= 0 && g.rows() > 0 && len(g.cell(0, hour)) > len("15:04:05.000") {
				hour = -1 // the same time in another form
			}
		}
		if table.Times, err = g.times(timeColumn, hour, options, zone); err != nil {
			return nil, err
		}
	}
	g.plain = g.plainColumns(timeColumn)
	for column, header := range g.headers {
		if column == timeColumn || column == hour || normal(header) == "" ||
			strings.HasPrefix(normal(header), "unnamed:") {
			continue // an index that pandas wrote
		}
		if err := g.addColumn(table, known, options, column, header); err != nil {
			return nil, err
		}
	}
	if g.symbol != "" && !slices.ContainsFunc(table.Texts, func(c Text) bool { return c.Name == "symbol" }) {
		table.Texts = append(table.Texts, Text{"symbol", "symbol", slices.Repeat([]string{g.symbol}, g.rows())})
	}
	for _, d := range options.Columns {
		// Not by the name alone: another header may be known under it.
		if table.index(d.Name) < 0 || !slices.ContainsFunc(g.headers, func(h string) bool {
			return normal(h) == normal(d.Header)
		}) {
			return nil, Refuse("column-missing", d.Header, "declared, but the file has no such column")
		}
	}
	return table, table.applyQuantities(g)
}

// commonTimes are the headers of time columns that any form may have.
var commonTimes = []string{"unix", "unix timestamp", "timestamp", "open time", "open_time", "date", "time", "datetime",
	"day", "month", "quarter", "year", "observation_date"}

// timeColumn is the column of the times: the declared one, the form's, or one that is called so; −1 for a form that has
// none.
func (g *grid) timeColumn(known *form, options ReadOptions) (int, error) {
	candidates := slices.Clone(known.time)
	if options.TimeColumn != "" {
		candidates = []string{normal(options.TimeColumn)}
	} else if len(candidates) > 0 || known.name == "" {
		candidates = append(candidates, commonTimes...)
	}
	for _, candidate := range candidates {
		if i := slices.IndexFunc(g.headers, func(h string) bool { return normal(h) == candidate }); i >= 0 {
			date := slices.IndexFunc(g.headers, func(h string) bool { return normal(h) == "date" })
			if candidate == "time" && options.TimeColumn == "" && date >= 0 &&
				slices.Contains([]string{"", layoutSerial}, layoutOf([]string{g.cell(0, i)}, time.UTC).layout) {
				return date, nil // an hour of the day, beside its date
			}
			return i, nil
		}
	}
	if len(candidates) == 0 {
		return -1, nil
	}
	if at := g.findTime(); at >= 0 && options.TimeColumn == "" {
		return at, nil
	}
	return 0, Refuse("time-column-missing", "time", "no column called %s; name it with --time-column",
		strings.Join(slices.Compact(candidates[:min(len(candidates), 4)]), ", "))
}

// declares says whether a declaration is of this header: of the one that is written so, where there is one.
func (g *grid) declares(d Declared, header string) bool {
	if slices.ContainsFunc(g.headers, func(h string) bool { return strings.EqualFold(h, d.Header) }) {
		return strings.EqualFold(header, d.Header)
	}
	return normal(d.Header) == normal(header)
}

// sharesName says whether another header differs from this one by nothing but a currency.
func (g *grid) sharesName(header string) bool {
	return slices.ContainsFunc(g.headers, func(h string) bool {
		return !strings.EqualFold(h, header) && normal(h) == normal(header) && currencyEnds(h) && currencyEnds(header)
	})
}

// currencyEnds: the header ends in a currency's three letters.
func currencyEnds(header string) bool {
	words := strings.FieldsFunc(header, func(r rune) bool { return !unicode.IsLetter(r) })
	return len(words) > 1 && len(words[len(words)-1]) == 3
}

// addColumn decides what a column is: declared, known to the form, an
// exchange's volume, or, failing that, a number if every filled cell is one.
func (g *grid) addColumn(table *Table, known *form, options ReadOptions, column int, header string) error {
	for _, d := range options.Columns {
		if g.declares(d, header) {
			return g.addNumbers(table, field{name: d.Name, unit: d.Unit}, column, options, true)
		}
	}
	// Of two columns that would have one name, such as a price in two currencies, each keeps its own as written.
	if g.sharesName(header) {
		return g.addNumbers(table, field{name: strings.ToLower(strings.TrimSpace(header)), unit: "undeclared"}, column,
			options, false)
	}
	declared := func(f field) bool { // what another column was declared to be, this one is not
		return slices.ContainsFunc(options.Columns, func(d Declared) bool { return d.Name == f.name })
	}
	for _, f := range known.texts {
		if f.header == normal(header) {
			table.Texts = append(table.Texts, Text{f.name, header, g.column(column)})
			return nil
		}
	}
	for _, f := range known.numbers {
		if f.header == normal(header) && !declared(f) {
			return g.addNumbers(table, f, column, options, true)
		}
	}
	if f, ok := volumeField(header); ok && !declared(f) {
		return g.addNumbers(table, f, column, options, true)
	}
	if table.index(normal(header)) >= 0 {
		return nil
	}
	if f, ok := canonical(header); ok && !declared(f) {
		return g.addNumbers(table, f, column, options, true)
	}
	return g.addNumbers(table, field{name: normal(header), unit: "undeclared"}, column, options, false)
}

// addNumbers parses a column. When the column must be numbers, a cell that is
// not one is an error that names its line; otherwise the column becomes text.
func (g *grid) addNumbers(table *Table, f field, column int, options ReadOptions, must bool) error {
	header := g.headers[column]
	if i := table.index(f.name); i >= 0 {
		// Coin Metrics prints its price and the reference rate beside it: both stay, under their own names.
		if normal(header) != "referencerateusd" {
			return Refuse("column-twice", header, "the file has two columns for %q", f.name)
		}
		f.name = "reference_rate_usd"
	} else if normal(header) == "referencerateusd" &&
		slices.ContainsFunc(g.headers, func(h string) bool { return normal(h) == "priceusd" }) {
		f.name = "reference_rate_usd"
	}
	values, s, err := g.numbers(column, f, options)
	if err != nil {
		if !must {
			g.decide("column "+header, "names", err.Error())
			table.Texts = append(table.Texts, Text{f.name, header, g.column(column)})
			return nil
		}
		return err
	}
	switch {
	case s.percent && (f.unit == "undeclared" || f.unit == "quote"):
		f.unit = "percent"
	case s.currency == "" && (f.unit == "quote" || f.unit == "undeclared") && g.unit(column) != "":
		f.unit = g.unit(column)
	case s.currency != "" && (f.unit == "undeclared" || f.unit == "quote"):
		f.unit = s.currency
	case s.currency != "" && f.unit != s.currency && len(f.unit) == 3 && strings.ToUpper(f.unit) == f.unit:
		return Refuse("unit-differs", header, "the cells say %s, the column is in %s; declare it", s.currency, f.unit)
	}
	n := 0
	for _, v := range values {
		if math.IsNaN(v) {
			n++
		}
	}
	g.decide("column "+header, fmt.Sprintf("%s in %s, %s, %d of %d cells missing", f.name, f.unit, s, n, len(values)),
		s.why)
	table.Columns = append(table.Columns, Column{f.name, f.unit, header, values})
	return nil
}

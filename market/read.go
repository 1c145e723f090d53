package market

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Limits on what is read from outside.
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
	TimeColumn string
	TimeLayout string         // Go layout, "unix", or empty to recognise
	TimeZone   *time.Location // of the times as written; nil means UTC
	Origin     string
	Columns    []Declared
}

// grid is a file as cells, before anything is interpreted.
type grid struct {
	origin  string // as the file states it
	headers []string
	rows    [][]string
	lines   []int
}

// ReadFile reads a CSV or Parquet file of at most MaxFileBytes.
func ReadFile(path string, options ReadOptions) (*Table, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, MaxFileBytes+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return Parse(filepath.Base(path), data, options)
}

// Parse reads the bytes of a CSV or Parquet file (told apart by Parquet's magic
// number). The file's name only enters the provenance.
func Parse(name string, data []byte, options ReadOptions) (*Table, error) {
	if len(data) > MaxFileBytes {
		return nil, Refuse("too_large", name, "more than %d MiB", MaxFileBytes>>20)
	}
	read := readCSV
	if bytes.HasPrefix(data, []byte("PAR1")) {
		read = readParquet
	}
	cells, err := read(name, data)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(data)
	zone := options.TimeZone
	if zone == nil {
		zone = time.UTC
	}
	table, err := cells.interpret(name, options, zone)
	if err != nil {
		return nil, err
	}
	table.Provenance.File, table.Provenance.SHA256, table.Provenance.Bytes = name, hex.EncodeToString(sum[:]), len(data)
	table.Provenance.TimeZone, table.Provenance.Rows = zone.String(), table.Rows()
	if options.Origin != "" {
		table.Provenance.Origin = options.Origin
	}
	table.sortByTime()
	return table, nil
}

// interpret turns cells into times, names and numbers.
func (g *grid) interpret(name string, options ReadOptions, zone *time.Location) (*Table, error) {
	known := recognise(g.headers)
	table := &Table{Lines: g.lines, Provenance: Provenance{Form: "declared", Origin: "not stated"}}
	if known != nil {
		table.Provenance.Form = known.name
		if known.origin != "" { // a layout is a hint, not a proof
			table.Provenance.Origin = "not stated; laid out like " + known.origin
		}
	} else {
		known = &form{time: []string{"date", "time", "timestamp", "unix", "day", "month", "quarter"}}
		if len(options.Columns) == 0 && options.TimeColumn == "" {
			return nil, Refuse("form_unknown", name, "no known form has the columns %s; declare the time column and the columns", strings.Join(g.headers[:min(8, len(g.headers))], ", "))
		}
	}
	if g.origin != "" {
		table.Provenance.Origin = g.origin
	}
	timeColumn, err := g.timeColumn(known, options)
	if err != nil {
		return nil, err
	}
	if timeColumn >= 0 {
		if table.Times, err = g.times(timeColumn, options.TimeLayout, zone); err != nil {
			return nil, err
		}
	}
	for column, header := range g.headers {
		if column == timeColumn || normal(header) == "" {
			continue
		}
		if err := g.addColumn(table, known, options, column, header); err != nil {
			return nil, err
		}
	}
	for _, d := range options.Columns {
		if table.index(d.Name) < 0 {
			return nil, Refuse("column_missing", d.Header, "declared, but the file has no such column")
		}
	}
	return table, nil
}

func (g *grid) timeColumn(known *form, options ReadOptions) (int, error) {
	candidates := known.time
	if options.TimeColumn != "" {
		candidates = []string{normal(options.TimeColumn)}
	}
	for _, candidate := range candidates {
		if i := slices.IndexFunc(g.headers, func(h string) bool { return normal(h) == candidate }); i >= 0 {
			return i, nil
		}
	}
	if len(candidates) == 0 {
		return -1, nil
	}
	return 0, Refuse("time_column_missing", candidates[0], "no time column; name it with --time-column")
}

// addColumn decides what a column is: declared, known to the form, an
// exchange's volume, or, failing that, a number if every filled cell is one.
func (g *grid) addColumn(table *Table, known *form, options ReadOptions, column int, header string) error {
	for _, d := range options.Columns {
		if normal(d.Header) == normal(header) {
			return g.addNumbers(table, field{name: d.Name, unit: d.Unit}, column, header, true)
		}
	}
	for _, f := range known.texts {
		if f.header == normal(header) {
			table.Texts = append(table.Texts, Text{f.name, header, g.column(column)})
			return nil
		}
	}
	for _, f := range known.numbers {
		if f.header == normal(header) {
			return g.addNumbers(table, f, column, header, true)
		}
	}
	if f, ok := volumeField(header); ok {
		return g.addNumbers(table, f, column, header, true)
	}
	if table.index(normal(header)) >= 0 {
		return nil
	}
	if f, ok := canonical(header); ok {
		return g.addNumbers(table, f, column, header, true)
	}
	return g.addNumbers(table, field{name: normal(header), unit: "undeclared"}, column, header, false)
}

// addNumbers parses a column. When the column must be numbers, a cell that is
// not one is an error that names its line; otherwise the column becomes text.
func (g *grid) addNumbers(table *Table, f field, column int, header string, must bool) error {
	if table.index(f.name) >= 0 {
		return Refuse("column_twice", header, "the file has two columns for %q", f.name)
	}
	values := make([]float64, len(g.rows))
	for i, row := range g.rows {
		v, err := number(row[column])
		if err != nil {
			if !must {
				table.Texts = append(table.Texts, Text{f.name, header, g.column(column)})
				return nil
			}
			return Refuse("not_a_number", header, "line %d: %q is not a number", g.lines[i], row[column])
		}
		values[i] = v
	}
	table.Columns = append(table.Columns, Column{f.name, f.unit, header, values})
	return nil
}

func (g *grid) column(i int) []string {
	out := make([]string, len(g.rows))
	for r, row := range g.rows {
		out[r] = strings.TrimSpace(row[i])
	}
	return out
}

// number reads a cell: empty, NA, NaN and null are "not available"; a currency
// sign, per cent sign and thousands separators are tolerated.
func number(cell string) (float64, error) {
	cell = strings.TrimSpace(cell)
	switch strings.ToLower(cell) {
	case "", "na", "nan", "null", "none", "n/a", "-":
		return math.NaN(), nil
	}
	if v, err := strconv.ParseFloat(cell, 64); err == nil {
		if math.IsInf(v, 0) {
			return 0, strconv.ErrRange
		}
		return v, nil
	}
	cell = strings.TrimSuffix(strings.TrimPrefix(cell, "$"), "%")
	v, err := strconv.ParseFloat(strings.ReplaceAll(strings.TrimSpace(cell), ",", ""), 64)
	if err == nil && math.IsInf(v, 0) {
		err = strconv.ErrRange
	}
	return v, err
}

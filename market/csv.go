package market

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Header rows of exports that have none: Binance klines (12 columns) and
// Kraken OHLCVT (7 columns).
var headerless = map[int][]string{
	12: {"open time", "open", "high", "low", "close", "volume", "close time", "volume usd", "trades", "taker base", "taker quote", "ignore"},
	7:  {"unix", "open", "high", "low", "close", "volume", "trades"},
}

// readCSV reads comma- or semicolon-separated text with one header row; lines
// that start with # are comments (see comments). A
// first line without separators before it (CryptoDataDownload's address) is
// passed over; a headerless exchange export gets its documented header.
func readCSV(name string, data []byte) (*grid, error) {
	if !utf8.Valid(data) {
		return nil, Refuse("not_text", name, "neither Parquet nor UTF-8 text")
	}
	reader := csv.NewReader(bytes.NewReader(data))
	reader.FieldsPerRecord, reader.ReuseRecord, reader.LazyQuotes, reader.Comment = -1, true, true, '#'
	g := &grid{}
	if head := g.comments(data); bytes.Count(head, []byte(";")) > bytes.Count(head, []byte(",")) {
		reader.Comma = ';'
	}
	for {
		record, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		line, _ := reader.FieldPos(0)
		if err != nil {
			return nil, Refuse("csv", name, "%v", err)
		}
		if err := g.addRecord(name, line, record); err != nil {
			return nil, err
		}
	}
	if g.headers == nil {
		return nil, Refuse("empty", name, "no header row")
	}
	if len(g.rows) == 0 {
		return nil, Refuse("empty", name, "a header and no rows")
	}
	return g, nil
}

// comments reads lines that start with # at the top, of which "# origin: …"
// states where the data come from, and returns the line after them.
func (g *grid) comments(data []byte) (head []byte) {
	for {
		head, data, _ = bytes.Cut(data, []byte("\n"))
		if !bytes.HasPrefix(head, []byte("#")) {
			return head
		}
		if origin, ok := strings.CutPrefix(strings.TrimSpace(string(head)), "# origin:"); ok && len(origin) <= maxCellBytes {
			g.origin = strings.TrimSpace(origin)
		}
	}
}

func (g *grid) addRecord(name string, line int, record []string) error {
	if len(record) > maxColumns {
		return Refuse("too_many_columns", name, "line %d: more than %d columns", line, maxColumns)
	}
	for _, cell := range record {
		if len(cell) > maxCellBytes {
			return Refuse("cell_too_long", name, "line %d: a cell of more than %d bytes", line, maxCellBytes)
		}
	}
	if g.headers == nil {
		if len(record) == 1 && strings.Contains(record[0], "://") {
			return nil
		}
		if header, ok := headerless[len(record)]; ok && allNumbers(record) {
			g.headers = header
		} else {
			g.headers = append([]string(nil), record...)
			return nil
		}
	}
	if len(record) != len(g.headers) {
		return Refuse("ragged", name, "line %d has %d cells, the header %d", line, len(record), len(g.headers))
	}
	if len(g.rows) == maxRows {
		return Refuse("too_many_rows", name, "more than %d rows", maxRows)
	}
	g.rows, g.lines = append(g.rows, append([]string(nil), record...)), append(g.lines, line)
	return nil
}

func allNumbers(record []string) bool {
	for _, cell := range record {
		if _, err := strconv.ParseFloat(cell, 64); err != nil {
			return false
		}
	}
	return true
}

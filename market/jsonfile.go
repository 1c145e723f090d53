package market

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Limits on a file of JSON: decoded it takes many times its size.
const (
	maxJSONBytes = 64 << 20
	maxJSONDepth = 9
)

// isJSON: the file begins as an object or an array does.
func isJSON(data []byte) bool {
	data = bytes.TrimLeft(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), " \t\r\n")
	if len(data) < 2 || data[0] != '{' && data[0] != '[' {
		return false
	}
	next := bytes.TrimLeft(data[1:], " \t\r\n")
	return len(next) > 0 && bytes.IndexByte([]byte(`"{[]}0123456789-`), next[0]) >= 0
}

// readJSON reads what exchanges' and data services' interfaces answer: rows of numbers without names (Binance, Kraken,
// ccxt), rows with names, a list of pairs a quantity (CoinGecko), a list of values a quantity (Yahoo's chart). Where in
// the answer they stand is not known beforehand: the largest thing that could be rows is taken.
func readJSON(name string, data []byte, options ReadOptions) (*grid, error) {
	root, err := decodeJSON(name, data)
	if err != nil {
		return nil, err
	}
	g := &grid{separator: ','}
	found := tables{pairs: map[string][]any{}, lists: map[string][]any{}, bars: map[string][]any{}}
	found.walk(root, "", 0)
	longest := 0
	for _, list := range found.lists {
		longest = max(longest, len(list))
	}
	// More than one list of pairs is a file of series, whatever else is in it; columns that stand as lists count where
	// they are longer than the rows that were found.
	switch {
	case len(found.pairs) > 1:
		err = g.addPairs(found.pairs)
	case len(found.lists) > 1 && longest > len(found.rows):
		err = g.addLists(found.lists)
	case len(found.rows) > 0:
		if err = g.oneOfSeveral(&found, options.Only); err == nil {
			err = g.addRows(found.rows, found.unit)
		}
	default:
		return nil, Refuse("json", name, "no rows of numbers in it")
	}
	if err != nil {
		return nil, err
	}
	g.decide("container", fmt.Sprintf("JSON, %d rows %s", g.records(), found.path),
		"it begins as an object or an array does")
	return g, g.layOut(name, options)
}

// decodeJSON reads a file of one value, or of values one after another as a log of JSON lines has them, which are
// given as an array. Numbers stay the text that they are (json.Number), so that a time of nanoseconds or a price of
// many digits is not rounded to a float before the reader knows which of them it is.
func decodeJSON(name string, data []byte) (any, error) {
	if len(data) > maxJSONBytes {
		return nil, Refuse("too-large", name, "more than %d MiB of JSON", maxJSONBytes>>20)
	}
	d := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))))
	d.UseNumber()
	var values []any
	for len(values) <= maxRows {
		var value any
		err := d.Decode(&value)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, Refuse("json", name, "%v", err)
		}
		values = append(values, value)
	}
	if len(values) == 1 {
		return values[0], nil
	}
	return values, nil
}

// tables are what of a value could be one: the longest list of rows, lists of
// pairs, of values and of bars (rows of a time and four prices or more) by their
// keys, and the unit that is stated beside them.
type tables struct {
	rows               []any
	path, unit         string
	pairs, lists, bars map[string][]any
}

// walk collects what could be a table. Objects are walked in the order of their keys, so that the same file gives the
// same table.
func (t *tables) walk(v any, path string, depth int) {
	switch v := v.(type) {
	case []any:
		if rows := rowsOf(v); len(rows) > len(t.rows) {
			t.rows, t.path = rows, path
		}
		if isPairs(v) {
			t.pairs[path] = v
		}
		if isBars(v) {
			t.bars[path] = v
			return // its rows are no lists of their own
		}
		if isScalars(v) {
			t.lists[path] = v
		} else if depth < maxJSONDepth {
			// Eight elements say what a list is of: those of a long one are alike.
			for _, inside := range v[:min(len(v), 8)] {
				t.walk(inside, path, depth+1)
			}
		}
	case map[string]any:
		if s, ok := v["unit"].(string); ok {
			t.unit = unitOf(strings.ToLower(s))
		}
		if rows := byTime(v); len(rows) > len(t.rows) {
			t.rows, t.path = rows, path
		}
		named, names, list := namedRows(v)
		if len(named) > 0 && len(named) >= len(t.rows) {
			t.rows, t.path = named, path
		}
		if depth < maxJSONDepth {
			for _, key := range keysOf(v) {
				if named == nil || key != names && key != list { // these two are read
					t.walk(v[key], key, depth+1)
				}
			}
		}
	}
}

// rowsOf are v's elements where all of them are rows: arrays or objects of scalars.
func rowsOf(v []any) []any {
	for _, row := range v {
		switch row := row.(type) {
		case []any:
			if !isScalars(row) {
				return nil
			}
		case map[string]any:
			if flat(row) == nil {
				return nil
			}
		default:
			return nil
		}
	}
	return v
}

// flat is an object whose values are scalars, with those of an object inside
// beside its own (CoinMarketCap's "quote"); nil where there is more in it.
func flat(row map[string]any) map[string]any {
	out := map[string]any{}
	for key, cell := range row {
		switch cell := cell.(type) {
		case []any:
			return nil
		case map[string]any:
			for inner, v := range cell {
				if !isScalar(v) {
					return nil
				}
				if _, twice := row[inner]; !twice {
					out[inner] = v
				}
			}
		default:
			out[key] = cell
		}
	}
	return out
}

// namedRows are rows of values whose names stand in a list beside them, as the Moscow Exchange and Nasdaq Data Link
// answer; names and list are the keys of both.
func namedRows(v map[string]any) (rows []any, names, list string) {
	for _, names = range []string{"columns", "column_names"} {
		header, _ := v[names].([]any)
		for _, list = range []string{"data", "rows", "values"} {
			values, _ := v[list].([]any)
			if len(header) == 0 || len(values) == 0 {
				continue
			}
			for _, value := range values {
				cells, ok := value.([]any)
				if !ok || len(cells) != len(header) || !isScalars(cells) {
					return nil, "", ""
				}
				row := map[string]any{}
				for i, name := range header {
					name, ok := name.(string)
					if _, twice := row[name]; !ok || twice {
						return nil, "", ""
					}
					row[name] = cells[i]
				}
				rows = append(rows, row)
			}
			return rows, names, list
		}
	}
	return nil, "", ""
}

// byTime are the rows of an object whose keys are times: of numbers, or of
// objects of numbers, as Alpha Vantage answers. Nil where it is none.
func byTime(v map[string]any) []any {
	var rows []any
	for _, key := range keysOf(v) {
		if len(key) < 6 || !isTime(key) {
			return nil
		}
		switch cell := v[key].(type) {
		case []any:
			return nil
		case map[string]any:
			row := flat(cell)
			if row == nil {
				return nil
			}
			row["time"] = key
			rows = append(rows, row)
		default:
			rows = append(rows, map[string]any{"time": key, "value": cell})
		}
	}
	return rows
}

// isBars: rows of one width, wide enough for a time and four prices.
func isBars(v []any) bool {
	width := 0
	for _, row := range v {
		cells, ok := row.([]any)
		if !ok || len(cells) < 5 || !isScalars(cells) || width > 0 && len(cells) != width {
			return false
		}
		width = len(cells)
	}
	return width > 0
}

// oneOfSeveral takes the rows that only asks for where the file has bars of
// several names, as Kraken answers for two pairs; which of them is not guessed.
func (g *grid) oneOfSeveral(found *tables, only []string) error {
	if len(found.bars) < 2 {
		return nil
	}
	names := keysOf(found.bars)
	for _, condition := range only {
		header, name, _ := strings.Cut(condition, "=")
		if normal(header) != "symbol" {
			continue
		}
		rows, ok := found.bars[name]
		if !ok {
			return Refuse("not-available", header, "no rows are called %q; there are: %s", name, someOf(names))
		}
		found.rows, found.path, g.symbol = rows, name, name
		return nil
	}
	return Refuse("series-several", "symbol", "%d lists of rows: %s; name one, as --only %q", len(names),
		someOf(names), "symbol="+names[0])
}

// isPairs: every row is an array of two scalars.
func isPairs(v []any) bool {
	return len(v) > 0 && !slices.ContainsFunc(v, func(row any) bool {
		pair, ok := row.([]any)
		return !ok || len(pair) != 2 || !isScalars(pair)
	})
}

// isScalars: there are elements, and each is a scalar.
func isScalars(v []any) bool {
	return len(v) > 0 && !slices.ContainsFunc(v, func(cell any) bool { return !isScalar(cell) })
}

// isScalar: neither an array nor an object.
func isScalar(v any) bool {
	switch v.(type) {
	case []any, map[string]any:
		return false
	}
	return true
}

// keysOf are a map's keys, in order.
func keysOf[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}

// scalar is a value as the text of a cell, cut at the longest that a cell may be. A number keeps its digits.
func scalar(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v[:min(len(v), maxCellBytes)]
	}
	text := fmt.Sprint(v)
	return text[:min(len(text), maxCellBytes)]
}

// addRows adds arrays as they are, and objects under a header of their keys. The keys are those of the first object;
// what others have beside them is left out.
func (g *grid) addRows(rows []any, unit string) error {
	object, ok := rows[0].(map[string]any)
	if !ok {
		for i, row := range rows {
			if row, ok := row.([]any); ok {
				cells := make([]string, len(row))
				for c := range row {
					cells[c] = scalar(row[c])
				}
				if err := g.add(i+1, cells); err != nil {
					return err
				}
			}
		}
		return nil
	}
	object = flat(object)
	keys := keysOf(object)
	header := slices.Clone(keys)
	if slices.Equal(keys, []string{"x", "y"}) { // blockchain.com's charts
		header = []string{"time", "value"}
		if unit != "" {
			header[1] = "value (" + unit + ")"
		}
	}
	if slices.Equal(keys, []string{"t", "v"}) { // Glassnode
		header[1] = "value"
	}
	for i, key := range header {
		if word, ok := shortKeys[key]; ok {
			header[i] = word
		}
	}
	if err := g.add(1, header); err != nil {
		return err
	}
	if err := room(len(rows), len(keys)); err != nil {
		return err
	}
	for i, row := range rows {
		if row, ok := row.(map[string]any); ok {
			row, cells := flat(row), make([]string, len(keys))
			for c, key := range keys {
				cells[c] = scalar(row[key])
			}
			if err := g.add(i+2, cells); err != nil {
				return err
			}
		}
	}
	return nil
}

// shortKeys are what interfaces shorten names to.
var shortKeys = map[string]string{"t": "time", "o": "open", "h": "high", "l": "low", "c": "close", "v": "volume",
	"ts": "time"}

// addPairs joins lists of (time, value) that have the same times, as CoinGecko answers. The times are those of the
// first list: of the prices, where there are any.
func (g *grid) addPairs(pairs map[string][]any) error {
	keys := keysOf(pairs)
	if i := slices.Index(keys, "prices"); i > 0 {
		keys[0], keys[i] = keys[i], keys[0]
	}
	header := []string{"time"}
	for _, key := range keys {
		switch key {
		case "prices":
			key = "price"
		case "market_caps":
			key = "market_cap"
		case "total_volumes":
			key = "volume_quote" // money: CoinGecko's volumes are in the currency of its prices
		}
		header = append(header, key)
	}
	if err := g.add(1, header); err != nil {
		return err
	}
	if err := room(len(pairs[keys[0]]), len(keys)); err != nil {
		return err
	}
	others := make([]map[string]string, len(keys))
	for i, key := range keys {
		others[i] = map[string]string{}
		for _, row := range pairs[key] {
			pair := row.([]any)
			others[i][scalar(pair[0])] = scalar(pair[1])
		}
	}
	for n, row := range pairs[keys[0]] {
		at := scalar(row.([]any)[0])
		cells := []string{at}
		for i := range keys {
			cells = append(cells, others[i][at])
		}
		if err := g.add(n+2, cells); err != nil {
			return err
		}
	}
	return nil
}

// addLists sets lists of one length beside each other, as Yahoo's chart and pandas' columns do. Only the longest are
// taken, and those of their length.
func (g *grid) addLists(lists map[string][]any) error {
	longest := 0
	for _, list := range lists {
		longest = max(longest, len(list))
	}
	var keys, header []string
	for _, key := range keysOf(lists) {
		if len(lists[key]) == longest {
			word := key
			if full, ok := shortKeys[key]; ok {
				word = full
			}
			keys, header = append(keys, key), append(header, word)
		}
	}
	if err := g.add(1, header); err != nil {
		return err
	}
	// Lists of one length stand for as many rows as they have values: nothing bounds both but this.
	if err := room(longest, len(keys)); err != nil {
		return err
	}
	for row := range longest {
		cells := make([]string, len(keys))
		for i, key := range keys {
			cells[i] = scalar(lists[key][row])
		}
		if err := g.add(row+2, cells); err != nil {
			return err
		}
	}
	return nil
}

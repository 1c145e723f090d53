package market

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// readParquet reads a flat Parquet file (no nested or repeated columns) into
// cells. The library panics on some damaged files; that is an error here.
func readParquet(name string, data []byte) (g *grid, err error) {
	defer func() {
		if r := recover(); r != nil {
			g, err = nil, Refuse("parquet", name, "damaged: %v", r)
		}
	}()
	if err := checkFooter(data); err != nil {
		return nil, Refuse("parquet", name, "%v", err)
	}
	file, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)), parquet.SkipBloomFilters(true))
	if err != nil {
		return nil, Refuse("parquet", name, "%v", err)
	}
	columns := file.Schema().Columns()
	if len(columns) == 0 || len(columns) > maxColumns || file.NumRows() > maxRows || file.NumRows() < 1 {
		return nil, Refuse("parquet", name, "%d columns and %d rows; want 1 to %d and 1 to %d", len(columns),
			file.NumRows(), maxColumns, maxRows)
	}
	if err := room(int(file.NumRows()), len(columns)); err != nil {
		return nil, err
	}
	// A damaged file can claim far more rows than it has bytes for.
	if file.NumRows()*int64(len(columns)) > 64*int64(len(data))+4096 {
		return nil, Refuse("parquet", name, "claims %d rows in %d bytes", file.NumRows(), len(data))
	}
	if err := checkChunks(file, int64(len(data))); err != nil {
		return nil, Refuse("parquet", name, "%v", err)
	}
	g = &grid{}
	formats := make([]func(parquet.Value) string, len(columns))
	for i, path := range columns {
		if len(path) != 1 {
			return nil, Refuse("parquet", strings.Join(path, "."), "nested columns are not read")
		}
		leaf, _ := file.Schema().Lookup(path...)
		if leaf.MaxRepetitionLevel > 0 {
			return nil, Refuse("parquet", path[0], "repeated columns are not read")
		}
		g.headers, formats[i] = append(g.headers, path[0]), cellFormat(leaf.Node)
	}
	for _, group := range file.RowGroups() {
		if err := g.readGroup(group, formats); err != nil {
			var refused *Error
			if errors.As(err, &refused) {
				return nil, err
			}
			return nil, Refuse("parquet", name, "%v", err)
		}
	}
	if g.records() == 0 {
		return nil, Refuse("empty", name, "no rows")
	}
	g.allRows()
	return g, nil
}

// checkFooter looks at the length that the last eight bytes claim; the library
// allocates it before it looks.
func checkFooter(data []byte) error {
	if len(data) < 12 || !bytes.HasSuffix(data, []byte("PAR1")) {
		return errors.New("the file is cut short")
	}
	if claimed := binary.LittleEndian.Uint32(data[len(data)-8:]); int64(claimed) > int64(len(data)-12) {
		return fmt.Errorf("the footer claims %d bytes of %d", claimed, len(data))
	}
	return nil
}

// maxUncompressed bounds what the pages may unpack to.
const maxUncompressed = 4 << 30

// checkChunks refuses codecs whose decoder grows without limit on damaged
// input (LZ4), and chunks that lie outside the file or unpack to too much.
func checkChunks(file *parquet.File, size int64) error {
	total := int64(0)
	for _, group := range file.Metadata().RowGroups {
		for _, chunk := range group.Columns {
			m := chunk.MetaData
			switch m.Codec {
			case format.Uncompressed, format.Snappy, format.Gzip, format.Zstd:
			default:
				return fmt.Errorf("compression %s is not read", m.Codec)
			}
			if m.TotalCompressedSize < 0 || m.TotalCompressedSize > size || m.TotalUncompressedSize < 0 ||
				m.TotalUncompressedSize > maxUncompressed {
				return fmt.Errorf("a column chunk of %d bytes in a file of %d", m.TotalCompressedSize, size)
			}
			if total += m.TotalUncompressedSize; total > maxUncompressed {
				return fmt.Errorf("unpacks to more than %d bytes", int64(maxUncompressed))
			}
		}
	}
	return nil
}

// readGroup adds a group's rows, some hundreds at a time. A null becomes an empty cell.
func (g *grid) readGroup(group parquet.RowGroup, formats []func(parquet.Value) string) error {
	rows := group.Rows()
	defer rows.Close()
	buffer := make([]parquet.Row, 256)
	for {
		n, err := rows.ReadRows(buffer)
		for _, row := range buffer[:n] {
			cells := make([]string, len(formats))
			for _, v := range row {
				if column := v.Column(); column >= 0 && column < len(cells) && !v.IsNull() {
					cells[column] = formats[column](v)
				}
				if column := v.Column(); column >= 0 && column < len(cells) && len(cells[column]) > maxCellBytes {
					return fmt.Errorf("row %d: a cell of more than %d bytes", g.records()+1, maxCellBytes)
				}
			}
			// The footer's count was asked before; what the pages hold may be more.
			if g.records() == maxRows {
				return fmt.Errorf("more than %d rows", maxRows)
			}
			if err := g.add(g.records()+1, cells); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) || (err == nil && n == 0) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// cellFormat writes a value as the CSV reader would find it; dates and
// timestamps by their logical type.
func cellFormat(node parquet.Node) func(parquet.Value) string {
	// As text: what a CSV goes through, signs, times and checks, a Parquet file goes through too.
	if logical := node.Type().LogicalType(); logical != nil {
		switch kind := logical.Value.(type) {
		case *format.DateType:
			return func(v parquet.Value) string {
				return time.Unix(int64(v.Int32())*86400, 0).UTC().Format(time.DateOnly)
			}
		case *format.TimestampType:
			perSecond := int64(1e9)
			switch kind.Unit.Value.(type) {
			case *format.MilliSeconds:
				perSecond = 1e3
			case *format.MicroSeconds:
				perSecond = 1e6
			}
			return func(v parquet.Value) string {
				return time.Unix(v.Int64()/perSecond, v.Int64()%perSecond*(1e9/perSecond)).UTC().Format(time.RFC3339)
			}
		}
	}
	return func(v parquet.Value) string {
		switch v.Kind() {
		case parquet.Double:
			return floatCell(v.Double())
		case parquet.Float:
			return floatCell(float64(v.Float()))
		default:
			return v.String()
		}
	}
}

// floatCell writes all digits that a float has; NaN is an empty cell.
func floatCell(v float64) string {
	if math.IsNaN(v) {
		return ""
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

// WriteParquet writes a table with our column names; provenance and units go into the file's key-value metadata, so
// that they travel with the numbers. NaN is written as null.
func (t *Table) WriteParquet(w io.Writer, metadata map[string]string) error {
	group := parquet.Group{}
	if t.Times != nil {
		group["time"] = parquet.Timestamp(parquet.Millisecond)
	}
	for _, c := range t.Texts {
		group[c.Name] = parquet.Encoded(parquet.String(), &parquet.Plain)
	}
	for _, c := range t.Columns {
		group[c.Name] = parquet.Optional(parquet.Leaf(parquet.DoubleType))
	}
	schema := parquet.NewSchema("market", group)
	options := []parquet.WriterOption{schema, parquet.Compression(&parquet.Zstd),
		parquet.CreatedBy("aqsha", "market", "1")}
	for _, key := range sortedKeys(metadata) {
		options = append(options, parquet.KeyValueMetadata(key, metadata[key]))
	}
	for _, c := range t.Columns {
		options = append(options, parquet.KeyValueMetadata("unit:"+c.Name, c.Unit))
	}
	writer := parquet.NewWriter(w, options...)
	for i := range t.Lines {
		if _, err := writer.WriteRows([]parquet.Row{t.parquetRow(schema, i)}); err != nil {
			return fmt.Errorf("parquet row %d: %w", i+1, err)
		}
	}
	return writer.Close()
}

// parquetRow is a row in the schema's order of columns, which is by name. A Parquet value carries a definition level,
// which says how much of its path is there: an optional column has the level 1 where there is a value and 0 where
// there is none (a NaN here), and a required one always 0, which is its highest. Times are milliseconds since 1970.
func (t *Table) parquetRow(schema *parquet.Schema, i int) parquet.Row {
	values := map[string]parquet.Value{}
	if t.Times != nil {
		values["time"] = parquet.Int64Value(t.Times[i].UnixMilli())
	}
	for _, c := range t.Texts {
		values[c.Name] = parquet.ByteArrayValue([]byte(c.Values[i]))
	}
	for _, c := range t.Columns {
		values[c.Name] = parquet.DoubleValue(c.Values[i])
		if math.IsNaN(c.Values[i]) {
			values[c.Name] = parquet.NullValue()
		}
	}
	row := parquet.Row{}
	for column, path := range schema.Columns() {
		leaf, _ := schema.Lookup(path...)
		v, level := values[path[0]], 0
		if !v.IsNull() {
			level = leaf.MaxDefinitionLevel
		}
		row = append(row, v.Level(0, level, column))
	}
	return row
}

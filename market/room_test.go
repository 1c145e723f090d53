package market

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// manyCells is more rows of all columns than may be read.
const manyCells = maxCells/maxColumns + 1

// parquetOf writes a file of so many columns and one row, whose footer claims others and is padded to so many bytes.
func parquetOf(t *testing.T, columns int, claimed int64, padding int) []byte {
	t.Helper()
	table := &Table{Times: []time.Time{time.Unix(1e9, 0)}, Lines: []int{1}}
	for i := range columns - 1 {
		table.Columns = append(table.Columns, Column{Name: fmt.Sprintf("c%03d", i), Values: []float64{1}})
	}
	var b bytes.Buffer
	if err := table.WriteParquet(&b, map[string]string{"padding": strings.Repeat("x", padding)}); err != nil {
		t.Fatal(err)
	}
	data := b.Bytes()
	end := len(data) - 8
	begin := end - int(binary.LittleEndian.Uint32(data[end:]))
	var footer format.FileMetaData
	if err := thrift.Unmarshal(new(thrift.CompactProtocol), data[begin:end], &footer); err != nil {
		t.Fatal(err)
	}
	footer.NumRows = claimed
	encoded, err := thrift.Marshal(new(thrift.CompactProtocol), footer)
	if err != nil {
		t.Fatal(err)
	}
	data = append(bytes.Clone(data[:begin]), encoded...)
	return append(binary.LittleEndian.AppendUint32(data, uint32(len(encoded))), "PAR1"...)
}

// A small file that stands for more cells than a text may have is refused before they are made.
func TestFewBytesOfManyCells(t *testing.T) {
	wide := "{"
	for i := range maxColumns {
		wide += fmt.Sprintf(`"c%d":%d,`, i, i)
	}
	wide = strings.TrimSuffix(wide, ",") + "}"
	attributes := ""
	for i := range maxColumns {
		attributes += fmt.Sprintf(` c%d="%d"`, i, i)
	}
	rows := strings.Repeat(`<row><c><v>1</v></c></row>`, maxSheetCells/maxColumns)
	for name, data := range map[string][]byte{
		"a.parquet": parquetOf(t, 32, maxCells/32+1, maxCells/64),
		"a.xlsx":    workbookOf(t, rows+`<row><c><v>1</v></c><c r="SR1"><v>1</v></c></row>`),
		"a.json":    []byte("[" + wide + strings.Repeat(`,{"c0":1}`, manyCells) + "]"),
		"a.xml": []byte("<?xml version=\"1.0\"?><all><r" + attributes + "/>" + strings.Repeat(`<r c0="1"/>`, manyCells) +
			"</all>"),
	} {
		if _, err := Parse(name, data, ReadOptions{}); code(err) != "market-too-many-cells" {
			t.Errorf("%s of %d bytes: %.200v", name, len(data), err)
		}
	}
}

// What add refuses it has not taken. The memory of the large grids is never touched.
func TestRoomOfAGrid(t *testing.T) {
	long := strings.Repeat("x", maxCellBytes)
	for want, tc := range map[string]struct {
		g     grid
		cells []string
	}{
		"":                        {grid{}, []string{long, ""}},
		"market-too-many-cells":   {grid{spans: make([]span, maxCells)}, []string{""}},
		"market-too-many-rows":    {grid{lines: make([]int, maxRows+16)}, []string{""}},
		"market-too-many-columns": {grid{}, make([]string, maxColumns+1)},
		"market-cell-too-long":    {grid{}, []string{"", long + "x"}},
	} {
		spans, records := len(tc.g.spans), tc.g.records()
		err := tc.g.add(1, tc.cells)
		if want == "" && err != nil || want != "" && code(err) != want {
			t.Errorf("%v, want %s", err, want)
		}
		if err != nil && (len(tc.g.spans) != spans || tc.g.records() != records || len(tc.g.extra) != 0) {
			t.Errorf("%s: part of it was taken", want)
		}
	}
	full := grid{extra: make([]byte, maxExtra-maxCellBytes+1)}
	if err := full.add(1, []string{long}); code(err) != "market-too-many-cells" || full.records() != 0 {
		t.Errorf("more text than a span can point into: %v", err)
	}
}

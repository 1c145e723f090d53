package market

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"testing"
)

// minutes is a file of one-minute bars as exchanges write them.
func minutes(rows int) []byte {
	var b bytes.Buffer
	b.WriteString("time,open,high,low,close,volume\n")
	for i := range rows {
		p := 60000 + float64(i*7919%10007)/10
		fmt.Fprintf(&b, "%d,%.2f,%.2f,%.2f,%.2f,%.6f\n", 1600000000+60*i, p, p+5, p-5, p+1, float64(i%977)/3)
	}
	return b.Bytes()
}

// Reading, checking and all of a million rows, beside encoding/csv that only cuts cells.
func BenchmarkImportMinutes(b *testing.B) {
	data := minutes(1_000_000)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		table, err := Parse("minutes.csv", data, ReadOptions{})
		if err != nil || table.Rows() != 1_000_000 {
			b.Fatal(err)
		}
		Check(table)
	}
}

func BenchmarkEncodingCSVAlone(b *testing.B) {
	data := minutes(1_000_000)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		r := csv.NewReader(bytes.NewReader(data))
		r.ReuseRecord = true
		for {
			if _, err := r.Read(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				b.Fatal(err)
			}
		}
	}
}

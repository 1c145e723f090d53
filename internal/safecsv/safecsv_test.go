package safecsv_test

import (
	"bytes"
	"encoding/csv"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/internal/safecsv"
)

// Whatever the text: a cell begins no formula unless it is a plain number, and gives the text back.
func TestCells(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringMatching(`'*[=+\-@|%＝＋－＠\t\r]?'*[a-z0-9.()!]*`)).Draw(t, "text")
		cell := safecsv.Cell(text)
		if got := safecsv.Text(cell); got != text {
			t.Fatalf("%q became %q and came back as %q", text, cell, got)
		}
		first, _ := utf8.DecodeRuneInString(cell)
		if cell != "" && strings.ContainsRune("=@\t\r\n＝＋－＠", first) || strings.ContainsRune("+-", first) && strings.Trim(cell, "+-0123456789.eE") != "" {
			t.Fatalf("%q is written as %q", text, cell)
		}
	})
}

func TestWhatIsMarked(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "worker": "worker", "-5.25": "-5.25", "+7": "+7", "-1e3": "-1e3", "a=b": "a=b", "=cmd|'/c calc'!A0": "'=cmd|'/c calc'!A0",
		"@SUM(A1)": "'@SUM(A1)", "+cmd": "'+cmd", "-2+3": "'-2+3", "\t=1": "'\t=1", "\r=1": "'\r=1", "-Inf": "'-Inf", "+0x10": "'+0x10", "＝1": "'＝1", "'s": "'s", "'=1": "''=1",
	} {
		if got := safecsv.Cell(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// No way of writing lets a cell out as it came.
func TestWriter(t *testing.T) {
	evil := []string{"=1+1+cmd", "-12.5", "=cmd|' /C calc'!A0", "S21", "-a"}
	want := []string{"'=1+1+cmd", "-12.5", "'=cmd|' /C calc'!A0", "S21", "'-a"}
	for name, write := range map[string]func(w safecsv.Writer) error{
		"a row": func(w safecsv.Writer) error { return w.Write(evil) },
		"all":   func(w safecsv.Writer) error { return w.WriteAll([][]string{evil}) },
	} {
		var b bytes.Buffer
		w := safecsv.NewWriter(&b)
		if err := write(w); err != nil {
			t.Fatal(err)
		}
		w.Flush()
		row, err := csv.NewReader(&b).Read()
		if err != nil || !slices.Equal(row, want) {
			t.Errorf("%s: %q, %v", name, row, err)
		}
		if got := safecsv.Texts(row); !slices.Equal(got, evil) {
			t.Errorf("%s came back as %q", name, got)
		}
	}
}

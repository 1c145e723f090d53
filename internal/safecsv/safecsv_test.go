package safecsv_test

import (
	"bytes"
	"encoding/csv"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/aqsha/aqsha/internal/safecsv"
)

// Whatever the text: a cell begins no formula, and gives the text back.
func TestCells(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringMatching(`'*[=+\-@|%]?'*[a-z0-9.()!]*`)).Draw(t, "text")
		cell := safecsv.Cell(text)
		if got := safecsv.Text(cell); got != text {
			t.Fatalf("%q became %q and came back as %q", text, cell, got)
		}
		if _, err := strconv.ParseFloat(cell, 64); err != nil && cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
			t.Fatalf("%q is written as %q", text, cell)
		}
	})
}

func TestWriter(t *testing.T) {
	var b bytes.Buffer
	w := safecsv.NewWriter(&b)
	if err := w.Write([]string{"=1+1+cmd", "-12.5", "=cmd|' /C calc'!A0", "S21", "-a"}); err != nil {
		t.Fatal(err)
	}
	w.Flush()
	row, err := csv.NewReader(&b).Read()
	if err != nil || strings.Join(row, ";") != "'=1+1+cmd;-12.5;'=cmd|' /C calc'!A0;S21;'-a" {
		t.Errorf("%q, %v", row, err)
	}
}

// Package safecsv writes tables that a spreadsheet shows and does not compute: what machines and strangers call themselves may
// be a formula (OWASP, "CSV injection").
package safecsv

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
)

// begins are what a spreadsheet takes for the beginning of a formula.
const begins = "=+-@\t\r\n|%"

// mark keeps a spreadsheet from computing what comes after it.
const mark = '\''

// Cell is a text as a cell: marked when a spreadsheet would compute it. Numbers stay as they are.
func Cell(text string) string {
	if text == "" || (text[0] != mark && !strings.ContainsRune(begins, rune(text[0]))) {
		return text
	}
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		return text
	}
	if text[0] == mark && Text(text) == text {
		return text // nothing would take its mark away again
	}
	return string(mark) + text
}

// Text is the inverse of Cell.
func Text(cell string) string {
	if len(cell) > 1 && cell[0] == mark && (cell[1] == mark || strings.ContainsRune(begins, rune(cell[1]))) {
		return cell[1:]
	}
	return cell
}

// Writer is a csv.Writer of such cells.
type Writer struct{ *csv.Writer }

// NewWriter writes to w.
func NewWriter(w io.Writer) Writer { return Writer{csv.NewWriter(w)} }

// Write writes a row.
func (w Writer) Write(row []string) error {
	cells := make([]string, len(row))
	for i, text := range row {
		cells[i] = Cell(text)
	}
	return w.Writer.Write(cells)
}

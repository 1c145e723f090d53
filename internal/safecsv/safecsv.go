// Package safecsv writes tables that a spreadsheet shows and does not compute: what machines and strangers call
// themselves may be a formula (OWASP, "CSV injection").
package safecsv

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// begins are what a spreadsheet takes for the beginning of a formula, in the full-width forms as well.
const begins = "=+-@\t\r\n|%＝＋－＠"

// mark keeps a spreadsheet from computing what comes after it.
const mark = '\''

// formula says whether a spreadsheet may take a text for a formula.
func formula(text string) bool {
	first, _ := utf8.DecodeRuneInString(text)
	return text != "" && strings.ContainsRune(begins, first)
}

// number says whether a text is a decimal number, which spreadsheets read as one.
func number(text string) bool {
	_, err := strconv.ParseFloat(text, 64)
	return err == nil && !strings.ContainsAny(text, "xXpPiInN_")
}

// Cell is a text as a cell: marked when a spreadsheet would compute it. Numbers stay as they are.
func Cell(text string) string {
	if formula(text) && !number(text) || text != "" && text[0] == mark && Text(text) != text {
		return string(mark) + text
	}
	return text
}

// Text is the inverse of Cell: Text(Cell(x)) is x for every text, also one that begins with the mark itself.
func Text(cell string) string {
	if len(cell) > 1 && cell[0] == mark && (cell[1] == mark || formula(cell[1:])) {
		return cell[1:]
	}
	return cell
}

// Texts is the inverse of Cell for a row, in place.
func Texts(row []string) []string {
	for i, cell := range row {
		row[i] = Text(cell)
	}
	return row
}

// Writer is a csv.Writer of such cells: it has no way by which a cell goes out as it came.
type Writer struct{ csv *csv.Writer }

// NewWriter writes to w.
func NewWriter(w io.Writer) Writer { return Writer{csv.NewWriter(w)} }

// Write writes a row.
func (w Writer) Write(row []string) error {
	cells := make([]string, len(row))
	for i, text := range row {
		cells[i] = Cell(text)
	}
	return w.csv.Write(cells)
}

// WriteAll writes rows, and flushes.
func (w Writer) WriteAll(rows [][]string) error {
	for _, row := range rows {
		if err := w.Write(row); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

// Flush hands on what is buffered.
func (w Writer) Flush() { w.csv.Flush() }

// Error is of any row or flush before.
func (w Writer) Error() error { return w.csv.Error() }

package strict

import (
	"strconv"
	"strings"
)

// Cell makes a text of somebody else's safe in a table that a spreadsheet opens: what would begin a formula there (OWASP: CSV
// injection) is preceded by an apostrophe, which spreadsheets take for "text". Numbers stay numbers.
func Cell(text string) string {
	if text == "" || !strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return text
	}
	if _, err := strconv.ParseFloat(text, 64); err == nil && !strings.ContainsAny(text, "xXpPiInN_") {
		return text
	}
	return "'" + text
}

// Cells is Cell for a row.
func Cells(row ...string) []string {
	safe := make([]string, len(row))
	for i, text := range row {
		safe[i] = Cell(text)
	}
	return safe
}

package wallet

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// Row is one payment of a batch.
type Row struct {
	// of the file; the header is line 1. For people: a row is known by its contents
	Line     int        `json:"line"`
	ID       string     `json:"id,omitempty"` // of the payment, if whoever made the file gave one
	To       string     `json:"to"`
	Amount   money.Tiyn `json:"amount"`
	Memo     string     `json:"memo,omitempty"`
	Purpose  string     `json:"purpose,omitempty"`  // pay with money marked for this purpose
	Earmark  string     `json:"mark,omitempty"`     // mark plain tenge for this purpose
	Document string     `json:"document,omitempty"` // SHA-256, in hexadecimal, of a document attached to marked money
}

// Bounds of a batch.
const (
	MaxRows     = 1_000_000
	maxFileCSV  = 256 << 20 // bytes
	maxRowID    = 100
	maxRowNames = 200 // of a wallet or purpose
)

// RowError is a row that cannot be read.
type RowError struct {
	Line   int
	Column string
	Detail string
}

func (e *RowError) Error() string {
	return fmt.Sprintf("line %d, column %s: %s", e.Line, e.Column, e.Detail)
}
func (e *RowError) ErrorCode() string  { return "bad-row" }
func (e *RowError) ErrorField() string { return e.Column }

// rowColumns are the columns that a batch may have; the first two it must.
var rowColumns = []string{"to", "amount", "id", "memo", "purpose", "mark", "document"}

// rowReader reads the rows of one file.
type rowReader struct {
	csv     *csv.Reader
	columns []string
	ids     map[string]int // line by id
}

// ReadRows reads a CSV file with a header of the columns to and amount, and of id, memo, purpose, mark and document
// those that are needed, in any order. Amounts are decimal tenge. A byte order mark, semicolons between columns and a
// decimal comma among them are read as Excel writes them; the text is UTF-8. One row that cannot be read refuses all:
// nothing is paid of a file that is half understood.
func ReadRows(in io.Reader) ([]Row, error) {
	r, err := newRowReader(in)
	if err != nil {
		return nil, err
	}
	var rows []Row
	for {
		record, err := r.csv.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		var syntax *csv.ParseError
		if errors.As(err, &syntax) {
			return nil, &RowError{syntax.StartLine, "row", syntax.Err.Error()}
		}
		if err != nil {
			return nil, err
		}
		line, _ := r.csv.FieldPos(0)
		if len(strings.TrimSpace(strings.Join(record, ""))) == 0 {
			continue // what a spreadsheet leaves below its last row
		}
		if len(rows) == MaxRows {
			return nil, &RowError{line, "row", fmt.Sprintf("a batch has at most %d rows", MaxRows)}
		}
		row, err := r.row(line, record)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
}

// newRowReader reads the header, and finds out how the file is written.
func newRowReader(in io.Reader) (*rowReader, error) {
	// Excel's CSV as it comes: with a byte order mark, and with semicolons where the comma is the decimal sign.
	buffered := bufio.NewReader(io.LimitReader(in, maxFileCSV))
	if earmark, _ := buffered.Peek(3); bytes.Equal(earmark, []byte("\xef\xbb\xbf")) {
		_, _ = buffered.Discard(3)
	}
	r := &rowReader{csv: csv.NewReader(buffered), ids: map[string]int{}}
	r.csv.FieldsPerRecord = -1
	begin, _ := buffered.Peek(512)
	if header, _, _ := bytes.Cut(begin, []byte("\n")); bytes.ContainsRune(header, ';') &&
		!bytes.ContainsRune(header, ',') {
		r.csv.Comma = ';'
	}
	header, err := r.csv.Read()
	if err != nil {
		return nil, &RowError{1, "header", "the file is empty or not CSV"}
	}
	for _, name := range header {
		name = strings.ToLower(strings.TrimSpace(name))
		// An unknown column may be the one that said what the money is for: it is refused instead of being left out.
		if !slices.Contains(rowColumns, name) || slices.Contains(r.columns, name) {
			return nil, &RowError{1, "header", fmt.Sprintf("%q: want %s, and of %s those that are needed, each once",
				name, `"to,amount"`, strings.Join(rowColumns[2:], ", "))}
		}
		r.columns = append(r.columns, name)
	}
	if !slices.Contains(r.columns, "to") || !slices.Contains(r.columns, "amount") {
		return nil, &RowError{1, "header", fmt.Sprintf("want %s, and of %s those that are needed", `"to,amount"`,
			strings.Join(rowColumns[2:], ", "))}
	}
	return r, nil
}

// row reads one record, column by column.
func (r *rowReader) row(line int, record []string) (Row, error) {
	row := Row{Line: line}
	if len(record) != len(r.columns) {
		return row, &RowError{line, "row", fmt.Sprintf("%d columns, the header has %d", len(record), len(r.columns))}
	}
	for i, text := range record {
		if problem := r.set(&row, r.columns[i], strings.TrimSpace(text)); problem != "" {
			return row, &RowError{line, r.columns[i], problem}
		}
	}
	switch {
	case row.Purpose != "" && row.Earmark != "":
		return row, &RowError{line, "mark", "a payment has a purpose or a mark, not both"}
	case row.Document != "" && row.Purpose == "" && row.Earmark == "" && (slices.Contains(r.columns, "purpose") ||
		slices.Contains(r.columns, "mark")):
		return row, &RowError{line, "document", "a document belongs to marked money: give a purpose"}
	}
	return row, nil
}

// set sets a column of a row, and says what is wrong with it.
func (r *rowReader) set(row *Row, column, text string) (problem string) {
	if !utf8.ValidString(text) {
		return "not UTF-8: save the file as \"CSV UTF-8\""
	}
	switch column {
	case "to":
		row.To = text
		return bounded(text, 1, maxRowNames)
	case "amount":
		return r.setAmount(row, text)
	case "id":
		// Two rows of one id would be one payment, and the second payee would wait.
		if earlier, taken := r.ids[text]; taken {
			return fmt.Sprintf("%q is the id of line %d already", text, earlier)
		}
		row.ID, r.ids[text] = text, row.Line
		return bounded(text, 1, maxRowID)
	case "memo":
		row.Memo = text
		return bounded(text, 0, token.MaxMemo)
	case "purpose":
		row.Purpose = text
		return bounded(text, 0, maxRowNames)
	case "mark":
		row.Earmark = text
		return bounded(text, 0, maxRowNames)
	}
	var hash token.Hash
	if text != "" && hash.UnmarshalText([]byte(text)) != nil {
		return "want the SHA-256 of the document, 64 hexadecimal digits"
	}
	row.Document = text
	return ""
}

// bounded says what is wrong with a text's length, in bytes.
func bounded(text string, least, most int) string {
	switch {
	case len(text) < least:
		return "empty"
	case len(text) > most:
		return fmt.Sprintf("%d bytes, at most %d", len(text), most)
	}
	return ""
}

// setAmount reads an amount. A comma is a decimal sign only where semicolons stand between columns.
func (r *rowReader) setAmount(row *Row, text string) string {
	if r.csv.Comma == ';' && strings.Count(text, ",") == 1 && !strings.Contains(text, ".") {
		text = strings.Replace(text, ",", ".", 1)
	}
	var err error
	if row.Amount, err = money.ParseTenge(text); err != nil {
		return err.Error()
	}
	if row.Amount <= 0 {
		return "an amount is positive"
	}
	return ""
}

// contents is a hash of what a row pays, whichever line it stands on.
func (r Row) contents() string {
	r.Line, r.ID = 0, ""
	encoded, _ := json.Marshal(r) // of strings and an integer
	sum := sha256.Sum256(encoded)
	return hex.EncodeToString(sum[:16])
}

// keysOf gives each row the key by which a journal knows it: its id; or the name of its batch, its contents, and how
// many rows of the same contents stand before it.
func keysOf(batch string, rows []Row, contents []string) []string {
	before := map[string]int{}
	keys := make([]string, len(rows))
	for i, row := range rows {
		if row.ID != "" {
			keys[i] = "id " + row.ID
			continue
		}
		before[contents[i]]++
		keys[i] = rowKey(contents[i], before[contents[i]], batch)
	}
	return keys
}

// rowKey is the key of a row without an id. The name of the batch stands last, as it may have blanks.
func rowKey(contents string, number int, batch string) string {
	return fmt.Sprintf("%s %d %s", contents, number, batch)
}

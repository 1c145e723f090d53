package wallet

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
)

// Row is one payment of a batch.
type Row struct {
	Line   int        `json:"line"` // of the file; the header is line 1
	To     string     `json:"to"`
	Amount money.Tiyn `json:"amount"`
	Memo   string     `json:"memo,omitempty"`
}

// MaxRows bounds a batch.
const MaxRows = 1_000_000

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

// ReadRows reads a CSV file with the header "to,amount" or "to,amount,memo". Amounts are decimal tenge.
func ReadRows(in io.Reader) ([]Row, error) {
	r := csv.NewReader(bufio.NewReader(in))
	r.FieldsPerRecord = -1
	header, err := r.Read()
	if err != nil {
		return nil, &RowError{1, "header", "the file is empty or not CSV"}
	}
	if name := strings.Join(header, ","); name != "to,amount" && name != "to,amount,memo" {
		return nil, &RowError{1, "header", `want "to,amount" or "to,amount,memo"`}
	}
	var rows []Row
	for {
		record, err := r.Read()
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
		line, _ := r.FieldPos(0)
		if len(rows) == MaxRows {
			return nil, &RowError{line, "row", fmt.Sprintf("a batch has at most %d rows", MaxRows)}
		}
		row, err := readRow(line, record, len(header))
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
}

func readRow(line int, record []string, columns int) (Row, error) {
	if len(record) != columns {
		return Row{}, &RowError{line, "row", fmt.Sprintf("%d columns, the header has %d", len(record), columns)}
	}
	row := Row{Line: line, To: record[0]}
	if row.To == "" {
		return row, &RowError{line, "to", "empty"}
	}
	var err error
	if row.Amount, err = money.ParseTenge(record[1]); err != nil {
		return row, &RowError{line, "amount", err.Error()}
	}
	if row.Amount <= 0 {
		return row, &RowError{line, "amount", "an amount is positive"}
	}
	if columns == 3 {
		row.Memo = record[2]
		if len(row.Memo) > token.MaxMemo {
			return row, &RowError{line, "memo", fmt.Sprintf("%d bytes, at most %d", len(row.Memo), token.MaxMemo)}
		}
	}
	return row, nil
}

// Outcome is what became of a row.
type Outcome struct {
	Row     Row           `json:"row"`
	Receipt *node.Receipt `json:"receipt,omitempty"`
	Problem *api.Problem  `json:"problem,omitempty"`
	Again   bool          `json:"again,omitempty"` // known from an earlier run
}

// journalLine is a step of a batch on disk: first the signed payment, then what became of it.
type journalLine struct {
	Row     Row           `json:"row"`
	Signed  []byte        `json:"signed,omitempty"`
	Receipt *node.Receipt `json:"receipt,omitempty"`
	Problem *api.Problem  `json:"problem,omitempty"`
}

// PayBatch pays rows in order. Every payment is signed and journalled before it is sent, so that a run
// that was interrupted sends the same payment again, and nobody is paid twice; a row whose payment
// can never be executed any more is signed anew.
func (d *Desk) PayBatch(ctx context.Context, from token.WalletID, rows []Row, journalPath string, tell func(Outcome) error) error {
	journal, earlier, err := openJournal(journalPath)
	if err != nil {
		return err
	}
	defer journal.Close()
	for _, row := range rows {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		last, known := earlier[row.Line]
		if known && last.Row != row {
			return fmt.Errorf("line %d was %s to %s in the run that %s is the journal of: use another journal for another file", row.Line, last.Row.Amount, last.Row.To, journalPath)
		}
		outcome, err := d.payRow(ctx, from, row, last, journal)
		if err != nil {
			return fmt.Errorf("line %d: %w", row.Line, err)
		}
		if err := tell(outcome); err != nil {
			return err
		}
	}
	return nil
}

// payRow pays one row, given the last that the journal says of it.
func (d *Desk) payRow(ctx context.Context, from token.WalletID, row Row, last journalLine, journal *os.File) (Outcome, error) {
	if last.Receipt != nil {
		return Outcome{Row: row, Receipt: last.Receipt, Again: true}, nil
	}
	if last.Signed != nil {
		tx, err := token.Decode(last.Signed)
		if err != nil {
			return Outcome{}, fmt.Errorf("journal: %w", err)
		}
		outcome, err := d.send(ctx, row, tx, journal)
		if err != nil || outcome.Receipt != nil || !dead(outcome.Problem) {
			outcome.Again = true
			return outcome, err
		}
	}
	to, err := d.Book.Resolve(row.To)
	if err != nil {
		return Outcome{Row: row, Problem: problemFrom(err)}, nil
	}
	tx, err := d.Prepare(ctx, from, to, row.Amount, token.Plain(row.Memo))
	if err != nil {
		if problem := problemFrom(err); problem != nil {
			return Outcome{Row: row, Problem: problem}, nil
		}
		return Outcome{}, err
	}
	if err := write(journal, journalLine{Row: row, Signed: tx.Encode()}); err != nil {
		return Outcome{}, err
	}
	return d.send(ctx, row, tx, journal)
}

// dead says whether a refused payment can never be executed any more, so that another may take its place.
// Any other refusal may turn into acceptance until the payment's validity ends.
func dead(p *api.Problem) bool {
	return p != nil && (p.Code == string(ledger.Expired) || p.Code == string(ledger.TokenNotLive))
}

func (d *Desk) send(ctx context.Context, row Row, tx *token.Transaction, journal *os.File) (Outcome, error) {
	line := journalLine{Row: row, Signed: tx.Encode()}
	receipt, err := d.Client.Submit(ctx, tx)
	if err == nil {
		line.Receipt = &receipt
	} else if line.Problem = problemFrom(err); line.Problem == nil {
		return Outcome{}, err
	}
	return Outcome{Row: row, Receipt: line.Receipt, Problem: line.Problem}, write(journal, line)
}

// problemFrom is a refusal as a problem; nil for what is no refusal (a node out of reach).
func problemFrom(err error) *api.Problem {
	var problem *api.Problem
	if errors.As(err, &problem) {
		return problem
	}
	var rule interface {
		error
		ErrorCode() string
		ErrorField() string
	}
	if errors.As(err, &rule) {
		return &api.Problem{Code: rule.ErrorCode(), Field: rule.ErrorField(), Detail: rule.Error()}
	}
	return nil
}

// openJournal opens a journal and reads the last line of each row. A line torn by a crash is passed over:
// its payment was not sent yet, or is found by the one before it.
func openJournal(path string) (*os.File, map[int]journalLine, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, nil, err
	}
	earlier := map[int]journalLine{}
	lines := bufio.NewReader(f)
	var whole int64
	for {
		text, err := lines.ReadBytes('\n')
		if err != nil {
			break // the end, or a torn line
		}
		var line journalLine
		if err := json.Unmarshal(text, &line); err != nil {
			return nil, nil, errors.Join(fmt.Errorf("%s is not a journal of payments: %w", path, err), f.Close())
		}
		earlier[line.Row.Line] = line
		whole += int64(len(text))
	}
	if err := f.Truncate(whole); err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	_, err = f.Seek(whole, io.SeekStart)
	return f, earlier, err
}

func write(journal *os.File, line journalLine) error {
	content, err := json.Marshal(line)
	if err != nil {
		return err
	}
	if _, err := journal.Write(append(content, '\n')); err != nil {
		return err
	}
	return journal.Sync()
}

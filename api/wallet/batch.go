package wallet

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/node"
	"github.com/aqsha/aqsha/token"
)

// Batch is payments from one wallet, with the journal that keeps each from being made twice.
type Batch struct {
	Name    string // tells it from another batch with the same rows; may be empty
	File    string // where the rows come from, for the journal
	From    token.WalletID
	Options BatchOptions
	Rows    []Row
	Journal string // path
	OnlyNew bool   // pay what was not paid, though the batch was complete before
	// Repeat answers again what is paid already, without a refusal: for one payment under a key.
	Repeat bool
	// Notice, if set, is told what was found in the journal that somebody should know.
	Notice func(text string)
}

// BatchOptions hold for every row that has no column of its own for them.
type BatchOptions struct {
	Memo     string `json:"memo,omitempty"`
	MemoFor  string `json:"memo_for,omitempty"` // encrypts memos for this age recipient
	Purpose  string `json:"purpose,omitempty"`
	Mark     string `json:"mark,omitempty"`
	Document string `json:"document,omitempty"` // SHA-256 in hexadecimal
}

func (o BatchOptions) hash() string {
	encoded, _ := json.Marshal(o) // of strings
	sum := sha256.Sum256(encoded)
	return hex.EncodeToString(sum[:16])
}

// apply fills in what a row leaves to the options.
func (o BatchOptions) apply(row Row) Row {
	if row.Memo == "" {
		row.Memo = o.Memo
	}
	if row.Purpose == "" && row.Mark == "" {
		row.Purpose, row.Mark = o.Purpose, o.Mark
	}
	if row.Document == "" && (row.Purpose != "" || row.Mark != "") {
		row.Document = o.Document
	}
	return row
}

// Outcome is what became of a row.
type Outcome struct {
	Row     Row           `json:"row"`
	Receipt *node.Receipt `json:"receipt,omitempty"`
	Problem *api.Problem  `json:"problem,omitempty"`
	Again   bool          `json:"again,omitempty"` // known from an earlier run
}

// PayBatch pays rows in order. Every payment is signed and journalled before it is sent, so that a run
// that was interrupted sends the same payment again, and nobody is paid twice; a row whose payment
// can never be executed any more is signed anew. Two runs with one journal exclude each other.
func (d *Desk) PayBatch(ctx context.Context, b Batch, tell func(Outcome) error) (err error) {
	l, err := openBatchLog(d.Book.Files(), b.Journal)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.journal.Close()) }()
	if cut := l.journal.Cut(); cut > 0 && b.Notice != nil {
		b.Notice(fmt.Sprintf("%s: its last record was torn by a crash and is cut (%d bytes); nobody is paid twice or left out for it", b.Journal, cut))
	}
	keys := keysOf(b.Name, b.Rows)
	if err := l.check(&b, d.Network, keys); err != nil {
		return err
	}
	refused := l.isComplete(&b, keys)
	if b.Repeat {
		refused = nil
	}
	if refused == nil {
		run := &batchRun{Network: d.Network, Payer: b.From, Batch: b.Name, File: b.File, Rows: len(b.Rows), Options: b.Options, Millis: d.Now()}
		if err := l.write(batchEntry{Run: run}); err != nil {
			return err
		}
	}
	paid := 0
	for i, row := range b.Rows {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		p := rowPayment{desk: d, batch: &b, log: l, row: row, key: keys[i]}
		outcome, err := p.pay(ctx)
		if err != nil {
			return fmt.Errorf("line %d: %w", row.Line, err)
		}
		if outcome.Receipt != nil {
			paid++
		}
		if err := tell(outcome); err != nil {
			return err
		}
	}
	if refused != nil || paid < len(b.Rows) {
		return refused
	}
	return l.end(&b, keys, d.Now())
}

// rowPayment is the payment of one row.
type rowPayment struct {
	desk  *Desk
	batch *Batch
	log   *batchLog
	row   Row
	key   string
}

func (p *rowPayment) pay(ctx context.Context) (Outcome, error) {
	step := p.log.steps[p.key]
	if step != nil && step.receipt != nil {
		return Outcome{Row: p.row, Receipt: step.receipt, Again: true}, nil
	}
	if step != nil {
		tx, err := token.Decode(step.payment)
		if err != nil {
			return Outcome{}, fmt.Errorf("journal: %w", err)
		}
		outcome, err := p.send(ctx, tx)
		if err != nil || !dead(outcome.Problem) {
			outcome.Again = true
			return outcome, err
		}
	}
	tx, err := p.sign(ctx)
	if err != nil {
		if problem := problemFrom(err); problem != nil {
			return Outcome{Row: p.row, Problem: problem}, nil
		}
		return Outcome{}, err
	}
	signed := &batchSigned{Key: p.key, Contents: p.row.contents(), Options: p.batch.Options.hash(), Row: p.row, Payment: tx.Encode()}
	if err := p.log.write(batchEntry{Signed: signed}); err != nil {
		_ = p.desk.freeInputs(ctx, p.batch.From, tx)
		return Outcome{}, err
	}
	return p.send(ctx, tx)
}

// sign makes the payment.
func (p *rowPayment) sign(ctx context.Context) (*token.Transaction, error) {
	row := p.batch.Options.apply(p.row)
	to, err := p.desk.Book.Resolve(row.To)
	if err != nil {
		return nil, err
	}
	memo := token.Plain(row.Memo)
	if p.batch.Options.MemoFor != "" && row.Memo != "" {
		if memo, err = EncryptMemo(row.Memo, p.batch.Options.MemoFor); err != nil {
			return nil, err
		}
	}
	if row.Purpose == "" && row.Mark == "" {
		return p.desk.Prepare(ctx, p.batch.From, to, row.Amount, memo)
	}
	m := MarkedPayment{From: p.batch.From, To: to, Amount: row.Amount, Mark: row.Mark != "", Memo: memo}
	if m.Purpose, err = p.desk.Purpose(ctx, row.Purpose+row.Mark); err != nil {
		return nil, err
	}
	if row.Document != "" {
		m.Document = &token.Hash{}
		if err := m.Document.UnmarshalText([]byte(row.Document)); err != nil {
			return nil, err
		}
	}
	body, _, err := p.desk.prepareMarked(ctx, m)
	if err != nil {
		return nil, err
	}
	return p.desk.sign(ctx, body)
}

// dead says whether a refused payment can never be executed any more, so that another may take its place. The node
// says so only when it knows that the payment was not executed before. Any other refusal may turn into acceptance
// until the payment's validity ends.
func dead(p *api.Problem) bool {
	return p != nil && (p.Code == string(ledger.Expired) || p.Code == string(ledger.TokenNotLive))
}

func (p *rowPayment) send(ctx context.Context, tx *token.Transaction) (Outcome, error) {
	outcome := Outcome{Row: p.row}
	receipt, err := p.desk.Client.Submit(ctx, tx)
	if err == nil {
		outcome.Receipt = &receipt
	} else if outcome.Problem = problemFrom(err); outcome.Problem == nil || outcome.Problem.Code == string(node.LookupFailed) {
		return Outcome{}, err // nobody can say whether it was executed: the same is sent again by the next run
	} else {
		_ = p.desk.freeInputs(ctx, p.batch.From, tx)
	}
	return outcome, p.log.write(batchEntry{Outcome: &batchOutcome{Key: p.key, Receipt: outcome.Receipt, Problem: outcome.Problem}})
}

// freeInputs frees the tokens of a payment that was refused: a courtesy to the next, which would wait for them.
func (d *Desk) freeInputs(ctx context.Context, from token.WalletID, tx *token.Transaction) error {
	switch body := tx.Body.(type) {
	case *token.Transfer:
		return d.Client.Release(ctx, from, body.Inputs)
	case *token.MarkedTransfer:
		return d.Client.Release(ctx, from, body.Inputs)
	}
	return nil
}

// problemFrom is a refusal as a problem; nil for what is no refusal (a node out of reach).
func problemFrom(err error) *api.Problem {
	var problem *api.Problem
	if errors.As(err, &problem) {
		return problem
	}
	var refusal *token.Error
	if errors.As(err, &refusal) {
		return &api.Problem{Code: string(refusal.Code), Field: refusal.Field, Detail: refusal.Detail}
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

package wallet

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aqsha/aqsha/api"
	"github.com/aqsha/aqsha/internal/fault"
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
	Earmark  string `json:"mark,omitempty"`
	Document string `json:"document,omitempty"` // SHA-256 in hexadecimal
}

// hash is of the options as they were given; it tells runs apart that pay the same rows in another way.
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
	if row.Purpose == "" && row.Earmark == "" {
		row.Purpose, row.Earmark = o.Purpose, o.Earmark
	}
	if row.Document == "" && (row.Purpose != "" || row.Earmark != "") {
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
// can never be executed any more is signed anew. What was paid is known by the file's journal and by the payer's
// registry in the book, so that a copy of the file is not another batch. Two runs with one journal, and two runs of
// one payer, exclude each other.
func (d *Client) PayBatch(ctx context.Context, batch Batch, notify func(Outcome) error) (err error) {
	r, err := d.openRun(ctx, &batch)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	// Found before anything is paid and told at the end: the rows are gone through all the same, so that who runs a
	// batch twice is shown each receipt.
	refused := r.log.isComplete(r.plan)
	if batch.Repeat {
		refused = nil
	}
	paid, again := 0, 0
	for i, row := range batch.Rows {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		p := rowPayment{batchRunning: r, row: row, key: r.plan.keys[i], contents: r.plan.contents[i]}
		outcome, err := p.pay(ctx)
		if err != nil && batch.Repeat { // one payment, of no file
			return err
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", row.Line, err)
		}
		if outcome.Receipt != nil {
			paid++
		}
		if outcome.Again {
			again++
		}
		if err := notify(outcome); err != nil {
			return err
		}
	}
	switch {
	case paid < len(batch.Rows):
		return nil
	case refused != nil && again == paid:
		return refused
	}
	return r.end()
}

// rowPayment is the payment of one row. Its key is what the journal knows the row by.
type rowPayment struct {
	*batchRunning
	row      Row
	key      string
	contents string
}

// pay sends again what was signed before, whatever is recorded of it: the ledger answers as it did, or it is not the
// ledger that executed it, which was lost with an older copy brought back.
func (p *rowPayment) pay(ctx context.Context) (Outcome, error) {
	if step := p.log.steps[p.key]; step != nil {
		tx, err := token.Decode(step.payment)
		if err != nil {
			return Outcome{}, fmt.Errorf("journal: %w", err)
		}
		recorded := step.receipt
		outcome, err := p.send(ctx, tx, recorded)
		if err != nil || !dead(outcome.Problem, recorded != nil || step.ended) {
			if recorded == nil && outcome.Receipt != nil {
				// Signed by an earlier run that had no answer: whether it paid, or this one does, its block's time
				// tells. Of a complete batch, what is executed only now had been lost.
				outcome.Again = outcome.Receipt.TimeMillis < p.started
			}
			return outcome, err
		}
	}
	tx, err := p.sign(ctx)
	if err != nil {
		if problem := problemFrom(err); problem != nil {
			return Outcome{Row: p.row, Problem: problem}, nil //nolint:nilerr // it is the outcome
		}
		return Outcome{}, err
	}
	signed := &batchSigned{Key: p.key, Contents: p.contents, Options: p.plan.options[0], Row: p.row,
		Payment: tx.Encode()}
	if err := p.write(batchEntry{Signed: signed}); err != nil {
		_ = p.client.freeInputs(ctx, p.batch.From, tx)
		return Outcome{}, err
	}
	return p.send(ctx, tx, nil)
}

// sign makes the payment.
func (p *rowPayment) sign(ctx context.Context) (*token.Transaction, error) {
	// Nothing is sent here: what is signed is written to the journal first, so that a run that is cut off sends the
	// same transaction again and never a second one.
	row := p.batch.Options.apply(p.row)
	to, err := p.client.Keyring.Resolve(row.To)
	if err != nil {
		return nil, err
	}
	memo := token.Plain(row.Memo)
	if p.batch.Options.MemoFor != "" && row.Memo != "" {
		if memo, err = EncryptMemo(row.Memo, p.batch.Options.MemoFor); err != nil {
			return nil, err
		}
	}
	if row.Purpose == "" && row.Earmark == "" {
		return p.client.Prepare(ctx, p.batch.From, to, row.Amount, memo)
	}
	m := EarmarkedPayment{From: p.batch.From, To: to, Amount: row.Amount, Earmark: row.Earmark != "", Memo: memo}
	if m.Purpose, err = p.client.Purpose(ctx, row.Purpose+row.Earmark); err != nil {
		return nil, err
	}
	if row.Document != "" {
		m.Document = &token.Hash{}
		if err := m.Document.UnmarshalText([]byte(row.Document)); err != nil {
			return nil, err
		}
	}
	body, _, err := p.client.prepareEarmarked(ctx, m)
	if err != nil {
		return nil, err
	}
	return p.client.sign(ctx, body)
}

// dead says whether a refused payment can never be executed any more, so that another may take its place. The node
// says so only when it knows that the payment was not executed before. Any other refusal may turn into acceptance
// until the payment's validity ends; and so may tokens that are not there, when the ledger lost the payment: the ones
// that made them may be sent again too.
func dead(p *api.Problem, lost bool) bool {
	return p != nil && (p.Code == string(ledger.Expired) || p.Code == string(ledger.TokenNotLive) && !lost)
}

// send sends a payment; recorded is the receipt that it had before, if any. An error is that nobody knows what became
// of it; a refusal is an outcome.
func (p *rowPayment) send(ctx context.Context, tx *token.Transaction, recorded *node.Receipt) (Outcome, error) {
	outcome := Outcome{Row: p.row}
	receipt, err := p.client.API.Submit(ctx, tx)
	if err == nil {
		outcome.Receipt = &receipt
	} else if outcome.Problem = problemFrom(err); outcome.Problem == nil ||
		outcome.Problem.Code == string(node.LookupFailed) {
		return Outcome{}, err // nobody can say whether it was executed: the same is sent again by the next run
	} else {
		_ = p.client.freeInputs(ctx, p.batch.From, tx)
	}
	if recorded != nil {
		if err == nil && sameReceipt(receipt, *recorded) {
			outcome.Again = true
			return outcome, nil
		}
		p.reportLost(tx, *recorded, outcome.Problem)
	}
	return outcome, p.log.write(batchEntry{Outcome: &batchOutcome{Key: p.key, Receipt: outcome.Receipt,
		Problem: outcome.Problem}})
}

// sameReceipt says whether two receipts are of one execution: on a ledger that was brought back another block has it.
func sameReceipt(a, b node.Receipt) bool { return a.Index == b.Index && a.TimeMillis == b.TimeMillis }

// reportLost says that a payment that was made is not on this ledger.
func (p *rowPayment) reportLost(tx *token.Transaction, recorded node.Receipt, problem *api.Problem) {
	if p.batch.Notice == nil {
		return
	}
	became := "the same was sent again and is executed"
	if dead(problem, true) {
		became = "it has expired, so another is made"
	} else if problem != nil {
		became = fmt.Sprintf(
			"the same was sent again and is refused; another can be made after %s, when it has expired",
			onDay(tx.ValidUntil))
	}
	p.batch.Notice(fmt.Sprintf("line %d: the payment of %s to %s, recorded as entry %d of %s, is not on this ledger, "+
		"which was brought back from an older copy: %s",
		p.row.Line, p.row.Amount, p.row.To, recorded.Index, onDay(recorded.TimeMillis), became))
}

// freeInputs frees the tokens of a payment that was refused: a courtesy to the next, which would wait for them.
func (d *Client) freeInputs(ctx context.Context, from token.WalletID, tx *token.Transaction) error {
	switch body := tx.Body.(type) {
	case *token.Transfer:
		return d.API.Release(ctx, from, body.Inputs)
	case *token.EarmarkedTransfer:
		return d.API.Release(ctx, from, body.Inputs)
	}
	return nil
}

// freeRefused frees tokens whose transaction was neither drafted nor sent, or was refused, and returns why it was. When
// nobody answered they stay set aside: it may be on its way.
func (d *Client) freeRefused(ctx context.Context, from token.WalletID, inputs []token.ID, err error) error {
	if err != nil && !errors.Is(err, ErrDrafted) && problemFrom(err) != nil {
		_ = d.API.Release(ctx, from, inputs) // a courtesy; they come free by themselves
	}
	return err
}

// problemFrom is a refusal as a problem; nil for what is no refusal: a node out of reach, or an answer that was lost or
// cannot be read.
func problemFrom(err error) *api.Problem {
	if errors.As(err, new(*api.UnansweredError)) {
		return nil
	}
	var problem *api.Problem
	if errors.As(err, &problem) {
		return problem
	}
	var refusal *token.Error
	if errors.As(err, &refusal) {
		return &api.Problem{Code: string(refusal.Code), Field: refusal.Field, Detail: refusal.Detail}
	}
	if rule, ok := fault.Of(err); ok {
		return &api.Problem{Code: rule.ErrorCode(), Field: rule.ErrorField(), Detail: rule.Error()}
	}
	return nil
}

package office

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/aqsha/aqsha/cash"
	"github.com/aqsha/aqsha/internal/fault"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// MeltRequest pays a melt quote with notes.
type MeltRequest struct {
	Quote   string        `json:"quote"`
	Inputs  []cash.Proof  `json:"inputs"`
	Outputs []cash.Output `json:"outputs"`
	Async   bool          `json:"prefer_async"`
}

// Melted is what a melt has come to.
type Melted struct {
	Quote  cash.Melt
	Change []cash.Signature
	Reason string // why the ledger refused the payment when it was sent last, while it is on its way
}

// Melt pays a quote: the ledger's payment is signed and journalled before the notes are called spent, and sent then.
// The answer comes when the ledger has it or never will; with Async, or when the context ends before, it is PENDING.
func (o *Office) Melt(ctx context.Context, key [32]byte, r MeltRequest) (Melted, error) {
	o.mu.Lock()
	repeat := o.repeated(key)
	m, _ := o.books.Melt(r.Quote)
	o.mu.Unlock()
	// it was begun and lapsed: begun again unasked it would hold the notes again and again
	if repeat && m.State == cash.Unpaid {
		return o.notify(ctx, m)
	}
	if repeat {
		return o.melted(ctx, r.Quote, r.Async)
	}
	k := o.checker()
	in, total, refused := k.Inputs(r.Inputs, func() []byte { return cash.MessageOf(r.Inputs, r.Outputs, r.Quote) })
	if refused != nil {
		return Melted{}, refused
	}
	if m.ID == "" {
		return Melted{}, &cash.Refusal{Code: cash.Malformed, Field: "quote", Rule: "is no quote of this office"}
	}
	if total < m.Amount {
		return Melted{}, &cash.Refusal{Code: cash.Unbalanced, Field: "inputs", Rule: "are less than the quote's amount"}
	}
	change, refused := k.Blanks(r.Outputs, total-m.Amount)
	if refused == nil {
		refused = o.meltable(&m, in, change)
	}
	if refused == nil {
		refused = o.joined.valid(in)
	}
	if refused != nil {
		if err := o.settled(ctx); err != nil {
			return Melted{}, err
		}
		return Melted{}, refused
	}
	signed, err := k.Keys.Sign(change, o.config.Entropy)
	if err != nil {
		return Melted{}, err
	}
	if err := o.payable(ctx, m.Amount); err != nil {
		return Melted{}, err
	}
	if err := o.begin(ctx, key, &m, in, signed, change); err != nil {
		return Melted{}, err
	}
	return o.melted(ctx, m.ID, r.Async)
}

// payable refuses a payment that the ledger would not take from the reserve now, before notes are held for it: they
// would be pending until its time is over.
func (o *Office) payable(ctx context.Context, amount money.Tiyn) error {
	for settled := false; ; settled = true {
		can, err := o.config.Ledger.Payable(ctx)
		if err != nil {
			return err
		}
		o.mu.Lock()
		left := can.Amount - o.books.Reserve.Owed
		o.mu.Unlock()
		if amount <= left {
			return nil
		}
		if settled {
			return &cash.Refusal{Code: cash.PaymentFailed, Field: "request",
				Rule: fmt.Sprintf("is for %s, and the reserve can pay %s now: %s; the notes are yours", amount.Format(),
					max(left, 0).Format(), can.Why)}
		}
		if err := o.Settle(ctx); err != nil { // what the ledger has already is in both
			return err
		}
	}
}

// meltable is the books' answer before anything is multiplied; begin asks again.
func (o *Office) meltable(m *cash.Melt, in []cash.Input, change []cash.Blinded) *cash.Refusal {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.books.Meltable(m.ID, in, change, o.now())
}

// begin sets the notes aside, has the payment signed, and journals both. What is refused before that has left nothing.
func (o *Office) begin(ctx context.Context, key [32]byte, m *cash.Melt, in []cash.Input, signed []cash.Signed,
	change []cash.Blinded) error {
	o.mu.Lock()
	if refused := o.books.Meltable(m.ID, in, change, o.now()); refused != nil {
		o.mu.Unlock()
		return refused
	}
	o.books.Hold(m.ID, in, change)
	o.mu.Unlock()
	payment, err := o.config.Ledger.Prepare(ctx, m.To, m.Amount, memoOf("redeemed", m.ID, m.Memo))
	o.mu.Lock()
	if err != nil {
		o.books.Free(m.ID, in, change)
		o.mu.Unlock()
		if fault.Code(err) != "" {
			return &cash.Refusal{Code: cash.PaymentFailed, Field: "request", Rule: "cannot be paid: " + err.Error()}
		}
		return err
	}
	number, err := o.commit(o.books.DecideMelt(key[:], m.ID, payment, in, signed, o.now()))
	if err != nil {
		o.books.Free(m.ID, in, change)
		o.mu.Unlock()
		return err
	}
	o.mu.Unlock()
	return o.writer.wait(ctx, number)
}

// maxPayeesMemo is what a reserve's memo has left for the payee after naming what is paid.
const maxPayeesMemo = token.MaxMemo - len("cash redeemed 00112233445566778899aabbccddeeff ")

// memoOf names what a payment of the reserve pays, as the ledger's rules want it: a hash, since a quote's id is a
// secret.
func memoOf(what, of, text string) string {
	sum := sha256.Sum256([]byte("aqsha cash payment 1 " + of))
	memo := "cash " + what + " " + hex.EncodeToString(sum[:16])
	if text != "" {
		memo += " " + text
	}
	return memo
}

// melted waits for what becomes of a melt.
func (o *Office) melted(ctx context.Context, id string, async bool) (Melted, error) {
	for first := true; ; first = false {
		changed := o.Changed()
		o.mu.Lock()
		m, _ := o.books.Melt(id)
		o.mu.Unlock()
		if m.State != cash.OnWay || async {
			return o.notify(ctx, m)
		}
		if first {
			if err := o.Settle(ctx); err != nil {
				o.config.Logger.Warn("paying a melt", "error", err)
			}
			continue
		}
		if err := o.writer.err(); err != nil { // nothing more is booked here: who begins the office anew asks again
			return Melted{}, err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return o.notify(context.WithoutCancel(ctx), m)
		}
	}
}

// notify tells what a melt has come to, once that is durable.
func (o *Office) notify(ctx context.Context, m cash.Melt) (Melted, error) {
	if m.State == cash.Unpaid {
		rule := "the payment did not come into the ledger before its time was over"
		if reason := o.Reason(m.ID); reason != "" {
			rule += ", which refused it: " + reason
		}
		if err := o.settled(ctx); err != nil {
			return Melted{}, err
		}
		return Melted{}, &cash.Refusal{Code: cash.PaymentFailed, Field: "quote", Rule: rule + "; the notes are yours"}
	}
	var change []cash.Signature
	var err error
	if m.State == cash.Paid && len(m.Given) > 0 {
		change, err = o.again(ctx, given(m.Given))
	} else {
		err = o.settled(ctx)
	}
	return Melted{m, change, o.Reason(m.ID)}, err
}

// Reason is why the ledger refused a melt's payment when it was sent last; empty where it did not.
func (o *Office) Reason(quote string) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if m, _ := o.books.Melt(quote); m.State == cash.Paid {
		return ""
	}
	return o.refusals[quote]
}

// refusedMelt notes why. Nothing follows from it: only the ledger's blocks end a melt. What a restart forgets the
// next sending brings back.
func (o *Office) refusedMelt(quote string, err error) {
	if fault.Code(err) == "" {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.refusals) >= maxRefusals {
		clear(o.refusals)
	}
	o.refusals[quote] = err.Error()
}

// maxRefusals bounds the reasons that are remembered.
const maxRefusals = 1 << 14

// Change is a paid melt's change, for whoever asks for its quote (NUT-08). It is signed again, the same.
func (o *Office) Change(ctx context.Context, m *cash.Melt) ([]cash.Signature, error) {
	if m.State != cash.Paid || len(m.Given) == 0 {
		return nil, nil
	}
	return o.again(ctx, given(m.Given))
}

// Settle holds payments against the ledger: what came in, what went out, what is to be sent back. It is the one place
// where a melt ends.
func (o *Office) Settle(ctx context.Context) error {
	o.settling.Lock()
	defer o.settling.Unlock()
	// The time by which credits and lapses are decided below is of a head that the ledger had before it was asked for
	// them: what it then shows is never older than the time that it is judged by.
	head, err := o.config.Ledger.Head(ctx)
	if err != nil {
		return err
	}
	o.mu.Lock()
	o.head = head
	melts, backs := o.books.Waiting()
	// The lock is taken for each decision and not over the ledger's answers. Settling alone ends melts and takes
	// credits, under its own lock, so what was read cannot be decided twice.
	cursor := o.books.Cursor
	o.mu.Unlock()
	for _, id := range melts {
		if err := o.settleMelt(ctx, id); err != nil {
			return err
		}
	}
	credits, err := o.config.Ledger.Credits(ctx, cursor)
	if err != nil {
		return err
	}
	for _, c := range credits {
		o.mu.Lock()
		if e := o.books.DecideCredit(c, o.now()); e != nil {
			_, err = o.commit(e)
		}
		o.mu.Unlock()
		if err != nil {
			return err
		}
	}
	o.mu.Lock()
	if e := o.books.DecideLapse(o.now()); e != nil {
		_, err = o.commit(e)
	}
	o.mu.Unlock()
	if err != nil {
		return err
	}
	return o.sendBacks(ctx, backs)
}

// settleMelt looks for a melt's payment and sends it again if it is not there and may still come.
func (o *Office) settleMelt(ctx context.Context, id string) error {
	o.mu.Lock()
	m, _ := o.books.Melt(id)
	o.mu.Unlock()
	if m.State != cash.OnWay || m.Payment == nil {
		return nil
	}
	outcome, err := o.pay(ctx, m.Payment, func(refused error) { o.refusedMelt(id, refused) })
	if err != nil || outcome == Undecided {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	e := o.books.DecideMeltLapsed(id, o.now())
	if outcome == Durable {
		e = o.books.DecideMeltPaid(id, o.now())
	}
	if e == nil {
		return nil
	}
	_, err = o.commit(e)
	return err
}

// pay looks for a payment, sends it if it may still come, and looks again. A refusal ends nothing: only the ledger's
// blocks do.
func (o *Office) pay(ctx context.Context, p *cash.Payment, refused func(err error)) (Outcome, error) {
	outcome, err := o.config.Ledger.Find(ctx, p)
	if err != nil || outcome != Undecided {
		return outcome, err
	}
	if err := o.config.Ledger.Send(ctx, p); err != nil {
		o.config.Logger.Warn("sending a payment", "id", p.ID, "error", err)
		refused(err)
	}
	return o.config.Ledger.Find(ctx, p)
}

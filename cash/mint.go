package cash

import (
	"fmt"
	"slices"

	"github.com/aqsha/aqsha/money"
)

// Mint is a mint quote: somebody wants notes for a payment into the reserve.
type Mint struct {
	ID     string     `cbor:"1,keyasint"` // secret between wallet and office
	Memo   string     `cbor:"2,keyasint"` // reference of the payment; says nothing of ID
	Amount money.Tiyn `cbor:"3,keyasint"`
	Expiry uint64     `cbor:"4,keyasint"`           // Unix seconds
	Key    string     `cbor:"5,keyasint,omitempty"` // NUT-20
	Paid   money.Tiyn `cbor:"6,keyasint,omitempty"`
	Issued bool       `cbor:"7,keyasint,omitempty"`
	Ended  bool       `cbor:"8,keyasint,omitempty"` // without being paid in full
	// Payments are the credits that paid it, for what is sent back.
	Payments []string `cbor:"9,keyasint,omitempty"`
	Froms    []string `cbor:"10,keyasint,omitempty"`
}

// States of quotes (NUT-04, NUT-05). A mint quote goes from unpaid to paid, by credits on the ledger, to issued,
// once. A melt quote goes from unpaid to on its way, when its payment is signed and its notes are pending, and from
// there to paid or back to unpaid, as the ledger's blocks say and nothing else: not an answer, not the office's
// clock.
const (
	Unpaid = "UNPAID"
	Paid   = "PAID"
	Issued = "ISSUED"
	OnWay  = "PENDING"
)

// State is the quote's state.
func (m *Mint) State() string {
	switch {
	case m.Issued:
		return Issued
	case m.Paid >= m.Amount:
		return Paid
	}
	return Unpaid
}

// Mint finds a mint quote. It is a copy, whose lists are shared and not to be changed.
func (b *Books) Mint(id string) (Mint, bool) {
	m, found := b.mints[id]
	if !found {
		return Mint{}, false
	}
	return *m, true
}

// DecideMintQuote makes a quote. id and memo are random, drawn apart.
func (b *Books) DecideMintQuote(m Mint, most money.Tiyn, now uint64) (*Event, *Refusal) {
	switch {
	case m.Amount < 1 || m.Amount > most:
		return nil, refuse(AmountLimits, "amount", "must be from 1 to %d tiyn", most)
	case m.Expiry <= now:
		return nil, refuse(QuoteExpired, "expiry", "is over")
	case b.mints[m.ID] != nil || b.byMemo[m.Memo] != "":
		return nil, refuse(DuplicateQuote, "quote", "is there already")
	}
	m.Paid, m.Issued, m.Ended, m.Payments, m.Froms = 0, false, false, nil, nil
	return &Event{Kind: MintQuoted, At: now, Mint: &m}, nil
}

// DecideMint holds outputs for quotes against the books: several quotes are NUT-29's batch. signatures has one text for
// each quote, empty where the quote has no key.
func (b *Books) DecideMint(request []byte, quotes, signatures []string, raw []Output, out []Signed,
	now uint64) (*Event, *Refusal) {
	var total money.Tiyn
	for i, id := range quotes {
		field := fmt.Sprintf("quotes[%d]", i)
		if len(quotes) == 1 {
			field = "quote"
		}
		if slices.Contains(quotes[:i], id) {
			return nil, refuse(DuplicateQuote, field, "is there twice")
		}
		m := b.mints[id]
		if err := mintable(m, field, now); err != nil {
			return nil, err
		}
		if err := checkLock(m, signatures[i], raw); err != nil {
			return nil, err
		}
		var err *Refusal
		if total, err = add(total, m.Amount); err != nil {
			return nil, err
		}
	}
	var made money.Tiyn
	for _, o := range out {
		made += o.Amount // the checker has found that it does not overflow
	}
	if made != total {
		return nil, refuse(Unbalanced, "outputs", "make %d of a quote of %d", made, total)
	}
	if err := b.signable(blindedOf(out)); err != nil {
		return nil, err
	}
	return &Event{Kind: Minted, At: now, Request: request, Quotes: quotes, Given: givenOf(out)}, nil
}

// mintable says whether notes may be signed for a quote. One that was paid in time is good for ever: its end is for the
// payment.
func mintable(m *Mint, field string, now uint64) *Refusal {
	switch {
	case m == nil:
		return refuse(Malformed, field, "is no quote of this office")
	case m.Issued:
		return refuse(QuoteIssued, field, "has been issued")
	case m.Ended:
		return refuse(QuoteExpired, field, "ended without being paid; what came goes back")
	case m.Paid < m.Amount && m.Expiry <= now:
		return refuse(QuoteExpired, field, "is expired and unpaid")
	case m.Paid < m.Amount:
		return refuse(QuoteUnpaid, field, "%d of %d tiyn are paid", m.Paid, m.Amount)
	}
	return nil
}

// checkLock asks for the signature of a quote's key (NUT-20), and for none where there is no key.
func checkLock(m *Mint, signature string, raw []Output) *Refusal {
	switch {
	case m.Key == "" && signature == "":
		return nil
	case m.Key == "":
		return refuse(KeyRequired, "signature", "is given for a quote without a key")
	case signature == "":
		return refuse(BadSignature, "signature", "of the quote's key is missing")
	}
	return CheckMintSignature(m.Key, signature, m.ID, raw)
}

// DecideCredit books a payment into the reserve: for a quote while it is open, else to be sent back. A payment that is
// booked already gives nil. Credits must come in the order of the log.
func (b *Books) DecideCredit(c Credit, now uint64) *Event {
	if c.Index < b.Cursor {
		return nil
	}
	return &Event{Kind: Credited, At: now, Credit: &c}
}

// DecideLapse ends quotes that were not paid in full in time; nil when there is none.
func (b *Books) DecideLapse(now uint64) *Event {
	var ids []string
	// any order: sorted below
	for id, m := range b.mints {
		if !m.Ended && m.Paid < m.Amount && m.Expiry+lapseSeconds <= now {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	slices.Sort(ids)
	return &Event{Kind: Lapsed, At: now, Quotes: ids}
}

// lapseSeconds is how long a quote waits after its end for a payment that the ledger had in time.
const lapseSeconds = 15 * 60

// applyMint books the events of mint quotes, of a decision and of a journal alike. A quote is issued once: issuing it
// again would make notes that nobody paid for.
func (b *Books) applyMint(e *Event) error {
	switch e.Kind {
	case MintQuoted:
		m := *e.Mint
		b.mints[m.ID], b.byMemo[m.Memo] = &m, m.ID
	case Credited:
		b.credit(e.Credit)
	case Minted:
		for _, id := range e.Quotes {
			m := b.mints[id]
			if m == nil || m.Issued {
				return fmt.Errorf("the journal issues a quote that is not there, or twice")
			}
			m.Issued = true
			b.Reserve.Issued += m.Amount
			b.Reserve.Waiting -= m.Amount
		}
	case Lapsed:
		for _, id := range e.Quotes {
			b.lapse(b.mints[id])
		}
	}
	return nil
}

// credit books a payment in. The part that no quote wants is money to be sent back. Nothing of it is refused: the
// reserve has it already.
func (b *Books) credit(c *Credit) {
	b.Reserve.PaidIn += c.Amount
	b.Reserve.Waiting += c.Amount
	b.Cursor = max(b.Cursor, c.Index+1)
	surplus := c.Amount
	if m := b.mints[b.byMemo[c.Memo]]; m != nil && !m.Ended && m.Paid < m.Amount {
		used := min(c.Amount, m.Amount-m.Paid)
		m.Paid += used
		surplus -= used
		m.Payments, m.Froms = append(m.Payments, c.ID), append(m.Froms, c.From)
	}
	if surplus > 0 {
		b.backs[c.ID] = &Back{Ref: c.ID, To: c.From, Amount: surplus}
	}
}

// lapse ends a quote; what was paid for it goes back to the one who paid last: parts come from one wallet as a rule.
func (b *Books) lapse(m *Mint) {
	if m == nil || m.Ended {
		return
	}
	m.Ended = true
	delete(b.byMemo, m.Memo)
	if m.Paid > 0 {
		last := len(m.Payments) - 1
		ref := m.Payments[last] + "/part"
		b.backs[ref] = &Back{Ref: ref, To: m.Froms[last], Amount: m.Paid}
		m.Paid = 0
		return
	}
	delete(b.mints, m.ID)
}

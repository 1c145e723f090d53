package cash

import (
	"fmt"
	"slices"

	"github.com/aqsha/aqsha/money"
)

// Melt is a melt quote: somebody wants a payment of the ledger for notes.
type Melt struct {
	ID      string     `cbor:"1,keyasint"`
	Request string     `cbor:"2,keyasint"` // as the wallet gave it
	To      string     `cbor:"3,keyasint"` // wallet of the ledger
	Memo    string     `cbor:"4,keyasint,omitempty"`
	Amount  money.Tiyn `cbor:"5,keyasint"`
	Expiry  uint64     `cbor:"6,keyasint"`
	State   string     `cbor:"7,keyasint"`
	Payment *Payment   `cbor:"8,keyasint,omitempty"` // while it is pending, and after
	Taken   []Taken    `cbor:"9,keyasint,omitempty"` // while it is pending
	Given   []Given    `cbor:"10,keyasint,omitempty"`
}

// Melt finds a melt quote. It is a copy, whose lists are shared and not to be changed.
func (b *Books) Melt(id string) (Melt, bool) {
	m, found := b.melts[id]
	if !found {
		return Melt{}, false
	}
	return *m, true
}

// DecideMeltQuote makes a quote.
func (b *Books) DecideMeltQuote(m Melt, most money.Tiyn, now uint64) (*Event, *Refusal) {
	switch {
	case m.Amount < 1 || m.Amount > most:
		return nil, refuse(AmountLimits, "request", "must be for 1 to %d tiyn", most)
	case b.melts[m.ID] != nil:
		return nil, refuse(DuplicateQuote, "quote", "is there already")
	}
	m.State, m.Payment, m.Taken, m.Given = Unpaid, nil, nil, nil
	return &Event{Kind: MeltQuoted, At: now, Melt: &m}, nil
}

// Meltable says whether a quote can be paid with notes now, before anything is prepared.
func (b *Books) Meltable(id string, in []Input, blanks []Blinded, now uint64) *Refusal {
	m := b.melts[id]
	switch {
	case m == nil:
		return refuse(Malformed, "quote", "is no quote of this office")
	case m.State == OnWay:
		return refuse(QuotePending, "quote", "is being paid")
	case m.State == Paid:
		return refuse(QuotePaid, "quote", "is paid")
	case m.Expiry <= now:
		return refuse(QuoteExpired, "quote", "is expired")
	}
	if err := b.spendable(in); err != nil {
		return err
	}
	return b.signable(blanks)
}

// Hold sets a melt's notes and outputs aside in memory while its payment is prepared; Free gives them back. Nothing of
// it is in the journal: a crash sets them free, and no payment was sent.
func (b *Books) Hold(id string, in []Input, blanks []Blinded) {
	for _, i := range in {
		b.pending[NullifierOf(i.Y)] = id
	}
	for _, o := range blanks {
		b.held[NullifierOf(o.B)] = id
	}
	b.melts[id].State = OnWay
}

// Free gives back what Hold set aside.
func (b *Books) Free(id string, in []Input, blanks []Blinded) {
	for _, i := range in {
		delete(b.pending, NullifierOf(i.Y))
	}
	for _, o := range blanks {
		delete(b.held, NullifierOf(o.B))
	}
	b.melts[id].State = Unpaid
}

// DecideMelt begins a melt whose notes are held and whose payment is signed. The change is signed already and kept with
// it, so that it is not lost and does not depend on keys that end meanwhile.
func (b *Books) DecideMelt(request []byte, id string, p Payment, in []Input, change []Signed, now uint64) *Event {
	return &Event{Kind: MeltBegun, At: now, Request: request, Quotes: []string{id}, Payment: &p, Taken: takenOf(in),
		Given: givenOf(change)}
}

// Waiting are the melts and returns whose payments are signed and not yet known to be in the ledger or never to be, in
// order.
func (b *Books) Waiting() (melts, backs []string) {
	// any order: sorted below
	for id, m := range b.melts {
		if m.State == OnWay && m.Payment != nil {
			melts = append(melts, id)
		}
	}
	// any order: sorted below
	for ref, back := range b.backs {
		if back.Payment != nil {
			backs = append(backs, ref)
		}
	}
	slices.Sort(melts)
	slices.Sort(backs)
	return melts, backs
}

// DecideMeltPaid ends a melt that the ledger has. It is nil for one that is not on its way.
func (b *Books) DecideMeltPaid(id string, now uint64) *Event {
	m := b.melts[id]
	if m == nil || m.State != OnWay || m.Payment == nil {
		return nil
	}
	return &Event{Kind: MeltPaid, At: now, Quotes: []string{id}, Taken: m.Taken, Given: m.Given}
}

// DecideMeltLapsed ends a melt whose payment can never be in the ledger. It is nil for one that is not on its way.
func (b *Books) DecideMeltLapsed(id string, now uint64) *Event {
	m := b.melts[id]
	if m == nil || m.State != OnWay || m.Payment == nil {
		return nil
	}
	return &Event{Kind: MeltLapsed, At: now, Quotes: []string{id}}
}

// applyMelt books the events of melts.
func (b *Books) applyMelt(e *Event) error {
	if e.Kind == MeltQuoted {
		m := *e.Melt
		b.melts[m.ID] = &m
		return nil
	}
	m := b.melts[e.Quotes[0]]
	if m == nil {
		return fmt.Errorf("the journal pays a quote that is not there")
	}
	if e.Kind != MeltBegun && m.Payment == nil {
		return fmt.Errorf("the journal ends a melt that it has not begun")
	}
	switch e.Kind {
	case MeltBegun:
		// From here on the notes are neither spent nor free: they are pending until the ledger has decided, whatever
		// crashes. They still circulate as long (Owed).
		m.State, m.Payment, m.Taken, m.Given = OnWay, e.Payment, e.Taken, e.Given
		for i := range m.Taken {
			b.pending[nullifierOfBytes(m.Taken[i].Y)] = m.ID
		}
		for i := range m.Given {
			b.held[nullifierOfBytes(m.Given[i].B)] = m.ID
		}
		b.Reserve.Owed += m.Payment.Amount
	// The notes were spent, and the change signed, by move.
	case MeltPaid:
		m.State, m.Taken = Paid, nil
		b.Reserve.Owed -= m.Payment.Amount
		b.Reserve.Melted += m.Payment.Amount
		b.Reserve.PaidOut += m.Payment.Amount
	case MeltLapsed:
		for i := range m.Taken {
			delete(b.pending, nullifierOfBytes(m.Taken[i].Y))
		}
		for i := range m.Given {
			delete(b.held, nullifierOfBytes(m.Given[i].B))
		}
		b.Reserve.Owed -= m.Payment.Amount
		// As if never begun: the payment's time is over on the ledger, so it can no longer come about, and the quote
		// may be tried again.
		m.State, m.Payment, m.Taken, m.Given = Unpaid, nil, nil, nil
	}
	return nil
}

// Back is money that goes back to whoever paid it, in one payment or in several.
type Back struct {
	Ref     string     `cbor:"1,keyasint"`
	To      string     `cbor:"2,keyasint"`
	Amount  money.Tiyn `cbor:"3,keyasint"`
	Payment *Payment   `cbor:"4,keyasint,omitempty"`
}

// Due are the returns for which no payment is signed, in order.
func (b *Books) Due() (list []Back) {
	// any order: sorted below
	for _, back := range b.backs {
		if back.Payment == nil {
			list = append(list, *back)
		}
	}
	slices.SortFunc(list, func(a, b Back) int { return compareText(a.Ref, b.Ref) })
	return list
}

// BackOf finds a return.
func (b *Books) BackOf(ref string) (Back, bool) {
	back, found := b.backs[ref]
	if !found {
		return Back{}, false
	}
	return *back, true
}

// DecideBack begins, ends or gives up a return's payment.
func (b *Books) DecideBack(kind EventKind, ref string, p *Payment, now uint64) *Event {
	return &Event{Kind: kind, At: now, Ref: ref, Payment: p}
}

// applyBack books the events of returns. A return is there until all of it was paid.
func (b *Books) applyBack(e *Event) error {
	back := b.backs[e.Ref]
	if back == nil {
		return fmt.Errorf("the journal sends back what is not there")
	}
	switch e.Kind {
	case BackBegun:
		back.Payment = e.Payment
	case BackPaid:
		if back.Payment == nil || back.Payment.Amount > back.Amount {
			return fmt.Errorf("the journal has money sent back that is not due")
		}
		b.Reserve.PaidOut += back.Payment.Amount
		b.Reserve.Waiting -= back.Payment.Amount
		back.Amount, back.Payment = back.Amount-back.Payment.Amount, nil // what is left is due later
		if back.Amount == 0 {
			delete(b.backs, e.Ref)
		}
	case BackLapsed:
		back.Payment = nil
	}
	return nil
}

package purse

import (
	"slices"

	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/token"
)

// Device is the state of a purse that follows the rules. Whoever runs it writes the new state down before anything is
// said to the other side: Pay and Receive return it and leave the receiver as it was. It is never restored from a copy:
// a restored purse is a clone, and signs a number twice.
type Device struct {
	Certificate Certificate
	Number      uint32     // of the last link; 0 before the first
	Last        token.Hash // its id
	Paid        money.Tiyn
	Received    money.Tiyn
	Held        []Message // received, in order; what was settled stays until the purse closes
	Pending     *Pending  // a payment that was signed and has no receipt yet
	GivenUp     []Pending // payments that no receipt is waited for any more: spent all the same
}

// Pending is a payment under way. It is shown again as it is until its receipt comes; no other begins meanwhile.
type Pending struct {
	Request Request
	Message Message
}

// Funds is what the purse can still pay. For a device that follows the rules it is never negative: nothing is signed
// beyond it.
func (d *Device) Funds() money.Tiyn { return d.Certificate.Deposit + d.Received - d.Paid }

// Pay signs a payment. The same request again, while its payment is pending or given up, gives the same message. An
// error has signed nothing.
func (d *Device) Pay(network token.NetworkID, r Request, nowMillis uint64,
	signer token.Signer) (Device, Message, error) {
	for i := range d.GivenUp {
		if d.GivenUp[i].Request == r {
			return *d, d.GivenUp[i].Message, nil
		}
	}
	if d.Pending != nil {
		if d.Pending.Request != r {
			return *d, Message{},
				refuse(PaymentPending, "request",
					"a payment of %s tenge to purse %s has no receipt yet: show it again first, or give it up",
					d.Pending.Request.Amount, d.Pending.Request.Payee)
		}
		return *d, d.Pending.Message, nil
	}
	if err := d.mayPay(&r, nowMillis); err != nil {
		return *d, Message{}, err
	}
	l := Link{
		Purse: d.Certificate.Purse, Number: d.Number + 1, Previous: d.Last, PaidBefore: d.Paid,
		ReceivedBefore: d.Received,
		Amount:         r.Amount, Payee: r.Payee, Nonce: r.Nonce, TimeMillis: nowMillis,
	}
	if err := l.Check(); err != nil {
		return *d, Message{}, err
	}
	m, refusal := d.message(network, l, nowMillis)
	if refusal != nil {
		return *d, Message{}, refusal
	}
	// Signed last: what cannot be shown is never signed.
	id := l.ID(network)
	s, err := signer.Sign(id)
	if err != nil {
		return *d, Message{}, err
	}
	m.Links[0].Signature = s
	next := *d
	next.Number, next.Last, next.Paid = l.Number, id, l.End()
	next.Pending = &Pending{r, m}
	return next, m, nil
}

// mayPay checks the limits that every payee will check.
func (d *Device) mayPay(r *Request, nowMillis uint64) *token.Error {
	c := &d.Certificate
	switch {
	case r.Amount < 1 || r.Amount > MaxAmount:
		return refuse(token.OutOfRange, "amount", "%d tiyn, want 1 to %d", r.Amount, int64(MaxAmount))
	case r.Amount > d.Funds():
		return refuse(NotEnough, "amount", "%s tenge; the purse has %s", r.Amount, d.Funds())
	case r.Amount > c.MaxPayment:
		return refuse(OverLimit, "amount", "%s tenge; the purse may pay %s at once", r.Amount, c.MaxPayment)
	case d.Paid+r.Amount > c.MaxOffline:
		return refuse(OverLimit, "amount",
			"%s tenge with this payment; the purse may pay %s without a network: settle first", d.Paid+r.Amount,
			c.MaxOffline)
	case nowMillis >= c.ExpiryMillis:
		return refuse(Expired, "certificate", "the purse's certificate has run out: settle and open another")
	case d.Number == MaxNumber:
		return refuse(SettleFirst, "number", "the purse has made all payments it can number")
	}
	return nil
}

// message puts together what a link has to be shown with: of the received payments as many, the oldest first, as cover
// all that was paid beyond the deposit, each with what it rests on.
func (d *Device) message(network token.NetworkID, l Link, nowMillis uint64) (Message, *token.Error) {
	m := Message{Links: []Link{l}, Certificates: []Certificate{d.Certificate}}
	needed := l.End() - d.Certificate.Deposit
	seen := map[token.Hash]bool{}
	// The deposit covers first, then what was received, the oldest first (docs/OFFLINE.md): a payment shows as few
	// of the others as it can.
	for i := 0; i < len(d.Held) && needed > 0; i++ {
		needed -= d.Held[i].Payment().Amount
		for _, source := range d.Held[i].Links {
			if id := source.ID(network); !seen[id] {
				seen[id] = true
				m.Links = append(m.Links, source)
			}
		}
		for _, c := range d.Held[i].Certificates {
			m.addCertificate(c)
		}
	}
	if err := m.prune(); err != nil {
		return m, err
	}
	if size := len(m.Append(nil)); len(m.Links) > MaxLinks || size > MaxMessage {
		return m, refuse(SettleFirst, "amount",
			"the payment would take %d bytes and %d links, at most %d and %d: settle what was received first, or pay less",
			size, len(m.Links), MaxMessage, MaxLinks)
	}
	v := View{NowMillis: nowMillis}
	for i := range m.Links[1:] {
		// What a payee would refuse is refused here, before there is a signature that could never be shown again
		// otherwise.
		if err := v.checkLimits(&m.Links[i+1], m.certificate(m.Links[i+1].Purse)); err != nil {
			return m, err
		}
	}
	return m, checkCover(&m)
}

// prune takes out what the payment does not rest on once a later certificate with a larger deposit covers it.
func (m *Message) prune() *token.Error {
	for {
		before := len(m.Links)
		for i := len(m.Links) - 1; i > 0; i-- {
			if !rests(m, &m.Links[i]) {
				m.Links = slices.Delete(m.Links, i, i+1)
			}
		}
		if len(m.Links) == before {
			break
		}
	}
	m.Certificates = slices.DeleteFunc(m.Certificates, func(c Certificate) bool {
		return !slices.ContainsFunc(m.Links, func(l Link) bool { return l.Purse == c.Purse })
	})
	return m.check()
}

// addCertificate adds a purse's certificate in order, or puts a later one in an earlier one's place.
func (m *Message) addCertificate(c Certificate) {
	at, found := slices.BinarySearchFunc(m.Certificates, c.Purse, func(c Certificate, id token.WalletID) int {
		return slices.Compare(c.Purse[:], id[:])
	})
	switch {
	case !found:
		m.Certificates = slices.Insert(m.Certificates, at, c)
	case m.Certificates[at].Serial < c.Serial:
		m.Certificates[at] = c
	}
}

// GiveUp stops waiting for the pending payment's receipt, so that another payment may begin. Its link is signed and may
// be with its payee: its number is used, its amount stays paid, and whoever has it may still settle it.
func (d *Device) GiveUp() (Device, error) {
	next := *d
	if d.Pending == nil {
		return next, refuse(NonePending, "payment", "no payment of this purse waits for its receipt")
	}
	next.GivenUp = append(slices.Clone(d.GivenUp), *d.Pending)
	next.Pending = nil
	return next, nil
}

// Finish ends the pending payment, or one that was given up, with the payee's receipt.
func (d *Device) Finish(network token.NetworkID, r Receipt) (Device, error) {
	next := *d
	for i := range d.GivenUp {
		if d.GivenUp[i].Message.Payment().ID(network) == r.Payment {
			next.GivenUp = slices.Delete(slices.Clone(d.GivenUp), i, i+1)
			return next, nil
		}
	}
	if d.Pending == nil || r.Payment != d.Last {
		return next, refuse(OtherPayee, "receipt", "a receipt for another payment")
	}
	next.Pending = nil
	return next, nil
}

// Seen is every link that the purse has received or that came along. A link that came along twice is there twice.
func (d *Device) Seen() (links []Link) {
	for i := range d.Held {
		links = append(links, d.Held[i].Links...)
	}
	return links
}

// Receive checks a payment that was asked for and takes it in. A payment that is held already gives the same receipt
// again, so that a payer whose receipt was lost can finish.
func (d *Device) Receive(v View, r Request, m Message) (Device, Receipt, *Conviction, error) {
	if err := m.check(); err != nil {
		return *d, Receipt{}, nil, err
	}
	id := m.Payment().ID(v.Network)
	for i := range d.Held {
		if d.Held[i].Payment().ID(v.Network) == id {
			// Before any check by the time: what was taken once stays taken, even if its certificate has run out
			// since.
			return *d, Receipt{id}, nil, nil
		}
	}
	if r.Payee != d.Certificate.Purse {
		return *d, Receipt{}, nil, refuse(OtherPurse, "request", "a request of purse %s; this is %s", r.Payee,
			d.Certificate.Purse)
	}
	if d.Received > MaxAmount-m.Payment().Amount {
		return *d, Receipt{}, nil,
			refuse(token.AmountOverflow, "amount", "the purse would have received more than it can count")
	}
	// Clones: the view is the caller's, and what this device holds is added for one check.
	v.Seen = append(slices.Clone(v.Seen), d.Seen()...)
	v.Certified = slices.Clone(v.Certified)
	for i := range d.Held {
		v.Certified = append(v.Certified, d.Held[i].Certificates...)
	}
	if conviction, err := Check(&v, &r, &m); err != nil {
		return *d, Receipt{}, conviction, err
	}
	// The old state is left whole: whoever runs the device writes the new one down first and only then gives the
	// receipt. After a crash between the two the payer shows the payment again and gets the same receipt.
	next := *d
	next.Held = append(slices.Clone(d.Held), m)
	next.Received += m.Payment().Amount
	return next, Receipt{id}, nil, nil
}

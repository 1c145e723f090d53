package purse

import (
	"time"

	"github.com/aqsha/aqsha/token"
)

// View is what a payee knows without a network when it judges a payment.
type View struct {
	Network    token.NetworkID
	Certifiers map[token.WalletID]token.PublicKey // each intermediary's certifying key
	Revoked    func(token.WalletID) bool          // by the list or filter at hand; nil where there is none
	NowMillis  uint64                             // the payee's clock
	// links whose signatures it has checked: received, and what they rest on
	Seen []Link
	// certificates whose signatures it has checked: of what it has received
	Certified []Certificate
}

// Check judges a payment as its payee does, without a network: what it refuses changes nothing. Where the refusal is
// for two links that conflict, the conviction is returned with it, for whoever meets it to submit.
//
// What is cheap and what names the reader's own comes first, signatures last but for what rests on them.
func Check(v *View, r *Request, m *Message) (*Conviction, *token.Error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	p := m.Payment()
	switch {
	case p.Payee != r.Payee:
		return nil, refuse(OtherPayee, "payee", "made out to purse %s; this is %s", p.Payee, r.Payee)
	case p.Nonce != r.Nonce:
		return nil, refuse(OtherPayee, "nonce", "made out for another request")
	case p.Amount != r.Amount:
		return nil, refuse(OtherPayee, "amount", "%s tenge; asked for were %s", p.Amount, r.Amount)
	}
	for i := range m.Certificates {
		if err := v.checkCertificate(&m.Certificates[i]); err != nil {
			return nil, err
		}
	}
	for i := range m.Links {
		if err := v.checkLimits(&m.Links[i], m.certificate(m.Links[i].Purse)); err != nil {
			return nil, err
		}
	}
	if err := checkCover(m); err != nil {
		return nil, err
	}
	if err := v.checkSignatures(m); err != nil {
		return nil, err
	}
	// Only what is signed can contradict or convict: before that anybody could frame a purse with links of his own.
	if err := v.checkContradictions(m); err != nil {
		return nil, err
	}
	return v.checkConflicts(m)
}

// checkCertificate checks what a certificate says, but for its signature.
func (v *View) checkCertificate(c *Certificate) *token.Error {
	switch _, known := v.Certifiers[c.Intermediary]; {
	case !known:
		return refuse(NoCertifier, "certificates", "intermediary %s certifies purse %s; its key is not at hand",
			c.Intermediary, c.Purse)
	case v.NowMillis >= c.ExpiryMillis:
		return refuse(Expired, "certificates", "the certificate of purse %s has run out", c.Purse)
	case v.Revoked != nil && v.Revoked(c.Purse):
		return refuse(Revoked, "certificates", "purse %s is revoked, or may be: it has to pay with a network", c.Purse)
	}
	return nil
}

// clockSlackMillis is how far a payer's clock may be ahead of the payee's.
const clockSlackMillis = uint64(24 * time.Hour / time.Millisecond)

// checkLimits checks a link by its payer's certificate. Times are by the payers' clocks, which prove nothing; an honest
// payer is kept from money that is about to be worth nothing.
func (v *View) checkLimits(l *Link, c *Certificate) *token.Error {
	age := uint64(c.AgeHours) * uint64(time.Hour/time.Millisecond)
	switch {
	case l.Amount > c.MaxPayment:
		return refuse(OverLimit, "amount", "%s tenge; purse %s may pay %s at once", l.Amount, c.Purse, c.MaxPayment)
	case l.End() > c.MaxOffline:
		return refuse(OverLimit, "paid_before",
			"%s tenge with this payment; purse %s may pay %s without a network: settle first", l.End(), c.Purse,
			c.MaxOffline)
	case l.TimeMillis+age < v.NowMillis:
		return refuse(Expired, "time", "a link of purse %s is older than %d hours: settle it", c.Purse, c.AgeHours)
	case l.TimeMillis > v.NowMillis+clockSlackMillis:
		return refuse(Expired, "time", "a link of purse %s is dated more than a day ahead: one of the clocks is wrong",
			c.Purse)
	}
	return nil
}

// checkCover checks that deposits and shown links cover the payment and all that it rests on, within the hops that each
// payer's certificate allows, and that no link is shown for nothing: floods of them would crowd out the rest.
func checkCover(m *Message) *token.Error {
	levels := Cover(m.Links, m.Deposit, MaxHops+1)
	for i := range m.Links {
		l := &m.Links[i]
		c := m.certificate(l.Purse)
		switch {
		case levels[i] == 0:
			return refuse(NotCovered, "links",
				"purse %s has paid %s tenge with link %d; its deposit and what is shown to have come to it do not cover that",
				l.Purse, l.End(), l.Number)
		case levels[i] > c.MaxHops:
			return refuse(TooManyHops, "links", "link %d of purse %s is hop %d, at most %d: settle first", l.Number,
				l.Purse, levels[i], c.MaxHops)
		case i > 0 && !rests(m, l):
			return refuse(Unneeded, "links", "the payment does not rest on link %d of purse %s", l.Number, l.Purse)
		}
	}
	return nil
}

// rests says whether a link came to a purse that pays, in the message, more than its deposit.
func rests(m *Message, l *Link) bool {
	for i := range m.Links {
		if other := &m.Links[i]; other.Purse == l.Payee && other.End() > m.Deposit(other.Purse) {
			return true
		}
	}
	return false
}

// checkSignatures verifies every certificate and link.
func (v *View) checkSignatures(m *Message) *token.Error {
	for i := range m.Certificates {
		c := &m.Certificates[i]
		if !token.Verify(v.Certifiers[c.Intermediary], c.Digest(v.Network), &c.Signature) {
			return refuse(BadSignature, "certificates", "the certificate of purse %s is not its intermediary's",
				c.Purse)
		}
	}
	for i := range m.Links {
		l := &m.Links[i]
		if !l.Verify(v.Network, m.certificate(l.Purse).Key) {
			return refuse(BadSignature, "links", "link %d of purse %s is not signed by its key", l.Number, l.Purse)
		}
	}
	return nil
}

// checkContradictions holds the message's certificates against all that the payee has seen: an intermediary that
// certifies a purse twice would have money believed that is not set aside.
func (v *View) checkContradictions(m *Message) *token.Error {
	for i := range v.Certified {
		seen := &v.Certified[i]
		if c := m.certificate(seen.Purse); c != nil {
			if why := Contradiction(seen, c); why != "" {
				return refuse(CertifiedTwice, "certificates", "intermediary %s has certified purse %s twice: %s",
					c.Intermediary, c.Purse, why)
			}
		}
	}
	return nil
}

// checkConflicts holds the message's links against each other and against all that the payee has seen.
func (v *View) checkConflicts(m *Message) (*Conviction, *token.Error) {
	for i := range m.Certificates {
		purse := m.Certificates[i].Purse
		if c, found := Convict(v.Network, purse, append(ofPurse(v.Network, purse, v.Seen), m.Links...)); found {
			return &c, refuse(Conflicting, "links", "purse %s has paid twice: links %d and %d, %s",
				purse, c.A.Number, c.B.Number, Conflict(v.Network, &c.A, &c.B))
		}
	}
	return nil, nil
}

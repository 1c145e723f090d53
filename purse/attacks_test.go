package purse_test

import (
	"fmt"
	"testing"

	"github.com/aqsha/aqsha/purse"
	"github.com/aqsha/aqsha/token"
)

// signed is a link of a phone, whatever its device would say to it.
func (p *phone) signed(t fataler, l purse.Link) purse.Link {
	t.Helper()
	l.Purse = p.id()
	s, err := p.key.Sign(l.ID(network))
	if err != nil {
		t.Fatal(err)
	}
	l.Signature = s
	return l
}

// refused has a payee judge a message, and wants a code.
func refused(t *testing.T, to *phone, r purse.Request, m purse.Message, now uint64, want token.Code) *purse.Conviction {
	t.Helper()
	d, _, conviction, err := to.device.Receive(view(now), r, m)
	if got := codeOf(err); got != want {
		t.Fatalf("%v, want %q", err, want)
	}
	if want != "" && len(d.Held) != len(to.device.Held) {
		t.Fatal("what was refused is held")
	}
	return conviction
}

// A payment is made out to one payee's one request: shown to another payee, or to the same one for another request, it
// is worth nothing, also where the other has drawn the same nonce.
func TestAPaymentIsReplayed(t *testing.T) {
	a, b, c := newPhone(t, "a", 1000), newPhone(t, "b", 0), newPhone(t, "c", 0)
	r := b.query(300)
	_, m, err := a.device.Pay(network, r, noon, a.key)
	if err != nil {
		t.Fatal(err)
	}
	refused(t, c, c.query(300), m, noon, purse.OtherPayee)
	refused(t, c, purse.Request{Payee: c.id(), Nonce: r.Nonce, Amount: 300}, m, noon, purse.OtherPayee)
	refused(t, c, r, m, noon, purse.OtherPurse)
	refused(t, b, b.query(300), m, noon, purse.OtherPayee)
	if b.device, _, _, err = b.device.Receive(view(noon), r, m); err != nil {
		t.Fatal(err)
	}
	again, _, _, err := b.device.Receive(view(noon), b.query(300), m)
	if err != nil || again.Received != 300 {
		t.Errorf("shown again for another request it is %s, %v", again.Received, err)
	}
}

// Who stands between payer and payee carries messages and can only carry them: a request with his own purse in it is
// his own request, and a payment turned to him is not signed.
func TestAMessageIsRelayed(t *testing.T) {
	a, b, m := newPhone(t, "a", 1000), newPhone(t, "b", 0), newPhone(t, "m", 0)
	r := b.query(300)
	_, paid, err := a.device.Pay(network, r, noon, a.key)
	if err != nil {
		t.Fatal(err)
	}
	if paid.Payment().Payee != b.id() {
		t.Fatal("the payer does not see whom he pays")
	}
	turned := purse.Message{Links: append([]purse.Link{}, paid.Links...), Certificates: paid.Certificates}
	turned.Links[0].Payee = m.id()
	refused(t, m, purse.Request{Payee: m.id(), Nonce: r.Nonce, Amount: 300}, turned, noon, purse.BadSignature)
	turned.Links[0] = m.signed(t, turned.Links[0])
	refused(t, m, purse.Request{Payee: m.id(), Nonce: r.Nonce, Amount: 300}, turned, noon, purse.Unneeded)
	refused(t, b, r, paid, noon, "") // carried as it is, it arrives
}

// An old certificate never has more believed than a newer one, also together with what it was paid on; one that has run
// out is worth nothing, and its owner cannot date it anew.
func TestAnOldCertificateIsShown(t *testing.T) {
	a, b, c := newPhone(t, "a", 1000), newPhone(t, "b", 0), newPhone(t, "c", 0)
	mustPay(t, a, b, 600)
	old := a.device.Certificate
	a.device.Certificate.Serial, a.device.Certificate.Deposit = 2, 2000
	sign(t, &a.device.Certificate)
	r := c.query(1100) // 1,700 in all: by the new certificate
	_, m, err := a.device.Pay(network, r, noon, a.key)
	if err != nil {
		t.Fatal(err)
	}
	m.Certificates = []purse.Certificate{old}
	refused(t, c, r, m, noon, purse.NotCovered)
	m.Certificates = []purse.Certificate{a.device.Certificate}
	refused(t, c, r, m, old.ExpiryMillis, purse.Expired)
	later := a.device.Certificate
	later.ExpiryMillis += 1000 * hour
	m.Certificates = []purse.Certificate{later}
	refused(t, c, r, m, noon, purse.BadSignature)
	m.Certificates = []purse.Certificate{a.device.Certificate}
	refused(t, c, r, m, noon, "")
}

// Time is evidence, not a check to trust. A payer's clock that was set back does not revive his certificate, by the
// payee's clock; and nobody is convicted for a clock: numbers and totals go on, times may fall.
func TestAClockIsSetBack(t *testing.T) {
	a, b, c := newPhone(t, "a", 1000), newPhone(t, "b", 0), newPhone(t, "c", 0)
	end := a.device.Certificate.ExpiryMillis
	r := b.query(100)
	_, m, err := a.device.Pay(network, r, end-hour, a.key) // his clock says so
	if err != nil {
		t.Fatal(err)
	}
	refused(t, b, r, m, end+hour, purse.Expired)
	r = b.query(100)
	if _, m, err = a.device.Pay(network, r, noon-200*hour, a.key); err != nil {
		t.Fatal(err)
	}
	refused(t, b, r, m, noon, purse.Expired) // older than money may be
	mustPay(t, a, b, 100)
	if err := pay(a, c, 100, noon-10*hour); err != nil {
		t.Fatal(err)
	}
	links := append(b.device.Seen(), c.device.Seen()...)
	if len(links) != 2 || links[1].TimeMillis >= links[0].TimeMillis {
		t.Fatalf("%d links", len(links))
	}
	if _, found := purse.Convict(network, a.id(), links); found {
		t.Error("a purse is convicted for its clock")
	}
}

// A purse pays itself neither by its device, nor by a link that it signs without it.
func TestALinkToOneself(t *testing.T) {
	a := newPhone(t, "a", 1000)
	r := a.query(100)
	if _, _, err := a.device.Pay(network, r, noon, a.key); codeOf(err) != purse.OtherPayee {
		t.Errorf("its device pays itself: %v", err)
	}
	l := a.signed(t, purse.Link{Number: 1, Amount: 100, Payee: a.id(), Nonce: r.Nonce, TimeMillis: noon})
	if _, err := purse.DecodeLink(l.Append(nil)); codeOf(err) != purse.OtherPayee {
		t.Errorf("it is read: %v", err)
	}
	m := purse.Message{Links: []purse.Link{l}, Certificates: []purse.Certificate{a.device.Certificate}}
	if _, err := purse.DecodeMessage(m.Append(nil)); codeOf(err) != purse.OtherPayee {
		t.Errorf("a message with it is read: %v", err)
	}
}

// Money that rests on itself in a circle is none, over two purses or three; money that comes back to a purse along a
// circle of honest payments is.
func TestACircleCoversNothing(t *testing.T) {
	for n := 2; n <= 3; n++ {
		var ring []*phone
		for i := range n {
			ring = append(ring, newPhone(t, fmt.Sprint("ring ", i), 0))
		}
		victim := newPhone(t, "victim", 0)
		r := victim.query(500)
		m := purse.Message{Links: []purse.Link{ring[0].signed(t, purse.Link{Number: 1, ReceivedBefore: 500, Amount: 500,
			Payee: r.Payee, Nonce: r.Nonce, TimeMillis: noon})}}
		for i := range n { // each is paid by the next, the last by the first, whose second link it is
			payer, payee := ring[(i+1)%n], ring[i]
			l := purse.Link{Number: 1, Amount: 500, ReceivedBefore: 500, Payee: payee.id(), TimeMillis: noon}
			if payer == ring[0] {
				l.Number, l.PaidBefore, l.Previous = 2, 500, m.Links[0].ID(network)
			}
			m.Links = append(m.Links, payer.signed(t, l))
		}
		for _, p := range ring {
			m = with(m, p.device.Certificate)
		}
		if _, err := purse.DecodeMessage(m.Append(nil)); err != nil {
			t.Fatalf("ring of %d: %v", n, err)
		}
		refused(t, victim, r, m, noon, purse.NotCovered)
	}
	a, b, c := newPhone(t, "a", 1000), newPhone(t, "b", 0), newPhone(t, "c", 0)
	mustPay(t, a, b, 1000)
	mustPay(t, b, a, 900)
	mustPay(t, a, c, 800)
	if c.device.Received != 800 {
		t.Errorf("%s came round", c.device.Received)
	}
}

// with adds a certificate in order of purse.
func with(m purse.Message, c purse.Certificate) purse.Message {
	at := 0
	for at < len(m.Certificates) && m.Certificates[at].Purse.String() < c.Purse.String() {
		at++
	}
	m.Certificates = append(m.Certificates[:at:at], append([]purse.Certificate{c}, m.Certificates[at:]...)...)
	return m
}

// A payee that pays on and hides what it rests on is refused; so is one that shows a part, or another's in its place.
func TestSourcesAreHidden(t *testing.T) {
	a, b, c, d := newPhone(t, "a", 1000), newPhone(t, "b", 10), newPhone(t, "c", 0), newPhone(t, "d", 0)
	mustPay(t, a, b, 300)
	mustPay(t, a, b, 300)
	r := c.query(610)
	_, m, err := b.device.Pay(network, r, noon, b.key)
	if err != nil {
		t.Fatal(err)
	}
	whole := m.Links
	if len(whole) != 3 {
		t.Fatalf("%d links", len(whole))
	}
	m.Links = whole[:2]
	refused(t, c, r, m, noon, purse.NotCovered)
	mustPay(t, a, d, 300)
	m.Links = []purse.Link{whole[0], whole[1], *d.device.Held[0].Payment()}
	refused(t, c, r, m, noon, purse.NotCovered)
	m.Links = whole
	refused(t, c, r, m, noon, "")
}

// An intermediary that certifies a purse twice is found out by whoever takes money by both certificates, which together
// prove it; one whose deposit grew is not accused.
func TestAnIntermediaryCertifiesTwice(t *testing.T) {
	for name, test := range map[string]struct { // any order: each by itself
		change func(c *purse.Certificate)
		want   token.Code
	}{
		"the same":          {func(*purse.Certificate) {}, ""},
		"funded":            {func(c *purse.Certificate) { c.Serial, c.Deposit = 2, 1500 }, ""},
		"two deposits":      {func(c *purse.Certificate) { c.Deposit = 1500 }, purse.CertifiedTwice},
		"no deposit more":   {func(c *purse.Certificate) { c.Serial = 2 }, purse.CertifiedTwice},
		"two expiries":      {func(c *purse.Certificate) { c.ExpiryMillis += hour }, purse.CertifiedTwice},
		"two limits":        {func(c *purse.Certificate) { c.MaxPayment -= 1 }, purse.CertifiedTwice},
		"another purse":     {func(c *purse.Certificate) { c.Purse[15] ^= 1 }, ""},
		"two keys":          {func(c *purse.Certificate) { c.Key = keyOf("clone").Public() }, purse.CertifiedTwice},
		"two intermediates": {func(c *purse.Certificate) { c.Intermediary[3] ^= 1 }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := newPhone(t, "a", 1000), newPhone(t, "b", 0)
			mustPay(t, a, b, 100)
			before := a.device.Certificate
			test.change(&a.device.Certificate)
			sign(t, &a.device.Certificate)
			if name == "two keys" {
				a.key = keyOf("clone")
			}
			if got := purse.Contradiction(&a.device.Certificate, &before); (got != "") != (test.want != "") {
				t.Fatalf("said of them: %q", got)
			}
			if name == "another purse" || name == "two intermediates" {
				return
			}
			r := b.query(100)
			_, m, err := a.device.Pay(network, r, noon, a.key)
			if err != nil {
				t.Fatal(err)
			}
			refused(t, b, r, m, noon, test.want)
		})
	}
}

// A flood of tiny links neither makes a message too large for its payee, nor is signed for: the payer is told to settle
// first; and what a payment does not need is refused.
func TestAFloodOfTinyLinks(t *testing.T) {
	a, b, c := newPhone(t, "a", 1000), newPhone(t, "b", 0), newPhone(t, "c", 0)
	for range 40 {
		mustPay(t, a, b, 1)
	}
	before := b.device
	next, _, err := before.Pay(network, c.query(40), noon, b.key)
	if codeOf(err) != purse.SettleFirst || next.Number != 0 {
		t.Fatalf("%v, number %d", err, next.Number)
	}
	r := c.query(1)
	_, m, err := before.Pay(network, r, noon, b.key)
	if err != nil || len(m.Links) != 2 {
		t.Fatalf("a payment of one tiyn rests on %d links: %v", len(m.Links)-1, err)
	}
	d := newPhone(t, "d", 0)
	mustPay(t, a, d, 1)
	padded := purse.Message{Links: append([]purse.Link{}, m.Links...), Certificates: m.Certificates}
	padded.Links = append(padded.Links, *d.device.Held[0].Payment())
	refused(t, c, r, padded, noon, purse.Unneeded)
	for i := 1; len(padded.Links) <= purse.MaxLinks; i++ {
		padded.Links = append(padded.Links, *b.device.Held[i].Payment())
	}
	if _, err := purse.DecodeMessage(padded.Append(nil)); codeOf(err) != token.TooMany &&
		codeOf(err) != token.TooLarge {
		t.Errorf("%d links are read: %v", len(padded.Links), err)
	}
	refused(t, c, r, m, noon, "")
}

// A conviction is not forged by who has no key: of every pair of links that the purse signed, changed anywhere, none
// convicts it.
func TestAConvictionIsForged(t *testing.T) {
	a, b := newPhone(t, "a", 1000), newPhone(t, "b", 0)
	mustPay(t, a, b, 100)
	mustPay(t, a, b, 200)
	one, two := *b.device.Held[0].Payment(), *b.device.Held[1].Payment()
	for name, change := range map[string]func(l *purse.Link){ // any order: each by itself
		"number": func(l *purse.Link) { l.Number = 1 }, "previous": func(l *purse.Link) { l.Previous[0] ^= 1 },
		"paid": func(l *purse.Link) { l.PaidBefore = 0 }, "amount": func(l *purse.Link) { l.Amount++ },
		"payee":               func(l *purse.Link) { l.Number, l.Payee[0] = 1, l.Payee[0]^1 },
		"another's signature": func(l *purse.Link) { l.Number, l.Signature = 1, one.Signature },
	} {
		forged := two
		change(&forged)
		c := purse.NewConviction(network, one, forged)
		if err := c.Verify(network, a.id(), a.key.Public()); err == nil {
			t.Errorf("%s: it convicts", name)
		}
	}
	if c, found := purse.Convict(network, a.id(), b.device.Seen()); found {
		t.Errorf("an honest purse is convicted by %+v", c)
	}
}

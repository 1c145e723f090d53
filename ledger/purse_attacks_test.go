package ledger_test

import (
	"testing"

	"github.com/aqsha/aqsha/ledger"
	"github.com/aqsha/aqsha/money"
	"github.com/aqsha/aqsha/purse"
	"github.com/aqsha/aqsha/token"
)

// linkOf is a link that a phone's key signs, whatever its device would say to it.
func (w *town) linkOf(p *phone, l purse.Link) purse.Link {
	w.t.Helper()
	l.Purse, l.TimeMillis = p.id, w.Now
	s, err := p.key.Sign(l.ID(w.Network))
	if err != nil {
		w.t.Fatal(err)
	}
	l.Signature = s
	return l
}

// wantWhole holds what purses and bonds have against what was set aside, and no purse of the list is convicted.
func (w *town) wantWhole(locked money.Tiyn, honest ...*phone) {
	w.t.Helper()
	if book := w.model.PurseBook(); book.Locked != locked || book.SetAside-book.Paid-book.Returned != locked {
		w.t.Errorf("%+v, want %s locked", book, locked)
	}
	for _, p := range honest {
		if w.model.Purse(p.id).Convicted {
			w.t.Errorf("%s is convicted", p.name)
		}
	}
}

// A bank that certifies more than is set aside has payees believe money that the ledger does not have: it refuses those
// links, no bond and no purse pays for them, and the two certificates are against the bank alone. Nor does a second key
// that it certified for a purse sign for that purse here.
func TestABankCertifiesMoreThanIsSetAside(t *testing.T) {
	w := withPurses(t)
	p, q := w.phone("p", 100*kzt), w.phone("q", 0)
	honest := p.device.Certificate
	before := w.model.PurseBook().Locked
	p.device.Certificate.Deposit = 500 * kzt
	if err := p.device.Certificate.Sign(w.Network, w.Key("certifier")); err != nil {
		t.Fatal(err)
	}
	m := w.pays(p, q, 400*kzt) // the payee has nothing to hold it against
	w.expect(purse.NotCovered, settling(m.Links...))
	if purse.Contradiction(&honest, &p.device.Certificate) == "" {
		t.Error("the two certificates prove nothing")
	}
	second := *p
	second.key = w.Key("second")
	l := w.linkOf(&second, purse.Link{Number: 1, Amount: 50 * kzt, Payee: q.id})
	w.expect(purse.BadSignature, settling(l))
	w.wantWhole(before, p, q)
	if w.bondOf() != 1_000_000*kzt {
		t.Errorf("the bond has %s", w.bondOf())
	}
}

// Purses that pay each other in a circle, of nothing, settle nothing; the same circle with a deposit in it settles at
// once, and leaves everybody with what he had.
func TestACircleOfPursesSettles(t *testing.T) {
	w := withPurses(t)
	p, q := w.phone("p", 0), w.phone("q", 0)
	before := w.model.PurseBook().Locked
	one := w.linkOf(p, purse.Link{Number: 1, ReceivedBefore: 500 * kzt, Amount: 500 * kzt, Payee: q.id})
	two := w.linkOf(q, purse.Link{Number: 1, ReceivedBefore: 500 * kzt, Amount: 500 * kzt, Payee: p.id})
	w.expect(purse.NotCovered, settling(one, two))
	w.expect(purse.NotCovered, settling(two, one))
	w.wantWhole(before, p, q)
	a, b := w.phone("a", 300*kzt), w.phone("b", 0)
	w.pays(a, b, 300*kzt)
	m := w.pays(b, a, 300*kzt)
	w.Must(settling(m.Links...))
	w.wantLock(a, 300*kzt)
	w.wantLock(b, 0)
	w.wantWhole(before+300*kzt, a, b)
}

// A flood of tiny links is refused below the least amount of the ledger; above it each is taken once, and costs whoever
// floods what it says.
func TestTinyLinksAreRefused(t *testing.T) {
	w := withPurses(t)
	w.model.Central.Policy.LeastToken = 100
	p, q := w.phone("p", 100*kzt), w.phone("q", 0)
	before := w.model.PurseBook().Locked
	var links []purse.Link
	for range 16 { // the most of a transaction
		links = append(links, w.pays(p, q, 99).Links...)
	}
	w.expect(ledger.Dust, settling(links[0]))
	w.expect(ledger.Dust, settling(links...))
	w.wantLock(p, 100*kzt)
	enough := w.pays(p, q, 100)
	w.Must(settling(enough.Links...))
	w.expect(ledger.Duplicate, settling(enough.Links...))
	w.wantLock(q, 100)
	w.wantWhole(before, p, q)
}

// Whoever submits two links as a proof that the purse's key did not both sign changes nothing: the purse goes on
// paying, and is paid.
func TestAForgedConvictionChangesNothing(t *testing.T) {
	w := withPurses(t)
	p, q, forger := w.phone("p", 300*kzt), w.phone("q", 0), w.phone("forger", 0)
	m := w.pays(p, q, 100*kzt)
	genuine := m.Links[0]
	other := genuine
	other.Amount++
	signed := w.linkOf(&phone{id: p.id, key: forger.key}, other) // by the forger's key
	pair := purse.NewConviction(w.Network, genuine, signed)
	w.expect(purse.BadSignature, &token.ConvictPurse{Conviction: pair.Append(nil)})
	moved := genuine
	moved.Purse = forger.id
	pair = purse.NewConviction(w.Network, moved, w.linkOf(forger, other))
	w.expect(purse.BadSignature, &token.ConvictPurse{Conviction: pair.Append(nil)})
	w.expect(purse.BadSignature, settling(signed))
	w.Must(settling(genuine))
	w.wantWhole(w.model.PurseBook().Locked, p, q, forger)
	w.wantLock(q, 100*kzt)
}
